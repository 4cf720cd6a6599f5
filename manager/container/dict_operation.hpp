// Inside a dict: what every mutating operation is made of.
//
// An Operation holds the stripes it changes and one Change for each. A dict whose values hold no references and an
// operation on one key need one stripe, its lock and its own commit word; everything else is a transaction, with the
// registry stripes of the references that come and go. Both look the same to the code of an operation:
//
//     Operation op(dict, key.hash());                 // locked, whole
//     ... plan with op.change(stripe), place(), remove() ...
//     op.commit();
//
// Order numbers are drawn by commit(), with all windows open (rule W).
#pragma once

#include <optional>

#include "manager/container/dict.hpp"
#include "manager/container/dict_table.hpp"

namespace partage::kernel {

class Dict::Operation {
 public:
  /// Locks the stripe of one hash.
  Operation(Dict& dict, u64 hash);
  /// Goes on with a stripe that is locked already, of a dict without references.
  Operation(Dict& dict, Stripe& stripe, StripeLock lock);
  /// Locks the stripes of several hashes; an empty list: all.
  Operation(Dict& dict, std::span<const u64> hashes);

  Stripe& stripe_for(u64 hash) const { return dict::stripe_for(segment(), root_, hash); }
  /// Every stripe of the dict; all of them locked when the operation was made for all.
  std::span<Stripe> stripes() const { return {&segment().at<Stripe>(root_ >> 8), dict::stripe_count(root_)}; }
  Segment& segment() const { return dict_.segment_; }

  /// The change on a stripe. Make room first: growing is a commit of its own.
  Change& change(Stripe& stripe);
  /// Room for `n` further keys in a stripe: rebuilds its table aside when it is full. Contents do not change.
  void make_room(Stripe& stripe, u64 n);

  /// Plans a new value for a live entry.
  void overwrite(Stripe& stripe, DictEntry& entry, BytesView value);
  /// Plans a new entry behind the cursor.
  void place(Stripe& stripe, const dict::Key& key, BytesView value);
  /// Plans the end of a live entry that is not of this plan. Removing may move the cursor back over entries that can
  /// still be reached, so whoever does both places first.
  void remove(Stripe& stripe, DictEntry& entry, u64 number, u64 hand_over_to = 0);

  /// Plans the end of all entries of a stripe.
  void empty(Stripe& stripe);

  /// Everything planned happens, or nothing has: throws only before.
  void commit();
  /// For a forked child that came out of user code.
  void abandon() noexcept;

 private:
  struct Fresh {
    Stripe* stripe;
    DictEntry* entry;
  };
  void drop_refs(const DictEntry& entry, u64 hand_over_to);
  u64 encode(Change& change, BytesView value, u64& code);
  void draw_orders();
  /// As a transaction over the stripes that wanted() names for the present root.
  template <class Wanted>
  void lock_all(Wanted wanted);

  Dict& dict_;
  bool handles_;
  u64 root_ = 0;
  std::optional<StripeLock> lock_;
  std::optional<Change> change_;
  std::optional<Transaction> transaction_;
  std::optional<ReferenceChanges> references_;
  std::vector<Fresh> more_fresh_;
  Fresh fresh_{nullptr, nullptr};
  u64 fresh_count_ = 0;
};

}  // namespace partage::kernel
