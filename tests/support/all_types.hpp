// Everything a manager hosts, and one random operation on it after the other: what storms and the soak work on.
//
//   const AllTypes all(manager);
//   Acknowledged& done = ...;                          // in memory that the workers share
//   for (;;) all.use_one(worker, manager, done, random);  // until it is killed
//
// What is acknowledged is written down after the operation returned, so a kill can hide at most one operation of each
// incarnation of a worker. Thread safety: processes; one worker number is one process at a time.
#pragma once

#include <atomic>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <utility>

namespace partage::test {

inline constexpr int most_workers = 8;

struct Acknowledged {
  std::atomic<long> put[most_workers], got[most_workers], tasks[most_workers], added[most_workers],
      counted[most_workers];
  std::atomic<long> operations[most_workers];
};

struct AllTypes {
  explicit AllTypes(const Manager& manager);

  /// Creation is left out while there is no manager.
  void use_one(int worker, const Manager& manager, Acknowledged& done, std::mt19937_64& random) const;

  Lock lock;    // guards left and right, which are equal
  RLock rlock;  // taken twice
  Value<long> left, right;
  Semaphore semaphore;  // 3 permits
  BoundedSemaphore bounded;
  Semaphore signals;  // handed over
  Condition condition;
  Event event;
  Barrier barrier;
  Queue<std::pair<int, long>> queue;  // {worker, number}
  DictProxy<std::pair<int, long>, int> received;
  JoinableQueue<std::string> tasks;  // "w:i"
  SetProxy<std::string> done;
  SetProxy<int> set;
  Array<long> array;
  Value<long> counter;
  Value<std::string> text;
  Namespace names;
  ListProxy<Queue<ListProxy<int>>> nested;
};

}  // namespace partage::test
