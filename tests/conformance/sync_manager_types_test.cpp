// CPython's TestSyncManagerTypes: each type is made here and used in a worker. Its test_pool belongs to Pool.
//
// CPython runs them with a forked process and a manager; here what exists without a manager is run without one too.
#include <algorithm>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// worker(object) in a worker.
template <class T, class Fn>
void run_worker(const World& world, const T& object, Fn worker) {
  Worker child = world.start([=] { worker(object); });
  CHECK(child.join() == "");
}

}  // namespace

TEST_CASE("TestSyncManagerTypes.test_event: cleared by the child") {
  in_each_world([](World& world) {
    const auto o = world.Event();
    o.set();
    run_worker(world, o, [](const Event& event) {
      expect(event.is_set(), "a set event");
      expect(event.wait(), "wait() to be true");
      event.clear();
      expect(!event.wait(1ms), "wait() to be false");
    });
    CHECK_FALSE(o.is_set());
    CHECK_FALSE(o.wait(1ms));
  });
}

TEST_CASE("TestSyncManagerTypes.test_lock: acquired by a child that ends, released here, once") {
  in_each_world([](World& world) {
    const auto o = world.Lock();
    run_worker(world, o, [](const Lock& lock) {
      lock.acquire();
      expect(lock.locked(), "a locked lock");
    });
    CHECK(o.locked());
    o.release();
    CHECK_FALSE(o.locked());
    CHECK_THROWS_AS(o.release(), ValueError);
  });
}

TEST_CASE("TestSyncManagerTypes.test_rlock: acquired and released by a child") {
  in_each_world([](World& world) {
    const auto o = world.RLock();
    run_worker(world, o, [](const RLock& lock) {
      lock.acquire();
      expect(lock.locked(), "a locked lock");
      lock.release();
      expect(!lock.locked(), "an unlocked lock");
    });
    CHECK_FALSE(o.locked());
  });
}

TEST_CASE("TestSyncManagerTypes.test_semaphore: acquired by a child that ends, released here") {
  in_each_world([](World& world) {
    const auto o = world.Semaphore(1);
    run_worker(world, o, [](const Semaphore& semaphore) { semaphore.acquire(); });
    CHECK(o.get_value() == 0);
    o.release();
    CHECK(o.get_value() == 1);
  });
}

TEST_CASE("TestSyncManagerTypes.test_bounded_semaphore: acquired by a child that ends, released here") {
  in_each_world([](World& world) {
    const auto o = world.BoundedSemaphore(1);
    run_worker(world, o, [](const BoundedSemaphore& semaphore) { semaphore.acquire(); });
    CHECK(o.get_value() == 0);
    o.release();
    CHECK(o.get_value() == 1);
    CHECK_THROWS_AS(o.release(), ValueError);
  });
}

TEST_CASE("TestSyncManagerTypes.test_condition: acquired and released by a child") {
  in_each_world([](World& world) {
    const auto o = world.Condition();
    run_worker(world, o, [](const Condition& condition) {
      condition.acquire();
      condition.release();
    });
    CHECK(o.try_acquire());
    o.release();
  });
}

TEST_CASE("TestSyncManagerTypes.test_barrier: looked at and reset by a child") {
  in_each_world([](World& world) {
    const auto o = world.Barrier(5);
    run_worker(world, o, [](const Barrier& barrier) {
      expect(barrier.parties() == 5, "five parties");
      barrier.reset();
    });
    CHECK(o.parties() == 5);
    CHECK_FALSE(o.broken());
  });
}

namespace {
template <class Q>
void queue_in_a_child(const World& world, const Q& o) {
  o.put(5);
  o.put(6);
  run_worker(world, o, [](const Q& queue) {
    expect(queue.qsize() == 2, "two items");
    expect(queue.full(), "a full queue");
    expect(!queue.empty(), "no empty queue");
    expect(queue.get() == 5, "5");
    expect(!queue.empty(), "another item");
    expect(queue.get() == 6, "6");
    expect(queue.empty(), "an empty queue");
    if constexpr (requires { queue.task_done(); }) {
      queue.task_done();
      queue.task_done();
    }
  });
  CHECK(o.empty());
  CHECK_FALSE(o.full());
}
}  // namespace

TEST_CASE("TestSyncManagerTypes.test_queue: emptied by a child") {
  in_each_world([](World& world) { queue_in_a_child(world, world.Queue<int>(2)); });
}

// The child says task_done(): here what a consumer leaves undone goes back when it ends.
TEST_CASE("TestSyncManagerTypes.test_joinable_queue: emptied by a child") {
  in_each_world([](World& world) { queue_in_a_child(world, world.JoinableQueue<int>(2)); });
}

TEST_CASE("TestSyncManagerTypes.test_list: everything a list can, in a child") {
  in_each_managed_world([](World& world) {
    const auto o = world.manager().list<int>();
    o.append(5);
    run_worker(world, o, [](const ListProxy<int>& list) {
      using Ints = std::vector<int>;
      expect(list[0] == 5, "5");
      expect(list.count(5) == 1, "one 5");
      expect(list.index(5) == 0, "5 to be the first");
      const auto& added = list += {7};
      static_assert(std::is_same_v<decltype(added), const ListProxy<int>&>);
      expect(added.is(list) && list == Ints{5, 7}, "[5, 7]");
      const auto& doubled = list *= 2;
      static_assert(std::is_same_v<decltype(doubled), const ListProxy<int>&>);
      expect(doubled.is(list) && list == Ints{5, 7, 5, 7}, "[5, 7] twice");
      const Ints eight{5, 7, 5, 7, 5, 7, 5, 7};
      const Ints times_two = list * 2;
      expect(times_two == eight, "list * 2");
      const Ints two_times = 2 * list;
      expect(two_times == eight, "2 * list");
      const Ints copied = list.copy();
      expect(copied == Ints{5, 7, 5, 7}, "copy()");
      list.extend(times_two);
      list.extend(copied);
      list.sort();
      expect(list == Ints{5, 5, 5, 5, 5, 5, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7}, "sort()");
      list.reverse();
      std::size_t n = 0;
      for (const int x : list) n += x == 5 || x == 7 ? 1 : 0;
      expect(n == 16, "sixteen to be walked over");
      expect(list.size() == 16, "sixteen");
      expect(list.pop(0) == 7, "pop(0) to be 7");
      list.clear();
      expect(list.size() == 0, "none after clear()");
    });
    CHECK(o.size() == 0);
  });
}

TEST_CASE("TestSyncManagerTypes.test_dict: everything a dict can, in a child") {
  in_each_managed_world([](World& world) {
    using Dict = DictProxy<std::string, int>;
    const auto o = world.manager().dict<std::string, int>();
    o["foo"] = 5;
    run_worker(world, o, [](const Dict& dict) {
      using Local = ordered_dict<std::string, int>;
      using Pair = std::pair<std::string, int>;
      using Keys = std::vector<std::string>;
      expect(dict.size() == 1, "one");
      expect(dict["foo"] == 5, "5");
      expect(dict.get("foo") == 5, "get()");
      expect(dict.items() == std::vector<Pair>{{"foo", 5}}, "items()");
      expect(dict.keys() == Keys{"foo"}, "keys()");
      expect(dict.values() == std::vector<int>{5}, "values()");
      expect(dict.copy() == Local{{"foo", 5}}, "copy()");
      const auto& updated = dict |= {{"bar", 6}};
      static_assert(std::is_same_v<decltype(updated), const Dict&>);
      expect(updated.is(dict) && dict == Local{{"foo", 5}, {"bar", 6}}, "|=");
      Keys keys = dict.keys();  // reversed(): a dict has no way back, its keys do
      std::reverse(keys.begin(), keys.end());
      expect(keys == Keys{"bar", "foo"}, "the order of insertion");
      const Local others{{"bar", 7}, {"baz", 7}};
      const Local from_left = others | dict;
      expect(from_left == Local{{"foo", 5}, {"bar", 6}, {"baz", 7}}, "local | dict");
      const Local from_right = dict | others;
      expect(from_right == Local{{"foo", 5}, {"bar", 7}, {"baz", 7}}, "dict | local");
      expect(dict.popitem() == Pair("bar", 6), "popitem()");
      expect(dict.setdefault("bar", 0) == 0, "setdefault()");
      dict.update({{"bar", 7}});
      expect(dict.pop("bar") == 7, "pop()");
      dict.clear();
      expect(dict.size() == 0, "none after clear()");
    });
    CHECK(o.size() == 0);
  });
}

TEST_CASE("TestSyncManagerTypes.test_value: read and written by a child") {
  in_each_world([](World& world) {
    const auto o = world.Value<int>(1);
    run_worker(world, o, [](const Value<int>& value) {
      expect(value == 1, "1");
      expect(value.get() == 1, "get() to be 1");
      value.set(2);
    });
    CHECK(o == 2);
    CHECK(o.get() == 2);
  });
}

TEST_CASE("TestSyncManagerTypes.test_array: read by a child") {
  in_each_world([](World& world) {
    const auto o = world.Array<int>(std::vector<int>{0, 1});
    run_worker(world, o, [](const Array<int>& array) {
      expect(array[0] == 0, "0");
      expect(array[1] == 1, "1");
      expect(array.size() == 2, "two");
      expect(std::vector<int>(array.begin(), array.end()) == std::vector<int>{0, 1}, "both to be walked over");
    });
  });
}

TEST_CASE("TestSyncManagerTypes.test_namespace: two attributes read by a child") {
  in_each_managed_world([](World& world) {
    const auto o = world.manager().Namespace();
    o.set("x", 0);
    o.set("y", 1);
    run_worker(world, o, [](const Namespace& attributes) {
      expect(attributes.get<int>("x") == 0, "x");
      expect(attributes.get<int>("y") == 1, "y");
    });
  });
}

namespace {

using Words = std::set<std::string>;
using Shared = SetProxy<std::string>;

/// A set of a, b and c, and nothing else.
void begin_with_abc(const Shared& set) {
  set.clear();
  set.update({"a", "b", "c"});
}
/// `result` of an assignment is the set itself, with these elements.
void is_itself(const Shared& result, const Shared& set, const Words& elements, const std::string& what) {
  expect(result.is(set) && set == elements, what);
}

void operators_of_a_set(const Shared& set) {
  begin_with_abc(set);
  expect(set.size() == 3, "three elements");
  expect(set.contains("a"), "a");
  expect(!set.contains("d"), "no d");
  const Words de{"d", "e"}, abcde{"a", "b", "c", "d", "e"};
  const Words united = set | de;
  expect(united == abcde, "set | local");
  const Words united_too = de | set;
  expect(united_too == abcde, "local | set");
  is_itself(set |= de, set, abcde, "|=");

  begin_with_abc(set);
  const Words without_set = Words{"a", "b", "d"} - set;
  expect(without_set == Words{"d"}, "local - set");
  const Words ab{"a", "b"};
  const Words without_local = set - ab;
  expect(without_local == Words{"c"}, "set - local");
  is_itself(set -= ab, set, Words{"c"}, "-=");

  const Words bcd{"b", "c", "d"};
  begin_with_abc(set);
  const Words either_too = bcd ^ set;
  expect(either_too == Words{"a", "d"}, "local ^ set");
  const Words either = set ^ bcd;
  expect(either == Words{"a", "d"}, "set ^ local");
  is_itself(set ^= bcd, set, Words{"a", "d"}, "^=");

  begin_with_abc(set);
  const Words common = set & bcd;
  expect(common == Words{"b", "c"}, "set & local");
  const Words common_too = bcd & set;
  expect(common_too == Words{"b", "c"}, "local & set");
  is_itself(set &= bcd, set, Words{"b", "c"}, "&=");

  begin_with_abc(set);
  expect(Words(set.begin(), set.end()) == Words{"a", "b", "c"}, "all to be walked over");
}

template <class Fn>
bool throws_key_error(Fn fn) {
  try {
    fn();
    return false;
  } catch (const KeyError&) {
    return true;
  }
}

void methods_of_a_set(const Shared& set) {
  set.add("d");
  expect(set.contains("d"), "what was added");

  begin_with_abc(set);
  const Words copied = set.copy();
  expect(set == copied, "copy()");
  set.remove("a");
  expect(!set.contains("a"), "nothing that was removed");
  expect(throws_key_error([&] { set.remove("a"); }), "KeyError");

  set.clear();
  set.update({"a"});
  set.discard("a");
  expect(!set.contains("a"), "nothing that was discarded");
  set.discard("a");
  expect(!set.contains("a"), "nothing that was discarded twice");
  set.update({"a"});
  const std::string popped = set.pop();
  expect(popped == "a" && !set.contains(popped), "pop()");
  expect(throws_key_error([&] { (void)set.pop(); }), "KeyError of an empty set");

  begin_with_abc(set);
  expect(set.intersection({"b", "c", "d"}) == Words{"b", "c"}, "intersection()");
  set.intersection_update({"b", "c", "d"});
  expect(set == Words{"b", "c"}, "intersection_update()");

  begin_with_abc(set);
  expect(set.difference({"a", "b"}) == Words{"c"}, "difference()");
  set.difference_update({"a", "b"});
  expect(set == Words{"c"}, "difference_update()");

  begin_with_abc(set);
  expect(set.symmetric_difference({"b", "c", "d"}) == Words{"a", "d"}, "symmetric_difference()");
  set.symmetric_difference_update({"b", "c", "d"});
  expect(set == Words{"a", "d"}, "symmetric_difference_update()");
}

void comparisons_of_a_set(const Shared& set) {
  begin_with_abc(set);
  expect(set.union_({"d", "e"}) == Words{"a", "b", "c", "d", "e"}, "union_()");
  expect(set.isdisjoint({"d", "e"}), "isdisjoint()");
  expect(!set.isdisjoint({"a", "d"}), "isdisjoint() to be false");

  expect(set.issubset({"a", "b", "c", "d"}), "issubset()");
  expect(!set.issubset({"a", "b"}), "issubset() to be false");
  expect(set < Words{"a", "b", "c", "d"}, "<");
  expect(set <= Words{"a", "b", "c"}, "<=");
  expect(!(set < Words{"a", "b", "c"}), "< to be false");

  expect(set.issuperset({"a", "b"}), "issuperset()");
  expect(!set.issuperset({"a", "b", "d"}), "issuperset() to be false");
  expect(set > Words{"a"}, ">");
  expect(set >= Words{"a", "b"}, ">=");
}

}  // namespace

TEST_CASE("TestSyncManagerTypes.test_set: operators, methods and comparisons in a child") {
  in_each_managed_world([](World& world) {
    const Manager& manager = world.manager();
    run_worker(world, manager.set<std::string>(), operators_of_a_set);
    run_worker(world, manager.set<std::string>(), methods_of_a_set);
    run_worker(world, manager.set<std::string>(), comparisons_of_a_set);
  });
}

// m.set(1234) is a RemoteError there; what is no range does not compile here. The dict is a shared one: a std::map is a
// range of pairs.
TEST_CASE("TestSyncManagerTypes.test_set_init: from a set, a list and a dict") {
  const Manager manager;
  const Words abc{"a", "b", "c"};
  CHECK(manager.set<std::string>(abc) == abc);
  CHECK(manager.set<std::string>({"a", "b", "c"}) == abc);
  CHECK(manager.set<std::string>(std::vector<std::string>{"a", "b", "c"}) == abc);
  CHECK(manager.set<std::string>(manager.dict<std::string, int>({{"a", 1}, {"b", 2}, {"c", 3}})) == abc);
}
