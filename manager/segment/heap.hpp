// The heap of a segment, from inside: runs of whole cache lines, best fit by size class, neighbours merged, every step one
// commit of the heap's own redo log. `partage::Heap` is its outside, as Boost sees it.
//
// Layout of the state (at the start of the Heap, 3584 bytes)
//     0  mutex   RobustMutex
//    40  commit  number of log slots that count, 0 = none
//    48  top     offset of the first byte that was never part of a block; blocks fill [first block, top)
//    56  used    bytes in allocated blocks, headers included; pooled ones count as allocated
//    64  map[5]  bit i: bin i is not empty
//   104  owned   number of runs that are private memory of some client;  112  reserved
//   128  pool[16]  per pool kind: list (by run link) of bodies that hold locks, see below
//   256  bins[320] offsets of the first free block of each size class: exact up to 7 lines, then 8 classes a doubling
//  2816  log[40]
//
// Layout of a block: starts 16 bytes before a cache line, so that its payload (the "run") is 64-aligned.
//     0  head    size (a multiple of 64) | free 1 | previous block is free 2 | pool kind << 2 | owner's client slot << 54
//     8  link    next run of the list the run is on; a free block does not use it
//    16  payload
//   free block: payload[0] next in bin, payload[1] previous in bin, last 8 bytes its size (for the right neighbour)
//
// Runs in transit. acquire() hands a run over by pushing it on a list word of its taker in the same commit that takes it
// from the heap, so there is no instant at which a run belongs to nobody; release_head() pops it back the same way.
//
// Pool kinds. Memory that holds locks is type-stable: a body with mutexes is never merged back into the heap but kept on
// pool[kind] and handed out again as the same kind of body. The first word of a pooled run that was never handed out before
// is 0, so that its taker can tell whether its locks have been made: a lock that exists must not be made again, because
// whoever repairs an old transaction may be about to take it.
//
// Damage: a log is only repeated if it can be one; else, and when verify() finds anything, the heap is condemned. What needs no
// memory goes on then.
//
// Crash: dies before the commit word -> nothing happened. After it -> the next locker applies the log. Growth is
// fallocate() first, then `committed` in the log: a death in between leaves memory charged that is charged again for free.
//
// Invariants: (1) blocks tile [first, top) without gaps; (2) no two free blocks are neighbours, none ends at top;
// (3) a block is free iff it is in the bin of its size; (4) top <= committed <= max.
//
// Files: heap.cpp takes and gives back, heap_verify.cpp looks at what there is, heap_boost.cpp is the outside.
// Complexity: O(1) but for fallocate. Lock order: taken last; nothing is locked while it is held.
#pragma once

#include <functional>
#include <partage/heap.hpp>
#include <string>

#include "manager/journal/log.hpp"
#include "manager/journal/robust_mutex.hpp"
#include "manager/segment/header.hpp"

namespace partage::kernel {

class Segment;

/// Bodies with locks inside, by size. DO NOT CHANGE THESE VALUES: they are in segments.
enum class Pool : u64 {
  none = 0,
  dict_body = 1,
  list_body = 2,
  stripes = 3 /* + log2 of the number of stripes, to 9 */,
  table = 15
};
inline Pool stripe_pool(unsigned log2) noexcept {
  return static_cast<Pool>(static_cast<u64>(Pool::stripes) + log2);
}

struct HeapState {
  static constexpr std::size_t bin_count = 320;
  static constexpr std::size_t log_slots = 40;

  RobustMutex mutex;
  Word commit;
  Word top;
  Word used;
  Word map[5];
  Word owned;
  Word reserved[2];
  Word pool[16];
  Word bins[bin_count];
  LogSlot log[log_slots];
  std::byte tail[3584 - 2816 - 16 * log_slots];
};
static_assert(sizeof(HeapState) == 3584);
static_assert(offsetof(HeapState, map) == 64 && offsetof(HeapState, owned) == 104);
static_assert(offsetof(HeapState, pool) == 128 && offsetof(HeapState, bins) == 256);
static_assert(offsetof(HeapState, log) == 2816);

/// The header in front of every block.
struct BlockHead {
  Word head;
  Word link;
};
static_assert(sizeof(BlockHead) == 16);

/// The kernel's side of the heap of one mapped segment. A process-local value.
class Runs {
 public:
  explicit Runs(Segment& segment) noexcept : segment_(&segment) {}

  /// Takes a run of at least `bytes` from the heap and pushes it on `list`, in one commit. Returns its offset.
  /// Throws OutOfMemory; then nothing has changed. The caller owns (has locked) `list`.
  u64 acquire(std::size_t bytes, Word& list, Pool pool = Pool::none, u64 owner_slot = 0);
  /// Pops the first run of `list` and gives it back, in one commit.
  void release_head(Word& list);
  /// Gives back every run of `list`, one commit each, so that a death in between leaves a shorter list.
  void release_all(Word& list) {
    while (list.load() != 0) release_head(list);
  }
  /// Frees a run that is on no list (a private allocation).
  void release_private(u64 run);
  /// Frees the private allocations of a client slot, one commit each; how many there were. One load when nobody has any.
  std::size_t release_owned_by(u64 owner_slot);

  /// Applies what a dead process had committed. Every other recovery starts with this.
  void repair();

  std::size_t payload_size(u64 run) const noexcept;
  /// The client slot that has it as private memory; 0: a structure of the segment has it.
  u64 owner_slot(u64 run) const noexcept;
  Word& link(u64 run) const noexcept;
  u64 used() const noexcept;

  /// It looks like a run that is in use, of at least so many bytes: what a word that may be damaged has to name before it is
  /// followed. O(1), without the lock; of a run that somebody else owns the answer may be old.
  bool looks_like_run(u64 run, std::size_t least_bytes, Pool pool = Pool::none) const noexcept;
  /// The same for a whole list of runs, which is also to end.
  bool looks_like_list(u64 first) const noexcept;
  /// Nothing is taken or given back any more: acquire() and its kin throw Corrupt.
  void condemn();
  bool condemned() const noexcept;

  /// Calls fn(run, payload bytes, is_free, pool kind) for every block, in address order, under the lock.
  void for_each(const std::function<void(u64 run, std::size_t bytes, bool free, Pool pool)>& fn);
  /// Checks invariants 1 to 4. "" or what is wrong.
  std::string verify();
  /// Every run on a pool list.
  std::vector<u64> pooled();

 private:
  class Lock;
  friend class partage::Heap;
  u64 allocate_block(Plan& plan, std::size_t payload);
  void free_block(Plan& plan, u64 block);
  void unlink(Plan& plan, u64 block, u64 size);
  void insert(Plan& plan, u64 block, u64 size);
  u64 find_fit(const Plan& plan, u64 lines) const;
  void commit(const Plan& plan);
  void replay();
  bool log_is_sound() const noexcept;
  /// The head of the block at `b`, below the top, says a size that it can have: what a walk asks before it goes on.
  bool is_block(u64 b, u64 head) const noexcept;
  void grow_to(Plan& plan, u64 end, std::size_t asked);
  [[noreturn]] void refuse_beyond_maximum(std::size_t asked) const;
  HeapState& state() const noexcept;
  BlockHead& block(u64 offset) const noexcept;
  Word& word(u64 offset) const noexcept;

  Segment* segment_;
};

}  // namespace partage::kernel
