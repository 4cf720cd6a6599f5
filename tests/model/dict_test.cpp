// Random operations on DictProxy and on a model of Python's dict: results, insertion order and errors must agree.

#include <doctest/doctest.h>

#include <map>
#include <partage/partage.hpp>
#include <unordered_map>

#include "tests/model/outcome.hpp"
#include "tests/model/values.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

/// Python's dict: an overwrite keeps its place, a key that comes back goes to the end, popitem takes the last.
template <class K, class V>
class PythonDict {
 public:
  using Pair = std::pair<K, V>;

  std::size_t size() const { return by_order_.size(); }
  bool contains(const K& k) const { return by_key_.contains(k); }
  V& item(const K& k) {
    const auto it = by_key_.find(k);
    if (it == by_key_.end()) throw KeyError("model");
    return by_order_.at(it->second).second;
  }
  void set(const K& k, const V& v) {
    const auto [it, fresh] = by_key_.try_emplace(k, next_);
    if (fresh) by_order_.emplace(next_++, Pair(k, v));
    by_order_.at(it->second).second = v;
  }
  V pop(const K& k) {
    V v = item(k);
    by_order_.erase(by_key_.at(k));
    by_key_.erase(k);
    return v;
  }
  Pair popitem() {
    if (by_order_.empty()) throw KeyError("model");
    Pair p = std::prev(by_order_.end())->second;
    pop(p.first);
    return p;
  }
  V setdefault(const K& k, const V& v) {
    if (!contains(k)) set(k, v);
    return item(k);
  }
  void clear() { by_key_.clear(), by_order_.clear(); }
  std::vector<Pair> items() const {
    std::vector<Pair> result;
    for (const auto& [order, pair] : by_order_) result.push_back(pair);
    return result;
  }

 private:
  long next_ = 0;
  std::unordered_map<K, long> by_key_;
  std::map<long, Pair> by_order_;
};

template <class K>
K key_number(std::uint64_t n);
template <>
int key_number<int>(std::uint64_t n) {
  return static_cast<int>(n) - 100;
}
template <>
std::string key_number<std::string>(std::uint64_t n) {
  return std::string(n % 7 == 0 ? 40 : n % 20, 'k') + std::to_string(n);
}

template <class K, class V>
class DictWalk {
 public:
  DictWalk(Manager& manager, std::uint64_t seed)
      : random_(seed), keys_(1 + random_() % 500), dict_(manager.dict<K, V>()) {}

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      step();
      REQUIRE(dict_.size() == model_.size());
      if (n % 500 == 0) REQUIRE(dict_.items() == model_.items());
    }
    REQUIRE(dict_.items() == model_.items());
  }

 private:
  K key() { return key_number<K>(random_() % keys_); }

  void step() {
    const auto op = random_() % 100;
    const K k = key();
    const V v = random_value<V>(random_);
    CAPTURE(op);
    if (op < 25) {
      dict_[k] = v;
      model_.set(k, v);
    } else if (op < 32) {
      dict_.set(k, v);
      model_.set(k, v);
    } else if (op < 40) {
      REQUIRE(outcome([&] { dict_.erase(k); }) == outcome([&] { model_.pop(k); }));
    } else if (op < 48) {
      REQUIRE(outcome([&] { return dict_.pop(k); }) == outcome([&] { return model_.pop(k); }));
    } else if (op < 52) {
      REQUIRE(dict_.pop(k, v) == (model_.contains(k) ? model_.pop(k) : v));
    } else if (op < 57) {
      REQUIRE(outcome([&] { return std::pair<K, V>(dict_.popitem()); }) == outcome([&] { return model_.popitem(); }));
    } else if (op < 63) {
      REQUIRE(dict_.setdefault(k, v) == model_.setdefault(k, v));
    } else if (op < 72) {
      REQUIRE(outcome([&] { return dict_.at(k); }) == outcome([&] { return V(model_.item(k)); }));
    } else if (op < 78) {
      REQUIRE(dict_.get(k) == (model_.contains(k) ? std::optional(model_.item(k)) : std::nullopt));
      REQUIRE(dict_.contains(k) == model_.contains(k));
    } else if (op < 84) {
      std::vector<std::pair<K, V>> pairs(random_() % 25);
      for (auto& p : pairs) p = {key(), random_value<V>(random_)};
      dict_.update(pairs);
      for (auto& p : pairs) model_.set(p.first, p.second);
    } else if (op < 92) {
      REQUIRE(outcome([&] { return dict_.modify(k, [&](V& x) { return std::exchange(x, v); }); }) ==
              outcome([&] { return std::exchange(model_.item(k), v); }));
    } else if (op < 97) {
      dict_.modify(k, V{}, [&](V& x) { x = v; });
      model_.set(k, v);
    } else if (op < 99) {
      REQUIRE(dict_.keys().size() == model_.size());
      REQUIRE(dict_.values().size() == model_.size());
    } else if (random_() % 8 == 0) {
      dict_.clear();
      model_.clear();
    }
  }

  Random random_;
  std::uint64_t keys_;
  DictProxy<K, V> dict_;
  PythonDict<K, V> model_;
};

template <class K, class V>
void walks(std::uint64_t seeds, long operations) {
  PARTAGE_SHOW_SEED();
  Manager manager({.max_size = std::size_t{1} << 30});
  for (std::uint64_t i = 0; i < seeds; ++i) {
    CAPTURE(i);
    DictWalk<K, V>(manager, test_seed() + i).run(operations);
  }
}

}  // namespace

TEST_CASE("DictProxy<string, int64> behaves as Python's dict") {
  walks<std::string, std::int64_t>(3, repeats(6'000));
}
TEST_CASE("DictProxy<int, string> behaves as Python's dict") {
  walks<int, std::string>(3, repeats(6'000));
}
TEST_CASE("DictProxy<string, struct> behaves as Python's dict") {
  walks<std::string, Reading>(2, repeats(4'000));
}

TEST_SUITE("full:model") {
  TEST_CASE("DictProxy: 20 seeds of 200 000 operations, string to int64") {
    walks<std::string, std::int64_t>(20, 200'000);
  }
  TEST_CASE("DictProxy: 20 seeds of 200 000 operations, int to string") {
    walks<int, std::string>(20, 200'000);
  }
}

}  // namespace partage::test
