// CPython's _TestBarrier: five parties, of which the test itself is one.
#include <mutex>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

constexpr std::size_t parties = 5;
constexpr std::size_t the_chosen = parties / 2;  // the place of the one who does something else

/// f() in four workers and here.
template <class Fn>
void run_parties(const World& world, Fn f) {
  std::vector<Worker> workers;
  for (std::size_t i = 1; i < parties; ++i) workers.push_back(world.start(f));
  f();
  for (Worker& w : workers) CHECK(w.join() == "");
}

void pass_in_lock_step(const World& world, std::size_t passes) {
  const Barrier barrier = world.Barrier(parties, 30s);
  const Counter before = world.Counter();
  const Counter after = world.Counter();
  run_parties(world, [=] {
    expect(barrier.parties() == parties, "five parties");
    for (std::size_t i = 0; i < passes; ++i) {
      before.append();
      expect(after.size() == i * parties, "nobody to be ahead");
      barrier.wait();
      after.append();
      expect(before.size() == (i + 1) * parties, "nobody to be behind");
      barrier.wait();
    }
    expect(barrier.n_waiting() == 0, "nobody to wait any more");
    expect(!barrier.broken(), "a whole barrier");
  });
  CHECK(after.size() == passes * parties);
}

}  // namespace

TEST_CASE("_TestBarrier.test_barrier: five parties pass in lock step") {
  in_each_world([](World& world) { pass_in_lock_step(world, 1); });
}

TEST_CASE("_TestBarrier.test_barrier_10: ten times") {
  in_each_world([](World& world) { pass_in_lock_step(world, 10); });
}

TEST_CASE("_TestBarrier.test_wait_return: every place is given once") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, 30s);
    const auto queue = world.Queue<std::size_t>();
    run_parties(world, [=] { queue.put(barrier.wait()); });
    std::vector<int> times(parties);
    for (std::size_t i = 0; i < parties; ++i) times.at(queue.get(60s)) += 1;
    CHECK(times == std::vector<int>(parties, 1));
  });
}

TEST_CASE("_TestBarrier.test_action: runs once, before anybody goes on") {
  in_each_world([](World& world) {
    const Counter results = world.Counter();
    const Barrier barrier = world.Barrier(parties, [=] { results.append(); });
    run_parties(world, [=] {
      barrier.wait();
      expect(results.size() == 1, "one run of the action");
    });
    CHECK(results.size() == 1);
  });
}

TEST_CASE("_TestBarrier.test_abort: the waiters get BrokenBarrierError") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, 30s);
    const Counter passed = world.Counter();
    const Counter broken = world.Counter();
    run_parties(world, [=] {
      try {
        if (barrier.wait() == the_chosen) return barrier.abort();
        barrier.wait();
        passed.append();
      } catch (const BrokenBarrierError&) {
        broken.append();
      }
    });
    CHECK(passed.size() == 0);
    CHECK(broken.size() == parties - 1);
    CHECK(barrier.broken());
  });
}

TEST_CASE("_TestBarrier.test_reset: frees the waiters, and the barrier is whole") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, 30s);
    const Counter passed = world.Counter();
    const Counter broken = world.Counter();
    const Counter again = world.Counter();
    run_parties(world, [=] {
      if (barrier.wait() == the_chosen) {
        while (barrier.n_waiting() < parties - 1) std::this_thread::sleep_for(1ms);
        barrier.reset();
      } else {
        try {
          barrier.wait();
          passed.append();
        } catch (const BrokenBarrierError&) {
          broken.append();
        }
      }
      barrier.wait();
      again.append();
    });
    CHECK(passed.size() == 0);
    CHECK(broken.size() == parties - 1);
    CHECK(again.size() == parties);
    CHECK_FALSE(barrier.broken());
  });
}

TEST_CASE("_TestBarrier.test_abort_and_reset: a broken barrier is reset and used again") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, 30s);
    const Barrier between = world.Barrier(parties);
    const Counter passed = world.Counter();
    const Counter broken = world.Counter();
    const Counter again = world.Counter();
    run_parties(world, [=] {
      try {
        if (barrier.wait() == the_chosen) {
          barrier.abort();
        } else {
          barrier.wait();
          passed.append();
        }
      } catch (const BrokenBarrierError&) {
        broken.append();
      }
      // Everybody has left it before the reset, nobody enters it before.
      if (between.wait() == the_chosen) barrier.reset();
      between.wait();
      barrier.wait();
      again.append();
    });
    CHECK(passed.size() == 0);
    CHECK(broken.size() == parties - 1);
    CHECK(again.size() == parties);
  });
}

namespace {
constexpr auto patience = 100ms;
constexpr auto late = 400ms;
}  // namespace

TEST_CASE("_TestBarrier.test_timeout: a late party breaks it for all") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, 30s);
    const Counter broken = world.Counter();
    run_parties(world, [=] {
      if (barrier.wait() == the_chosen) std::this_thread::sleep_for(late);
      try {
        barrier.wait(patience);
      } catch (const BrokenBarrierError&) {
        broken.append();
      }
    });
    CHECK(broken.size() == parties);
  });
}

TEST_CASE("_TestBarrier.test_default_timeout: also with the timeout of the barrier") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(parties, patience);
    const Counter broken = world.Counter();
    run_parties(world, [=] {
      if (barrier.wait(30s) == the_chosen) std::this_thread::sleep_for(late);
      try {
        barrier.wait();
      } catch (const BrokenBarrierError&) {
        broken.append();
      }
    });
    CHECK(broken.size() == parties);
  });
}

TEST_CASE("_TestBarrier.test_single_thread: a barrier for one never waits") {
  in_each_world([](World& world) {
    const Barrier barrier = world.Barrier(1);
    CHECK(barrier.wait() == 0);
    CHECK(barrier.wait() == 0);
  });
}

// CPython sends through a Pipe; a queue says the same.
TEST_CASE("_TestBarrier.test_thousand: a thousand times, in order") {
  in_each_world([](World& world) {
    constexpr int passes = 1000;
    const Barrier barrier = world.Barrier(parties, 30s);
    const auto lock = world.Lock();
    const auto queue = world.Queue<int>();
    std::vector<Worker> workers;
    for (std::size_t i = 0; i < parties; ++i) {
      workers.push_back(world.start([=] {
        for (int pass = 0; pass < passes; ++pass) {
          barrier.wait();
          const std::scoped_lock guard(lock);
          queue.put(pass);
        }
      }));
    }
    bool in_order = true;
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < parties; ++i) in_order = in_order && queue.get(60s) == pass;
    }
    CHECK(in_order);
    for (Worker& w : workers) CHECK(w.join() == "");
  });
}
