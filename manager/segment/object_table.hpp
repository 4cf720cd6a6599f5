// The table of objects: who exists, who refers to it, and the one place where an object becomes garbage.
//
// An object lives while a container refers to it (count) or an attached process holds a handle (one bit per client slot in
// `holders`). Both change in the same commit as what they count: storing a handle is ONE commit of two participants, the
// container's stripe and the slot's registry stripe. At zero the slot turns `dying` in that very commit and is put on the
// dying list of its stripe, where anybody may finish it (registry/collect.hpp).
//
// Layout of the table (registry offset of the segment header)
//      0  stripes[16]    slot i belongs to stripe i % 16. body[1] free slots (by link), body[2] dying slots (by link),
//                        body[3] number of slots ever used. Links and lists name slots as index + 1.
//   4096  directory      a stripe of its own for growth; body unused
//   4352  chunks[24]     offset of chunk k, which holds 256 << k slots; chunks never move and are never freed
// Layout of a slot (128 bytes; type-stable: once a slot, always a slot)
//     0  state    generation << 32 | flags << 16 | kind << 8 | SlotState
//     8  count    references from containers
//    16  body     offset of the container
//    24  schema   run with its description: length u64, then text
//    32  name     run with its name likewise, 0 = anonymous
//    40  link     next in the free or dying list
//    48  creator  pid of the process that made it
//    56  reserved
//    64  holders[8]   bit per client slot
//
// A reference = generation << 32 | slot index. Reading one out of a container races with its removal; acquire() compares
// the generation under the lock and says no when the object has gone.
//
// Crash: every word changes through the log of its stripe; a slot is never half made (body, schema and state in one commit).
// Lock order: registry stripes after all container stripes, ascending.
#pragma once

#include <functional>
#include <partage/bytes.hpp>
#include <vector>

#include "manager/segment/client_life.hpp"
#include "manager/segment/transaction.hpp"

namespace partage::kernel {

/// DO NOT CHANGE THESE VALUES: they are in segments.
enum class SlotState : u64 { free = 0, live = 1, dying = 2 };
enum class ObjectKind : u64 {
  list = 1,
  dict = 2,
  set = 3,  // a dict without values
  value = 4,
  array = 5,
  name_space = 6,
  queue = 7,
  joinable_queue = 8,
  simple_queue = 9,
  lock = 10,
  rlock = 11,
  semaphore = 12,
  bounded_semaphore = 13,
  condition = 14,
  event = 15,
  barrier = 16,
  parcel = 17  // a list: the handles inside a message that is on its way
};

/// Flags of an object slot. DO NOT CHANGE THESE VALUES: they are in segments.
namespace object_flag {
inline constexpr u16 handles = 1;      // its elements may hold references
inline constexpr u16 internal = 2;     // the registry's own; not shown, nobody's to release
inline constexpr u16 quarantined = 4;  // found damaged; see registry/quarantine.hpp
}  // namespace object_flag

struct alignas(64) ObjectSlot {
  Word state;
  Word count;
  Word body;
  Word schema;
  Word name;
  Word link;
  Word creator;
  Word reserved;
  Word holders[client_slots / 64];
};
static_assert(sizeof(ObjectSlot) == 128 && offsetof(ObjectSlot, holders) == 64);

struct SlotWord {
  u32 generation;
  u16 flags;
  ObjectKind kind;
  SlotState state;
  static SlotWord of(u64 w) noexcept {
    return {static_cast<u32>(w >> 32), static_cast<u16>(w >> 16), static_cast<ObjectKind>(w >> 8 & 255),
            static_cast<SlotState>(w & 255)};
  }
  u64 word() const noexcept {
    return u64{generation} << 32 | u64{flags} << 16 | static_cast<u64>(kind) << 8 | static_cast<u64>(state);
  }
};

inline u32 index_of(ObjectRef ref) noexcept {
  return static_cast<u32>(ref);
}
inline u32 generation_of(ObjectRef ref) noexcept {
  return static_cast<u32>(ref >> 32);
}
inline ObjectRef make_ref(u32 index, u32 generation) noexcept {
  return u64{generation} << 32 | index;
}

struct ObjectTable {
  static constexpr std::size_t stripe_count = 16;
  static constexpr std::size_t chunk_count = 24;
  static constexpr std::size_t first_chunk_slots = 256;
  static constexpr u64 bytes_of_chunk(std::size_t k) noexcept { return (first_chunk_slots << k) * sizeof(ObjectSlot); }
  // Words of a registry stripe's body.
  static constexpr std::size_t free_list = 1, dying_list = 2, slots_used = 3;

  Stripe stripes[stripe_count];
  Stripe directory;
  Word chunks[chunk_count];
};
static_assert(sizeof(ObjectTable) == 4544 && offsetof(ObjectTable, chunks) == 4352);

/// The table of one mapped segment. A process-local value.
class Objects {
 public:
  explicit Objects(Segment& segment) noexcept : segment_(&segment) {}

  static void make(Segment& segment);

  Stripe& stripe_of(u32 index) const noexcept { return table().stripes[index % ObjectTable::stripe_count]; }
  Stripe& stripe(std::size_t i) const noexcept { return table().stripes[i]; }
  /// nullptr for an index that was never a slot, or whose chunk is none because the table is damaged.
  ObjectSlot* find(u32 index) const noexcept;

  /// Makes an object in one commit. `build` gets the change on the slot's stripe: it takes and fills runs and returns the
  /// offset of the body. `schema` and `name` are stored with it. The client slot `holder` gets its bit.
  struct Making {
    ObjectKind kind;
    u16 flags;
    std::string_view schema;
    std::string_view name;
    u64 holder;
    std::function<u64(Change&)> build;
  };
  ObjectRef create(const Making& making);

  /// The holder's bit is set and the object is alive; false: it has gone (or was another generation). Throws Corrupt for one that
  /// is quarantined.
  bool acquire(ObjectRef ref, u64 holder);
  /// Clears the holder's bit. True: that was the last reference and the object is dying now.
  bool release(ObjectRef ref, u64 holder);
  /// Sets `to`'s bit on every object that `from` holds: a forked child holds what its parent held.
  void share_holdings(u64 from, u64 to);
  /// Clears the holder's bit everywhere; dying objects are reported through made_dying().
  void release_all(u64 holder);
  bool is_live(ObjectRef ref) const noexcept;

  /// Calls fn(index, slot) for every slot ever used, without locks.
  void for_each(const std::function<void(u32 index, ObjectSlot& slot)>& fn) const;
  /// First dying object of a stripe, 0 = none.
  ObjectRef first_dying(std::size_t stripe) const;

 private:
  friend class ReferenceChanges;
  ObjectTable& table() const noexcept { return segment_->at<ObjectTable>(segment_->header().registry); }
  bool ensure_slot(u32 index);
  /// The slot that the next object of a stripe gets: one that is free again, else the first that was never used, which may be in a
  /// chunk that is not there yet. For the holder of the stripe; a guess for others.
  u32 next_index(std::size_t s) const noexcept;
  /// Where this thread makes an object: threads and processes begin with different stripes, so that they do not wait for each other
  /// (a forked child not with its parent's, as its client slot is another one), and go on to the next when theirs is full, so that
  /// the table grows only when all are. A guess: others may be quicker.
  std::size_t stripe_for_new() const noexcept;

  Segment* segment_;
};

/// The offset names a stored text, a schema or a name: its length, then the bytes, which end within their run.
bool looks_like_text(Segment& segment, u64 run) noexcept;

/// Objects this thread's commits have turned to garbage and nobody has taken care of yet. Whoever runs operations that may
/// drop references empties it afterwards (registry/collect.hpp).
std::vector<ObjectRef>& made_dying() noexcept;

/// References that one transaction adds and drops. Use: collect while planning, lock(), plan(), commit the transaction.
class ReferenceChanges {
 public:
  explicit ReferenceChanges(Segment& segment) noexcept : segment_(segment) {}
  /// A container will refer to it. Throws ValueError at plan() if the object has gone.
  void add(ObjectRef ref) { deltas_.push_back({ref, 1, 0}); }
  /// A container no longer refers to it.
  void drop(ObjectRef ref) { deltas_.push_back({ref, -1, 0}); }
  /// A container no longer refers to it, and this process holds it from the same commit on: what pop() does.
  void hand_over(ObjectRef ref, u64 holder) { deltas_.push_back({ref, -1, holder}); }
  /// This process holds it from the commit on.
  void hold(ObjectRef ref, u64 holder) { deltas_.push_back({ref, 0, holder}); }
  bool empty() const noexcept { return deltas_.empty(); }

  /// Locks the registry stripes concerned; the container's stripes must be locked already.
  void lock(Transaction& transaction);
  /// Plans the counts, the bits, and the turn to `dying`.
  void plan(Transaction& transaction);
  /// After the commit: reports what died to made_dying().
  void committed();

 private:
  struct Delta {
    ObjectRef ref;
    std::int64_t count;
    u64 holder;
  };
  Segment& segment_;
  std::vector<Delta> deltas_;
  std::vector<ObjectRef> dying_;
};

}  // namespace partage::kernel
