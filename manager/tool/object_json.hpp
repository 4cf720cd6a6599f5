// Objects of a segment as JSON: a list or set as a list, a dict or namespace as an object (or pairs, see
// schema/to_json.hpp), handles as what they refer to. An object inside itself is "...", and so is what nests deeper than
// anybody reads.
//
// Each object is one consistent state of it; several are not of one moment.
// Thread safety: none. Errors: Corrupt, TimeoutError; Failure when it would be more than a million objects.
#pragma once

#include <boost/json/value.hpp>
#include <vector>

#include "manager/container/byte_table.hpp"
#include "manager/schema/attribute.hpp"
#include "manager/schema/to_json.hpp"
#include "manager/tool/attachment.hpp"

namespace partage::tool {

class ObjectJson {
 public:
  explicit ObjectJson(Attachment& attachment) : attachment_(attachment) {}

  boost::json::value object(const HeldObject& object);
  /// One element of it whose references are held already.
  boost::json::value element(const HeldObject& object, BytesView bytes);

  /// Holds every object that a value refers to. False: one of them has gone, so the value was removed meanwhile.
  bool hold(BytesView value);

 private:
  boost::json::value contents(const HeldObject& object);
  boost::json::value list(const HeldObject& object);
  boost::json::value queue(const HeldObject& object);
  boost::json::value sync(const HeldObject& object);
  boost::json::value dict(const HeldObject& object);
  boost::json::value value(const schema::Type& type, BytesView bytes);

  Attachment& attachment_;
  std::vector<ObjectRef> open_;  // the object and those around it
  std::size_t shown_ = 0;
};

/// The types of the elements; what does not describe a container of this kind is an unknown type, and so are the values
/// of a namespace, each of which has one of its own.
struct ElementTypes {
  const schema::Type* key;  // of a dict or namespace; the element of a set
  const schema::Type* value;
};
ElementTypes element_types(const HeldObject& object);

bool is_set(const HeldObject& object);
bool is_namespace(const HeldObject& object);

/// An attribute of a namespace taken apart. Borrows the value.
struct DescribedValue {
  explicit DescribedValue(BytesView attribute);
  schema::Schema types;
  BytesView value;
};

}  // namespace partage::tool
