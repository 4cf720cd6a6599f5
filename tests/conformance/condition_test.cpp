// CPython's _TestCondition. Where it waits with a process and a thread beside each other, this does so too.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// What the waiters of a case share.
struct Round {
  explicit Round(const World& world)
      : cond(world.Condition()),
        sleeping(world.Semaphore(0, {.signal = true})),
        woken(world.Semaphore(0, {.signal = true})) {}

  /// For a worker: sleeps until it is notified, or the time is up.
  void sleep(std::optional<std::chrono::milliseconds> patience = std::nullopt) const {
    cond.acquire();
    sleeping.release();
    const bool notified = patience ? cond.wait(*patience) : cond.wait();
    expect(notified == !patience, patience ? "a timeout" : "a notification");
    woken.release();
    cond.release();
  }
  /// `n` workers of the world and `n` threads, all of them asleep.
  std::vector<Worker> sleepers(const World& world, int n,
                               std::optional<std::chrono::milliseconds> patience = std::nullopt) const {
    std::vector<Worker> workers;
    for (int i = 0; i < n; ++i) {
      workers.push_back(world.start([*this, patience] { sleep(patience); }));
      workers.emplace_back(Worker::Kind::thread, [*this, patience] { sleep(patience); });
    }
    for (int i = 0; i < 2 * n; ++i) REQUIRE(sleeping.acquire(60s));
    return workers;
  }
  void notify(std::uint64_t n) const {
    cond.acquire();
    cond.notify(n);
    cond.release();
  }
  bool woken_become(std::size_t n) const {
    return eventually([&] { return woken.get_value() == n; }, 60s);
  }

  Condition cond;
  Semaphore sleeping;
  Semaphore woken;
};

void all_end(std::vector<Worker>& workers) {
  for (Worker& w : workers) CHECK(w.join() == "");
}

}  // namespace

TEST_CASE("_TestCondition.test_notify: wakes exactly one, then the other") {
  in_each_world([](World& world) {
    const Round round(world);
    std::vector<Worker> workers = round.sleepers(world, 1);
    std::this_thread::sleep_for(moment);
    CHECK(round.woken.get_value() == 0);

    round.notify(1);
    CHECK(round.woken_become(1));
    std::this_thread::sleep_for(moment);
    CHECK(round.woken.get_value() == 1);

    round.notify(1);
    CHECK(round.woken_become(2));
    all_end(workers);
    CHECK_FALSE(round.cond.locked());
  });
}

TEST_CASE("_TestCondition.test_notify_all: six waits time out, six others wake together") {
  in_each_world([](World& world) {
    const Round round(world);
    std::vector<Worker> timed = round.sleepers(world, 3, timeout);
    for (int i = 0; i < 6; ++i) REQUIRE(round.woken.acquire(60s));
    CHECK(round.woken.get_value() == 0);
    all_end(timed);

    std::vector<Worker> workers = round.sleepers(world, 3);
    std::this_thread::sleep_for(moment);
    CHECK(round.woken.get_value() == 0);
    round.cond.acquire();
    round.cond.notify_all();
    round.cond.release();
    CHECK(round.woken_become(6));
    all_end(workers);
  });
}

TEST_CASE("_TestCondition.test_notify_n: wakes so many, and never more than there are") {
  in_each_world([](World& world) {
    const Round round(world);
    std::vector<Worker> workers = round.sleepers(world, 3);
    std::this_thread::sleep_for(moment);
    CHECK(round.woken.get_value() == 0);
    round.notify(2);
    CHECK(round.woken_become(2));
    std::this_thread::sleep_for(moment);
    CHECK(round.woken.get_value() == 2);
    round.notify(4);
    CHECK(round.woken_become(6));
    round.notify(3);
    CHECK(round.woken.get_value() == 6);
    all_end(workers);
    // Those three are not remembered for somebody who comes later.
    const std::scoped_lock guard(round.cond);
    CHECK_FALSE(round.cond.wait(timeout));
  });
}

TEST_CASE("_TestCondition.test_timeout: wait() returns false, and not early") {
  in_each_world([](World& world) {
    const auto cond = world.Condition();
    cond.acquire();
    CHECK(takes(timeout, [&] { CHECK_FALSE(cond.wait(timeout)); }));
    CHECK(cond.locked());
    cond.release();
  });
}

TEST_CASE("_TestCondition.test_waitfor: wait_for() on a number that the other side changes") {
  in_each_world([](World& world) {
    const auto cond = world.Condition();
    const auto state = world.Value<int>(-1);
    Worker child = world.start([=] {
      const std::scoped_lock guard(cond);
      state = 0;
      cond.notify();
      expect(cond.wait_for([&] { return state == 4; }), "wait_for() to be true");
      expect(state == 4, "4");
    });
    {
      const std::scoped_lock guard(cond);
      CHECK(cond.wait_for([&] { return state == 0; }));
      CHECK(state == 0);
    }
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(10ms);
      const std::scoped_lock guard(cond);
      state += 1;
      cond.notify();
    }
    CHECK(child.join() == "");
  });
}

TEST_CASE("_TestCondition.test_waitfor_timeout: wait_for() gives up, and not early") {
  in_each_world([](World& world) {
    const auto cond = world.Condition();
    const auto state = world.Value<int>(0);
    const auto ready = world.Semaphore(0, {.signal = true});
    Worker child = world.start([=] {
      ready.release();
      const std::scoped_lock guard(cond);
      bool result = true;
      const bool late = takes(100ms, [&] { result = cond.wait_for([&] { return state == 4; }, 100ms); });
      expect(!result, "false");
      expect(late, "100 ms");
    });
    REQUIRE(ready.acquire(60s));
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(10ms);
      const std::scoped_lock guard(cond);
      state += 1;
      cond.notify();
    }
    CHECK(child.join() == "");
  });
}

namespace {
std::atomic<int> interrupts{0};

/// SIGINT is counted while this lives, and interrupts system calls.
class CountSigint {
 public:
  CountSigint() {
    interrupts = 0;
    struct sigaction counting {};
    counting.sa_handler = [](int) { interrupts += 1; };
    ::sigaction(SIGINT, &counting, &before_);
  }
  ~CountSigint() { ::sigaction(SIGINT, &before_, nullptr); }
  CountSigint(const CountSigint&) = delete;
  CountSigint& operator=(const CountSigint&) = delete;

 private:
  struct sigaction before_ {};
};
}  // namespace

// In CPython SIGINT makes wait() throw KeyboardInterrupt; a handled signal is no reason for wait() to return here.
TEST_CASE("_TestCondition.test_wait_result: what wait() returns, and a signal meanwhile") {
  in_each_world([](World& world) {
    const CountSigint counting;
    const auto c = world.Condition();
    const std::unique_lock guard(c);
    CHECK_FALSE(c.wait(0s));
    CHECK_FALSE(c.wait(timeout));

    const pid_t parent = ::getpid();
    Worker child = world.start([c, parent] {
      {
        const std::scoped_lock mine(c);
        c.notify();
      }
      std::this_thread::sleep_for(timeout);
      ::kill(parent, SIGINT);
      std::this_thread::sleep_for(timeout);
      const std::scoped_lock mine(c);
      c.notify();
    });
    CHECK(c.wait(60s));
    CHECK(interrupts == 0);
    CHECK(c.wait(60s));
    CHECK(interrupts == 1);
    CHECK(child.join() == "");
  });
}
