// Attaching to the segment that has a name in /dev/shm.
//
// The name alone proves nothing: a hard link, or a file that was renamed, shows the segment of another manager. So the name is
// compared with the one that the segment was made with.
//
// Thread safety: full. Errors: ConnectionError, also of MemoryObject::open() and Segment::attach(); ValueError for a name that
// cannot be one.
#pragma once

#include <memory>
#include <string>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

/// The segment that was published under that name, mapped; nullptr: there is none.
std::shared_ptr<Segment> attach_published(const std::string& name);

}  // namespace partage::kernel
