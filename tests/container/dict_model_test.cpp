// Random operations on the byte-level dict against a model: a vector of pairs in insertion order.
// Small values of the knobs make rare paths common: keys and values that are inline, blobs, and runs of their own; one and
// eight stripes; growth from the embedded table, rebuilds, cursor falling back over tombstones.

#include <map>
#include <optional>
#include <random>
#include <set>
#include <unordered_map>

#include "tests/container/fixture.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::Dict;
using kernel::KeyValue;

class Model {
 public:
  std::optional<std::string> get(const std::string& k) const {
    const auto it = values_.find(k);
    return it == values_.end() ? std::nullopt : std::optional(it->second.second);
  }
  bool set(const std::string& k, const std::string& v) {
    const auto [it, fresh] = values_.try_emplace(k, next_, v);
    if (fresh) order_.emplace(next_++, k);
    it->second.second = v;
    return fresh;
  }
  bool erase(const std::string& k) {
    const auto it = values_.find(k);
    if (it == values_.end()) return false;
    order_.erase(it->second.first);
    values_.erase(it);
    return true;
  }
  std::optional<std::pair<std::string, std::string>> popitem() {
    if (order_.empty()) return std::nullopt;
    const std::string k = std::prev(order_.end())->second;
    const std::string v = values_.at(k).second;
    erase(k);
    return std::pair(k, v);
  }
  void clear() { order_.clear(), values_.clear(); }
  std::size_t size() const { return order_.size(); }
  const std::map<long, std::string>& order() const { return order_; }
  const std::string& value(const std::string& k) const { return values_.at(k).second; }

 private:
  long next_ = 0;
  std::map<long, std::string> order_;
  std::unordered_map<std::string, std::pair<long, std::string>> values_;
};

std::string random_bytes(std::mt19937_64& random, bool key) {
  const auto kind = random() % 100;
  std::size_t n = 0;
  if (kind < 60) {
    n = random() % (key ? 25 : 9);
  } else if (kind < 95) {
    n = random() % 200;
  } else if (kind < 99) {
    n = random() % 3000;
  } else {
    n = random() % 20000;
  }
  return std::string(n, static_cast<char>('a' + random() % 26));
}

void check_same(ContainerFixture& fixture, Dict& dict, const Model& model) {
  ByteTable keys, values;
  dict.snapshot(&keys, &values);
  REQUIRE(keys.size() == model.size());
  std::size_t i = 0;
  for (const auto& [order, key] : model.order()) {
    REQUIRE(text(keys[i]) == key);
    REQUIRE(text(values[i]) == model.value(key));
    ++i;
  }
  std::vector<kernel::u64> runs;
  REQUIRE(dict.verify(runs) == "");
  REQUIRE(fixture.verify(runs) == "");
}

void random_walk(std::uint64_t seed, unsigned stripes_log2, long operations, unsigned split_log2 = 9) {
  CAPTURE(seed);
  CAPTURE(stripes_log2);
  ContainerFixture fixture;
  Dict dict(fixture.segment(), fixture.make_dict({.stripes_log2 = stripes_log2, .split_log2 = split_log2}));
  Model model;
  std::mt19937_64 random(seed);
  std::vector<std::string> universe(1 + random() % 600);
  for (std::size_t i = 0; i < universe.size(); ++i) universe[i] = random_bytes(random, true) + std::to_string(i);
  const auto any_key = [&]() -> const std::string& { return universe[random() % universe.size()]; };
  Bytes key_out, out;
  for (long n = 0; n < operations; ++n) {
    const std::string& k = any_key();
    const auto op = random() % 1000;
    if (op < 330) {
      const std::string v = random_bytes(random, false);
      REQUIRE(dict.set(view(k), view(v)) == model.set(k, v));
    } else if (op < 480) {
      REQUIRE(dict.erase(view(k)) == model.erase(k));
    } else if (op < 540) {
      const auto expected = model.get(k);
      REQUIRE(dict.pop(view(k), out) == expected.has_value());
      if (expected) REQUIRE(text(out) == *expected);
      model.erase(k);
    } else if (op < 600) {
      const auto expected = model.popitem();
      REQUIRE(dict.popitem(key_out, out) == expected.has_value());
      if (expected) REQUIRE(std::pair(text(key_out), text(out)) == *expected);
    } else if (op < 650) {
      const std::string v = random_bytes(random, false);
      const auto there = model.get(k);
      REQUIRE(dict.setdefault(view(k), view(v), out) == !there.has_value());
      REQUIRE(text(out) == there.value_or(v));
      if (!there) model.set(k, v);
    } else if (op < 700) {
      std::vector<std::pair<std::string, std::string>> pairs(random() % 30);
      std::vector<KeyValue> views;
      for (auto& [key, value] : pairs) {
        key = any_key();
        value = random_bytes(random, false);
      }
      for (auto& [key, value] : pairs) views.push_back({view(key), view(value)});
      for (auto& [key, value] : pairs) model.set(key, value);
      dict.update(views);
    } else if (op < 800) {
      const auto there = model.get(k);
      const std::string suffix = random_bytes(random, false).substr(0, 40);
      const std::string begin = "new";
      const BytesView initial = view(begin);
      const bool insert = random() % 2 == 0;
      const bool done = dict.modify(view(k), insert ? &initial : nullptr, [&](BytesView current, Bytes& next) {
        const std::string s = text(current) + suffix;
        next.assign(view(s.size() > 5000 ? suffix : s));
      });
      REQUIRE(done == (there.has_value() || insert));
      if (done) {
        const std::string s = there.value_or("new") + suffix;
        model.set(k, s.size() > 5000 ? suffix : s);
      }
    } else if (op < 840) {
      std::vector<std::string> some(random() % (op % 2 == 0 ? 8 : 300));
      for (std::string& key : some) key = any_key();
      std::vector<BytesView> views;
      for (const std::string& key : some) views.push_back(view(key));
      const std::set<std::string> once(some.begin(), some.end());
      const auto which = random() % 12;
      if (which == 0) {
        dict.retain(views);
        std::vector<std::string> gone;
        for (const auto& [order, key] : model.order()) {
          if (!once.contains(key)) gone.push_back(key);
        }
        for (const std::string& key : gone) model.erase(key);
      } else if (which < 6) {
        dict.erase_many(views);
        for (const std::string& key : once) model.erase(key);
      } else {
        dict.toggle(views);
        std::set<std::string> done;
        for (const std::string& key : some) {
          if (done.insert(key).second && !model.erase(key)) model.set(key, "");
        }
      }
      if (random() % 8 == 0) check_same(fixture, dict, model);
    } else if (op < 995) {
      const auto expected = model.get(k);
      REQUIRE(dict.get(view(k), out) == expected.has_value());
      REQUIRE(dict.contains(view(k)) == expected.has_value());
      if (expected) REQUIRE(text(out) == *expected);
    } else if (op == 999 && random() % 4 == 0) {
      dict.clear();
      model.clear();
    }
    REQUIRE(dict.size() == model.size());
    if (n % 2000 == 0) check_same(fixture, dict, model);
  }
  check_same(fixture, dict, model);
}

}  // namespace

TEST_CASE("the byte-level dict behaves as the model, one and eight stripes") {
  PARTAGE_SHOW_SEED();
  const std::uint64_t seed = test_seed();
  for (std::uint64_t i = 0; i < 4; ++i) {
    random_walk(seed + i, 0, 10'000);
    random_walk(seed + i, 3, 10'000);
    random_walk(seed + i, 0, 10'000, 4);  // splits at 16 keys, and again when a stripe has 32
  }
}

TEST_SUITE("full:model") {
  TEST_CASE("the byte-level dict behaves as the model: 20 seeds of 200 000 operations each") {
    PARTAGE_SHOW_SEED();
    const std::uint64_t seed = test_seed();
    for (std::uint64_t i = 0; i < 20; ++i) random_walk(seed + i, i % 2 == 0 ? 0 : 3, 200'000, i % 3 == 0 ? 3 : 9);
  }
}

}  // namespace partage::test
