// The stripes of a dict: finding them, making them, and telling those whose entries have moved to a longer array.
// Process-local helpers of the dict's source files.
#pragma once

#include <span>

#include "manager/container/dict_layout.hpp"
#include "manager/segment/change.hpp"

namespace partage::kernel::dict {

inline std::span<Stripe> stripes_of(const Segment& segment, u64 root) noexcept {
  return {&segment.at<Stripe>(root >> 8), u64{1} << (root & 255)};
}

/// Its entries are in a longer array now: read the dict's root again (Dict::await_move).
inline bool is_moved(const Stripe& s) noexcept {
  return s.body[dict_table].load() == moved_table;
}

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
