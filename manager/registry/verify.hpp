// The check of a whole segment: the heap; every object's container; that every run has exactly one owner (an object,
// the tables, a pool, a living client's private memory); that reference counts are what containers and names really
// hold, and bits those of attached clients; that no log, no run in transit, no unfinished transaction and no dying
// object is left over.
//
// It is what tests and storms end with; for a segment at work there is check.hpp. Quarantined objects are left out.
//
// Thread and process safety: nobody may be working in the segment. After deaths, repair_everything() and sweep() come
// first: what they would put right is reported here.
// Complexity: O(everything); memory of its own in proportion to the number of runs and references.
#pragma once

#include <string>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

/// "" or the first thing that is wrong with what is not quarantined.
std::string verify_segment(Segment& segment);

}  // namespace partage::kernel
