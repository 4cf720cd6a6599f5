#include "manager/schema/attribute.hpp"

#include <partage/error.hpp>
#include <string>

namespace partage::schema {

AttributeHead head_of(BytesView attribute) {
  std::uint64_t length = 0;
  std::size_t at = 0;
  for (unsigned shift = 0; shift <= 63 && at < attribute.size; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(attribute.data[at++]);
    length |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (length > attribute.size - at) break;
    const auto n = static_cast<std::size_t>(length);
    return {{reinterpret_cast<const char*>(attribute.data + at), n},
            {attribute.data + at + n, attribute.size - at - n, attribute.refs}};
  }
  throw Corrupt("partage: an attribute of a namespace is damaged: it does not begin with the description of its type");
}

Bytes attribute_of(std::string_view description, BytesView value) {
  std::string bytes;
  std::size_t n = description.size();
  for (; n >= 0x80; n >>= 7) bytes += static_cast<char>(n | 0x80);
  bytes += static_cast<char>(n);
  bytes += description;
  bytes.append(reinterpret_cast<const char*>(value.data), value.size);
  Bytes out;
  out.assign({bytes.data(), bytes.size(), value.refs});
  return out;
}

}  // namespace partage::schema
