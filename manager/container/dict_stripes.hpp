// The stripes of a dict: finding them, making them, and telling those whose entries have moved to a longer array.
// Process-local helpers of the dict's source files.
#pragma once

#include <memory>
#include <partage/error.hpp>
#include <span>
#include <vector>

#include "manager/container/dict_layout.hpp"
#include "manager/segment/change.hpp"

namespace partage::kernel::dict {

inline std::span<Stripe> stripes_of(const Segment& segment, u64 root) noexcept {
  return {&segment.at<Stripe>(root >> 8), u64{1} << (root & 255)};
}

/// Its entries are in a longer array now: read the dict's root again (await_move).
inline bool is_moved(const Stripe& s) noexcept {
  return s.body[dict_table].load() == moved_table;
}

/// A stripe of this root was found moved: returns when the root has another value. Without locks. Throws Corrupt when it stays,
/// which no split leaves.
inline void await_move(Segment& segment, const DictBody& body, u64 root) {
  if (body.root.load_acquire() != root) return;
  { const ReadLock moved_by(segment, segment.at<Stripe>(root >> 8)); }  // its repair publishes the new root
  if (body.root.load_acquire() == root) {
    throw Corrupt("partage: a dict is damaged: its entries have moved to nowhere; `partage check` says more");
  }
}

/// All stripes of a dict locked for reading, in their order.
class AllStripes {
 public:
  AllStripes(Segment& segment, const DictBody& body) {
    for (;;) {
      const u64 root = body.root.load_acquire();
      stripes_ = stripes_of(segment, root);
      locks_.reserve(stripes_.size());
      for (Stripe& s : stripes_) locks_.push_back(std::make_unique<ReadLock>(segment, s));
      if (!is_moved(stripes_[0])) return;
      locks_.clear();
      await_move(segment, body, root);
    }
  }
  std::span<Stripe> stripes() const { return stripes_; }

 private:
  std::vector<std::unique_ptr<ReadLock>> locks_;
  std::span<Stripe> stripes_;
};

/// Fills a stripe that nobody can reach. `fresh`: this memory never held a lock. A lock that exists is not made again: a
/// repairer may be about to take it.
void make_stripe(const Draft& draft, Stripe& stripe, u64 owner, bool fresh);

struct StripeArray {
  u64 run;
  u64 root;  // the root word that names it
  std::span<Stripe> stripes;
  Draft draft;
};
/// An array of empty stripes for the dict with this body. Its run has to be linked by the change.
StripeArray make_stripe_array(Change& change, unsigned log2, u64 body);

}  // namespace partage::kernel::dict
