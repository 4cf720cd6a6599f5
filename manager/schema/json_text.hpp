// JSON as text, for people and for programs. Boost.JSON 1.81 writes 3.0 as 3E0; here it is 3.0, and 1e+30 stays 1e+30.
//
//   compact     {"k":[1,2.5,"x"]}               one line, no blanks
//   readable    {"k": [1, 2.5, "x"]}            what is longer than a line is broken up, two blanks a level
//
// A value must hold no NaN or infinity and only UTF-8: to_json() makes none. Control characters are escaped, all else
// stays as it is. Thread safety: no state.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace partage::schema {

std::string compact(const boost::json::value& value);
std::string readable(const boost::json::value& value);

/// The shortest digits that read back the same, and a point or an exponent.
std::string text_of(double value);

}  // namespace partage::schema
