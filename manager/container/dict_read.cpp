// The reads of the dict: without a lock, writing nothing shared, at most so many tries; then under the lock, which repairs.

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>

#include "manager/container/dict.hpp"
#include "manager/container/dict_table.hpp"

namespace partage::kernel {

using dict::Key;
using dict::Table;

namespace {

constexpr int point_tries = 64;
constexpr int counter_tries = 4;

inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

enum class Attempt { found, absent, disturbed };

/// One probe without a lock: every offset is bounded before it is followed, and nothing is believed until validated.
Attempt probe(const Segment& segment, const Stripe& s, const Key& key, Bytes* out) {
  const OptimisticRead read(s);
  if (!read.begun()) return Attempt::disturbed;
  const u64 table_word = s.body[dict_table].load();
  if (table_word == no_table) return read.valid() ? Attempt::absent : Attempt::disturbed;
  const TableWord where = TableWord::of(table_word);
  if (where.log2 > most_capacity_log2 || !segment.holds(where.offset, TableWord::bytes(where.log2)))
    return Attempt::disturbed;
  const Table t = Table::at(segment, table_word);
  const u32 tag = dict::tag_of(key.hash());
  u64 slot = dict::first_slot(key.hash()) & t.mask;
  for (u64 probes = 0; probes <= t.mask; ++probes, slot = (slot + 1) & t.mask) {
    const u32 v = t.slot(slot);
    if (v == 0) return read.valid() ? Attempt::absent : Attempt::disturbed;
    if (((v ^ tag) >> 24) != 0 || dict::is_dummy(v)) continue;
    const u64 number = (v & dummy_entry) - 1;
    if (number >= t.capacity) return Attempt::disturbed;
    const DictEntry& e = t.entries[number];
    if (!dict::same_key(segment, e, key, true)) continue;
    if (out != nullptr && !dict::read_value(segment, e.meta.load(), e.value.load(), *out, true))
      return Attempt::disturbed;
    return read.valid() ? Attempt::found : Attempt::disturbed;
  }
  return Attempt::disturbed;
}

bool look_up(Segment& segment, const DictBody& body, const Key& key, Bytes* out) {
  const auto tries = [&]() -> std::optional<bool> {
    for (int i = 0; i < point_tries; ++i) {
      const Stripe& s = dict::stripe_for(segment, body.root.load_acquire(), key.hash());
      const Attempt attempt = probe(segment, s, key, out);
      if (attempt != Attempt::disturbed) return attempt == Attempt::found;
      pause();
    }
    return std::nullopt;
  };
  if (const auto found = tries()) return *found;
  if (UserCodeScope::active()) {
    for (UserCodeRead read(segment);;) {
      read.disturbed(dict::stripe_for(segment, body.root.load_acquire(), key.hash()));
      if (const auto found = tries()) return *found;
    }
  }
  Stripe& s = dict::stripe_for(segment, body.root.load_acquire(), key.hash());
  const ReadLock lock(segment, s);
  const dict::Found found = dict::find(segment, Table::at(segment, s.body[dict_table].load()), key);
  if (found.entry != nullptr && out != nullptr) {
    dict::read_value(segment, found.entry->meta.load(), found.entry->value.load(), *out, false);
  }
  return found.entry != nullptr;
}

/// What a snapshot collects, in the order of the stripes.
struct Collection {
  Collection(bool with_keys, bool with_values) : want_keys(with_keys), want_values(with_values) {}
  bool want_keys, want_values;
  ByteTable keys, values;
  std::vector<u64> orders;

  void clear() {
    keys.clear();
    values.clear();
    orders.clear();
  }
  /// The entries of one stripe. `checked`: without its lock; false: what is read there makes no sense.
  bool add(const Segment& segment, const Stripe& s, bool checked) {
    const u64 table_word = s.body[dict_table].load(), cursor = dict::cursor_of(s.body[dict_count].load());
    if (checked && table_word != no_table) {
      const TableWord where = TableWord::of(table_word);
      if (where.log2 > most_capacity_log2 || !segment.holds(where.offset, TableWord::bytes(where.log2))) return false;
    }
    const Table t = Table::at(segment, table_word);
    if (checked && cursor > t.capacity) return false;
    Bytes bytes;
    for (u64 i = 0; i < cursor; ++i) {
      const DictEntry& e = t.entries[i];
      const u64 meta = e.meta.load();
      if (meta == 0) continue;
      orders.push_back(e.order.load());
      if (want_keys) {
        bytes.clear();
        if (!dict::read_key(segment, e, bytes, checked)) return false;
        keys.add(bytes.view());
      }
      if (want_values) {
        if (!dict::read_value(segment, meta, e.value.load(), bytes, checked)) return false;
        values.add(bytes.view());
      }
    }
    return true;
  }
  /// All stripes at one moment, without their locks; false: disturbed.
  bool try_all(const Segment& segment, std::span<const Stripe> stripes) {
    clear();
    std::vector<OptimisticRead> reads;
    reads.reserve(stripes.size());
    for (const Stripe& s : stripes) {
      reads.emplace_back(s);
      if (!reads.back().begun()) return false;
    }
    for (const Stripe& s : stripes) {
      if (!add(segment, s, true)) return false;
    }
    return std::ranges::all_of(reads, [](const OptimisticRead& r) { return r.valid(); });
  }
};

std::span<Stripe> stripes_of(const Segment& segment, const DictBody& body) noexcept {
  const u64 root = body.root.load_acquire();
  return {&segment.at<Stripe>(root >> 8), dict::stripe_count(root)};
}

/// All stripes of a dict locked for reading, in their order.
class AllStripes {
 public:
  AllStripes(Segment& segment, const DictBody& body) {
    stripes_ = stripes_of(segment, body);
    locks_.reserve(stripes_.size());
    for (Stripe& s : stripes_) locks_.push_back(std::make_unique<ReadLock>(segment, s));
  }
  std::span<Stripe> stripes() const { return stripes_; }

 private:
  std::vector<std::unique_ptr<ReadLock>> locks_;
  std::span<Stripe> stripes_;
};

}  // namespace

bool Dict::get(BytesView key, Bytes& out) {
  return look_up(segment_, body_, Key(key), &out);
}
bool Dict::contains(BytesView key) {
  return look_up(segment_, body_, Key(key), nullptr);
}

std::size_t Dict::size() {
  const u64 root = body_.root.load_acquire(), n = dict::stripe_count(root);
  auto* stripes = &segment_.at<Stripe>(root >> 8);
  std::optional<UserCodeRead> in_user_code;
  if (UserCodeScope::active()) in_user_code.emplace(segment_);
  for (int i = 0; i < counter_tries || in_user_code; ++i) {
    // Two collections of the counters that agree: no key came or went in between. Overwrites do not disturb it.
    u64 sum = 0, first = 0, second = 0;
    bool calm = true;
    const auto collect = [&](u64& digest, u64* total) {
      for (u64 k = 0; k < n && calm; ++k) {
        const OptimisticRead read(stripes[k]);
        const u64 count = stripes[k].body[dict_count].load(), table = stripes[k].body[dict_table].load();
        calm = read.begun() && read.valid();
        digest = dict::mix(digest ^ count, table * 2 + 0x9E3779B97F4A7C15ull);
        if (total != nullptr) *total += dict::live_of(count);
      }
    };
    collect(first, &sum);
    if (calm && n == 1) return sum;
    collect(second, nullptr);
    if (calm && first == second) return sum;
    pause();
    for (u64 k = 0; in_user_code && k < n; ++k) in_user_code->disturbed(stripes[k]);
  }
  const AllStripes all(segment_, body_);
  u64 sum = 0;
  for (const Stripe& s : all.stripes()) sum += dict::live_of(s.body[dict_count].load());
  return sum;
}

void Dict::snapshot(ByteTable* keys, ByteTable* values) {
  Collection all(keys != nullptr, values != nullptr);
  auto& [want_keys, want_values, k, v, orders] = all;
  if (UserCodeScope::active()) {
    for (UserCodeRead read(segment_); !all.try_all(segment_, stripes_of(segment_, body_));) {
      for (Stripe& s : stripes_of(segment_, body_)) read.disturbed(s);
    }
  } else {
    const AllStripes locked(segment_, body_);
    for (const Stripe& s : locked.stripes()) all.add(segment_, s, false);
  }
  if (std::ranges::is_sorted(orders)) {
    if (keys != nullptr) *keys = std::move(k);
    if (values != nullptr) *values = std::move(v);
    return;
  }
  // Several stripes: put in order outside the locks.
  std::vector<u32> by_order(orders.size());
  std::iota(by_order.begin(), by_order.end(), 0u);
  std::ranges::sort(by_order, {}, [&](u32 i) { return orders[i]; });
  const auto arrange = [&](const ByteTable& from, ByteTable* to) {
    if (to == nullptr) return;
    to->clear();
    to->reserve(from.size());
    for (const u32 i : by_order) to->add(from[i]);
  };
  arrange(k, keys);
  arrange(v, values);
}

std::size_t Dict::bytes_used() {
  const u64 root = body_.root.load_acquire();
  std::size_t bytes = sizeof(DictBody) + (body_.array.load() != 0 ? sizeof(Stripe) * dict::stripe_count(root) : 0);
  for (u64 i = 0; i < dict::stripe_count(root); ++i) {
    const Stripe& s = (&segment_.at<Stripe>(root >> 8))[i];
    const u64 table = s.body[dict_table].load();
    if (table != no_table && !TableWord::of(table).embedded) bytes += TableWord::bytes(TableWord::of(table).log2);
    if (const u64 arena = s.body[Change::arena_word].load(); arena != 0 && segment_.holds(arena, sizeof(ArenaHead))) {
      bytes += segment_.at<ArenaHead>(arena).total.load();
    }
  }
  return bytes;
}

}  // namespace partage::kernel
