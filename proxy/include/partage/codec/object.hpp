// The dynamic type: partage::Object, which is boost::json::value. Its encoding keeps what JSON text would lose (the
// kind of a number, NaN and infinities, the order of members):
//
//   0 null | 1 false | 2 true | 3 i64 | 4 u64 | 5 f64 | 6 count characters | 7 count values |
//   8 count (count characters, value)
//
// Invariant: decode(encode(x)) has the same kinds in the same order. Deeper than 512 levels: ValueError, Corrupt.
// Thread safety: as the Writer or Reader.
#pragma once

#include <boost/json/value.hpp>

#include <partage/codec/reader.hpp>
#include <partage/codec/writer.hpp>
#include <partage/export.hpp>

namespace partage::codec {

PARTAGE_API void encode_object(Writer& writer, const boost::json::value& value);
PARTAGE_API void decode_object(Reader& reader, boost::json::value& value);

}  // namespace partage::codec
