// The object slots of one registry stripe, copied out under its lock: for whoever walks over all objects.
//
// What was copied goes stale at once. Whoever follows a `body` holds the collector lock of the stripe
// (control_table.hpp) from before the scan: while it is held no object of the stripe is freed.
//
// Thread and process safety: any thread that holds no stripe.
#pragma once

#include <vector>

#include "manager/segment/object_table.hpp"

namespace partage::kernel {

struct ScannedSlot {
  ObjectRef ref;
  SlotWord word;
  u64 body;
};

/// Every slot of stripe `s` that is not free, in ascending order.
std::vector<ScannedSlot> scan_slots(Segment& segment, std::size_t s);
/// The slots on its dying list, head first.
std::vector<ScannedSlot> scan_dying(Segment& segment, std::size_t s);

/// Processes that hold the object.
std::size_t holders_of(const ObjectSlot& slot) noexcept;

}  // namespace partage::kernel
