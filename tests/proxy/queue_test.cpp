// Queues through their handles, and the waits of lists and dicts: what each call returns and refuses. What deaths do is in
// tests/faults, random operations against a model in tests/model.

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <partage/partage.hpp>
#include <set>
#include <thread>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/proxy/support.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

bool says(const std::string& whole, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (!has(whole, part)) return false;
  }
  return true;
}

/// "" as soon as nothing is wrong: the manager may be at work on the segment.
std::string verified(const Manager& manager) {
  std::string problem;
  eventually(
      [&] {
        problem = kernel::verify_segment(kernel::Segment::containing(manager.segment_manager()));
        return problem.empty();
      },
      10s);
  return problem;
}

}  // namespace

TEST_CASE("Queue: first in, first out, with every form of put and get") {
  const Queue<std::string> queue(2);
  CHECK(queue.empty());
  CHECK_FALSE(queue.full());
  queue.put("one");
  CHECK(queue.try_put(std::string(5000, '2')));
  CHECK(queue.full());
  CHECK(queue.qsize() == 2);
  CHECK_FALSE(queue.try_put("three"));
  CHECK_THROWS_AS(queue.put_nowait("three"), Full);
  CHECK_THROWS_AS(queue.put("three", 5ms), Full);
  CHECK_THROWS_AS(queue.put("three", -5ms), Full);
  CHECK(queue.get() == "one");
  CHECK(queue.get(1s) == std::string(5000, '2'));
  CHECK_FALSE(queue.try_get().has_value());
  CHECK_THROWS_AS(queue.get_nowait(), Empty);
  CHECK_THROWS_AS(queue.get(5ms), Empty);
  CHECK(says(message_of<Empty>([&] { queue.get_nowait(); }), {"queue", "get_nowait", "no item"}));
}

TEST_CASE("Queue: a bound of 0 or less is none") {
  for (const int bound : {0, -1}) {
    const Queue<int> queue(bound);
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.try_put(i));
    CHECK_FALSE(queue.full());
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.get_nowait() == i);
  }
}

TEST_CASE("Queue: each item goes to one consumer, in the order of its producer") {
  const Queue<std::pair<int, int>> queue(5);
  const auto got = Queue<std::pair<int, int>>();
  ChildGroup group;
  std::vector<pid_t> pids;
  constexpr int each = 300;
  for (int p = 0; p < 2; ++p) {
    pids.push_back(group.start([=] {
      for (int i = 0; i < each; ++i) queue.put({p, i});
    }));
  }
  for (int c = 0; c < 2; ++c) {
    pids.push_back(group.start([=] {
      int last[2] = {-1, -1};
      for (int i = 0; i < each; ++i) {
        const auto [p, n] = queue.get();
        if (n <= last[p]) return 1;
        last[p] = n;
        got.put({p, n});
      }
      return 0;
    }));
  }
  for (const pid_t pid : pids) CHECK(group.wait(pid, 60s).ok());
  std::set<std::pair<int, int>> all;
  while (const auto item = got.try_get()) all.insert(*item);
  CHECK(all.size() == 2 * each);
  CHECK(queue.empty());
}

TEST_CASE("Queue: close() is for everybody; what stands in it can still be got") {
  const Manager manager;
  const Queue<int> queue = manager.Queue<int>(named("jobs"), 1);
  queue.put(1);
  ChildGroup group;
  const pid_t putter = group.start([=] {
    try {
      queue.put(2);
    } catch (const ShutDown&) {
      return 0;
    }
    return 1;
  });
  REQUIRE(eventually([&] { return manager.objects().at(0).waiters == 1; }, 20s));
  queue.close();
  queue.close();
  CHECK(group.wait(putter, 20s).ok());
  CHECK(queue.closed());
  CHECK(says(message_of<ShutDown>([&] { queue.put(3); }), {"queue 'jobs'", "put", "closed"}));
  CHECK_THROWS_AS(queue.try_put(3), ShutDown);
  CHECK(queue.get() == 1);
  CHECK_THROWS_AS(queue.get(), ShutDown);
  CHECK_THROWS_AS(queue.try_get(), ShutDown);
  CHECK(text(queue) == "<Queue(qsize=0, maxsize=1, closed)>");
}

TEST_CASE("Queue: close() wakes those who wait for an item") {
  const Queue<int> queue;
  ChildGroup group;
  const pid_t getter = group.start([=] {
    try {
      queue.get();
    } catch (const ShutDown&) {
      return 0;
    }
    return 1;
  });
  REQUIRE(eventually([&] { return process_state(getter) == 'S'; }, 20s));
  std::this_thread::sleep_for(20ms);
  queue.close();
  CHECK(group.wait(getter, 20s).ok());
}

TEST_CASE("JoinableQueue: join() waits until every item is done with") {
  const JoinableQueue<int> queue;
  queue.join();
  CHECK(says(message_of<ValueError>([&] { queue.task_done(); }), {"joinable_queue", "task_done", "no item"}));
  for (int i = 0; i < 5; ++i) queue.put(i);
  CHECK_FALSE(queue.join(5ms));
  ChildGroup group;
  const pid_t worker = group.start([=] {
    for (int i = 0; i < 5; ++i) {
      if (queue.get() != i) return 1;
      queue.task_done();
    }
    return 0;
  });
  queue.join();
  CHECK(group.wait(worker, 20s).ok());
  CHECK(queue.redeliveries() == 0);
  CHECK_THROWS_AS(queue.task_done(), ValueError);
}

TEST_CASE("JoinableQueue: items may be done with in any order") {
  const JoinableQueue<std::string> queue;
  for (int i = 0; i < 100; ++i) queue.put(std::string(static_cast<std::size_t>(i) * 40, 'x'));
  ChildGroup group;
  const Event taken;
  const pid_t first = group.start([=] {
    queue.get();
    taken.set();
    for (;;) pause();
  });
  REQUIRE(taken.wait(20s));
  for (int i = 1; i < 100; ++i) {  // behind the one that is taken and not done
    CHECK(queue.get().size() == static_cast<std::size_t>(i) * 40);
    queue.task_done();
  }
  CHECK(queue.empty());
  CHECK_FALSE(queue.join(1ms));
  group.kill(first);
  CHECK(queue.get(20s).empty());
  queue.task_done();
  queue.join();
}

TEST_CASE("JoinableQueue: after close() get() waits for what others may give back") {
  const JoinableQueue<int> queue;
  queue.put(1);
  ChildGroup group;
  const Event taken;
  const pid_t first = group.start([=] {
    queue.get();
    taken.set();
    for (;;) pause();
  });
  REQUIRE(taken.wait(20s));
  queue.close();
  CHECK_THROWS_AS(queue.get(20ms), Empty);
  group.kill(first);
  CHECK(queue.get() == 1);
  CHECK_THROWS_AS(queue.get(), ShutDown);  // what the caller itself has does not come back to it
  queue.task_done();
  queue.join();
}

TEST_CASE("JoinableQueue: after close() two that have items which are not done do not wait for each other") {
  const JoinableQueue<int> queue;
  queue.put(1);
  queue.put(2);
  queue.close();
  ChildGroup group;
  const Barrier both(2);
  const auto consume = [=] {
    queue.get();
    both.wait();
    try {
      queue.get();
    } catch (const ShutDown&) {
      queue.task_done();
      return 0;
    }
    return 1;
  };
  const pid_t a = group.start(consume), b = group.start(consume);
  CHECK(group.wait(a, 20s).ok());
  CHECK(group.wait(b, 20s).ok());
  queue.join();
}

TEST_CASE("SimpleQueue: put, get, empty, close") {
  const Manager manager;
  for (const auto& queue : {SimpleQueue<int>(), manager.SimpleQueue<int>()}) {
    CHECK(queue.empty());
    queue.put(1);
    CHECK_FALSE(queue.empty());
    CHECK(queue.get() == 1);
    queue.close();
    CHECK_THROWS_AS(queue.put(2), ShutDown);
  }
}

TEST_CASE("queues: items with handles are counted in the queue, in flight and after") {
  const Manager manager;
  {
    const auto queue = manager.Queue<ListProxy<int>>();
    const auto joinable = manager.JoinableQueue<std::pair<std::string, ListProxy<int>>>();
    queue.put(manager.list<int>({1}));
    joinable.put({std::string(100, 'x'), manager.list<int>({2})});
    CHECK(manager.objects().size() == 4);
    CHECK(verified(manager) == "");
    ChildGroup group;
    const Event taken;
    const pid_t doomed = group.start([=] {
      joinable.get().second.append(3);
      taken.set();
      for (;;) pause();
    });
    REQUIRE(taken.wait(20s));
    group.kill(doomed);
    CHECK(joinable.get(20s).second.copy() == std::vector{2, 3});
    joinable.task_done();
    const auto list = queue.get();
    CHECK(list.copy() == std::vector{1});
    queue.put(list);
    CHECK(eventually([&] { return manager.objects().size() == 3; }, 20s));
    CHECK(eventually([&] { return verified(manager).empty(); }, 20s));
  }
  CHECK(eventually([&] { return manager.objects().empty(); }, 20s));  // the manager takes back what the dead one held
  CHECK(verified(manager) == "");
}

TEST_CASE("queues: an item of a queue that waits for nobody is not held while another waits") {
  const Manager manager;
  const auto queue = manager.Queue<ListProxy<int>>();
  ChildGroup group;
  const pid_t waiter = group.start([=] { return queue.get().size() == 0 ? 0 : 1; });
  REQUIRE(eventually([&] { return manager.objects().at(0).waiters == 1; }, 20s));
  manager.list<int>();  // comes and goes while another process waits
  CHECK(manager.objects().size() == 1);
  queue.put(manager.list<int>());
  CHECK(group.wait(waiter, 20s).ok());
}

TEST_CASE("queues: a queue travels in a queue, a list and a dict") {
  const Manager manager;
  const auto inner = manager.Queue<int>();
  const auto outer = manager.Queue<Queue<int>>();
  outer.put(inner);
  outer.get().put(7);
  const auto dict = manager.dict<std::string, Queue<int>>({{"q", inner}});
  CHECK(dict["q"].get() == 7);
  dict["q"].put(8);
  CHECK(inner.get_nowait() == 8);
}

TEST_CASE("queues: an element type that is not that of the queue is a TypeError") {
  const Manager manager;
  const auto queue = manager.Queue<int>(named("q"));
  CHECK(says(message_of<TypeError>([&] { manager.Queue<double>(named("q")); }), {"queue<i32>", "queue<f64>"}));
  CHECK(says(message_of<TypeError>([&] { manager.JoinableQueue<int>(named("q")); }),
             {"queue<i32>", "joinable_queue<i32>"}));
}

// ---- waits of lists and dicts ----------------------------------------------------------------------------------------

TEST_CASE("list: pop_wait takes the element as soon as there is one") {
  const Manager manager;
  const auto list = manager.list<std::string>({"a", "b"});
  CHECK(list.pop_wait(1s) == "b");
  CHECK(list.pop_wait(1s, 0) == "a");
  CHECK_FALSE(list.pop_wait(5ms).has_value());
  CHECK_FALSE(list.pop_wait(-1s).has_value());
  ChildGroup group;
  const pid_t waiter = group.start([=] { return list.pop_wait(1h) == "late" ? 0 : 1; });
  REQUIRE(eventually([&] { return manager.objects().at(0).waiters == 1; }, 20s));
  list.extend({"late"});
  CHECK(group.wait(waiter, 20s).ok());
  CHECK(list.empty());
  const auto lists = manager.list<ListProxy<std::string>>();
  const pid_t other = group.start([=] { return lists.pop_wait(1h).value().size() == 0 ? 0 : 1; });
  lists.append(list);
  CHECK(group.wait(other, 20s).ok());
}

TEST_CASE("dict: wait gives the value as soon as the key is there") {
  const Manager manager;
  const auto dict = manager.dict<std::string, int>({{"a", 1}});
  CHECK(dict.wait("a", 1s) == 1);
  CHECK_FALSE(dict.wait("b", 5ms).has_value());
  ChildGroup group;
  const pid_t waiter = group.start([=] { return dict.wait("b", 1h) == 2 ? 0 : 1; });
  REQUIRE(eventually([&] { return manager.objects().at(0).waiters == 1; }, 20s));
  dict["c"] = 3;
  dict.update({{"d", 4}, {"b", 2}});
  CHECK(group.wait(waiter, 20s).ok());
  const auto lists = manager.dict<int, ListProxy<int>>();
  const pid_t other = group.start([=] { return lists.wait(5, 1h).value().size() == 1 ? 0 : 1; });
  lists[5] = manager.list<int>({1});
  CHECK(group.wait(other, 20s).ok());
}

}  // namespace partage::test
