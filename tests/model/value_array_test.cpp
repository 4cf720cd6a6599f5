// Random operations on Value and Array and on local models of them: results, contents and errors must agree.
#include <doctest/doctest.h>

#include <partage/partage.hpp>

#include "tests/model/outcome.hpp"
#include "tests/model/python_list.hpp"
#include "tests/model/values.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

template <class T>
class ArrayWalk {
 public:
  explicit ArrayWalk(std::uint64_t seed) : random_(seed) {
    std::vector<T> start(random_() % 40);
    for (T& x : start) x = random_value<T>(random_);
    array_ = Array<T>(start);
    model_.items = start;
  }

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      step();
      if (n % 100 == 0) REQUIRE(array_.copy() == model_.items);
    }
    REQUIRE(array_.copy() == model_.items);
  }

 private:
  using Bound = std::optional<std::ptrdiff_t>;

  std::ptrdiff_t any_index() {
    return static_cast<std::ptrdiff_t>(random_() % static_cast<std::uint64_t>(2 * model_.size() + 8)) - model_.size() -
           4;
  }
  Bound any_bound() { return random_() % 4 == 0 ? Bound() : Bound(any_index()); }

  void step() {
    const auto op = random_() % 10;
    const T x = random_value<T>(random_);
    const std::ptrdiff_t i = any_index();
    const std::ptrdiff_t s = random_() % 2 == 0 ? 1 : static_cast<std::ptrdiff_t>(random_() % 9) - 4;
    const Bound a = any_bound(), b = any_bound();
    CAPTURE(op);
    CAPTURE(i);
    CAPTURE(s);
    if (op < 2) {
      REQUIRE(outcome([&] { return array_.at(i); }) == outcome([&] { return T(model_.item(i)); }));
    } else if (op < 4) {
      REQUIRE(outcome([&] { array_[i] = x; }) == outcome([&] { model_.item(i) = x; }));
    } else if (op < 5) {
      REQUIRE(outcome([&] { array_.modify(i, [&](T& e) { e = x; }); }) == outcome([&] { model_.item(i) = x; }));
    } else if (op < 7) {
      REQUIRE(outcome([&] { return array_.slice(a, b, s); }) == outcome([&] { return model_.slice(a, b, s); }));
    } else {
      const auto old = outcome([&] { return model_.slice(a, b, s); });
      std::vector<T> with(old.value ? old.value->size() : 1, x);
      if (random_() % 5 == 0) with.push_back(x);
      const bool fits = old.value && with.size() == old.value->size();
      const auto done = outcome([&] { array_.assign_slice(a, b, with, s); });
      if (fits) {
        REQUIRE(done == outcome([&] { model_.assign_slice(a, b, with, s); }));
      } else {
        REQUIRE(done.error == "ValueError");
      }
    }
  }

  Random random_;
  Array<T> array_;
  PythonList<T> model_;
};

template <class T>
void value_walk(std::uint64_t seed, long operations) {
  Random random(seed);
  T model = random_value<T>(random);
  const Value<T> value(model);
  for (long n = 0; n < operations; ++n) {
    const T x = random_value<T>(random);
    switch (random() % 4) {
      case 0:
        value = x;
        model = x;
        break;
      case 1:
        value.set(x);
        model = x;
        break;
      case 2:
        REQUIRE(value.modify([&](T& now) { return std::exchange(now, x); }) == std::exchange(model, x));
        break;
      default:
        if constexpr (requires { model += x; }) {
          if constexpr (std::is_integral_v<T>) {
            const T by = static_cast<T>(x & 15);
            REQUIRE((value ^= by) == (model ^= by));
            REQUIRE((value >>= 1) == (model >>= 1));
          } else {
            REQUIRE((value += x) == (model += x));
          }
        }
    }
    REQUIRE(value.get() == model);
  }
}

template <class T>
void walks(long operations) {
  PARTAGE_SHOW_SEED();
  for (std::uint64_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    ArrayWalk<T>(test_seed() + i).run(operations);
    value_walk<T>(test_seed() + i, operations);
  }
}

}  // namespace

TEST_CASE("Value and Array of int behave as local ones") {
  walks<int>(repeats(4'000));
}
TEST_CASE("Value and Array of i64 behave as local ones") {
  walks<std::int64_t>(repeats(4'000));
}
TEST_CASE("Value and Array of string behave as local ones") {
  walks<std::string>(repeats(2'000));
}
TEST_CASE("Value and Array of struct behave as local ones") {
  walks<Reading>(repeats(1'500));
}

}  // namespace partage::test
