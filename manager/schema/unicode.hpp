// Between UTF-8 and code points, for strings and characters that become JSON, which is UTF-8, and come back.
//
// Thread safety: no state. Errors: none; what is no text is nullopt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace partage::schema {

/// The code point at text[at], which is moved behind it; false: there is none, and where it is moved to says nothing.
bool next_point(std::string_view text, std::size_t& at, char32_t& point) noexcept;
/// The code points of a text; nullopt: it is no UTF-8.
std::optional<std::u32string> points_of(std::string_view utf8);
bool is_utf8(std::string_view text) noexcept;
/// nullopt: one of them is none (a surrogate, beyond U+10FFFF).
std::optional<std::string> utf8_of(std::u32string_view points);

/// Units of 1, 2 or 4 bytes (UTF-8, UTF-16, UTF-32) and back; nullopt: they are no text.
std::optional<std::string> utf8_of_units(const std::vector<std::uint32_t>& units, unsigned unit_size);
std::optional<std::vector<std::uint32_t>> units_of(std::string_view utf8, unsigned unit_size);

}  // namespace partage::schema
