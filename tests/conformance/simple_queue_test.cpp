// CPython's TestSimpleQueue.
#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

// CPython: OSError, because the pipe is gone. Here empty() is a question about what can be got.
TEST_CASE("TestSimpleQueue.test_empty_exceptions: empty() of a closed queue is an answer") {
  in_each_world([](World& world) {
    const auto q = world.SimpleQueue<int>();
    q.close();
    CHECK(q.empty());
    CHECK_THROWS_WITH_AS((void)q.get(), doctest::Contains("closed"), ShutDown);
  });
}

TEST_CASE("TestSimpleQueue.test_empty: empty() in another process") {
  in_each_world([](World& world) {
    const auto queue = world.SimpleQueue<bool>();
    const auto child_can_start = world.Event();
    const auto parent_can_continue = world.Event();
    Worker child = world.start([=] {
      child_can_start.wait();
      queue.put(queue.empty());
      queue.put(queue.empty());
      parent_can_continue.set();
    });
    CHECK(queue.empty());
    child_can_start.set();
    REQUIRE(parent_can_continue.wait(60s));
    CHECK_FALSE(queue.empty());
    CHECK(queue.get());
    CHECK_FALSE(queue.get());
    CHECK(queue.empty());
    CHECK(child.join() == "");
  });
}

TEST_CASE("TestSimpleQueue.test_close: close() twice is fine") {
  in_each_world([](World& world) {
    const auto queue = world.SimpleQueue<int>();
    queue.close();
    queue.close();
    CHECK(queue.closed());
  });
}
