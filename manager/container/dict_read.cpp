// The reads of the dict: without a lock, writing nothing shared, at most so many tries; then under the lock, which repairs.

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>

#include "manager/container/dict.hpp"
#include "manager/container/dict_probe.hpp"
#include "manager/container/dict_stripes.hpp"
#include "manager/container/dict_table.hpp"
#include "manager/segment/read_tally.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {

using dict::AllStripes;
using dict::Attempt;
using dict::Key;
using dict::probe;
using dict::Table;

namespace {

constexpr int point_tries = 64;
constexpr int counter_tries = 4;

inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// What is left to do when the first attempt met a writer.
template <class Take>
[[gnu::noinline]] bool look_again(Segment& segment, const DictBody& body, const Key& key, Take&& take) {
  const auto tries = [&]() -> std::optional<bool> {
    for (int i = 0; i < point_tries; ++i) {
      pause();
      const Stripe& s = dict::stripe_for(segment, body.root.load_acquire(), key.hash());
      const Attempt attempt = probe(segment, s, key, take);
      if (attempt != Attempt::disturbed) return attempt == Attempt::found;
    }
    return std::nullopt;
  };
  if (const auto found = tries()) return *found;
  if (UserCodeScope::active()) {
    for (UserCodeRead read(segment);;) {
      const u64 root = body.root.load_acquire();
      read.disturbed(dict::stripe_for(segment, root, key.hash()));
      read.disturbed(segment.at<Stripe>(root >> 8));  // of a split that was not repaired to its end
      if (const auto found = tries()) return *found;
    }
  }
  for (;;) {
    const u64 root = body.root.load_acquire();
    Stripe& s = dict::stripe_for(segment, root, key.hash());
    {
      const ReadLock lock(segment, s);
      if (!dict::is_moved(s)) {
        const dict::Found found = dict::find(segment, Table::at(segment, s.body[dict_table].load()), key);
        if (found.entry != nullptr) take(found.entry->meta.load(), found.entry->value.load(), false);
        return found.entry != nullptr;
      }
    }
    dict::await_move(segment, body, root);
  }
}

template <class Take>
[[gnu::always_inline]] inline bool look_up(Segment& segment, const DictBody& body, const Key& key, Take&& take) {
  ReadTally::count(body.reads);
  const Stripe& s = dict::stripe_for(segment, body.root.load_acquire(), key.hash());
  const Attempt attempt = probe(segment, s, key, take);
  if (attempt != Attempt::disturbed) [[likely]]
    return attempt == Attempt::found;
  return look_again(segment, body, key, take);
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
  /// The entries of one stripe, also without its lock. False: what is read there makes no sense.
  bool add(const Segment& segment, const Stripe& s) {
    const u64 table_word = s.body[dict_table].load(), cursor = dict::cursor_of(s.body[dict_count].load());
    if (table_word == moved_table) return false;
    if (table_word != no_table) {
      const TableWord where = TableWord::of(table_word);
      if (where.log2 > most_capacity_log2 || !segment.holds(where.offset, TableWord::bytes(where.log2))) return false;
    }
    const Table t = Table::at(segment, table_word);
    if (cursor > t.capacity) return false;
    Bytes bytes;
    for (u64 i = 0; i < cursor; ++i) {
      const DictEntry& e = t.entries[i];
      const u64 meta = e.meta.load();
      if (meta == 0) continue;
      orders.push_back(e.order.load());
      if (want_keys) {
        bytes.clear();
        if (!dict::read_key(segment, e, bytes, true)) return false;
        keys.add(bytes.view());
      }
      if (want_values) {
        if (!dict::read_value(segment, meta, e.value.load(), bytes, true)) return false;
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
      if (!add(segment, s)) return false;
    }
    return std::ranges::all_of(reads, [](const OptimisticRead& r) { return r.valid(); });
  }
};

}  // namespace

namespace {
auto copy_to(const Segment& segment, Bytes& out) {
  return [&](u64 meta, u64 value, bool checked) { return dict::read_value(segment, meta, value, out, checked); };
}
}  // namespace

bool Dict::get(BytesView key, Bytes& out) {
  return look_up(segment_, body_, Key(key), copy_to(segment_, out));
}
bool Dict::get(const ShortKey& key, Bytes& out) {
  return look_up(segment_, body_, Key(key), copy_to(segment_, out));
}
bool Dict::contains(BytesView key) {
  return look_up(segment_, body_, Key(key), [](u64, u64, bool) { return true; });
}

void Dict::prefetch(const ShortKey& short_key, Ahead what) const noexcept {
  const Key key(short_key);
  const u64 table_word = dict::stripe_for(segment_, body_.root.load_acquire(), key.hash()).body[dict_table].load();
  const TableWord where = TableWord::of(table_word);
  if (table_word <= no_table || where.log2 > most_capacity_log2 ||
      !segment_.holds(where.offset, TableWord::bytes(where.log2)))
    return;
  const Table t = Table::at(segment_, table_word);
  const u64 slot = dict::first_slot(key.hash()) & t.mask;
  if (what == Ahead::index) {
    __builtin_prefetch(&t.index_word(slot));
    return;
  }
  const u64 number = (t.slot(slot) & dummy_entry) - 1;  // mostly it is the right one
  if (number >= t.capacity) return;
  const DictEntry& e = t.entries[number];
  __builtin_prefetch(&e.meta);
  __builtin_prefetch(&e.key[2]);  // an entry may lie in two lines
}

bool Dict::get_word_again(Segment& segment, const DictBody& body, const ShortKey& key, u64& meta, u64& word) {
  return look_again(segment, body, Key(key), [&](u64 m, u64 value, bool) {
    meta = m;
    word = value;
    return true;
  });
}

std::size_t Dict::size() {
  std::optional<UserCodeRead> in_user_code;
  if (UserCodeScope::active()) in_user_code.emplace(segment_);
  for (int i = 0; i < counter_tries || in_user_code; ++i) {
    const std::span<Stripe> stripes = dict::stripes_of(segment_, body_.root.load_acquire());
    const u64 n = stripes.size();
    // Two collections of the counters that agree: no key came or went in between. Overwrites do not disturb it.
    u64 sum = 0, first = 0, second = 0;
    bool calm = true;
    const auto collect = [&](u64& digest, u64* total) {
      for (u64 k = 0; k < n && calm; ++k) {
        const OptimisticRead read(stripes[k]);
        const u64 count = stripes[k].body[dict_count].load(), table = stripes[k].body[dict_table].load();
        calm = table != moved_table && read.begun() && read.valid();
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
  const std::vector<u64>& orders = all.orders;
  if (UserCodeScope::active()) {
    for (UserCodeRead read(segment_); !all.try_all(segment_, dict::stripes_of(segment_, body_.root.load_acquire()));) {
      for (Stripe& s : dict::stripes_of(segment_, body_.root.load_acquire())) read.disturbed(s);
    }
  } else {
    const AllStripes locked(segment_, body_);
    for (const Stripe& s : locked.stripes()) {
      if (!all.add(segment_, s)) refuse_damaged("a dict");
    }
  }
  if (std::ranges::is_sorted(orders)) {
    if (keys != nullptr) *keys = std::move(all.keys);
    if (values != nullptr) *values = std::move(all.values);
    return;
  }
  // Several stripes: put in order outside the locks.
  std::vector<u32> by_order(orders.size());
  std::iota(by_order.begin(), by_order.end(), 0u);
  std::ranges::sort(by_order, {}, [&all](u32 i) { return all.orders[i]; });
  const auto arrange = [&](const ByteTable& from, ByteTable* to) {
    if (to == nullptr) return;
    to->clear();
    to->reserve(from.size());
    for (const u32 i : by_order) to->add(from[i]);
  };
  arrange(all.keys, keys);
  arrange(all.values, values);
}

std::size_t Dict::bytes_used() {
  refuse_damaged_root();
  const u64 root = body_.root.load_acquire();
  std::size_t bytes = sizeof(DictBody);
  for (u64 run = body_.array.load(); run != 0; run = segment_.runs().link(run).load()) {
    bytes += segment_.runs().payload_size(run);
  }
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
