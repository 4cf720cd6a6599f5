#include "manager/segment/published.hpp"

#include <cstring>
#include <partage/error.hpp>

namespace partage::kernel {

std::shared_ptr<Segment> attach_published(const std::string& name) {
  auto object = MemoryObject::open(name);
  if (!object) return nullptr;
  auto segment = Segment::attach(std::move(*object));
  const char* text = segment->header().name;
  const std::string made_as(text, ::strnlen(text, sizeof segment->header().name));
  if (made_as == name) return segment;
  throw ConnectionError("partage: " + path_of(name) + " is not the segment '" + name + "', it is " +
                        (made_as.empty() ? "one without a name" : "that of '" + made_as + "'") +
                        " under another name (a hard link, or renamed); remove it, or use another name");
}

}  // namespace partage::kernel
