// partage::Object: a value of any kind known at run time (null, bool, integer, float, string, list, dict with string
// keys), for lists and dicts whose elements have different types. It is boost::json::value, so everything that library
// offers works with it, and it prints as Python prints the same data.
//
//   auto things = manager.list<partage::Object>({1, "two", 3.0, nullptr});     // [1, 'two', 3.0, None]
//
// Thread safety: as boost::json::value.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <partage/codec/object.hpp>

namespace partage {

using Object = boost::json::value;

}  // namespace partage
