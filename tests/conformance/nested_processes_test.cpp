// What CPython's TestStartMethod and TestStdinBadfiledescriptor say about queues in children of children.
#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("TestStartMethod.test_nested_startmethod: a child hands its queue on to a grandchild") {
  SUBCASE("each start method") {
    with_each_start_method([](StartMethod method) {
      const Queue<int> queue;
      Worker child(
          method,
          [](const Queue<int>& q, StartMethod m) {
            q.put(2);
            Worker grandchild(
                m, [](const Queue<int>& qq) { qq.put(1); }, q);
            expect(grandchild.join().empty(), "the grandchild to end well");
          },
          queue, method);
      CHECK(child.join() == "");
      CHECK(queue.get(long_enough) == 2);
      CHECK(queue.get(long_enough) == 1);
      CHECK(queue.empty());
    });
  }
  SUBCASE("each world") {
    in_each_world([](World& world) {
      const auto queue = world.Queue<int>();
      const auto kind = world.forks() ? Worker::Kind::process : Worker::Kind::thread;
      Worker child = world.start([=] {
        queue.put(2);
        Worker grandchild(kind, [=] { queue.put(1); });
        expect(grandchild.join().empty(), "the grandchild to end well");
      });
      CHECK(child.join() == "");
      CHECK(queue.get(long_enough) == 2);  // CPython knows no order here: its items are stored later than put() returns
      CHECK(queue.get(long_enough) == 1);
      CHECK(queue.empty());
    });
  }
}

TEST_CASE("TestStdinBadfiledescriptor.test_queue_in_process: a child makes a queue and a grandchild of its own") {
  with_each_start_method([](StartMethod method) {
    Worker child(
        method,
        [](StartMethod m) {
          const Queue<int> queue;
          Worker grandchild(
              m, [](const Queue<int>& q) { expect(q.try_get() == std::nullopt, "no item"); }, queue);
          expect(grandchild.join().empty(), "the grandchild to end well");
        },
        method);
    CHECK(child.join() == "");
  });
}
