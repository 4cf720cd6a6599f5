// The kill storm: processes work on shared containers through the public proxies and are SIGKILLed at random moments, the
// manager among them. At the end every acknowledged operation is there, none is half done, and no byte has leaked.
//
// What is acknowledged stands in a page of memory that the workers share: a worker writes there after the operation
// returned, so a kill can hide at most one operation of each incarnation.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

constexpr int most_workers = 8;

struct Acknowledged {
  std::atomic<long> counted[most_workers], appended[most_workers], updated[most_workers], pushed[most_workers],
      popped[most_workers];
};

struct Shared {
  DictProxy<std::string, long> counters;          // "w" += 1
  DictProxy<std::string, long> pairs;             // update({a: i, b: -i}): the sum of a and b is always 0
  ListProxy<std::string> journal;                 // "w:i", in order of i for each w
  ListProxy<long> queue;                          // append and pop(0)
  DictProxy<long, ListProxy<std::string>> lists;  // handles come and go
};

std::string name_of(int w) {
  return std::string(1, static_cast<char>('A' + w));
}

/// Works until it is killed.
void work(int w, const Manager& manager, const Shared& shared, Acknowledged& done) {
  std::mt19937_64 random(std::random_device{}());
  const std::string name = name_of(w);
  for (;;) {
    switch (random() % 6) {
      case 0:
        shared.counters[name] += 1;
        ++done.counted[w];
        break;
      case 1: {
        // An incarnation goes on behind what the journal holds, acknowledged or not.
        const long i = done.appended[w];
        shared.journal.append(name + std::to_string(i) + std::string(random() % 60, '.'));
        ++done.appended[w];
        break;
      }
      case 2: {
        const long i = done.updated[w] + 1;
        shared.pairs.update({{name + "+", i}, {name + "-", -i}});
        done.updated[w] = i;
        break;
      }
      case 3:
        shared.queue.append(w);
        ++done.pushed[w];
        break;
      case 4:
        try {
          shared.queue.pop(0);
          ++done.popped[w];
        } catch (const IndexError&) {
        }
        break;
      case 5: {
        const long k = static_cast<long>(random() % 6);
        try {
          if (random() % 3 == 0) {
            shared.lists.pop(k).append("popped");
          } else {
            shared.lists[k] = manager.list<std::string>({"one", std::string(100, '2')});
          }
        } catch (const KeyError&) {
        } catch (const ManagerLost&) {
          std::this_thread::yield();  // creation waits for the next manager; data operations do not
        }
        break;
      }
    }
  }
}

/// Of the kills at least `least_found` shall have left a lock.
void storm(int workers, long kills, int kill_the_manager_every, double least_found) {
  PARTAGE_SHOW_SEED();
  const NoLitter no_litter;
  std::mt19937_64 random(test_seed());
  void* page = mmap(nullptr, sizeof(Acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  auto& done = *new (page) Acknowledged{};
  {
    Manager manager({.max_size = std::size_t{2} << 30});
    Shared shared{manager.dict<std::string, long>(), manager.dict<std::string, long>(), manager.list<std::string>(),
                  manager.list<long>(), manager.dict<long, ListProxy<std::string>>()};
    for (int w = 0; w < workers; ++w) {
      shared.counters[name_of(w)] = 0;
      shared.pairs.update({{name_of(w) + "+", 0}, {name_of(w) + "-", 0}});
    }
    std::vector<long> deaths(static_cast<std::size_t>(workers));
    long managers_killed = 0, found_dead = 0;
    kernel::Segment& segment = kernel::Segment::containing(manager.segment_manager());
    // A death that left locks is told by the counter of the segment. One that is found only after the next kill is
    // counted with that one, so the number is rather too small.
    kernel::u64 repairs = segment.header().repairs.last();
    const auto count_repairs = [&] {
      const kernel::u64 now = segment.header().repairs.last();
      if (std::exchange(repairs, now) != now) ++found_dead;
    };
    {
      ChildGroup group;
      std::vector<pid_t> pids;
      const auto start = [&](int w) { return group.start([&, w] { work(w, manager, shared, done); }); };
      for (int w = 0; w < workers; ++w) pids.push_back(start(w));
      for (long k = 0; k < kills; ++k) {
        std::this_thread::sleep_for(std::chrono::microseconds(200 + random() % 3000));
        const auto w = static_cast<int>(random() % static_cast<std::uint64_t>(workers));
        if (k != 0) count_repairs();
        group.kill(pids[static_cast<std::size_t>(w)]);
        ++deaths[static_cast<std::size_t>(w)];
        if (kill_the_manager_every != 0 && k % kill_the_manager_every == kill_the_manager_every - 1) {
          ::kill(manager.pid(), SIGKILL);
          REQUIRE(eventually([&] { return !manager.is_alive(); }, std::chrono::seconds(5)));
          manager.restart();
          ++managers_killed;
        }
        pids[static_cast<std::size_t>(w)] = start(w);
        if (k % 10 == 0) {
          const auto pairs = shared.pairs.copy();
          for (int i = 0; i < workers; ++i) REQUIRE(pairs.at(name_of(i) + "+") + pairs.at(name_of(i) + "-") == 0);
        }
      }
      for (int w = 0; w < workers; ++w) {
        group.kill(pids[static_cast<std::size_t>(w)]);
        ++deaths[static_cast<std::size_t>(w)];
      }
    }

    long pushed = 0, popped = 0, all_deaths = 0, operations = 0;
    const auto journal = shared.journal.copy();
    for (int w = 0; w < workers; ++w) {
      CAPTURE(w);
      const long d = deaths[static_cast<std::size_t>(w)];
      const long counted = shared.counters.at(name_of(w));
      CHECK(counted >= done.counted[w]);
      CHECK(counted <= done.counted[w] + d);
      const long updated = shared.pairs.at(name_of(w) + "+");
      CHECK(updated + shared.pairs.at(name_of(w) + "-") == 0);
      CHECK(updated >= done.updated[w]);
      CHECK(updated <= done.updated[w] + 1);
      // Numbers ascend; one that was not acknowledged is written again by the next incarnation.
      long next = 0, again = 0;
      for (const std::string& line : journal) {
        if (line[0] != name_of(w)[0]) continue;
        const long i = std::stol(line.substr(1));
        if (i == next) {
          ++next;
        } else {
          REQUIRE(i == next - 1);
          ++again;
        }
      }
      CHECK(next >= done.appended[w]);
      CHECK(next <= done.appended[w] + 1);
      CHECK(again <= d);
      pushed += done.pushed[w];
      popped += done.popped[w];
      all_deaths += d;
      operations += done.counted[w] + done.updated[w] + done.appended[w] + done.pushed[w] + done.popped[w];
    }
    const long queued = static_cast<long>(shared.queue.size());
    CHECK(queued >= pushed - popped - all_deaths);
    CHECK(queued <= pushed - popped + all_deaths);

    // The manager takes back what the dead held; then every byte has one owner and every reference is counted.
    shared.lists.clear();
    std::string problem;
    CHECK(eventually([&] { return (problem = kernel::verify_segment(segment)).empty(); }, std::chrono::seconds(10)));
    INFO(problem);
    CHECK(problem.empty());
    CHECK(static_cast<double>(found_dead) >= least_found * static_cast<double>(kills));
    MESSAGE("storm: ", all_deaths, " workers and ", managers_killed, " managers killed, ", found_dead,
            " deaths found by their locks, ", segment.header().repairs.last(), " locks repaired, ", operations,
            " acknowledged operations, seed ", test_seed());
  }
  munmap(page, sizeof(Acknowledged));
}

}  // namespace

TEST_CASE("storm: 4 processes killed at random, the manager too: nothing lost, nothing half done, nothing leaked") {
  storm(4, 150 * long_factor(), 25, 0);  // how busy the machine is decides where a kill strikes
}

TEST_SUITE("full:storm") {
  TEST_CASE("storm: 8 processes, 2 000 kills") {
    storm(8, 2000, 20, 0.3);
  }
}

}  // namespace partage::test
