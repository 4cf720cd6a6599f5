// Looking for a key of a dict, without a lock and with one. Process-local helpers of the dict's source files.
#pragma once

#include "manager/container/dict_table.hpp"

namespace partage::kernel::dict {

enum class Attempt { found, absent, disturbed };

/// One probe without a lock: every offset is bounded before it is followed, and nothing is believed until validated.
/// `take(meta, value, checked)` copies the value out; false: that makes no sense.
template <class AnyKey, class Take>
[[gnu::always_inline]] inline Attempt probe(const Segment& segment, const Stripe& s, const AnyKey& key, Take&& take) {
  const OptimisticRead read(s);
  if (!read.begun()) return Attempt::disturbed;
  const u64 table_word = s.body[dict_table].load();
  if (table_word <= no_table) [[unlikely]]
    return table_word == no_table && read.valid() ? Attempt::absent : Attempt::disturbed;
  const TableWord where = TableWord::of(table_word);
  if (where.log2 > most_capacity_log2 || !segment.holds(where.offset, TableWord::bytes(where.log2)))
    return Attempt::disturbed;
  const Table t = Table::at(segment, table_word);
  const u32 tag = tag_of(key.hash());
  u64 slot = first_slot(key.hash()) & t.mask;
  for (u64 probes = 0; probes <= t.mask; ++probes, slot = (slot + 1) & t.mask) {
    const u32 v = t.slot(slot);
    if (v == 0) return read.valid() ? Attempt::absent : Attempt::disturbed;
    if (((v ^ tag) >> 24) != 0 || is_dummy(v)) continue;
    const u64 number = (v & dummy_entry) - 1;
    if (number >= t.capacity) return Attempt::disturbed;
    const DictEntry& e = t.entries[number];
    if (!same_key(segment, e, key, true)) continue;
    if (!take(e.meta.load(), e.value.load(), true)) return Attempt::disturbed;
    return read.valid() ? Attempt::found : Attempt::disturbed;
  }
  return Attempt::disturbed;
}

/// Under the lock; nullptr: it is not there.
template <class AnyKey>
[[gnu::always_inline]] inline DictEntry* entry_of(const Segment& segment, const Stripe& s, const AnyKey& key) noexcept {
  const Table t = Table::at(segment, s.body[dict_table].load());
  if (t.capacity == 0) return nullptr;
  const u32 tag = tag_of(key.hash());
  for (u64 slot = first_slot(key.hash()) & t.mask;; slot = (slot + 1) & t.mask) {
    const u32 v = t.slot(slot);
    if (v == 0) return nullptr;
    if (((v ^ tag) >> 24) != 0 || is_dummy(v)) continue;
    DictEntry& e = t.entries[(v & dummy_entry) - 1];
    if (same_key(segment, e, key, false)) return &e;
  }
}

}  // namespace partage::kernel::dict
