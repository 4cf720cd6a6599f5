#include "manager/schema/name_json.hpp"

#include <boost/json/object.hpp>

#include "manager/schema/hex.hpp"
#include "manager/schema/unicode.hpp"

namespace partage::schema {

boost::json::value name_json(std::string_view name) {
  if (is_utf8(name)) return boost::json::value(boost::json::string_view(name.data(), name.size()));
  return boost::json::object{{"hex", hex_of(reinterpret_cast<const std::byte*>(name.data()), name.size())}};
}

boost::json::value name_or_null(std::string_view name) {
  return name.empty() ? boost::json::value() : name_json(name);
}

}  // namespace partage::schema
