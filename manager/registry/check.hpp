// The check of a segment in which others are working, and what is done about the objects that it finds damaged.
//
// Every object is looked at under its own locks. What concerns several of them at once is judged in a pass during which none of
// them changed; in a busy segment there may be none, and then the report says so.
//
// Thread and process safety: full. Complexity: O(everything) a pass, at most `passes` of them; an object's writers wait while it
// is looked at.
#pragma once

#include "manager/registry/inspection.hpp"

namespace partage::kernel {

struct CheckReport {
  std::vector<Finding> findings;
  std::size_t objects = 0;  // that were looked at
  bool judged_all = true;   // counts of references and owners of runs too
  bool whole() const noexcept { return findings.empty(); }
};

/// `quarantine`: takes damaged objects out of use, and the heap if it is damaged; a finding then says so.
enum class Damaged { leave, quarantine };
CheckReport check_segment(Segment& segment, Damaged damaged);

}  // namespace partage::kernel
