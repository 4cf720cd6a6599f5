// Random operations on the byte-level list against a vector of strings. Sizes are drawn so that rare paths are common:
// packed, inline, blob and own-run elements; growth and shrinking of the ring; shifts to both sides; rings built aside;
// arenas moved.
#include <random>

#include "manager/container/list_words.hpp"
#include "tests/container/list_fixture.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::List;
using kernel::Slice;

class Walk {
 public:
  Walk(std::uint64_t seed, kernel::ListConfig config)
      : random_(seed), config_(config), list_(make_list(fixture_, config)), small_(random_() % 2 == 0) {}

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      // The length swings between almost nothing and some hundreds, so that the ring grows and shrinks.
      if (n % 700 == 0) {
        const auto kind = random_() % 12;  // seldom so long that a snapshot of words takes the lock
        target_ = kind < 4 ? random_() % 6 : kind < 11 ? random_() % 400 : 500 + random_() % 300;
      }
      step();
      REQUIRE(list_.size() == model_.size());
      if (n % 500 == 0) check();
    }
    check();
    list_.clear();
    model_.clear();
    check();
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(model_.size()); }

  std::string value() {
    std::size_t n = config_.packed_size;
    if (n == 0) {
      const auto kind = below(small_ ? 86 : 100);
      n = kind < 45   ? below(16)
          : kind < 80 ? below(120)
          : kind < 95 ? below(2500)
          : kind < 99 ? 2000 + below(3000)
                      : below(40000);
    }
    std::string s(n, '\0');
    for (char& c : s) c = static_cast<char>(random_());
    return s;
  }
  /// Of a packed element.
  static kernel::u64 word(const std::string& element) {
    kernel::u64 out = 0;
    std::memcpy(&out, element.data(), element.size());
    return out;
  }
  std::vector<std::string> values(std::size_t n) {
    std::vector<std::string> out(n);
    for (std::string& s : out) s = value();
    return out;
  }
  /// An index, often near an end, sometimes beyond.
  std::ptrdiff_t index() {
    const auto n = size();
    switch (below(6)) {
      case 0:
        return 0;
      case 1:
        return -1;
      case 2:
        return static_cast<std::ptrdiff_t>(below(model_.size() + 3)) - 1;
      case 3:
        return -static_cast<std::ptrdiff_t>(below(model_.size() + 3));
      case 4:
        return n - 1 - static_cast<std::ptrdiff_t>(below(4));
      default:
        return static_cast<std::ptrdiff_t>(below(model_.size()));
    }
  }
  std::optional<std::size_t> resolved(std::ptrdiff_t i) const {
    if (i < 0) i += size();
    return i < 0 || i >= size() ? std::nullopt : std::optional(static_cast<std::size_t>(i));
  }
  Slice slice() {
    Slice s;
    if (below(4) != 0) s.start = index();
    if (below(4) != 0) s.stop = index();
    constexpr std::ptrdiff_t steps[] = {1, 1, 1, 1, 1, -1, 2, -2, 3, 7, -5};
    s.step = steps[below(std::size(steps))];
    return s;
  }
  auto at(std::size_t i) { return model_.begin() + static_cast<std::ptrdiff_t>(i); }

  void step() {
    const bool grow = model_.size() < target_;
    Bytes out;
    switch (below(22)) {
      case 0:
      case 1:
      case 2: {  // append
        if (!grow && below(2) != 0) break;
        const auto v = value();
        list_.append(view(v));
        model_.push_back(v);
        break;
      }
      case 3:
      case 4:
      case 5: {  // insert
        if (!grow && below(2) != 0) break;
        const auto i = index();
        const auto v = value();
        list_.insert(i, view(v));
        const auto n = size();
        model_.insert(model_.begin() + std::clamp(i < 0 ? i + n : i, std::ptrdiff_t{0}, n), v);
        break;
      }
      case 6:
      case 7:
      case 8: {  // pop
        if (grow && below(2) != 0) break;
        const auto i = index();
        const auto r = resolved(i);
        REQUIRE(list_.pop(i, out) == r.has_value());
        if (!r) break;
        REQUIRE(text(out) == model_[*r]);
        model_.erase(at(*r));
        break;
      }
      case 9:
      case 10: {  // erase, erase_if
        if (grow && below(2) != 0) break;
        const auto i = index();
        const auto r = resolved(i);
        if (r && below(2) == 0) {
          ByteTable table;
          const auto version = list_.snapshot(table);
          if (below(8) == 0) {
            REQUIRE_FALSE(list_.erase_if(version + 2, *r));
            break;
          }
          REQUIRE(list_.erase_if(version, *r));
        } else {
          REQUIRE(list_.erase(i) == r.has_value());
        }
        if (r) model_.erase(at(*r));
        break;
      }
      case 11:
      case 12: {  // set
        const auto i = index();
        const auto r = resolved(i);
        const auto v = value();
        REQUIRE(list_.set(i, view(v)) == r.has_value());
        if (r) model_[*r] = v;
        break;
      }
      case 13: {  // modify
        const auto i = index();
        const auto r = resolved(i);
        const auto v = value();
        const auto fn = [&](BytesView current, Bytes& next) {
          REQUIRE(text(current) == model_[*r]);
          next.assign(view(v));
        };
        if (config_.packed_size != 0 && below(2) == 0) {
          kernel::u64 before = 0;
          const auto next = [&](kernel::u64) { return word(v); };
          REQUIRE(List::step_word(fixture_.segment(), list_.body(), i, before, next) == r.has_value());
          if (r) REQUIRE(before == word(model_[*r]));
        } else {
          REQUIRE(list_.modify(i, fn) == r.has_value());
        }
        if (r) model_[*r] = v;
        break;
      }
      case 14:
      case 15: {  // get
        const auto i = index();
        const auto r = resolved(i);
        REQUIRE(list_.get(i, out) == r.has_value());
        if (r) REQUIRE(text(out) == model_[*r]);
        break;
      }
      case 16: {  // extend
        if (!grow) break;
        const auto more = values(below(below(10) == 0 ? 100 : 10));
        list_.extend(views(more));
        model_.insert(model_.end(), more.begin(), more.end());
        break;
      }
      case 17: {  // slice
        const Slice s = slice();
        ByteTable table;
        list_.slice(s, table);
        const auto selection = s.resolve(model_.size());
        std::vector<std::string> expected;
        for (std::size_t k = 0; k < selection.count; ++k) expected.push_back(model_[selection[k]]);
        REQUIRE(texts(table) == expected);
        if (config_.packed_size == 0) break;
        std::vector<kernel::u64> words, expected_words;
        std::size_t rest = 0;
        list_.read_words(s, [&](std::span<const kernel::u64> some, std::size_t to_come) {
          words.insert(words.end(), some.begin(), some.end());
          rest = to_come;
        });
        for (const std::string& element : expected) expected_words.push_back(word(element));
        REQUIRE(words == expected_words);
        REQUIRE(rest == 0);
        break;
      }
      case 18:
        assign();
        break;
      case 19: {  // erase_slice
        if (grow && below(3) != 0) break;
        const Slice s = slice();
        const auto gone = s.resolve(model_.size()).ascending();
        list_.erase_slice(s);
        for (std::size_t k = gone.count; k-- > 0;) model_.erase(at(gone[k]));
        break;
      }
      case 20:
        reorder();
        break;
      default:
        if (below(30) == 0) {
          list_.clear();
          model_.clear();
        } else if (model_.size() < target_ / 2 && below(4) == 0) {
          const auto times = static_cast<std::ptrdiff_t>(below(4)) - 1;
          list_.repeat(times);
          const auto once = model_;
          if (times <= 0) model_.clear();
          for (std::ptrdiff_t k = 1; k < times; ++k) model_.insert(model_.end(), once.begin(), once.end());
        }
    }
  }

  void assign() {
    const Slice s = slice();
    const auto selection = s.resolve(model_.size());
    const auto fresh = values(below(3) == 0 ? selection.count : below(8));
    if (s.step != 1 && fresh.size() != selection.count) {
      REQUIRE_THROWS_AS(list_.assign_slice(s, views(fresh)), ValueError);
      return;
    }
    REQUIRE(list_.assign_slice(s, views(fresh)) == selection.count);
    if (s.step == 1) {
      const auto from = static_cast<std::size_t>(selection.start);
      model_.erase(at(from), at(from + selection.count));
      model_.insert(at(from), fresh.begin(), fresh.end());
    } else {
      for (std::size_t k = 0; k < fresh.size(); ++k) model_[selection[k]] = fresh[k];
    }
  }

  void reorder() {
    if (below(2) == 0) {
      list_.reverse();
      std::ranges::reverse(model_);
      return;
    }
    std::vector<kernel::u32> order(model_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<kernel::u32>(i);
    std::ranges::shuffle(order, random_);
    std::vector<std::string> next;
    for (const kernel::u32 i : order) next.push_back(model_[i]);
    ByteTable table;
    const auto version = list_.snapshot(table);
    if (below(3) == 0) {
      list_.reorder([&](const ByteTable& elements) {
        REQUIRE(texts(elements) == model_);
        return order;
      });
    } else {
      REQUIRE(list_.permute_if(version, order));
    }
    model_ = std::move(next);
  }

  void check() {
    REQUIRE(contents(list_) == model_);
    check_whole(fixture_, {&list_});
  }

  ContainerFixture fixture_;
  std::mt19937_64 random_;
  kernel::ListConfig config_;
  List list_;
  bool small_;
  std::size_t target_ = 0;
  std::vector<std::string> model_;
};

void walk(std::uint64_t seed, kernel::u8 packed_size, long operations) {
  CAPTURE(seed);
  CAPTURE(int{packed_size});
  Walk(seed, {.packed_size = packed_size}).run(operations);
}

}  // namespace

TEST_CASE("the byte-level list behaves as the model, packed and variable, 20 seeds") {
  PARTAGE_SHOW_SEED();
  const std::uint64_t seed = test_seed();
  for (std::uint64_t i = 0; i < 20; ++i) {
    walk(seed + i, static_cast<kernel::u8>(1 + i % 8), 8'000);
    walk(seed + i, 0, 8'000);
  }
}

TEST_SUITE("full:model") {
  TEST_CASE("the byte-level list behaves as the model: 20 seeds of 200 000 operations each") {
    PARTAGE_SHOW_SEED();
    const std::uint64_t seed = test_seed();
    for (std::uint64_t i = 0; i < 20; ++i)
      walk(seed + i, i % 4 == 0 ? static_cast<kernel::u8>(1 + i % 8) : kernel::u8{0}, 200'000);
  }
}

}  // namespace partage::test
