// The end of objects nobody refers to any more.
//
// An object turns `dying` in the very commit that drops its last reference (object_table.hpp). Whoever runs operations
// that may do that calls collect() afterwards, outside all locks; what nobody collects is found on the dying lists by
// the manager's next round, or by anybody's sweep(). Finishing one object is
//
//   1 repair   every stripe of it whose holder died
//   2 empty    drop its elements in small commits, as long as they may hold references; objects that die of it are next
//   3 free     ONE commit on its registry stripe: body, schema and name given back, slot off the dying list and free
//
// Work is a loop, not a recursion: a list of a million nested lists needs no stack.
//
// Crash: after any step of 1 and 2 the object is on the dying list as before, only smaller; step 3 is one commit. The
// next collector goes on from there. Two collectors never work on one object: the collector lock of the registry stripe
// (control_table.hpp) is tried, never waited for; who holds it looks at the list again after letting go, so that
// nothing is left behind.
//
// Errors: none. An object that cannot be finished now (/dev/shm full, a stopped process holds a lock longer than
// operation_timeout) stays on its list for the next one.
// Thread and process safety: any thread of any attached process that holds no lock of the segment.
#pragma once

#include "manager/registry/control_table.hpp"

namespace partage::kernel {

/// Finishes what this thread's operations have turned to garbage, and what dies of that. Nothing to do: one load.
void collect_made_dying(Segment& segment) noexcept;
inline void collect(Segment& segment) noexcept {
  if (!made_dying().empty()) collect_made_dying(segment);
}

/// Finishes every dying object of the segment, whoever made it so. False: something could not be finished now.
bool sweep(Segment& segment) noexcept;
/// The same for one registry stripe: for whoever held its collector lock for something else.
bool sweep_stripe(Segment& segment, std::size_t stripe) noexcept;

/// A dying object is on some list. Without locks.
bool any_dying(const Segment& segment) noexcept;

}  // namespace partage::kernel
