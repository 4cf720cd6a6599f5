// Objects that keep each other: a container that is in itself, or two that are in each other. References are counted, so nobody
// frees them while they stand in each other; whoever made such a cycle takes an element out of it, or leaves it to the end of
// the manager.
//
// Each object is looked at by itself, so while processes work the picture may be of several moments.
// Thread and process safety: full. Errors: TimeoutError. Complexity: O(objects + references).
#pragma once

#include <vector>

#include "manager/segment/object_table.hpp"

namespace partage::kernel {

/// The groups of objects of which each can be reached from each other: strongly connected components with an edge. Sorted.
std::vector<std::vector<ObjectRef>> cycles(Segment& segment);

}  // namespace partage::kernel
