// What CPython's TestStartMethod and TestStdinBadfiledescriptor say about queues in children of children.
#include <set>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("TestStartMethod.test_nested_startmethod: a child hands its queue on to a grandchild") {
  in_each_world([](World& world) {
    const auto queue = world.Queue<int>();
    const auto kind = world.forks() ? Worker::Kind::process : Worker::Kind::thread;
    Worker child = world.start([=] {
      queue.put(2);
      Worker grandchild(kind, [=] { queue.put(1); });
      expect(grandchild.join().empty(), "the grandchild to end well");
    });
    CHECK(child.join() == "");
    CHECK(queue.get() == 2);  // CPython knows no order here: its items are stored later than put() returns
    CHECK(queue.get() == 1);
    CHECK(queue.empty());
  });
}

TEST_CASE("TestStdinBadfiledescriptor.test_queue_in_process: a child makes a queue and a grandchild of its own") {
  Worker child(Worker::Kind::process, [] {
    const Queue<int> queue;
    Worker grandchild(Worker::Kind::process, [=] { expect(queue.try_get() == std::nullopt, "no item"); });
    expect(grandchild.join().empty(), "the grandchild to end well");
  });
  CHECK(child.join() == "");
}
