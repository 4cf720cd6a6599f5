// The facade of one element: checks, calls the kernel, adopts references, collects garbage.
#include <partage/engine/cell.hpp>
#include <partage/error.hpp>

#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {

kernel::List list_of(const SharedObject& o) {
  return kernel::List(*o.segment, o.body);
}

[[noreturn]] void throw_no_element(const SharedObject& o, const char* operation) {
  throw Corrupt(message_start(o, operation) + "it has no element; the segment was damaged, start a new manager");
}

}  // namespace

void Cell::get(Value& out) const {
  SharedObject& o = object_of(object_, "get");
  const kernel::List list = list_of(o);
  do {
    if (!list.get(0, out.bytes)) [[unlikely]]
      throw_no_element(o, "get");
  } while (!adopt(o, out));
}

void Cell::set(BytesView value) const {
  SharedObject& o = object_of(object_, "set");
  if (!list_of(o).set(0, value)) [[unlikely]]
    throw_no_element(o, "set");
  tidy_handles(o);
}

void Cell::modify(Modifier fn) const {
  SharedObject& o = object_of(object_, "modify");
  const kernel::List list = list_of(o);
  if (!modify_with(o, fn, [&](auto&& m) { return list.modify(0, m); })) [[unlikely]]
    throw_no_element(o, "modify");
}

}  // namespace partage::engine
