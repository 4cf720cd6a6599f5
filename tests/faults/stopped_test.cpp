// Processes that are stopped (SIGSTOP) in the middle of something: what they hold stays theirs, others are told who it is when
// they set operation_timeout, whatever else is there goes on, and all is well after SIGCONT or SIGKILL.

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <functional>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "manager/server/control.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/sleeping.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

kernel::Segment& segment_of(const Manager& manager) {
  return kernel::Segment::containing(manager.segment_manager());
}

bool is_whole(const Manager& manager) {
  return eventually([&] { return kernel::verify_segment(segment_of(manager)).empty(); }, 20s);
}

struct Things {
  ListProxy<std::string> list;
  DictProxy<std::string, long> dict;
  SetProxy<int> set;
  Value<std::string> text;
  Array<long> array;
  Namespace names;
  Queue<std::string> queue;
  JoinableQueue<int> tasks;
  Lock lock;
  Semaphore semaphore;
  ListProxy<ListProxy<int>> nested;

  explicit Things(const Manager& m)
      : list(m.list<std::string>({"a"})),
        dict(m.dict<std::string, long>({{"n", 0}})),
        set(m.set<int>({1})),
        text(m.Value<std::string>("text")),
        array(m.Array<long>({0, 0, 0})),
        names(m.Namespace()),
        queue(m.Queue<std::string>()),
        tasks(m.JoinableQueue<int>()),
        lock(m.Lock()),
        semaphore(m.Semaphore(2)),
        nested(m.list<ListProxy<int>>()) {}
};

constexpr int kinds_of_operation = 11;

/// One operation that writes. Those on locks, permits and items give back what they take.
void operate(int kind, const Manager& manager, const Things& at, std::mt19937_64& random) {
  const std::string some(random() % 3000, 'x');
  switch (kind) {
    case 0:
      at.list.append(some);
      if (at.list.size() > 50) at.list.erase(0);
      break;
    case 1:
      at.dict["n"] += 1;
      at.dict.set("k" + std::to_string(random() % 500), 1);
      break;
    case 2:
      at.set.add(static_cast<int>(random() % 500));
      at.set.discard(static_cast<int>(random() % 500));
      break;
    case 3:
      at.text.modify([&](std::string& s) { s = some; });
      break;
    case 4:
      at.array.modify(1, [](long& x) { ++x; });
      break;
    case 5:
      at.names.set("name", some);
      break;
    case 6:
      at.queue.put(some);
      at.queue.try_get();
      break;
    case 7:
      at.tasks.put(1);
      if (at.tasks.try_get()) at.tasks.task_done();
      break;
    case 8:
      if (at.lock.acquire(10ms)) at.lock.release();
      break;
    case 9:
      if (at.semaphore.acquire(10ms)) at.semaphore.release();
      break;
    case 10:
      at.nested.append(manager.list<int>({1, 2, 3}));
      at.nested.pop();
      break;
  }
}

}  // namespace

TEST_CASE("stopped at any moment: others get a TimeoutError that says so or go on, and all is well afterwards") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed());
  Manager manager({.operation_timeout = 50ms});
  const Things things(manager);
  const Event at_work = manager.Event();
  long refused = 0;
  {
    ChildGroup group;
    const auto start = [&](int kind) {
      return group.start([&, kind] {
        std::mt19937_64 own(std::random_device{}());
        at_work.set();
        for (;;) {
          try {
            operate(kind, manager, things, own);
          } catch (const Error&) {  // a lock that the one before has left to be repaired, or what two do at a time
          }
        }
      });
    };
    for (long round = 0; round < repeats(66); ++round) {
      const int kind = static_cast<int>(round % kinds_of_operation);
      at_work.clear();
      const pid_t worker = start(kind);
      REQUIRE(at_work.wait(20s));
      usleep(static_cast<useconds_t>(random() % 5'000));
      REQUIRE(pause_process(worker));
      CAPTURE(kind);
      for (int other = 0; other < kinds_of_operation; ++other) {
        CAPTURE(other);
        try {
          operate(other, manager, things, random);
        } catch (const TimeoutError& e) {
          // The manager may stand behind the stopped one, and we behind the manager.
          const std::string said = e.what();
          const bool names_it =
              said.find("process " + std::to_string(worker) + ", which is stopped") != std::string::npos ||
              said.find("process " + std::to_string(manager.pid())) != std::string::npos;
          CHECK_MESSAGE(names_it, said);
          ++refused;
        } catch (const ValueError&) {
          // task_done() of an item that is the stopped one's, or a lock that it has: as in any other moment.
        } catch (const IndexError&) {
        }
      }
      CHECK(kernel::ask(segment_of(manager), kernel::ControlKind::ping, 20s).has_value());
      if (round % 2 == 0) {
        resume_process(worker);
        usleep(2'000);
        CHECK(process_state(worker) != 'Z');
      }
      group.kill(worker);
      // A repair waits for a stopped process as long as it takes; so the manager is to be through before the next one is stopped.
      REQUIRE(eventually([&] { return kernel::Clients(segment_of(manager)).count_processes() == 1; }, 20s));
      for (int other = 0; other < kinds_of_operation; ++other) {
        CAPTURE(other);
        // What is left of the dead is repaired by the way, or was by the manager, for which it has its time.
        CHECK(eventually(
            [&] {
              try {
                operate(other, manager, things, random);
                return true;
              } catch (const TimeoutError&) {
                return false;
              } catch (const IndexError&) {
                return true;
              }
            },
            20s));
      }
    }
  }
  CHECK(is_whole(manager));
  MESSAGE("stopped at random moments: ", refused, " operations were refused, seed ", test_seed());
}

TEST_CASE("stopped inside modify(): one that waits without a timeout goes on after SIGCONT, and after SIGKILL") {
  for (const bool killed : {false, true}) {
    CAPTURE(killed);
    const Manager manager;
    const auto dict = manager.dict<std::string, int>({{"n", 1}});
    ChildGroup group;
    const pid_t stopped = group.start([&] {
      dict.modify("n", [](int& n) {
        n = 5;
        raise(SIGSTOP);
      });
    });
    REQUIRE(eventually([&] { return process_state(stopped) == 'T'; }, 10s));
    const pid_t waiter = group.start([&] { dict["n"] += 10; });
    // It waits, however long: it sleeps at most 20 ms at a time, and is still there.
    usleep(100'000);
    REQUIRE(eventually([&] { return process_state(waiter) == 'S'; }, 10s));
    CHECK(dict.at("n") == 1);  // reading waits for nobody
    if (killed) {
      group.kill(stopped);
    } else {
      resume_process(stopped);
      CHECK(group.wait(stopped, 20s).ok());
    }
    CHECK(group.wait(waiter, 20s).ok());
    CHECK(dict.at("n") == (killed ? 11 : 15));
    CHECK(is_whole(manager));
  }
}

TEST_CASE("stopped inside modify(): the manager serves, and others come, work, and die") {
  const std::string name = "stopped-" + std::to_string(getpid());
  const Manager manager({.name = name});
  const auto held = manager.list<int>(named("held"), {1});
  ChildGroup group;
  const pid_t stopped = group.start([&] {
    held.modify(0, [](int& n) {
      n = 2;
      raise(SIGSTOP);
    });
  });
  REQUIRE(eventually([&] { return process_state(stopped) == 'T'; }, 10s));
  // A process that knows nothing of all this.
  const ChildResult other = run_child(
      [&] {
        const Manager mine = Manager::connect(name);
        const auto list = mine.list<int>(named("other"), {1, 2});
        list.append(3);
        if (mine.list<int>(named("held")).at(0) != 1) return 1;
        raise(SIGKILL);
        return 3;
      },
      20s);
  CHECK(other.end == ChildResult::End::signaled);
  // What it had is given back, though one of the objects is locked. (To list them all would wait for that one.)
  CHECK(eventually([&] { return kernel::Clients(segment_of(manager)).count_processes() == 2; }, 20s));
  CHECK(manager.list<int>(named("other")).copy() == std::vector({1, 2, 3}));
  manager.remove("other");
  CHECK(kernel::ask(segment_of(manager), kernel::ControlKind::ping, 20s).has_value());
  // One that is asleep behind the stopped one dies as well.
  const pid_t waiter = group.start([&] { held.append(4); });
  REQUIRE(sleeps(waiter));
  group.kill(waiter);
  CHECK(kernel::ask(segment_of(manager), kernel::ControlKind::ping, 20s).has_value());
  resume_process(stopped);
  CHECK(group.wait(stopped, 20s).ok());
  CHECK(held.copy() == std::vector({2}));
  CHECK(is_whole(manager));
}

TEST_CASE("stopped with a Lock or a permit: others time out, and go on after SIGCONT or SIGKILL") {
  for (const bool killed : {false, true}) {
    CAPTURE(killed);
    const Manager manager;
    const Lock lock = manager.Lock();
    const Semaphore semaphore = manager.Semaphore(1);
    ChildGroup group;
    const pid_t holder = group.start([&] {
      lock.acquire();
      semaphore.acquire();
      raise(SIGSTOP);
      lock.release();
      semaphore.release();
    });
    REQUIRE(eventually([&] { return process_state(holder) == 'T'; }, 10s));
    CHECK_FALSE(lock.acquire(20ms));
    CHECK_FALSE(semaphore.acquire(20ms));
    CHECK(lock.locked());
    if (killed) {
      group.kill(holder);
    } else {
      resume_process(holder);
    }
    REQUIRE(lock.acquire(20s));
    CHECK(lock.owner_died() == killed);
    CHECK(semaphore.acquire(20s));
  }
}

TEST_CASE("stopped while it waits: it takes nothing away from those who run") {
  const Manager manager;
  const auto queue = manager.Queue<int>();
  const auto list = manager.list<int>();
  const Semaphore semaphore = manager.Semaphore(0);
  const Lock lock = manager.Lock();
  const Event event = manager.Event();
  lock.acquire();
  ChildGroup group;
  const std::vector<std::function<void()>> waits = {
      [&] { queue.get(); },
      [&] { list.pop_wait(60s); },
      [&] { semaphore.acquire(); },
      [&] {
        lock.acquire();
        lock.release();
      },
      [&] { event.wait(); },
  };
  std::vector<pid_t> stopped, running;
  for (const auto& wait : waits) {
    stopped.push_back(group.start(wait));
    REQUIRE(sleeps(stopped.back()));
    REQUIRE(pause_process(stopped.back()));
    running.push_back(group.start(wait));
    REQUIRE(sleeps(running.back()));
  }
  queue.put(1);
  list.append(1);
  semaphore.release();
  lock.release();
  event.set();
  for (const pid_t pid : running) CHECK(group.wait(pid, 20s).ok());
  // The stopped ones wait on, and get theirs afterwards; the one of the event, which is set, has it already.
  queue.put(2);
  list.append(2);
  semaphore.release();
  for (const pid_t pid : stopped) {
    resume_process(pid);
    CHECK(group.wait(pid, 20s).ok());
  }
  CHECK(queue.empty());
  CHECK(list.empty());
  CHECK(is_whole(manager));
}

}  // namespace partage::test
