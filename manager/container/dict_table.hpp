// Inside a dict: keys as words, tables, probing. Shared by the dict's source files; process-local helpers only.
#pragma once

#include <partage/bytes.hpp>
#include <partage/short_key.hpp>

#include "manager/container/dict_layout.hpp"
#include "manager/segment/change.hpp"

namespace partage::kernel::dict {

inline u64 mix(u64 a, u64 b) noexcept {
  __extension__ using u128 = unsigned __int128;
  const u128 m = static_cast<u128>(a) * b;
  return static_cast<u64>(m) ^ static_cast<u64>(m >> 64);
}

/// A key of at most 24 bytes made ready for probing, in registers. `meta` has the value code 0.
struct InlineKey {
  explicit InlineKey(const ShortKey& k) noexcept : word{k.word[0], k.word[1], k.word[2]} {
    u64 h = mix(word[0] ^ 0x9E3779B97F4A7C15ull, word[1] ^ 0xC2B2AE3D27D4EB4Full);
    h ^= mix(word[2] ^ 0x165667B19E3779F9ull, h + 2);
    finish(mix(h ^ k.size, 0x9FB21C651E98DF25ull), k.size + 1);
  }
  u64 hash() const noexcept { return DictEntry::hash_of(meta); }

  u64 word[3] = {0, 0, 0};  // the bytes; of a blob: -, length, second hash
  u64 meta = 0;

 protected:
  InlineKey() = default;
  void finish(u64 hash, u64 code) noexcept { meta = DictEntry::hash_of(hash) | code << 8; }
};

/// A key of any length.
struct Key : InlineKey {
  explicit Key(const ShortKey& k) noexcept : InlineKey(k) {}
  explicit Key(BytesView k) noexcept {
    if (k.size <= ShortKey::capacity) {
      static_cast<InlineKey&>(*this) = InlineKey(ShortKey(k.data, k.size));
    } else {
      bytes = k;
      long_key();
    }
  }
  bool is_blob() const noexcept { return DictEntry::key_code(meta) == DictEntry::blob_key; }

  BytesView bytes;  // of a blob

 private:
  void long_key() noexcept {
    u64 h = 0x9E3779B97F4A7C15ull ^ bytes.size, g = 0xC2B2AE3D27D4EB4Full;
    std::size_t i = 0;
    for (; i < bytes.size; i += 8) {
      u64 w = 0;
      std::memcpy(&w, bytes.data + i, bytes.size - i < 8 ? bytes.size - i : 8);
      h = mix(h ^ w, 0x9FB21C651E98DF25ull);
      g = mix(g + w, 0x165667B19E3779F9ull) ^ h;
    }
    word[1] = bytes.size;
    word[2] = g;
    finish(mix(h, g | 1), DictEntry::blob_key);
  }
};

/// A table in the mapping. Index slots are read and written as halves of words.
struct Table {
  Word* index;
  DictEntry* entries;
  u64 capacity;  // 0: there is no table yet
  u64 mask;

  static Table at(const Segment& segment, u64 table_word) noexcept {
    if (table_word == no_table) return {nullptr, nullptr, 0, 0};
    const TableWord t = TableWord::of(table_word);
    auto* index = segment.perhaps_at<Word>(t.offset);
    return {index, reinterpret_cast<DictEntry*>(index + (u64{1} << t.log2)), u64{1} << t.log2, (u64{2} << t.log2) - 1};
  }
  Word& index_word(u64 slot) const noexcept { return index[slot / 2]; }
  static u32 half(u64 word, u64 slot) noexcept { return static_cast<u32>(word >> 32 * (slot & 1)); }
  static u64 with_half(u64 word, u64 slot, u32 v) noexcept {
    const unsigned shift = 32 * (slot & 1);
    return (word & ~(u64{0xFFFFFFFF} << shift)) | u64{v} << shift;
  }
  u32 slot(u64 s) const noexcept { return __atomic_load_n(reinterpret_cast<const u32*>(index) + s, __ATOMIC_RELAXED); }
};

inline u64 first_slot(u64 hash) noexcept {
  return hash >> 16;
}
inline u32 tag_of(u64 hash) noexcept {
  return static_cast<u32>(hash >> 48 & 0xFF) << 24;
}
inline u32 make_slot(u64 hash, u64 entry) noexcept {
  return tag_of(hash) | static_cast<u32>(entry + 1);
}
inline bool is_dummy(u32 slot) noexcept {
  return (slot & dummy_entry) == dummy_entry;
}

inline u64 cursor_of(u64 count) noexcept {
  return count >> 32;
}
inline u64 live_of(u64 count) noexcept {
  return static_cast<u32>(count);
}
inline u64 make_count(u64 cursor, u64 live) noexcept {
  return cursor << 32 | live;
}

/// The rest of same_key() for a key that lies in a blob.
bool same_blob(const Segment& segment, const DictEntry& e, const Key& k, bool checked) noexcept;

/// The entry holds this key. `checked`: no lock is held, so a blob's offset is bounded before it is followed.
inline bool same_key(const Segment&, const DictEntry& e, const InlineKey& k, bool) noexcept {
  if (((e.meta.load() ^ k.meta) >> 8) != 0) return false;
  return ((e.key[0].load() ^ k.word[0]) | (e.key[1].load() ^ k.word[1]) | (e.key[2].load() ^ k.word[2])) == 0;
}
[[gnu::always_inline]] inline bool same_key(const Segment& segment, const DictEntry& e, const Key& k,
                                            bool checked) noexcept {
  if (!k.is_blob()) [[likely]]
    return same_key(segment, e, static_cast<const InlineKey&>(k), checked);
  return ((e.meta.load() ^ k.meta) >> 8) == 0 && same_blob(segment, e, k, checked);
}

struct Found {
  DictEntry* entry = nullptr;  // nullptr: absent
  u64 number = 0;              // of the entry
  u64 slot = 0;                // index slot of the entry, or where an insert goes
  bool fresh = false;          // that slot is empty (an insert uses it up) rather than a dummy
};

/// Probes under the lock. An insert takes the first dummy on its way: else insert and erase of one key would lengthen its
/// probe for ever.
Found find(const Segment& segment, const Table& table, const Key& key);
/// The same with the index words as the change has planned them, for several inserts in one change.
Found find_planned(const Segment& segment, const Table& table, const Key& key, const Change& change);
/// The index slot for a key that is not there: the first dummy on the way of its probe, or the empty one at its end.
inline u64 slot_for_new(const Table& t, u64 hash) noexcept {
  u64 slot = first_slot(hash) & t.mask;
  while (t.slot(slot) != 0 && !is_dummy(t.slot(slot))) slot = (slot + 1) & t.mask;
  return slot;
}
/// The index slot that names an entry.
u64 slot_of(const Table& table, u64 hash, u64 number);

inline Stripe& stripe_for(const Segment& segment, u64 root, u64 hash) noexcept {
  const u64 log2 = root & 255;
  return (&segment.at<Stripe>(root >> 8))[log2 == 0 ? 0 : hash >> (64 - log2)];
}
inline u64 stripe_count(u64 root) noexcept {
  return u64{1} << (root & 255);
}

/// Copies a value out; false: out of bounds (only when checked).
inline bool read_value(const Segment& segment, u64 meta, u64 value, Bytes& out, bool checked) {
  const u64 code = DictEntry::value_code(meta);
  if (code <= DictEntry::inline_value) {
    std::memcpy(out.resize(code), &value, code);
    if (!out.refs().empty()) out.refs().clear();
    return true;
  }
  if (code == DictEntry::reference_value) {
    out.resize(0);
    out.refs().assign(1, value);
    return true;
  }
  return code == DictEntry::blob_value && read_blob(segment, value, out, checked);
}
/// The same for a key.
bool read_key(const Segment& segment, const DictEntry& entry, Bytes& out, bool checked = false);
/// References in the value of an entry.
void value_refs(const Segment& segment, const DictEntry& entry, std::vector<ObjectRef>& out);

}  // namespace partage::kernel::dict
