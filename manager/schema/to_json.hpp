// Stored bytes as JSON, by the description of their type. The grammar of the bytes is the codec's
// (proxy/include/partage/codec/encode.hpp); what it becomes:
//
//   integers, enums, byte, durations   a number         bool               true, false
//   f32 f64 f80                        a number; "NaN", "Infinity", "-Infinity" (f80: text where a double is too short)
//   char and its kin                   a text of one character, or its number if it is none
//   str                                a text; {"hex": "ff00"} if it is no UTF-8 (str<u8> and such: a list of numbers)
//   bytes                              {"hex": "ff00"}
//   array<char,N>                      a text up to its first zero, if only zeros follow; else a list
//   opt                                null or the value; [value] where the value could itself be null
//   vec set array pair tuple struct complex    a list (the names of fields are not described)
//   map                                an object if its keys are texts, numbers, bools; else, and multimap: [key, value]s
//   variant                            {"index": 1, "type": "str", "value": "x"}; its first `none` is null
//   bitset                             "0101", the highest bit first            none        null
//   object                             itself                                   handle      what `show` says
//   user, boost                        {"type": "user shop::Money", "size": 12}: only its own program can read it
//
// Nobody can know where a `user` value ends: a value with something behind one is shown as a whole as type and size.
//
// Thread safety: no state. Errors: Corrupt for bytes that no value of the type encodes to; nothing is read outside
// them, and neither memory nor stack grow beyond a multiple of them.
#pragma once

#include <boost/json/value.hpp>
#include <partage/bytes.hpp>
#include <partage/function_view.hpp>
#include <utility>
#include <vector>

#include "manager/schema/type.hpp"

namespace partage::schema {

/// What stands in a dict's key is encoded a little differently from a value.
enum class Role { value, key };

/// What a handle becomes: the object's contents, or whatever stands for it.
using ShowHandle = FunctionView<boost::json::value(ObjectRef ref, const Type& type)>;

boost::json::value to_json(const Type& type, BytesView bytes, ShowHandle show, Role role = Role::value);

using Pairs = std::vector<std::pair<boost::json::value, boost::json::value>>;
/// An object if every key can be the name of a member (see above), else a list of pairs. `keys`: their type.
boost::json::value map_to_json(const Type& keys, Pairs pairs);

/// JSON `null` may stand for a value of this type.
bool may_be_null(const Type& type) noexcept;
/// A key of this type is the name of a member rather than one of a pair.
bool is_name(const Type& type) noexcept;

}  // namespace partage::schema
