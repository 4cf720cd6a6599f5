// An attribute of a namespace: its value is stored with a description in front, because each may have another type.
//
//   count, description, the bytes of the value            (count: LEB128, as everywhere in the codec)
//
// Thread safety: no state. Errors: Corrupt for bytes that do not begin with a description.
#pragma once

#include <partage/bytes.hpp>
#include <string_view>

namespace partage::schema {

struct AttributeHead {
  std::string_view description;
  BytesView value;
};
AttributeHead head_of(BytesView attribute);

Bytes attribute_of(std::string_view description, BytesView value);

}  // namespace partage::schema
