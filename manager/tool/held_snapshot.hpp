// A consistent copy of what a container holds, with every object that it refers to held by this process: so nothing of it
// goes away while it is looked at.
//
// A reference in a copy may be of an object that has gone since; then the copy is old too, and a new one is made.
// Thread safety: none. Errors: those of the container; Failure when it changes faster than it can be read.
#pragma once

#include "manager/container/byte_table.hpp"
#include "manager/tool/attachment.hpp"

namespace partage::tool {

/// Holds every object that a value refers to. False: one of them has gone.
bool hold(Attachment& attachment, BytesView value);

namespace detail {
/// False: try again.
bool hold_all(Attachment& attachment, const HeldObject& object, const kernel::ByteTable& values, int tries);
}  // namespace detail

/// copy() fills `values` anew, as often as it takes.
template <class Copy>
void copy_held(Attachment& attachment, const HeldObject& object, kernel::ByteTable& values, Copy copy) {
  int tries = 0;
  do {
    copy();
  } while (!detail::hold_all(attachment, object, values, tries++));
}

}  // namespace partage::tool
