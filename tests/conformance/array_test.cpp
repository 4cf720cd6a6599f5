// CPython's _TestArray.
#include <mutex>
#include <numeric>
#include <type_traits>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Ints = std::vector<int>;
constexpr auto all = std::nullopt;

Ints range(int n) {
  Ints out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

/// Every element becomes the sum of those up to it.
template <class Seq>
void add_up(const Seq& seq) {
  for (std::ptrdiff_t i = 1; i < static_cast<std::ptrdiff_t>(seq.size()); ++i) seq[i] += static_cast<int>(seq[i - 1]);
}

void array_in_a_child(const World& world, const Array<int>& arr, Ints seq) {
  CHECK(arr.size() == seq.size());
  CHECK(arr[3] == seq[3]);
  CHECK(arr.slice(2, 7) == Ints(seq.begin() + 2, seq.begin() + 7));
  const Ints four{1, 2, 3, 4};
  std::copy(four.begin(), four.end(), seq.begin() + 4);
  arr.assign_slice(4, 8, four);
  CHECK(arr.slice(all, all) == seq);

  std::partial_sum(seq.begin(), seq.end(), seq.begin());
  Worker child = world.start([=] { add_up(arr); });
  CHECK(child.join() == "");
  CHECK(arr.slice(all, all) == seq);
}

const Ints numbers{680, 626, 934, 821, 150, 233, 548, 982, 714, 831};

}  // namespace

TEST_CASE("_TestArray.test_array: length, elements, slices, and sums by a child") {
  in_each_world([](World& world) { array_in_a_child(world, world.Array<int>(numbers), numbers); });
}

TEST_CASE("_TestArray.test_array_from_size: zeros, also in memory that was used") {
  in_each_world([](World& world) {
    for (int times = 0; times < 3; ++times) {
      const auto arr = world.Array<int>(std::ptrdiff_t{10});
      CHECK(arr.size() == 10);
      CHECK(Ints(arr.begin(), arr.end()) == Ints(10, 0));
      arr.assign_slice(all, all, range(10));
      CHECK(Ints(arr.begin(), arr.end()) == range(10));
    }
  });
}

// There is no RawArray: a lock is one of those who take it, and the array does without.
TEST_CASE("_TestArray.test_rawarray: reads and writes do not wait for a lock") {
  in_each_world([](World& world) {
    const auto arr = world.Array<int>(numbers);
    const auto lock = arr.get_lock();
    const std::scoped_lock guard(lock);
    array_in_a_child(world, arr, numbers);
  });
}

// There is no get_obj(), because the Array is the object, and no `lock` argument.
TEST_CASE("_TestArray.test_getobj_getlock_obj: an array has one lock, which is recursive") {
  in_each_world([](World& world) {
    const auto arr = world.Array<int>(range(10));
    const auto other = world.Array<int>(range(10));
    const auto lock = arr.get_lock();
    static_assert(std::is_same_v<decltype(lock), const RLock>);
    CHECK(arr.get_lock() == lock);
    CHECK_FALSE(other.get_lock() == lock);
    const std::scoped_lock guard(lock);
    CHECK(lock.try_acquire());
    lock.release();
    Worker child = world.start([=] {
      expect(arr.get_lock() == lock, "the same lock");
      expect(!arr.get_lock().try_acquire(), "somebody else to have it");
    });
    CHECK(child.join() == "");
  });
}
