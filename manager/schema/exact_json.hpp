// An element as JSON that reads back the very same bytes: what a dump is made of.
//
// It is what to_json() makes of it where from_json() makes the same bytes of that again, and else
//
//   {"encoded": "0c00ff", "refs": ["#7"]}     the bytes of the codec, and the objects it refers to, in their order
//
// which is how types with serialize() are written, NaNs with bits of their own, an Object that holds what JSON has no word
// for, and a value that looks as if it were this form itself. `refs` is left out when there are none.
//
// Reading is strict where from_json() is obliging: a variant is {"index", "value"} (or null), so that there is one way to
// read a text, and the time for it is in proportion to its length.
//
// Thread safety: no state. Errors: of to_json() and from_json(); reading bytes that no value of the type encodes to:
// ValueError.
#pragma once

#include "manager/schema/from_json.hpp"
#include "manager/schema/to_json.hpp"

namespace partage::schema {

/// How an object is called in a dump.
using NameOfObject = FunctionView<boost::json::value(ObjectRef ref, const Type& type)>;
/// The object that is called so; `type`: what it must be of, nullptr: of any.
using ObjectOfName = FunctionView<ObjectRef(std::string_view name, const Type* type)>;

boost::json::value to_exact_json(const Type& type, BytesView bytes, NameOfObject name, Role role = Role::value);
Bytes from_exact_json(const Type& type, const boost::json::value& value, ObjectOfName find, Role role = Role::value);

}  // namespace partage::schema
