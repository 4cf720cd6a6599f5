// Names as JSON: of objects and managers, of which nobody has checked what they are made of.
//
//   name_json("stock")   "stock"        name_json("\xff")     {"hex": "ff"}        name_or_null("")     null
//
// Thread safety: no state. Errors: none.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

namespace partage::schema {

boost::json::value name_json(std::string_view name);
/// null for the empty name, which what has none has.
boost::json::value name_or_null(std::string_view name);

}  // namespace partage::schema
