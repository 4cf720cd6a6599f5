// Exceptions of user code through every layer: serialize() of an element, comparisons, functions of modify(), keys of sorts, ranges
// that end in the middle, predicates, actions, initializers, tasks, callbacks. What throws arrives where it was called for, as it
// was thrown; nothing has changed, no lock stays taken, and the next operation works, in this process and in others.

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <mutex>
#include <partage/partage.hpp>
#include <string>
#include <utility>
#include <vector>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {

/// What user code throws here: no std::exception.
struct Boom {
  int of;
};

/// An element whose serialize() and == throw on demand, after it has written or read something.
struct Grenade {
  static inline int save_fuse = -1, load_fuse = -1, compare_fuse = -1;  // how many calls until then; negative: never
  static void count(int& fuse) {
    if (fuse >= 0 && fuse-- == 0) throw Boom{1};
  }

  int n = 0;
  std::string pad = std::string(300, 'p');

  Grenade() = default;
  explicit Grenade(int value) : n(value) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& n;
    count(Archive::is_saving::value ? save_fuse : load_fuse);
    archive& pad;
  }
  friend bool operator==(const Grenade& a, const Grenade& b) {
    count(compare_fuse);
    return a.n == b.n;
  }
  friend bool operator<(const Grenade& a, const Grenade& b) {
    count(compare_fuse);
    return a.n < b.n;
  }
};

namespace {

using namespace std::chrono_literals;

/// Grenades 0, 1, 2... until the range itself throws.
struct Range {
  int throws_at;
  struct iterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = Grenade;
    using difference_type = std::ptrdiff_t;
    using pointer = const Grenade*;
    using reference = Grenade;
    int i, throws_at;
    Grenade operator*() const { return i == throws_at ? throw Boom{2} : Grenade(i); }
    iterator& operator++() { return ++i, *this; }
    iterator operator++(int) { return {i++, throws_at}; }
    bool operator==(const iterator& other) const { return i == other.i; }
  };
  iterator begin() const { return {0, throws_at}; }
  iterator end() const { return {100, throws_at}; }
};

struct Fuses {
  ~Fuses() { Grenade::save_fuse = Grenade::load_fuse = Grenade::compare_fuse = -1; }
};

struct Things {
  ListProxy<Grenade> list;
  ListProxy<int> numbers;
  DictProxy<std::string, Grenade> dict;
  DictProxy<int, long> counts;
  SetProxy<std::string> set;
  Value<Grenade> value;
  Value<long> number;
  Array<long> array;
  Namespace names;
  Queue<Grenade> queue;
  JoinableQueue<Grenade> tasks;
  Lock lock;
  RLock rlock;
  Condition condition;

  explicit Things(const Manager& m)
      : list(m.list<Grenade>({Grenade(3), Grenade(1), Grenade(2)})),
        numbers(m.list<int>({3, 1, 2})),
        dict(m.dict<std::string, Grenade>({{"a", Grenade(1)}, {"b", Grenade(2)}})),
        counts(m.dict<int, long>({{1, 1}})),
        set(m.set<std::string>({"x"})),
        value(m.Value<Grenade>(Grenade(7))),
        number(m.Value<long>(7)),
        array(m.Array<long>({1, 2, 3})),
        names(m.Namespace()),
        queue(m.Queue<Grenade>()),
        tasks(m.JoinableQueue<Grenade>()),
        lock(m.Lock()),
        rlock(m.RLock()),
        condition(m.Condition()) {
    names.set("n", Grenade(5));
    queue.put(Grenade(9));
    tasks.put(Grenade(8));
  }

  /// All that is in them, as text.
  std::string contents() const {
    std::string all;
    const auto add = [&](long n) { all += std::to_string(n) + ' '; };
    for (const Grenade& g : list.copy()) add(g.n);
    for (const int n : numbers.copy()) add(n);
    for (const auto& [k, g] : dict.items()) all += k + ':', add(g.n);
    for (const auto& [k, n] : counts.items()) add(k), add(n);
    for (const std::string& s : set.copy()) all += s + ' ';
    add(value.get().n);
    add(number.get());
    for (const long n : array) add(n);
    add(names.get<Grenade>("n").n);
    add(static_cast<long>(queue.qsize()));
    add(static_cast<long>(tasks.qsize()));
    add(lock.locked());
    return all;
  }

  /// An operation that writes on each of them, and its opposite.
  void use_all() const {
    list.append(Grenade(4));
    list.pop();
    numbers.insert(0, 5);
    numbers.erase(0);
    dict.set("c", Grenade(4));
    dict.erase("c");
    counts[2] = 5;
    counts.erase(2);
    set.add("y");
    set.remove("y");
    value = Grenade(value.get().n);
    number += 1;
    number -= 1;
    array[0] += 1;
    array[0] -= 1;
    names.set("n", Grenade(5));
    queue.put(Grenade(queue.get().n));
    tasks.put(Grenade(tasks.get().n));
    tasks.task_done();
    lock.acquire();
    lock.release();
    rlock.acquire();
    rlock.release();
    const std::scoped_lock guard(condition);
    condition.notify_all();
  }
};

using Operations = std::vector<std::pair<const char*, std::function<void(const Things&)>>>;

/// Each of them throws Boom, with everything as before and in working order.
void check_all(const Operations& operations) {
  const Manager manager;
  const Things things(manager);
  const std::string before = things.contents();
  auto& segment = kernel::Segment::containing(manager.segment_manager());
  for (const auto& [what, operation] : operations) {
    const char* name = what;  // Clang 14 captures no bindings
    CAPTURE(name);
    {
      const Fuses fuses;
      CHECK_THROWS_AS(operation(things), Boom);
    }
    CHECK(things.contents() == before);
    CHECK(kernel::verify_segment(segment) == "");
    const ChildResult other = run_child([&] { things.use_all(); }, 20s);
    CHECK_MESSAGE(other.ok(), other.describe());
    things.use_all();
    CHECK(things.contents() == before);
  }
}

[[noreturn]] void boom() {
  throw Boom{3};
}

}  // namespace

TEST_CASE("exceptions: serialize() of an element that is written") {
  const auto at = [](int fuse, auto operation) {
    return [=](const Things& t) {
      Grenade::save_fuse = fuse;
      operation(t);
    };
  };
  check_all({
      {"append", at(0, [](const Things& t) { t.list.append(Grenade(5)); })},
      {"insert", at(0, [](const Things& t) { t.list.insert(1, Grenade(5)); })},
      {"extend", at(2,
                    [](const Things& t) {
                      t.list.extend({Grenade(5), Grenade(6), Grenade(7)});
                    })},
      {"list[i] = x", at(0, [](const Things& t) { t.list[0] = Grenade(5); })},
      {"assign_slice", at(1,
                          [](const Things& t) {
                            t.list.assign_slice(0, 2, std::vector{Grenade(5), Grenade(6)});
                          })},
      {"list.modify", at(0, [](const Things& t) { t.list.modify(0, [](Grenade& g) { g.n = 5; }); })},
      {"dict[k] = x", at(0, [](const Things& t) { t.dict["new"] = Grenade(5); })},
      {"dict.set", at(0, [](const Things& t) { t.dict.set("a", Grenade(5)); })},
      {"setdefault", at(0, [](const Things& t) { t.dict.setdefault("new", Grenade(5)); })},
      {"update", at(1,
                    [](const Things& t) {
                      t.dict.update({{"a", Grenade(5)}, {"new", Grenade(6)}});
                    })},
      {"dict.modify", at(0, [](const Things& t) { t.dict.modify("a", [](Grenade& g) { g.n = 5; }); })},
      {"dict.modify with an initial value",
       at(1, [](const Things& t) { t.dict.modify("new", Grenade(1), [](Grenade& g) { g.n = 5; }); })},
      {"value = x", at(0, [](const Things& t) { t.value = Grenade(5); })},
      {"value.modify", at(0, [](const Things& t) { t.value.modify([](Grenade& g) { g.n = 5; }); })},
      {"names.set", at(0, [](const Things& t) { t.names.set("n", Grenade(6)); })},
      {"queue.put", at(0, [](const Things& t) { t.queue.put(Grenade(5)); })},
      {"tasks.put", at(0, [](const Things& t) { t.tasks.put(Grenade(5)); })},
  });
}

TEST_CASE("exceptions: serialize() of an element that is read") {
  const auto at = [](int fuse, auto operation) {
    return [=](const Things& t) {
      Grenade::load_fuse = fuse;
      operation(t);
    };
  };
  check_all({
      {"at", at(0, [](const Things& t) { (void)t.list.at(0); })},
      {"copy", at(1, [](const Things& t) { (void)t.list.copy(); })},
      {"slice", at(1, [](const Things& t) { (void)t.list.slice(0, 3); })},
      {"index", at(0, [](const Things& t) { (void)t.list.index(Grenade(2)); })},
      {"remove", at(2, [](const Things& t) { t.list.remove(Grenade(2)); })},
      {"sort", at(1, [](const Things& t) { t.list.sort(); })},
      {"list.modify", at(0, [](const Things& t) { t.list.modify(0, [](Grenade& g) { g.n = 5; }); })},
      {"dict.at", at(0, [](const Things& t) { (void)t.dict.at("a"); })},
      {"dict.get", at(0, [](const Things& t) { (void)t.dict.get("a"); })},
      {"items", at(1, [](const Things& t) { (void)t.dict.items(); })},
      {"dict.modify", at(0, [](const Things& t) { t.dict.modify("a", [](Grenade& g) { g.n = 5; }); })},
      {"value.get", at(0, [](const Things& t) { (void)t.value.get(); })},
      {"names.get", at(0, [](const Things& t) { (void)t.names.get<Grenade>("n"); })},
  });
}

TEST_CASE("exceptions: serialize() of an element that has been taken out: it is gone, and everything works") {
  const Manager manager;
  const Things things(manager);
  const auto throws = [](const auto& operation) {
    const Fuses fuses;
    Grenade::load_fuse = 0;
    CHECK_THROWS_AS(operation(), Boom);
  };
  throws([&] { things.list.pop(); });
  throws([&] { things.dict.pop("a"); });
  throws([&] { things.queue.get(); });
  CHECK(things.list.size() == 2);
  CHECK_FALSE(things.dict.contains("a"));
  CHECK(things.queue.empty());
  // An item of a JoinableQueue is this process' until task_done(), whatever became of the value.
  throws([&] { things.tasks.get(); });
  things.tasks.task_done();
  CHECK(things.tasks.join(20s));
  things.queue.put(Grenade(9));
  things.tasks.put(Grenade(8));
  things.use_all();
  CHECK(kernel::verify_segment(kernel::Segment::containing(manager.segment_manager())) == "");
}

TEST_CASE("exceptions: comparisons, keys and functions of modify()") {
  const auto compare = [](int fuse, auto operation) {
    return [=](const Things& t) {
      Grenade::compare_fuse = fuse;
      operation(t);
    };
  };
  check_all({
      {"index", compare(1, [](const Things& t) { (void)t.list.index(Grenade(2)); })},
      {"count", compare(2, [](const Things& t) { (void)t.list.count(Grenade(2)); })},
      {"contains", compare(0, [](const Things& t) { (void)t.list.contains(Grenade(2)); })},
      {"remove", compare(1, [](const Things& t) { t.list.remove(Grenade(2)); })},
      {"list == list", compare(1, [](const Things& t) { (void)(t.list == t.list.copy()); })},
      {"sort", compare(1, [](const Things& t) { t.list.sort(); })},
      {"sort_by", [](const Things& t) { t.numbers.sort_by([](int n) { return n == 2 ? throw Boom{4} : n; }); }},
      {"list.modify", [](const Things& t) { t.list.modify(0, [](Grenade& g) { g.n = 9, boom(); }); }},
      {"numbers.modify", [](const Things& t) { t.numbers.modify(0, [](int& n) { n = 9, boom(); }); }},
      {"dict.modify", [](const Things& t) { t.dict.modify("a", [](Grenade& g) { g.n = 9, boom(); }); }},
      {"dict.modify with an initial value",
       [](const Things& t) { t.dict.modify("new", Grenade(1), [](Grenade& g) { g.n = 9, boom(); }); }},
      {"counts.modify", [](const Things& t) { t.counts.modify(1, [](long& n) { n = 9, boom(); }); }},
      {"counts.modify with an initial value",
       [](const Things& t) { t.counts.modify(5, 0, [](long& n) { n = 9, boom(); }); }},
      {"value.modify", [](const Things& t) { t.value.modify([](Grenade& g) { g.n = 9, boom(); }); }},
      {"number.modify", [](const Things& t) { t.number.modify([](long& n) { n = 9, boom(); }); }},
      {"array.modify", [](const Things& t) { t.array.modify(0, [](long& n) { n = 9, boom(); }); }},
      {"names.modify", [](const Things& t) { t.names.modify<Grenade>("n", [](Grenade& g) { g.n = 9, boom(); }); }},
      {"modify inside modify",
       [](const Things& t) {
         t.numbers.modify(0, [&](int& n) {
           n = 9;
           CHECK_THROWS_AS(t.counts.modify(1, [](long&) {}), UsageError);
           boom();
         });
       }},
      {"a read inside modify",
       [](const Things& t) {
         t.numbers.modify(0, [&](int& n) {
           n = static_cast<int>(t.counts.at(1));
           Grenade::load_fuse = 0;
           (void)t.list.at(0);
         });
       }},
  });
}

TEST_CASE("exceptions: ranges that end in the middle") {
  check_all({
      {"extend", [](const Things& t) { t.list.extend(Range{50}); }},
      {"+=", [](const Things& t) { t.list += Range{0}; }},
      {"assign_slice", [](const Things& t) { t.list.assign_slice(0, 2, Range{1}); }},
      {"set.update",
       [](const Things& t) {
         struct Words : Range {
           struct iterator : Range::iterator {
             using value_type = std::string;
             using reference = std::string;
             std::string operator*() const { return std::to_string(Range::iterator::operator*().n); }
             iterator& operator++() { return Range::iterator::operator++(), *this; }
             iterator operator++(int) {
               iterator old = *this;
               ++*this;
               return old;
             }
           };
           iterator begin() const { return {Range::begin()}; }
           iterator end() const { return {Range::end()}; }
         };
         t.set.update(Words{{50}});
       }},
  });
}

TEST_CASE("exceptions: predicates of a Condition and actions of a Barrier") {
  const Manager manager;
  const Condition condition = manager.Condition();
  condition.acquire();
  CHECK_THROWS_AS(condition.wait_for([]() -> bool { boom(); }), Boom);
  CHECK_THROWS_AS(condition.wait_for([]() -> bool { boom(); }, 10s), Boom);
  condition.release();  // it is still this process'
  const ChildResult other = run_child(
      [&] {
        const std::scoped_lock guard(condition);
        condition.notify();
      },
      20s);
  CHECK_MESSAGE(other.ok(), other.describe());

  const Barrier barrier = manager.Barrier(2, [] { boom(); });
  ChildGroup group;
  const pid_t waiter = group.start([&] {
    try {
      barrier.wait();
    } catch (const BrokenBarrierError&) {
      return 0;
    }
    return 1;
  });
  REQUIRE(eventually([&] { return barrier.n_waiting() == 1; }, 20s));
  CHECK_THROWS_AS(barrier.wait(), Boom);
  CHECK(group.wait(waiter, 20s).ok());
  CHECK(barrier.broken());
  barrier.reset();
  CHECK_FALSE(barrier.broken());
}

TEST_CASE("exceptions: what is no std::exception, out of processes, tasks, callbacks and initializers") {
  Process process([] { boom(); });
  process.start();
  process.join();
  CHECK(process.exitcode() == 1);

  Pool pool(2);
  const auto task = pool.apply_async([](int n) { return n == 3 ? throw Boom{n} : n; }, 3);
  CHECK_THROWS_WITH(task.get(20s), doctest::Contains("no std::exception"));
  const auto fine = pool.apply_async([](int n) { return n; }, 4);
  fine.then([](int) { boom(); });
  CHECK(fine.get(20s) == 4);
  const auto failed = pool.apply_async([](int n) { return n == 3 ? throw Boom{n} : n; }, 3);
  failed.on_error([](const auto&) { boom(); });
  CHECK_THROWS_WITH(failed.get(20s), doctest::Contains("no std::exception"));
  CHECK(pool.map([](int n) { return n + 1; }, std::vector{1, 2}) == std::vector{2, 3});
  pool.close();
  pool.join();

  Pool broken(PoolOptions{.workers = 1}, [] { boom(); });
  CHECK_THROWS_WITH(broken.apply([] { return 1; }), doctest::Contains("no std::exception"));
  broken.terminate();
}

}  // namespace partage::test
