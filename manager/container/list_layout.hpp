// The bytes of a list: its body, the ring of slots, and how an element becomes words.
//
// Layout of the body (320 bytes, Pool::list_body)
//     0  config    bytes of a packed element (0: variable) | handles << 8 | cell << 9 | owners << 10 | queue << 11 |
//                  1 << 16; 0: the lock was never made
//     8  reads     a Tally: reads of its elements, about (segment/read_tally.hpp)
//    16  of a value or an array:
//          cell      with `cell`: the only element, as a packed slot holds it; else 0. A Cell (journal/word.hpp)
//          companion reference of an object that belongs to this one (the lock of a Value or Array), 0 = none; counted
//          reserved
//        of a queue: three words, see queue.hpp
//    40  items     WaitWord: there are more elements
//    48  room      WaitWord of a queue: there are fewer
//    56  done      WaitWord of a queue: all of its items are finished
//    64  stripe    kind list; the words of its body:
//          [0] arena     arena.hpp
//          [1] ring      offset of the run of slots << 8 | log2 of their number; 0 = no run
//          [2] ends      head << 32 | count: element i is in slot (head + i) mod capacity
//          [3] shift     the intent of a shift in progress, 0 = none (list_shift.hpp)
//          [4] progress  how far it has come
//          [5] contended  how often the lock was met busy, for people
//   head and count are one word, so that an append or a pop at either end of inline elements is a commit of one word.
// Layout of a slot of a packed list: one word, the element in its low bytes, zeros above.
// Layout of a slot of a variable list: two words
//     word 1, low byte  0..15  that many bytes inline: bytes 0..7 in word 0, bytes 8..14 in the upper part of word 1
//                       16     word 0 is the offset of a blob
//                       17     word 0 is a single reference, with no bytes
//   A list made with `owners` has no inline elements; the upper part of word 1 says who has taken the item (queue.hpp).
//   Bytes and bits that mean nothing are 0: equal inline elements have equal words.
//
// Crash: at least two slots of the ring are free at any time. Free slots are unreachable, so they are written as
// drafts: the elements of an append, and the element that an insertion or erasure holds while its neighbours move. Only
// the ends word, or the ring word of a ring built aside, makes a slot reachable.
//
// Invariants: (1) capacity is a power of two and at least 8; (2) count + 2 <= capacity, or count is 0 and there is no
// ring; (3) every blob named by a slot is named by no other; (4) without `handles` no element has references;
// (5) with `cell` there is never a ring.
#pragma once

#include <algorithm>
#include <bit>
#include <optional>
#include <partage/bytes.hpp>

#include "manager/journal/stripe.hpp"
#include "manager/journal/wait_word.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

struct ListConfig {
  u8 packed_size = 0;    // bytes of every element, 1 to 8; 0: elements vary
  bool handles = false;  // elements may hold references; only for variable lists
  bool cell = false;     // exactly one element, in the body and without the lock; only for packed lists
  bool queue = false;    // the body is that of a queue
  bool owners = false;   // elements can be taken without being removed; only for variable lists

  /// Of a damaged word one that leads beyond no word; its word() is another then.
  static ListConfig of(u64 word) noexcept {
    const auto size = static_cast<u8>(std::min<u64>(word & 15, 8));
    const auto has = [word](unsigned bit) { return (word >> bit & 1) != 0; };
    return {.packed_size = size, .handles = has(8), .cell = has(9) && size != 0, .queue = has(11), .owners = has(10)};
  }
  u64 word() const noexcept {
    return u64{packed_size} | u64{handles} << 8 | u64{cell} << 9 | u64{owners} << 10 | u64{queue} << 11 | u64{1} << 16;
  }
};

struct alignas(64) ListBody {
  static constexpr std::size_t arena = 0, ring = 1, ends = 2, shift = 3, progress = 4;

  Word config;
  Word reads;
  struct ValueWords {
    Cell cell;
    Word companion;
    Word reserved;
  };
  union {
    ValueWords value;  // of a value or an array
    Word queue[3];
  };
  WaitWord items, room, done;
  Stripe stripe;
};
static_assert(sizeof(ListBody) == 320 && offsetof(ListBody, stripe) == 64 && offsetof(ListBody, items) == 40);
static_assert(offsetof(ListBody, value) == 16 && offsetof(ListBody::ValueWords, companion) == 8);

struct RingWord {
  u64 run;
  unsigned log2;
  static RingWord of(u64 word) noexcept { return {word >> 8, static_cast<unsigned>(word & 63)}; }
  u64 word() const noexcept { return run << 8 | log2; }
};

struct EndsWord {
  u32 head;
  u32 count;
  static EndsWord of(u64 word) noexcept { return {static_cast<u32>(word >> 32), static_cast<u32>(word)}; }
  u64 word() const noexcept { return u64{head} << 32 | count; }
};

/// What a slot holds. The second word of a packed element is not stored.
struct SlotWords {
  static constexpr u64 most_inline = 15, blob = 16, reference = 17;

  u64 first = 0;
  u64 second = 0;

  u64 kind() const noexcept { return second & 255; }
  u64 owner() const noexcept { return second >> 8; }  // of a list with owners
  static SlotWords of_inline(const std::byte* data, std::size_t bytes) noexcept {
    u64 words[2] = {0, 0};
    if (bytes != 0) std::memcpy(words, data, bytes);
    return {words[0], words[1] << 8 | bytes};
  }
};

/// The ring of a list as it is now, seen by one process: under the lock, or within one optimistic attempt (then
/// in_bounds() comes before anything else).
class Ring {
 public:
  static constexpr u64 least_capacity = 8, spare_slots = 2, most_elements = (u64{1} << 31) - spare_slots;

  Ring() = default;
  Ring(const Segment& segment, const Stripe& stripe, unsigned packed_size) noexcept
      : ring_(RingWord::of(stripe.body[ListBody::ring].load())),
        ends_(EndsWord::of(stripe.body[ListBody::ends].load())),
        stride_(packed_size != 0 ? 1 : 2),
        slots_(segment.perhaps_at<Word>(ring_.run)) {}

  /// Slots for `count` elements and the spare ones.
  static u64 capacity_for(u64 count) noexcept {
    return count + spare_slots <= least_capacity ? least_capacity : std::bit_ceil(count + spare_slots);
  }

  u64 run() const noexcept { return ring_.run; }
  u64 capacity() const noexcept { return ring_.run == 0 ? 0 : u64{1} << ring_.log2; }
  u64 bytes() const noexcept { return capacity() * stride_ * 8; }
  u64 count() const noexcept { return ends_.count; }
  u32 head() const noexcept { return ends_.head; }
  std::size_t stride() const noexcept { return stride_; }  // words of a slot
  bool packed() const noexcept { return stride_ == 1; }
  /// Elements that can still be added without a larger ring.
  u64 room() const noexcept { return has_room() ? capacity() - count() - spare_slots : 0; }
  bool has_room() const noexcept { return count() + spare_slots < u64{1} << ring_.log2; }
  /// Eight times too large for `elements`.
  bool sparse_with(u64 elements) const noexcept {
    const u64 slots = u64{1} << ring_.log2;  // 1 without a ring, which is no sparse one
    return slots > least_capacity && elements < slots / 8;
  }
  bool in_bounds(const Segment& segment) const noexcept {
    return ring_.log2 < 40 && count() <= capacity() && ring_.run % 8 == 0 && segment.holds(ring_.run, bytes());
  }

  /// Number of the slot of element i. Also for i in [-spare, 0) and [count, count + spare), modulo 2^64: the free
  /// slots.
  u64 place(u64 i) const noexcept { return place(ring_, ends_, i); }
  static u64 place(RingWord ring, EndsWord ends, u64 i) noexcept {
    return (ends.head + i) & ((u64{1} << ring.log2) - 1);
  }
  Word* slot(u64 i) const noexcept { return slots_ + place(i) * stride_; }
  SlotWords load(u64 i) const noexcept {
    const Word* s = slot(i);
    return {s[0].load(), stride_ == 2 ? s[1].load() : 0};
  }

 private:
  RingWord ring_{0, 0};
  EndsWord ends_{0, 0};
  std::size_t stride_ = 0;
  Word* slots_ = nullptr;
};

/// Index of an element, from the end when negative; not below `count` when there is none.
inline u64 index_of(std::ptrdiff_t i, u64 count) noexcept {
  return static_cast<u64>(i) + (i < 0 ? count : 0);
}
/// The same; nullopt: there is none.
inline std::optional<u64> resolve_index(std::ptrdiff_t i, u64 count) noexcept {
  const u64 index = index_of(i, count);
  return index < count ? std::optional(index) : std::nullopt;
}

}  // namespace partage::kernel
