// CPython's _TestQueue: what Queue and JoinableQueue do between processes.
#include <set>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestQueue.test_put: every form of put(), and Full without room") {
  in_each_world([](World& world) {
    const auto queue = world.Queue<int>(6);
    const auto child_can_start = world.Event();
    const auto parent_can_continue = world.Event();
    Worker child = world.start([=] {
      child_can_start.wait();
      for (int i = 1; i <= 6; ++i) expect(queue.get() == i, "the items in their order");
      parent_can_continue.set();
    });
    CHECK(queue.empty());
    CHECK_FALSE(queue.full());

    queue.put(1);
    queue.put(2, 60s);
    queue.put(3, 0s);
    queue.put_nowait(4);
    CHECK(queue.try_put(5));
    CHECK_FALSE(queue.full());
    queue.put(6, -1s);
    CHECK_FALSE(queue.empty());
    CHECK(queue.full());

    CHECK_THROWS_AS(queue.put(7, 0s), Full);
    CHECK_THROWS_AS(queue.put(7, -1s), Full);
    CHECK_THROWS_AS(queue.put_nowait(7), Full);
    CHECK_FALSE(queue.try_put(7));
    CHECK(takes(timeout, [&] { CHECK_THROWS_AS(queue.put(7, timeout), Full); }));
    CHECK(queue.qsize() == 6);

    child_can_start.set();
    REQUIRE(parent_can_continue.wait(60s));
    CHECK(queue.empty());
    CHECK_FALSE(queue.full());
    CHECK(child.join() == "");
  });
}

TEST_CASE("_TestQueue.test_get: every form of get(), and Empty without an item") {
  in_each_world([](World& world) {
    const auto queue = world.Queue<int>();
    const auto child_can_start = world.Event();
    const auto parent_can_continue = world.Event();
    Worker child = world.start([=] {
      child_can_start.wait();
      for (int i = 2; i <= 5; ++i) queue.put(i);
      parent_can_continue.set();
    });
    CHECK(queue.empty());
    child_can_start.set();
    REQUIRE(parent_can_continue.wait(60s));
    CHECK_FALSE(queue.empty());

    CHECK(queue.get() == 2);
    CHECK(queue.get(1s) == 3);
    CHECK(queue.try_get() == 4);
    CHECK(queue.get_nowait() == 5);
    CHECK(queue.empty());

    CHECK_THROWS_AS((void)queue.get(0s), Empty);
    CHECK_THROWS_AS((void)queue.get(-1s), Empty);
    CHECK_THROWS_AS((void)queue.get_nowait(), Empty);
    CHECK(queue.try_get() == std::nullopt);
    CHECK(takes(timeout, [&] { CHECK_THROWS_AS((void)queue.get(timeout), Empty); }));
    CHECK(child.join() == "");
  });
}

TEST_CASE("_TestQueue.test_fork: what parent and child put arrives in order") {
  in_each_world([](World& world) {
    const auto queue = world.Queue<int>();
    for (int i = 0; i < 10; ++i) queue.put(i);
    Worker child = world.start([=] {
      for (int i = 10; i < 20; ++i) queue.put(i);
    });
    for (int i = 0; i < 20; ++i) CHECK(queue.get(60s) == i);
    CHECK_THROWS_AS((void)queue.get_nowait(), Empty);
    CHECK(child.join() == "");
  });
}

TEST_CASE("_TestQueue.test_qsize: counts what was put and not got") {
  in_each_world([](World& world) {
    const auto q = world.Queue<int>();
    CHECK(q.qsize() == 0);
    q.put(1);
    CHECK(q.qsize() == 1);
    q.put(5);
    CHECK(q.qsize() == 2);
    CHECK(q.get() == 1);
    CHECK(q.qsize() == 1);
    CHECK(q.get() == 5);
    CHECK(q.qsize() == 0);
  });
}

TEST_CASE("_TestQueue.test_task_done: join() returns when four workers have done ten items") {
  in_each_world([](World& world) {
    const auto queue = world.JoinableQueue<std::optional<int>>();
    const auto done = world.Counter();
    std::vector<Worker> workers;
    for (int i = 0; i < 4; ++i) {
      workers.push_back(world.start([=] {
        while (queue.get()) {
          std::this_thread::sleep_for(moment);
          done.append();
          queue.task_done();
        }
      }));
    }
    for (int i = 0; i < 10; ++i) queue.put(i);
    CHECK(queue.join(60s));
    CHECK(done.size() == 10);
    for (int i = 0; i < 4; ++i) queue.put(std::nullopt);
    for (Worker& w : workers) CHECK(w.join() == "");
    // What ends a worker is never done: it goes back when the process of the worker ends, not when a thread does.
    const std::size_t left = world.forks() ? 4 : 0;
    CHECK(eventually([&] { return queue.qsize() == left; }, 10s));
  });
}

TEST_CASE("_TestQueue.test_timeout: get() is not early") {
  const Queue<int> q;
  CHECK(takes(timeout, [&] { CHECK_THROWS_AS((void)q.get(timeout), Empty); }));
}

namespace {

/// CPython: empty() of a closed queue that was used is an OSError, put and get ValueErrors. Here what was put can be
/// got.
template <class Q>
void used_and_closed(const Q& q) {
  q.put("foo");
  q.close();
  CHECK_FALSE(q.empty());
  CHECK(q.get() == "foo");
  CHECK(q.empty());
  CHECK(q.qsize() == 0);
}

template <class Q>
void closed(const Q& q) {
  q.close();
  CHECK(q.empty());
  CHECK_THROWS_AS(q.put("foo"), ShutDown);
  CHECK_THROWS_AS((void)q.get(), ShutDown);
  CHECK_THROWS_AS(q.put_nowait("foo"), ShutDown);
  CHECK_THROWS_AS((void)q.get_nowait(), ShutDown);
  CHECK(q.empty());
  CHECK_THROWS_WITH_AS(q.put("foo"), doctest::Contains("closed"), ShutDown);
  CHECK_THROWS_WITH_AS((void)q.get(), doctest::Contains("closed"), ShutDown);
}

}  // namespace

TEST_CASE("_TestQueue.test_closed_queue_empty_exceptions: empty() of a closed queue is an answer") {
  in_each_world([](World& world) {
    const auto unused = world.Queue<std::string>();
    unused.close();
    CHECK(unused.empty());
    const auto joinable = world.JoinableQueue<std::string>();
    joinable.close();
    CHECK(joinable.empty());
    used_and_closed(world.Queue<std::string>());
    used_and_closed(world.JoinableQueue<std::string>());
  });
}

TEST_CASE("_TestQueue.test_closed_queue_put_get_exceptions: put() and get() of a closed queue throw ShutDown") {
  in_each_world([](World& world) {
    closed(world.Queue<std::string>());
    closed(world.JoinableQueue<std::string>());
    const auto q = world.Queue<std::string>();
    Worker child = world.start([=] { q.close(); });
    CHECK(child.join() == "");
    CHECK_THROWS_AS(q.put("foo"), ShutDown);  // closed by one is closed for all
  });
}
