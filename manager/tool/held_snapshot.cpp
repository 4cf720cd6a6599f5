#include "manager/tool/held_snapshot.hpp"

#include <algorithm>

#include "manager/tool/failure.hpp"

namespace partage::tool {

bool hold(Attachment& attachment, BytesView value) {
  return std::ranges::all_of(value.refs, [&](ObjectRef ref) { return attachment.hold(ref); });
}

bool detail::hold_all(Attachment& attachment, const HeldObject& object, const kernel::ByteTable& values, int tries) {
  constexpr int most_tries = 1000;
  if (values.packed_size() != 0) return true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (hold(attachment, values[i])) continue;
    if (tries < most_tries) return false;
    throw Failure{Exit::failed, "partage: " + attachment.describe(object) +
                                    " changes faster than it can be read; try again when its writers rest"};
  }
  return true;
}

}  // namespace partage::tool
