// Objects of a segment as JSON: a list as a list, a dict as an object (or pairs, see schema/to_json.hpp), handles as
// what they refer to. An object inside itself is "...", and so is what nests deeper than anybody reads.
//
// Each object is one consistent state of it; several are not of one moment.
// Thread safety: none. Errors: Corrupt, TimeoutError; Failure when it would be more than a million objects.
#pragma once

#include <boost/json/value.hpp>
#include <vector>

#include "manager/container/byte_table.hpp"
#include "manager/schema/to_json.hpp"
#include "manager/tool/attachment.hpp"

namespace partage::tool {

class ObjectJson {
 public:
  explicit ObjectJson(Attachment& attachment) : attachment_(attachment) {}

  boost::json::value object(const HeldObject& object);
  /// One value whose references are held already.
  boost::json::value value(const schema::Type& type, BytesView bytes);

  /// Holds every object that a value refers to. False: one of them has gone, so the value was removed meanwhile.
  bool hold(BytesView value);

 private:
  boost::json::value contents(const HeldObject& object);
  boost::json::value list(const HeldObject& object, const schema::Type& type);
  boost::json::value dict(const HeldObject& object, const schema::Type& type);
  bool hold_all(const kernel::ByteTable& values);

  Attachment& attachment_;
  std::vector<ObjectRef> open_;  // the object and those around it
  std::size_t shown_ = 0;
};

/// The types of the elements; what does not describe a container of this kind is an unknown type.
struct ElementTypes {
  const schema::Type* key;  // dict only
  const schema::Type* value;
};
ElementTypes element_types(const HeldObject& object);

}  // namespace partage::tool
