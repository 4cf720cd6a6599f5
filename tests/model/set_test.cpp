// Random operations on SetProxy and on a model of Python's set: results, contents and errors must agree.

#include <doctest/doctest.h>

#include <algorithm>
#include <partage/partage.hpp>
#include <set>

#include "tests/model/outcome.hpp"
#include "tests/model/values.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

template <class T>
T element_number(std::uint64_t n);
template <>
int element_number<int>(std::uint64_t n) {
  return static_cast<int>(n) - 100;
}
template <>
std::string element_number<std::string>(std::uint64_t n) {
  return std::string(n % 7 == 0 ? 40 : n % 20, 'k') + std::to_string(n);
}

/// Python's set, with the order of addition that pop() and iteration promise here.
template <class T>
class PythonSet {
 public:
  const std::vector<T>& elements() const { return elements_; }
  std::set<T> copy() const { return {elements_.begin(), elements_.end()}; }
  bool contains(const T& x) const { return std::ranges::find(elements_, x) != elements_.end(); }
  void add(const T& x) {
    if (!contains(x)) elements_.push_back(x);
  }
  void discard(const T& x) { std::erase(elements_, x); }
  void remove(const T& x) {
    if (!contains(x)) throw KeyError("model");
    discard(x);
  }
  T pop() {
    if (elements_.empty()) throw KeyError("model");
    T x = elements_.back();
    elements_.pop_back();
    return x;
  }
  void clear() { elements_.clear(); }
  void update(const std::vector<T>& other) {
    for (const T& x : other) add(x);
  }
  void intersection_update(const std::vector<T>& other) {
    const std::set<T> there(other.begin(), other.end());
    std::erase_if(elements_, [&](const T& x) { return !there.contains(x); });
  }
  void difference_update(const std::vector<T>& other) {
    const std::set<T> there(other.begin(), other.end());
    std::erase_if(elements_, [&](const T& x) { return there.contains(x); });
  }
  void symmetric_difference_update(const std::vector<T>& other) {
    const std::set<T> here = copy();
    std::set<T> done;
    for (const T& x : other) {
      if (!done.insert(x).second) continue;
      here.contains(x) ? discard(x) : add(x);
    }
  }

 private:
  std::vector<T> elements_;
};

template <class T>
class SetWalk {
 public:
  SetWalk(Manager& manager, std::uint64_t seed)
      : manager_(manager), random_(seed), universe_(1 + random_() % 300), set_(manager.set<T>()) {}

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      step();
      REQUIRE(set_.size() == model_.elements().size());
      if (n % 200 == 0) check();
    }
    check();
  }

 private:
  T element() { return element_number<T>(random_() % universe_); }
  std::vector<T> some() {
    std::vector<T> out(random_() % (random_() % 4 == 0 ? 200 : 12));
    for (T& x : out) x = element();
    return out;
  }
  void check() { REQUIRE(std::vector<T>(set_.begin(), set_.end()) == model_.elements()); }

  /// Changes by an operand in one of the forms in which it may be passed.
  template <class Change>
  void change_by(const std::vector<T>& other, Change change) {
    switch (random_() % 3) {
      case 0:
        return change(other);
      case 1:
        return change(manager_.list<T>(other));
      default:
        return change(manager_.set<T>(other));
    }
  }

  void step() {
    const auto op = random_() % 100;
    const T x = element();
    CAPTURE(op);
    if (op < 25) {
      set_.add(x);
      model_.add(x);
    } else if (op < 32) {
      REQUIRE(outcome([&] { set_.remove(x); }) == outcome([&] { model_.remove(x); }));
    } else if (op < 40) {
      set_.discard(x);
      model_.discard(x);
    } else if (op < 45) {
      REQUIRE(outcome([&] { return T(set_.pop()); }) == outcome([&] { return model_.pop(); }));
    } else if (op < 55) {
      REQUIRE(set_.contains(x) == model_.contains(x));
    } else if (op < 64) {
      const std::vector<T> other = some();
      change_by(other, [&](const auto& o) { op % 2 == 0 ? set_.update(o) : static_cast<void>(set_ |= o); });
      model_.update(other);
    } else if (op < 67) {
      std::vector<T> other = some();
      for (const T& kept : model_.elements()) {
        if (random_() % 3 != 0) other.push_back(kept);
      }
      change_by(other,
                [&](const auto& o) { op % 2 == 0 ? set_.intersection_update(o) : static_cast<void>(set_ &= o); });
      model_.intersection_update(other);
    } else if (op < 73) {
      const std::vector<T> other = some();
      change_by(other, [&](const auto& o) { op % 2 == 0 ? set_.difference_update(o) : static_cast<void>(set_ -= o); });
      model_.difference_update(other);
    } else if (op < 82) {
      // Another set has no repetitions and stands in the order of the first mention, as the operation has it.
      const std::vector<T> other = some();
      change_by(other, [&](const auto& o) {
        op % 2 == 0 ? set_.symmetric_difference_update(o) : static_cast<void>(set_ ^= o);
      });
      model_.symmetric_difference_update(other);
    } else if (op < 95) {
      algebra();
    } else if (op < 99) {
      REQUIRE(set_.copy() == model_.copy());
    } else {
      itself();
    }
  }

  void algebra() {
    const std::vector<T> list = some();
    const std::set<T> other(list.begin(), list.end()), mine = model_.copy();
    std::set<T> both, all = mine, only, either;
    std::ranges::set_intersection(mine, other, std::inserter(both, both.end()));
    all.insert(other.begin(), other.end());
    std::ranges::set_difference(mine, other, std::inserter(only, only.end()));
    std::ranges::set_symmetric_difference(mine, other, std::inserter(either, either.end()));
    REQUIRE((set_ | other) == all);
    REQUIRE((list & set_) == both);
    REQUIRE((set_ - list) == only);
    REQUIRE((other ^ set_) == either);
    const bool part = std::ranges::includes(other, mine);
    REQUIRE((set_ <= other) == part);
    REQUIRE((set_ < other) == (part && mine != other));
    REQUIRE((set_ >= other) == std::ranges::includes(mine, other));
    REQUIRE(set_.isdisjoint(list) == both.empty());
    REQUIRE((set_ == other) == (mine == other));
  }

  void itself() {
    switch (random_() % 5) {
      case 0:
        set_ |= set_;
        return;
      case 1:
        set_ &= set_;
        return;
      case 2:
        set_ -= set_;
        break;
      case 3:
        set_ ^= set_;
        break;
      default:
        set_.clear();
    }
    model_.clear();
  }

  Manager& manager_;
  Random random_;
  std::uint64_t universe_;
  SetProxy<T> set_;
  PythonSet<T> model_;
};

template <class T>
void walks(std::uint64_t seeds, long operations) {
  PARTAGE_SHOW_SEED();
  Manager manager({.max_size = std::size_t{1} << 30});
  for (std::uint64_t i = 0; i < seeds; ++i) {
    CAPTURE(i);
    SetWalk<T>(manager, test_seed() + i).run(operations);
  }
}

}  // namespace

TEST_CASE("SetProxy<int> behaves as Python's set") {
  walks<int>(3, repeats(3'000));
}
TEST_CASE("SetProxy<string> behaves as Python's set") {
  walks<std::string>(3, repeats(3'000));
}

TEST_SUITE("full:model") {
  TEST_CASE("SetProxy: 20 seeds of 50 000 operations") {
    walks<std::string>(20, 50'000);
  }
}

}  // namespace partage::test
