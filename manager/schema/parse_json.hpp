// JSON text read exactly: every double that text_of() (json_text.hpp) has written comes back with the same bits, -0.0
// included. Boost.JSON's own parse() is off by the last bit for every fourth one in the current version.
//
// Integers up to 64 bits stay integers, longer ones become doubles. Members of one name are refused by parse_json();
// for parse_json_if(), which reads what people type, the last one counts.
//
// Thread safety: no state. Complexity: O(text). Stack: in proportion to `most_depth`.
// Errors: ValueError: the text is no JSON, and where; a number is larger than any double; it nests deeper than
// `most_depth`; a member that is there twice.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

#include "manager/schema/limits.hpp"

namespace partage::schema {

boost::json::value parse_json(std::string_view text, std::size_t most_depth = nesting_limit + 1);
/// nullopt instead of the error.
std::optional<boost::json::value> parse_json_if(std::string_view text, std::size_t most_depth = nesting_limit + 1);

}  // namespace partage::schema
