// Insertion and erasure in the middle of a list: the neighbours on the shorter side move by one slot.
//
// Crash. The operation is decided by a commit of the intent and progress words; from then on it is rolled forward, by
// whoever gets the lock. Up to there, nothing has happened. The window is open from this commit to the last.
//   before the first commit   the held element stands in a free slot as a draft: the new one of an insertion, or a copy
//                             of the one that an erasure removes, because its blob must be known at the end
//   first commit              the intent, where the progress starts, and the arena words of a new blob
//   each step                 copies one slot to its neighbour, then advances progress by one store. A step only writes
//                             the slot that the step before has copied away, so a repeated step writes the same again
//   last commit               the new ends; the held element into its place, or its blob freed; no intent
//
//   insert at 2 of [a b c d e f], shorter side in front, # = free, h = head
//     [# # # a b c d e f]  hold x:  [# x # a b c d e f]  shift:  [# x a b b c d e f]  last:  [# # a b x c d e f]
//                                        h                             h                         h
//
// Layout of the intent word: 1 | erase << 1 | back << 2 | index << 8, the index and the progress p as elements are counted
// from the head before the operation. The next step is p - 1 -> p (insert at the back, erase at the front), p + 1 -> p
// (erase at the back) or p -> p - 1 (insert at the front).
// Complexity: O(min(i, n - i)) steps of two or three stores. Thread safety: for the holder of the stripe.
#pragma once

#include "manager/container/list_write.hpp"

namespace partage::kernel {

/// `slot` becomes element `i`, 0 < i < count; there is room for it. Commits.
void insert_by_shift(ListWrite& write, u64 i, SlotWords slot);
/// Element `i` goes, 0 < i < count - 1, and its blob with it. Commits. The element has no references.
void erase_by_shift(ListWrite& write, u64 i);
/// RepairHooks::is_sound of lists: the ring, and a shift in progress, are within bounds.
bool can_settle_list(const Segment& segment, const Stripe& stripe);
/// RepairHooks::settle of lists: finishes a shift that was decided, if any.
void settle_list(Segment& segment, Stripe& stripe);

}  // namespace partage::kernel
