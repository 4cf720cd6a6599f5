// Bytes as pairs of hexadecimal digits, as JSON has them: {"hex": "ff00"}.
//
// Thread safety: no state. Errors: none; what is no such text is nullopt.
#pragma once

#include <boost/json/string.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace partage::schema {

boost::json::string hex_of(const std::byte* data, std::size_t size);
/// Capital letters do too.
std::optional<std::string> bytes_of_hex(std::string_view hex);

}  // namespace partage::schema
