// What a death gives back: locks, permits, places at a barrier, waits, and items of queues, hosted by a manager and without one.
// One case for each sentence of API.md, "Deaths".

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <partage/partage.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/processes.hpp"
#include "tests/support/sleeping.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

/// Where objects come from: a manager, or the process tree.
class World {
 public:
  explicit World(bool managed) {
    if (managed) manager_.emplace();
  }
  Lock lock() const { return manager_ ? manager_->Lock() : Lock(); }
  RLock rlock() const { return manager_ ? manager_->RLock() : RLock(); }
  Semaphore semaphore(int n, SemaphoreOptions options = {}) const {
    return manager_ ? manager_->Semaphore(n, options) : Semaphore(n, options);
  }
  BoundedSemaphore bounded(int n) const { return manager_ ? manager_->BoundedSemaphore(n) : BoundedSemaphore(n); }
  Condition condition() const { return manager_ ? manager_->Condition() : Condition(); }
  Event event() const { return manager_ ? manager_->Event() : Event(); }
  Barrier barrier(int n) const { return manager_ ? manager_->Barrier(n) : Barrier(n); }
  template <class T>
  Queue<T> queue(int n = 0) const {
    return manager_ ? manager_->Queue<T>(n) : Queue<T>(n);
  }
  template <class T>
  JoinableQueue<T> joinable(int n = 0) const {
    return manager_ ? manager_->JoinableQueue<T>(n) : JoinableQueue<T>(n);
  }

 private:
  std::optional<Manager> manager_;
};

/// Calls fn(world) with and without a manager.
template <class Fn>
void in_both_worlds(Fn fn) {
  for (const bool managed : {true, false}) {
    CAPTURE(managed);
    fn(World(managed));
  }
}

/// A child that does `first`, says so, and then sleeps until it is killed.
template <class First>
pid_t start_and_stay(ChildGroup& group, First first) {
  const Event done;
  const pid_t pid = group.start([=] {
    first();
    done.set();
    for (;;) pause();
  });
  REQUIRE(done.wait(20s));
  return pid;
}

enum class End { killed, aborted, quit, replaced };

template <class Fn>
void die(End end, Fn&& before) {
  before();
  switch (end) {
    case End::killed:
      raise(SIGKILL);
      break;
    case End::aborted:
      signal(SIGABRT, SIG_DFL);
      std::abort();
    case End::quit:
      _exit(0);
    case End::replaced:
      execl("/bin/true", "true", nullptr);
      break;
  }
}

long context_switches(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("voluntary_ctxt_switches:")) return std::stol(line.substr(24));
  }
  return -1;
}

}  // namespace

// ---- locks -----------------------------------------------------------------------------------------------------------

TEST_CASE("deaths: a lock passes on, and its next holder is told once, however the holder died") {
  in_both_worlds([](const World& world) {
    for (const End end : {End::killed, End::aborted, End::quit, End::replaced}) {
      CAPTURE(static_cast<int>(end));
      const Lock lock = world.lock();
      const RLock rlock = world.rlock();
      run_child([=] { die(end, [=] { lock.acquire(), rlock.acquire(), rlock.acquire(); }); }, 20s);
      REQUIRE(lock.acquire(20s));
      CHECK(lock.owner_died());
      CHECK_FALSE(lock.owner_died());
      lock.release();
      REQUIRE(lock.acquire(20s));
      CHECK_FALSE(lock.owner_died());
      lock.release();
      REQUIRE(rlock.acquire(20s));
      CHECK(rlock.owner_died());
      CHECK_FALSE(rlock.owner_died());
      rlock.release();
      CHECK_THROWS_AS(rlock.release(), ValueError);
    }
  });
}

TEST_CASE("deaths: one that sleeps for a lock gets it when the holder is killed") {
  in_both_worlds([](const World& world) {
    const Lock lock = world.lock();
    const Event got;
    ChildGroup group;
    const pid_t holder = start_and_stay(group, [=] { lock.acquire(); });
    const pid_t waiter = group.start([=] {
      lock.acquire();
      const bool told = lock.owner_died();
      got.set();
      lock.release();
      return told ? 0 : 1;
    });
    REQUIRE(sleeps(waiter));
    CHECK_FALSE(got.is_set());
    group.kill(holder);
    CHECK(group.wait(waiter, 20s).ok());
  });
}

TEST_CASE("deaths: an orderly end leaves locks and permits taken, as in Python") {
  in_both_worlds([](const World& world) {
    for (const bool by_exit : {false, true}) {
      CAPTURE(by_exit);
      const Lock lock = world.lock();
      const Semaphore semaphore = world.semaphore(2);
      Process worker([=] {
        lock.acquire();
        semaphore.acquire();
        if (by_exit) std::exit(0);
      });
      worker.start();
      worker.join();
      REQUIRE(worker.exitcode() == 0);
      CHECK(lock.locked());
      CHECK_FALSE(lock.try_acquire());
      CHECK(semaphore.get_value() == 1);
      lock.release();  // anybody may
      CHECK(lock.try_acquire());
      CHECK_FALSE(lock.owner_died());
      lock.release();
    }
  });
}

TEST_CASE("deaths: locked() of a lock whose holder was killed is false at once") {
  in_both_worlds([](const World& world) {
    const Lock lock = world.lock();
    run_child([=] { die(End::killed, [=] { lock.acquire(); }); }, 20s);
    CHECK_FALSE(lock.locked());
    CHECK_THROWS_AS(lock.release(), ValueError);
    CHECK(lock.try_acquire());
    lock.release();
  });
}

// ---- permits ---------------------------------------------------------------------------------------------------------

TEST_CASE("deaths: permits come back, to one that sleeps for them too") {
  in_both_worlds([](const World& world) {
    const Semaphore semaphore = world.semaphore(2);
    ChildGroup group;
    const pid_t holder = start_and_stay(group, [=] { semaphore.acquire(), semaphore.acquire(); });
    CHECK(semaphore.get_value() == 0);
    const pid_t waiter = group.start([=] { return semaphore.acquire() ? 0 : 1; });
    REQUIRE(sleeps(waiter));
    group.kill(holder);
    CHECK(group.wait(waiter, 20s).ok());
    // The waiter ended with _exit, so its permit is back as well.
    CHECK(semaphore.get_value() == 2);
  });
}

TEST_CASE("deaths: who releases without having acquired cancels the oldest acquisition of another") {
  in_both_worlds([](const World& world) {
    const Semaphore semaphore = world.semaphore(3);
    ChildGroup group;
    const pid_t first = start_and_stay(group, [=] { semaphore.acquire(); });
    const pid_t second = start_and_stay(group, [=] { semaphore.acquire(); });
    CHECK(semaphore.get_value() == 1);
    semaphore.release();  // that of the first
    CHECK(semaphore.get_value() == 2);
    group.kill(first);
    CHECK(semaphore.get_value() == 2);
    group.kill(second);
    CHECK(semaphore.get_value() == 3);
  });
}

TEST_CASE("deaths: a release by one that has permits is of its own") {
  in_both_worlds([](const World& world) {
    const Semaphore semaphore = world.semaphore(3);
    ChildGroup group;
    const pid_t other = start_and_stay(group, [=] { semaphore.acquire(); });
    semaphore.acquire();
    semaphore.release();
    CHECK(semaphore.get_value() == 2);
    group.kill(other);
    CHECK(semaphore.get_value() == 3);
  });
}

TEST_CASE("deaths: a release does not use up the permit of a dead one") {
  in_both_worlds([](const World& world) {
    const Semaphore semaphore = world.semaphore(2);
    run_child([=] { die(End::killed, [=] { semaphore.acquire(); }); }, 20s);
    semaphore.release();  // one more than there were, as in Python; the dead one's came back before
    CHECK(semaphore.get_value() == 3);
    const BoundedSemaphore bounded = world.bounded(2);
    run_child([=] { die(End::killed, [=] { bounded.acquire(); }); }, 20s);
    CHECK_THROWS_AS(bounded.release(), ValueError);
    CHECK(bounded.get_value() == 2);
  });
}

TEST_CASE("deaths: a death never lifts a semaphore above its initial value") {
  in_both_worlds([](const World& world) {
    const Semaphore semaphore = world.semaphore(1);
    semaphore.release();
    semaphore.release();  // 3, as in Python
    ChildGroup group;
    const pid_t holder = start_and_stay(group, [=] { semaphore.acquire(); });
    CHECK(semaphore.get_value() == 2);
    group.kill(holder);
    CHECK(semaphore.get_value() == 2);
    const BoundedSemaphore bounded = world.bounded(1);
    run_child([=] { die(End::killed, [=] { bounded.acquire(); }); }, 20s);
    CHECK(bounded.get_value() == 1);
    CHECK_THROWS_AS(bounded.release(), ValueError);
  });
}

TEST_CASE("deaths: a semaphore for signals gives nothing back") {
  in_both_worlds([](const World& world) {
    const Semaphore ready = world.semaphore(0, {.signal = true});
    run_child([=] { die(End::killed, [=] { ready.release(), ready.release(), ready.acquire(); }); }, 20s);
    CHECK(ready.get_value() == 1);
    CHECK(ready.try_acquire());
    CHECK_FALSE(ready.try_acquire());
  });
}

// ---- barriers --------------------------------------------------------------------------------------------------------

TEST_CASE("deaths: a party that dies in wait() breaks the barrier until reset()") {
  in_both_worlds([](const World& world) {
    const Barrier barrier = world.barrier(3);
    ChildGroup group;
    const pid_t doomed = group.start([=] { barrier.wait(); });
    const pid_t other = group.start([=] {
      try {
        barrier.wait();
      } catch (const BrokenBarrierError&) {
        return 0;
      }
      return 1;
    });
    REQUIRE(eventually([&] { return barrier.n_waiting() == 2; }, 20s));
    group.kill(doomed);
    CHECK(group.wait(other, 20s).ok());
    CHECK(barrier.broken());
    CHECK_THROWS_AS(barrier.wait(), BrokenBarrierError);
    barrier.reset();
    CHECK_FALSE(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
    const pid_t a = group.start([=] { barrier.wait(); });
    const pid_t b = group.start([=] { barrier.wait(); });
    barrier.wait();
    CHECK(group.wait(a, 20s).ok());
    CHECK(group.wait(b, 20s).ok());
  });
}

TEST_CASE("deaths: the one that runs the action of a barrier dies in it") {
  in_both_worlds([](const World& world) {
    static_cast<void>(world);
    const Barrier barrier(2, [] { raise(SIGKILL); });
    ChildGroup group;
    const pid_t waiter = group.start([=] {
      try {
        barrier.wait();
      } catch (const BrokenBarrierError&) {
        return 0;
      }
      return 1;
    });
    REQUIRE(eventually([&] { return barrier.n_waiting() == 1; }, 20s));
    run_child([=] { barrier.wait(); }, 20s);
    CHECK(group.wait(waiter, 20s).ok());
  });
}

// ---- waiters ---------------------------------------------------------------------------------------------------------

TEST_CASE("deaths: a dead waiter of a condition is not counted, and the living one is notified") {
  in_both_worlds([](const World& world) {
    const Condition condition = world.condition();
    const auto wait = [=] {
      std::scoped_lock guard(condition);
      condition.wait();
    };
    ChildGroup group;
    const pid_t first = group.start(wait);
    REQUIRE(sleeps(first));
    const pid_t second = group.start(wait);
    REQUIRE(sleeps(second));
    group.kill(first);
    {
      std::scoped_lock guard(condition);
      condition.notify();
    }
    CHECK(group.wait(second, 20s).ok());
    CHECK(condition.acquire(20s));
    condition.notify();
    condition.release();
  });
}

TEST_CASE("deaths: a notified waiter that dies before it wakes passes its notification on") {
  in_both_worlds([](const World& world) {
    const Condition condition = world.condition();
    const auto wait = [=] {
      std::scoped_lock guard(condition);
      condition.wait();
    };
    ChildGroup group;
    const pid_t first = group.start(wait);
    REQUIRE(sleeps(first));
    const pid_t second = group.start(wait);
    REQUIRE(sleeps(second));
    REQUIRE(pause_process(first));
    {
      std::scoped_lock guard(condition);
      condition.notify();
    }
    group.kill(first);
    CHECK(group.wait(second, 20s).ok());
  });
}

TEST_CASE("deaths: killed waiters leave an event usable") {
  in_both_worlds([](const World& world) {
    const Event event = world.event();
    ChildGroup group;
    for (int i = 0; i < 3; ++i) {
      const pid_t waiter = group.start([=] { event.wait(); });
      REQUIRE(sleeps(waiter));
      group.kill(waiter);
    }
    const pid_t waiter = group.start([=] { event.wait(); });
    REQUIRE(sleeps(waiter));
    event.set();
    CHECK(event.is_set());
    CHECK(group.wait(waiter, 20s).ok());
  });
}

TEST_CASE("deaths: a killed getter eats no item, a killed putter leaves its place") {
  in_both_worlds([](const World& world) {
    const Queue<std::string> queue = world.queue<std::string>(1);
    ChildGroup group;
    const pid_t getter = group.start([=] { queue.get(); });
    REQUIRE(sleeps(getter));
    group.kill(getter);
    queue.put("one");
    const pid_t putter = group.start([=] { queue.put("two"); });
    REQUIRE(sleeps(putter));
    group.kill(putter);
    CHECK(queue.qsize() == 1);
    CHECK(queue.get(20s) == "one");
    CHECK(queue.empty());
    queue.put("three", 20s);
    CHECK(queue.get_nowait() == "three");
  });
}

TEST_CASE("deaths: a waiter that is killed just as it is woken leaves the item to the next") {
  in_both_worlds([](const World& world) {
    const Queue<int> queue = world.queue<int>();
    for (int i = 0; i < 20; ++i) {
      ChildGroup group;
      const pid_t first = group.start([=] { queue.get(); });
      REQUIRE(sleeps(first));
      REQUIRE(pause_process(first));
      const pid_t second = group.start([=] { return queue.get() == 7 ? 0 : 1; });
      REQUIRE(sleeps(second));
      queue.put(7);
      group.kill(first);
      CHECK(group.wait(second, 20s).ok());
    }
  });
}

// ---- items -----------------------------------------------------------------------------------------------------------

TEST_CASE("deaths: items of a joinable queue go back to the front in their order, however their consumer ended") {
  in_both_worlds([](const World& world) {
    for (const int end : {0, 1, 2, 3}) {
      CAPTURE(end);
      const JoinableQueue<std::string> queue = world.joinable<std::string>(3);
      for (const char* item : {"a", "b", "c"}) queue.put(item);
      const Event taken = world.event(), go_on = world.event();
      Process consumer([=] {
        queue.get();
        queue.get();
        taken.set();
        go_on.wait();
        if (end == 1) std::exit(0);
        if (end == 2) _exit(0);
        if (end == 3) raise(SIGKILL);
      });
      consumer.start();
      REQUIRE(taken.wait(20s));
      CHECK(queue.qsize() == 1);
      queue.put_nowait("d");
      queue.put_nowait("e");
      CHECK_FALSE(queue.try_put("f"));
      go_on.set();
      consumer.join();
      CHECK(queue.qsize() == 5);  // more than maxsize
      CHECK(queue.full());
      for (const char* item : {"a", "b", "c", "d", "e"}) CHECK(queue.get(20s) == item);
      CHECK(queue.redeliveries() == 2);
      for (int i = 0; i < 5; ++i) queue.task_done();
      CHECK_THROWS_AS(queue.task_done(), ValueError);
      CHECK(queue.join(20s));
    }
  });
}

TEST_CASE("deaths: one that waits for an item gets that of a killed consumer") {
  in_both_worlds([](const World& world) {
    const JoinableQueue<int> queue = world.joinable<int>();
    queue.put(5);
    ChildGroup group;
    const pid_t consumer = start_and_stay(group, [=] { queue.get(); });
    const pid_t waiter = group.start([=] {
      const int item = queue.get();
      queue.task_done();
      return item == 5 ? 0 : 1;
    });
    REQUIRE(sleeps(waiter));
    group.kill(consumer);
    CHECK(group.wait(waiter, 20s).ok());
    CHECK(queue.join(20s));
  });
}

TEST_CASE("deaths: task_done() is of the caller's oldest item, else of the oldest of all") {
  in_both_worlds([](const World& world) {
    const JoinableQueue<int> queue = world.joinable<int>();
    for (int i = 1; i <= 3; ++i) queue.put(i);
    ChildGroup group;
    const pid_t other = start_and_stay(group, [=] { queue.get(); });  // 1
    CHECK(queue.get() == 2);
    queue.task_done();  // 2, the caller's
    CHECK(queue.get() == 3);
    group.kill(other);
    CHECK(queue.get(20s) == 1);
    queue.task_done();
    queue.task_done();
    CHECK(queue.join(20s));

    queue.put(4);
    const pid_t third = start_and_stay(group, [=] { queue.get(); });
    queue.task_done();  // the oldest of all: 4
    group.kill(third);
    CHECK(queue.join(20s));
    CHECK(queue.empty());
  });
}

TEST_CASE("deaths: an item got from a plain queue is gone, and the next one is got by the next") {
  in_both_worlds([](const World& world) {
    const Queue<int> queue = world.queue<int>();
    queue.put(1);
    queue.put(2);
    run_child([=] { die(End::killed, [=] { queue.get(); }); }, 20s);
    CHECK(queue.get(20s) == 2);
    CHECK(queue.empty());
  });
}

TEST_CASE("deaths: a producer that ends at once after put() loses nothing") {
  in_both_worlds([](const World& world) {
    const Queue<std::string> queue = world.queue<std::string>();
    run_child([=] { die(End::killed, [=] { queue.put(std::string(100'000, 'x')); }); }, 20s);
    CHECK(queue.get_nowait().size() == 100'000);
  });
}

// ---- the manager -----------------------------------------------------------------------------------------------------

TEST_CASE("deaths: waiting goes on when the manager dies, and deaths are noticed without it") {
  Manager manager;
  const Lock lock = manager.Lock();
  const Queue<int> queue = manager.Queue<int>();
  ChildGroup group;
  const pid_t holder = start_and_stay(group, [=] { lock.acquire(); });
  const pid_t getter = group.start([=] { return queue.get() == 1 ? 0 : 1; });
  REQUIRE(sleeps(getter));
  ::kill(manager.pid(), SIGKILL);
  REQUIRE(eventually([&] { return !manager.is_alive(); }, 20s));
  queue.put(1);
  CHECK(group.wait(getter, 20s).ok());
  const pid_t waiter = group.start([=] { return lock.acquire() && lock.owner_died() ? 0 : 1; });
  REQUIRE(sleeps(waiter));
  group.kill(holder);
  CHECK(group.wait(waiter, 20s).ok());
}

TEST_CASE("deaths: a manager that is shut down ends every wait") {
  std::optional<Manager> manager(std::in_place);
  const Lock lock = manager->Lock();
  const Event event = manager->Event();
  const Queue<int> queue = manager->Queue<int>();
  const Condition condition = manager->Condition();
  const Barrier barrier = manager->Barrier(2);
  const auto list = manager->list<int>();
  lock.acquire();
  ChildGroup group;
  std::vector<pid_t> waiters;
  const auto start = [&](auto wait) {
    waiters.push_back(group.start([=] {
      try {
        wait();
      } catch (const ManagerShutdown&) {
        return 0;
      }
      return 1;
    }));
    REQUIRE(sleeps(waiters.back()));
  };
  start([=] { lock.acquire(); });
  start([=] { event.wait(); });
  start([=] { queue.get(); });
  start([=] {
    std::scoped_lock guard(condition);
    condition.wait();
  });
  start([=] { barrier.wait(); });
  start([=] { list.pop_wait(1h); });
  manager.reset();
  for (const pid_t waiter : waiters) CHECK(group.wait(waiter, 20s).ok());
}

// ---- the price of waiting --------------------------------------------------------------------------------------------

TEST_CASE("waiting costs nothing while nothing happens") {
  in_both_worlds([](const World& world) {
    const Event event = world.event();
    const Queue<int> queue = world.queue<int>();
    const Lock lock = world.lock();
    lock.acquire();
    ChildGroup group;
    const pid_t sleepers[] = {group.start([=] { event.wait(); }), group.start([=] { queue.get(); }),
                              group.start([=] { lock.acquire(); })};
    for (const pid_t pid : sleepers) {
      REQUIRE(sleeps(pid));
      const long before = context_switches(pid);
      std::this_thread::sleep_for(300ms);
      // A sleep that depends on another process looks again twice a second.
      CHECK(context_switches(pid) - before <= 1);
    }
    event.set();
    queue.put(1);
    lock.release();
    for (const pid_t pid : sleepers) CHECK(group.wait(pid, 20s).ok());
  });
}

}  // namespace partage::test
