// Quarantine: what is done with an object that was found damaged. Nobody follows its words any more; the others go on.
//
// Its slot gets the flag object_flag::quarantined, so that it is not opened again, and one reference that nobody gives back, so
// that it is never taken apart: its words cannot be trusted to name its memory, which stays taken until the segment ends. Then
// its locks are condemned, so that whoever has a handle gets Corrupt from the next operation.
//
// Crash: flag and reference are one commit; a death before the locks are condemned leaves them to the next quarantine().
// Thread and process safety: full.
#pragma once

#include "manager/segment/object_table.hpp"

namespace partage::kernel {

/// False: a living process holds one of its locks, for longer than a moment; it can be repeated. No effect on an object that has
/// gone. Throws Corrupt when its slot is in a part of the registry that is out of use itself.
bool quarantine(Segment& segment, ObjectRef ref);
bool is_quarantined(const Segment& segment, ObjectRef ref) noexcept;

}  // namespace partage::kernel
