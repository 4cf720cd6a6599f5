// Random operations on ListProxy and on the model of Python's list: results, order and errors must agree.

#include <doctest/doctest.h>

#include <partage/partage.hpp>

#include "tests/model/outcome.hpp"
#include "tests/model/python_list.hpp"
#include "tests/model/values.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

template <class T>
class ListWalk {
 public:
  ListWalk(Manager& manager, std::uint64_t seed) : random_(seed), list_(manager.list<T>()) {}

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      step();
      REQUIRE(list_.size() == model_.items.size());
      if (n % 500 == 0) REQUIRE(list_.copy() == model_.items);
      if (model_.size() > 400) shrink();
    }
    REQUIRE(list_.copy() == model_.items);
  }

 private:
  using Bound = std::optional<std::ptrdiff_t>;

  std::ptrdiff_t any_index() {
    return static_cast<std::ptrdiff_t>(random_() % static_cast<std::uint64_t>(2 * model_.size() + 8)) - model_.size() -
           4;
  }
  Bound any_bound() { return random_() % 4 == 0 ? Bound() : Bound(any_index()); }
  std::ptrdiff_t any_step() { return random_() % 2 == 0 ? 1 : static_cast<std::ptrdiff_t>(random_() % 9) - 4; }
  T value() { return random_value<T>(random_); }
  std::vector<T> values(std::size_t most) {
    std::vector<T> result(random_() % (most + 1));
    for (T& x : result) x = value();
    return result;
  }
  void shrink() {
    list_.erase_slice(std::nullopt, -50);
    model_.erase_slice(std::nullopt, -50, 1);
  }

  void step() {
    const auto op = random_() % 100;
    const T x = value();
    const std::ptrdiff_t i = any_index(), j = any_index();
    CAPTURE(op);
    CAPTURE(i);
    CAPTURE(j);
    if (op < 18) {
      list_.append(x);
      model_.items.push_back(x);
    } else if (op < 26) {
      list_.insert(i, x);
      model_.insert(i, x);
    } else if (op < 34) {
      REQUIRE(outcome([&] { return list_.pop(i); }) == outcome([&] { return model_.pop(i); }));
    } else if (op < 40) {
      REQUIRE(outcome([&] { return list_.pop(); }) == outcome([&] { return model_.pop(); }));
    } else if (op < 44) {
      REQUIRE(outcome([&] { return list_.pop(0); }) == outcome([&] { return model_.pop(0); }));
    } else if (op < 50) {
      REQUIRE(outcome([&] { return list_.at(i); }) == outcome([&] { return T(model_.item(i)); }));
    } else if (op < 58) {
      REQUIRE(outcome([&] { list_[i] = x; }) == outcome([&] { model_.item(i) = x; }));
    } else if (op < 62) {
      REQUIRE(outcome([&] { list_.erase(i); }) == outcome([&] { model_.pop(i); }));
    } else if (op < 65) {
      REQUIRE(outcome([&] { list_.remove(x); }) == outcome([&] { model_.remove(x); }));
    } else if (op < 68) {
      REQUIRE(outcome([&] { return static_cast<std::ptrdiff_t>(list_.index(x, i, j)); }) ==
              outcome([&] { return model_.index(x, i, j); }));
      REQUIRE(static_cast<std::ptrdiff_t>(list_.count(x)) == std::count(model_.items.begin(), model_.items.end(), x));
    } else if (op < 74) {
      const Bound a = any_bound(), b = any_bound();
      const std::ptrdiff_t s = any_step();
      REQUIRE(outcome([&] { return list_.slice(a, b, s); }) == outcome([&] { return model_.slice(a, b, s); }));
    } else if (op < 79) {
      const Bound a = any_bound(), b = any_bound();
      const std::ptrdiff_t s = any_step();
      const std::vector<T> with =
          s == 1 || random_() % 2 == 0
              ? values(8)
              : std::vector<T>(outcome([&] { return model_.slice(a, b, s); }).value.value_or(std::vector<T>{}).size(),
                               x);
      REQUIRE(outcome([&] { list_.assign_slice(a, b, with, s); }) ==
              outcome([&] { model_.assign_slice(a, b, with, s); }));
    } else if (op < 82) {
      const Bound a = any_bound(), b = any_bound();
      const std::ptrdiff_t s = any_step();
      REQUIRE(outcome([&] { list_.erase_slice(a, b, s); }) == outcome([&] { model_.erase_slice(a, b, s); }));
    } else if (op < 86) {
      const std::vector<T> more = values(20);
      list_.extend(more);
      model_.items.insert(model_.items.end(), more.begin(), more.end());
    } else if (op < 89) {
      list_.sort();
      std::stable_sort(model_.items.begin(), model_.items.end());
    } else if (op < 90) {
      list_.sort({.reverse = true});
      std::stable_sort(model_.items.begin(), model_.items.end(), [](const T& a, const T& b) { return b < a; });
    } else if (op < 92) {
      list_.reverse();
      std::reverse(model_.items.begin(), model_.items.end());
    } else if (op < 94) {
      const std::ptrdiff_t times = static_cast<std::ptrdiff_t>(random_() % 4) - 1;
      if (model_.size() > 150 && times > 1) return;
      list_ *= times;
      model_.repeat(times);
    } else if (op < 98) {
      REQUIRE(outcome([&] { list_.modify(i, [&](T& e) { e = x; }); }) == outcome([&] { model_.item(i) = x; }));
    } else if (op == 98) {
      if (model_.size() > 100) return;
      list_.extend(list_);
      model_.repeat(2);
    } else if (random_() % 5 == 0) {
      list_.clear();
      model_.items.clear();
    }
  }

  Random random_;
  ListProxy<T> list_;
  PythonList<T> model_;
};

template <class T>
void walks(std::uint64_t seeds, long operations) {
  PARTAGE_SHOW_SEED();
  Manager manager({.max_size = std::size_t{1} << 30});
  for (std::uint64_t i = 0; i < seeds; ++i) {
    CAPTURE(i);
    ListWalk<T>(manager, test_seed() + i).run(operations);
  }
}

}  // namespace

TEST_CASE("ListProxy<int> behaves as Python's list") {
  walks<int>(3, repeats(6'000));
}
TEST_CASE("ListProxy<string> behaves as Python's list") {
  walks<std::string>(3, repeats(5'000));
}
TEST_CASE("ListProxy<struct> behaves as Python's list") {
  walks<Reading>(2, repeats(4'000));
}

TEST_SUITE("full:model") {
  TEST_CASE("ListProxy: 20 seeds of 200 000 operations, int") {
    walks<int>(20, 200'000);
  }
  TEST_CASE("ListProxy: 20 seeds of 200 000 operations, string") {
    walks<std::string>(20, 200'000);
  }
}

}  // namespace partage::test
