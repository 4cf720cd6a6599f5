// CPython's _TestSharedCTypes: numbers, a struct, an array and a text that a child doubles.
#include <cstdint>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

struct Foo {
  int x = 0;
  double y = 0;
  std::int64_t z = 0;
};

struct Shared {
  explicit Shared(const World& world)
      : x(world.Value<int>(7)),
        y(world.Value<double>(1.0 / 3.0)),
        z(world.Value<std::int64_t>(std::int64_t{1} << 33)),
        foo(world.Value<Foo>({.x = 3, .y = 2})),
        arr(world.Array<double>(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})),
        string(world.Value<std::string>("hello")) {}

  std::vector<RLock> locks() const {
    return {x.get_lock(), y.get_lock(), z.get_lock(), foo.get_lock(), arr.get_lock(), string.get_lock()};
  }
  void twice() const {
    x *= 2;
    y *= 2;
    z *= 2;
    foo.modify([](Foo& f) {
      f.x *= 2;
      f.y *= 2;
    });
    string.modify([](std::string& s) { s += s; });
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(arr.size()); ++i) arr[i] *= 2;
  }
  void are_doubled() const {
    CHECK(x == 14);
    CHECK(y == 2.0 / 3.0);
    CHECK(z == std::int64_t{1} << 34);
    CHECK(foo.get().x == 6);
    CHECK(foo.get().y == 4.0);
    for (std::ptrdiff_t i = 0; i < 10; ++i) CHECK(arr[i] == 2.0 * static_cast<double>(i));
    CHECK(string == "hellohello");
  }

  Value<int> x;
  Value<double> y;
  Value<std::int64_t> z;
  Value<Foo> foo;
  Array<double> arr;
  Value<std::string> string;
};

}  // namespace

TEST_CASE("_TestSharedCTypes.test_sharedctypes: doubled by a child") {
  in_each_world([](World& world) {
    const Shared shared(world);
    Worker child = world.start([=] { shared.twice(); });
    CHECK(child.join() == "");
    shared.are_doubled();
  });
}

TEST_CASE("_TestSharedCTypes.test_synchronize: doubled by a child that has their locks") {
  in_each_world([](World& world) {
    const Shared shared(world);
    Worker child = world.start([=] {
      for (const RLock& lock : shared.locks()) lock.acquire();
      shared.twice();
      for (const RLock& lock : shared.locks()) lock.release();
    });
    CHECK(child.join() == "");
    shared.are_doubled();
    for (const RLock& lock : shared.locks()) CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("_TestSharedCTypes.test_copy: a copy of the value does not follow it") {
  in_each_world([](World& world) {
    const auto foo = world.Value<Foo>({.x = 2, .y = 5.0, .z = std::int64_t{1} << 33});
    const Foo bar = foo.get();
    foo = Foo{};
    CHECK(foo.get().x == 0);
    CHECK(bar.x == 2);
    CHECK(bar.y == 5.0);
    CHECK(bar.z == std::int64_t{1} << 33);
  });
}
