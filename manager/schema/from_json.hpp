// A new element from JSON, by the description of its type: the bytes that the codec would have written. It takes what
// to_json() makes of a value, and where that is clear, what a person would rather write:
//
//   variant    the bare value too: the first alternative that takes it, null being the `none`
//   integers   3.0 and 1e3 too             f64      any number, "nan", "inf"
//   map        a list of pairs too         bytes    a text: its bytes
//   char       its number too              handle   a text that names an object, for `find`
//
// The elements of a set or map that is part of a key stand in the order in which to_json() shows them.
//
// Thread safety: no state. Errors, each naming the place within the value, what stands there and what would be right:
// TypeError for JSON of another kind, or a type that only its own program can write (user, boost); ValueError for a
// number that does not fit, a list of another length, NaN as a key, more nesting or more alternatives of variants within
// each other than can be tried in a moment.
#pragma once

#include <boost/json/value.hpp>
#include <partage/bytes.hpp>
#include <partage/function_view.hpp>
#include <string_view>

#include "manager/schema/to_json.hpp"
#include "manager/schema/type.hpp"

namespace partage::schema {

/// The object that `name` stands for, of this type; throws if there is none.
using FindObject = FunctionView<ObjectRef(std::string_view name, const Type& type)>;

/// by_index: a variant says which alternative it is, or is null. It is for texts of programs, as dumps are: to try the
/// alternatives in turn may take a time that doubles with each level of nesting.
enum class Variants { guess, by_index };

Bytes from_json(const Type& type, const boost::json::value& value, FindObject find, Role role = Role::value,
                Variants variants = Variants::guess);

/// A word of a command line: JSON if it is some and the type takes it, else the text itself.
Bytes from_word(const Type& type, std::string_view word, FindObject find, Role role = Role::value);

}  // namespace partage::schema
