// Writing to a list: the lock, the change or the transaction, the references counted, and rings built aside.
//
//     ListWrite write(list, counted);               // locks
//     const SlotWords fresh = write.make(value);    // blob and references of a new element
//     write.drop(write.ring().load(3));             // of one that goes
//     NewRing ring(write, count);  ...  ring.publish();    // or write.fill() and write.set_ends()
//     write.commit();                               // or leave the scope: nothing happened
//
// Private to the list's own files. `counted` makes it a transaction over the list and the registry: whenever the
// operation may store or remove references. Without it there are no allocations on the way but what the operation
// itself needs.
//
// Crash: all of it is drafts and one commit; see change.hpp. Thread safety: none, it belongs to the thread of the
// operation.
#pragma once

#include <memory>
#include <optional>

#include "manager/container/list.hpp"
#include "manager/segment/object_table.hpp"
#include "manager/segment/transaction.hpp"

namespace partage::kernel {

bool hold_references(std::span<const BytesView> values) noexcept;

class ListWrite {
 public:
  ListWrite(const List& list, bool counted);
  ListWrite(const ListWrite&) = delete;
  ListWrite& operator=(const ListWrite&) = delete;

  const List& list() const noexcept { return list_; }
  Segment& segment() const noexcept { return *list_.segment_; }
  Stripe& stripe() const noexcept { return list_.body_->stripe; }
  unsigned packed_size() const noexcept { return list_.config_.packed_size; }
  /// The ring as it was when the lock was taken.
  const Ring& ring() const noexcept { return ring_; }
  Change& change() noexcept { return *change_; }
  bool counted() const noexcept { return references_.has_value(); }

  // ---- elements -----------------------------------------------------------------------------------------------------

  /// The words of a new element; its references count from the commit on.
  SlotWords make(BytesView value);
  /// The words of a further element equal to one of the list.
  SlotWords make_copy(SlotWords slot);
  /// The commit frees what belongs to this element and gives up its references. `to_us`: this process holds the objects
  /// it referred to from the same commit on.
  void drop(SlotWords slot, bool to_us = false);

  // ---- references of the list itself; only when counted -------------------------------------------------------------

  void refer(ObjectRef ref) { references_->add(ref); }
  void unrefer(ObjectRef ref) { references_->drop(ref); }

  // ---- slots --------------------------------------------------------------------------------------------------------

  /// Writes a free slot, see Ring::place().
  void fill(u64 i, SlotWords slot) const noexcept;
  void set_ends(u64 head, u64 count);
  /// This process holds the objects a present element refers to, from the commit on.
  void hold(std::span<const ObjectRef> refs);
  /// Element i becomes `value`.
  void replace(u64 i, BytesView value);
  void push_back(std::span<const BytesView> values);
  /// The elements of [from, from + removed) become `values`. For every place and every size; the ring is built anew.
  void splice(u64 from, u64 removed, std::span<const BytesView> values, bool to_us = false);
  void clear();
  /// The commit gives the arena back. From now on drop() frees large blobs only, and what a new ring keeps is made
  /// anew.
  void give_up_arena();
  /// The words, in a new ring, of an element that stays.
  SlotWords keep(SlotWords slot);
  bool arena_given_up() const noexcept { return arena_gone_; }

  /// Also tells those who wait for elements when there are more.
  void commit();
  /// In a child forked under the lock: the lock is the parent's, so leave everything alone.
  void abandon() noexcept;

 private:
  const List& list_;
  // In this order: a change is given up before its lock.
  std::optional<StripeLock> lock_;
  std::optional<Transaction> transaction_;
  std::optional<Change> own_change_;
  std::optional<ReferenceChanges> references_;
  Change* change_ = nullptr;
  Ring ring_;
  bool arena_gone_ = false;
  bool grows_ = false;
};

/// A ring built aside, that becomes the list's with the commit.
class NewRing {
 public:
  /// For `count` elements with room for `up_to`; count 0: no ring at all. Throws ValueError when no list can have so
  /// many.
  NewRing(ListWrite& write, u64 count, u64 up_to = 0);

  void push(SlotWords slot) noexcept;
  /// Elements [from, from + n) of the present ring.
  void keep(u64 from, u64 n);
  /// Plans that this is the ring from now on.
  void publish();

 private:
  ListWrite& write_;
  RingWord ring_{0, 0};
  Word* slots_ = nullptr;
  Draft draft_{nullptr, 0};
  u64 count_ = 0;
};

}  // namespace partage::kernel
