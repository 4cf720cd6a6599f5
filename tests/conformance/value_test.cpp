// CPython's _TestValue. There a value has a type code and an optional lock; here a C++ type, and operations that need
// no lock.
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// The five types of the original, and a text, which is longer than a word.
struct Values {
  explicit Values(const World& world)
      : i(world.Value<int>(4343)),
        d(world.Value<double>(3.625)),
        h(world.Value<short>(-232)),
        q(world.Value<std::int64_t>(std::int64_t{1} << 33)),
        c(world.Value<char>('x')),
        text(world.Value<std::string>("before")) {}

  std::vector<RLock> locks() const {
    return {i.get_lock(), d.get_lock(), h.get_lock(), q.get_lock(), c.get_lock(), text.get_lock()};
  }
  bool are_the_first() const {
    return i == 4343 && d == 3.625 && h == -232 && q == std::int64_t{1} << 33 && c == 'x' && text == "before";
  }
  void become_the_second() const {
    i = 24234;
    d = -4.25;
    h = 234;
    q = std::int64_t{1} << 34;
    c = 'y';
    text = "after, and longer than it was before";
  }
  bool are_the_second() const {
    return i == 24234 && d == -4.25 && h == 234 && q == std::int64_t{1} << 34 && c == 'y' &&
           text == "after, and longer than it was before";
  }

  Value<int> i;
  Value<double> d;
  Value<short> h;
  Value<std::int64_t> q;
  Value<char> c;
  Value<std::string> text;
};

}  // namespace

TEST_CASE("_TestValue.test_value: what a child writes is seen here") {
  in_each_world([](World& world) {
    const Values values(world);
    CHECK(values.are_the_first());
    Worker child = world.start([=] { values.become_the_second(); });
    CHECK(child.join() == "");
    CHECK(values.are_the_second());
  });
}

// There is no RawValue: a lock is one of those who take it, and the value does without.
TEST_CASE("_TestValue.test_rawvalue: reads and writes do not wait for a lock") {
  in_each_world([](World& world) {
    const Values values(world);
    for (const RLock& lock : values.locks()) lock.acquire();
    Worker child = world.start([=] { values.become_the_second(); });
    CHECK(child.join() == "");
    CHECK(values.are_the_second());
    for (const RLock& lock : values.locks()) lock.release();
  });
}

// There is no get_obj(), because the Value is the object, and no `lock` argument.
TEST_CASE("_TestValue.test_getobj_getlock: a value has one lock, which is recursive") {
  in_each_world([](World& world) {
    const auto value = world.Value<int>(5);
    const auto other = world.Value<int>(5);
    const auto lock = value.get_lock();
    static_assert(std::is_same_v<decltype(lock), const RLock>);
    CHECK(value.get_lock() == lock);
    CHECK_FALSE(other.get_lock() == lock);
    const std::scoped_lock guard(lock);
    CHECK(lock.try_acquire());
    lock.release();
    Worker child = world.start([=] {
      expect(value.get_lock() == lock, "the same lock");
      expect(!value.get_lock().try_acquire(), "somebody else to have it");
      expect(other.get_lock().try_acquire(), "nobody to have the other");
      other.get_lock().release();
    });
    CHECK(child.join() == "");
  });
}
