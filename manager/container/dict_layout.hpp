// What a dict looks like in a segment.
//
// Layout of a body (832 bytes, pool dict_body): all a small dict needs
//     0  root      offset of the first stripe << 8 | log2 of their number; 0 only in a body whose locks were never made
//     8  config    1: values may hold references | log2 of the keys at which one stripe splits << 8 (0: never)
//    16  array     run of the stripe array (one line with its mark, then the stripes), 0: the one embedded stripe; the runs of
//                  the arrays it had before follow by their links, and live as long as the dict
//    24  inserted  WaitWord: there are more keys
//    32  reserved[4]
//    64  order     the number drawn last; one draw per new key
//    72  reads     a Tally: reads of its keys, about (segment/read_tally.hpp); in a line that readers do not need
//    80  reserved[6]
//   128  first     the embedded stripe
//   384  table     the embedded table, 8 entries
// Layout of a stripe's body words
//     0  arena     (arena.hpp)
//     1  table     offset << 8 | embedded << 7 | log2 of the capacity; 1 = none yet (capacity 0); 0 = moved: its entries are in
//                  a longer array, read `root` again
//     2  count     entries ever appended to the table << 32 | live entries
//     3  last      order number of the last live entry, 0 = empty
//     4  used      index slots that are not empty
//     5  contended  how often the lock was met busy, for people (journal/stripe.hpp)
// Layout of a table of capacity c: u32 index[2c], then Entry[c], append-only.
//   Index slot: 8-bit tag of the hash << 24 | entry number + 1; 0 = empty; 0xFFFFFF in the low bits = dummy (was an entry).
// Layout of an entry (48 bytes)
//     0  meta      hash (upper 48 bits) | key code << 8 | value code; 0 = tombstone
//     8  order     insertion order
//    16  value     by value code: 0..8 that many bytes inline; 9 offset of a blob; 10 one reference
//    24  key[3]    by key code: n+1 (n <= 24) that many bytes inline, zero-padded; 26 blob: offset, length, second hash
//
// The top bits of the hash pick the stripe, the low bits of its 48 the index slot, the tag lies in between.
//
// Invariants: (1) entry number < count >> 32 iff it was appended; the last appended one is live; (2) orders ascend within a
// table and are unique in the dict; (3) every live entry is reachable from its hash's slot over non-empty slots; (4) used
// <= capacity, so that a probe ends; (5) a stripe's log holds words of its own structure only.
#pragma once

#include "manager/journal/stripe.hpp"
#include "manager/journal/wait_word.hpp"

namespace partage::kernel {

struct DictEntry {
  Word meta;
  Word order;
  Word value;
  Word key[3];

  static constexpr std::size_t inline_key = 24;  // ShortKey::capacity
  static constexpr std::size_t inline_value = 8;
  static constexpr u64 blob_key = 26;
  static constexpr u64 blob_value = 9, reference_value = 10;

  static u64 hash_of(u64 meta) noexcept { return meta & ~u64{0xFFFF}; }
  static u64 key_code(u64 meta) noexcept { return meta >> 8 & 0xFF; }
  static u64 value_code(u64 meta) noexcept { return meta & 0xF; }
};
static_assert(sizeof(DictEntry) == 48);

struct DictBody {
  static constexpr std::size_t embedded_log2 = 3;

  Word root;
  Word config;
  Word array;
  WaitWord inserted;
  Word reserved[4];
  Ticket order;
  Word reads;
  Word reserved2[6];
  Stripe first;
  Word table[((u64{8} << embedded_log2) + (sizeof(DictEntry) << embedded_log2)) / 8];
};
static_assert(sizeof(DictBody) == 832 && offsetof(DictBody, order) == 64);
static_assert(offsetof(DictBody, first) == 128 && offsetof(DictBody, table) == 384);

/// In front of a stripe array (pool stripes + log2): one line, so that the stripes stay aligned.
struct alignas(64) StripeArrayHead {
  Word made;  // 1: the locks behind exist
  Word reserved[7];
};
static_assert(sizeof(StripeArrayHead) == 64);

inline constexpr std::size_t dict_table = 1, dict_count = 2, dict_last = 3, dict_used = 4;  // stripe body words
inline constexpr u64 moved_table = 0, no_table = 1;                                         // values of the table word
inline constexpr u64 handles_config = 1;
inline constexpr unsigned split_shift = 8;
inline constexpr u32 dummy_entry = 0xFFFFFF;
inline constexpr unsigned most_stripes_log2 = 6;
inline constexpr unsigned most_capacity_log2 = 23;

/// The config word taken apart.
struct ConfigWord {
  bool handles;
  unsigned split_log2;  // one stripe splits at 2^split_log2 keys; 0: never

  static ConfigWord of(u64 w) noexcept {
    return {(w & handles_config) != 0, static_cast<unsigned>(w >> split_shift & 255)};
  }
  u64 word() const noexcept { return (handles ? handles_config : 0) | u64{split_log2} << split_shift; }
  /// Of the words that a dict can be made with.
  static bool makes_sense(u64 w) noexcept { return of(w).word() == w && of(w).split_log2 <= most_capacity_log2; }
};

/// The table word taken apart.
struct TableWord {
  u64 offset;
  bool embedded;
  unsigned log2;

  static TableWord of(u64 w) noexcept { return {w >> 8, (w & 128) != 0, static_cast<unsigned>(w & 127)}; }
  u64 word() const noexcept { return offset << 8 | (embedded ? 128u : 0u) | log2; }
  static u64 bytes(unsigned log2) noexcept { return (u64{8} << log2) + (sizeof(DictEntry) << log2); }
};

}  // namespace partage::kernel
