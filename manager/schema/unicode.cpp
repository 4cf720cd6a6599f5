#include "manager/schema/unicode.hpp"

namespace partage::schema {
namespace {

bool is_surrogate(char32_t c) noexcept {
  return c >= 0xd800 && c < 0xe000;
}

bool append_point(std::string& out, char32_t c) {
  if (c > 0x10ffff || is_surrogate(c)) return false;
  if (c < 0x80) {
    out += static_cast<char>(c);
    return true;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(heads[more] | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
  return true;
}

}  // namespace

bool next_point(std::string_view text, std::size_t& at, char32_t& point) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) {
    point = first;
    ++at;
    return true;
  }
  if (first < 0xc2 || first > 0xf4) return false;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() - at < length) return false;
  point = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return false;
    point = point << 6 | (byte(at + i) & 0x3fu);
  }
  at += length;
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  return !overlong && point <= 0x10ffff && !is_surrogate(point);
}

bool is_utf8(std::string_view text) noexcept {
  char32_t point = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!next_point(text, at, point)) return false;
  }
  return true;
}

std::optional<std::u32string> points_of(std::string_view utf8) {
  std::u32string points;
  char32_t point = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    if (!next_point(utf8, at, point)) return std::nullopt;
    points += point;
  }
  return points;
}

std::optional<std::string> utf8_of(std::u32string_view points) {
  std::string text;
  for (const char32_t c : points) {
    if (!append_point(text, c)) return std::nullopt;
  }
  return text;
}

std::optional<std::string> utf8_of_units(const std::vector<std::uint32_t>& units, unsigned unit_size) {
  std::string text;
  for (std::size_t i = 0; i < units.size(); ++i) {
    char32_t c = units[i];
    if (unit_size == 1) {
      text += static_cast<char>(c);
      continue;
    }
    const bool pair = unit_size == 2 && c >= 0xd800 && c < 0xdc00 && i + 1 < units.size() && units[i + 1] >= 0xdc00 &&
                      units[i + 1] < 0xe000;
    if (pair) c = 0x10000 + ((c - 0xd800) << 10) + (units[++i] - 0xdc00);
    if (!append_point(text, c)) return std::nullopt;
  }
  if (unit_size == 1 && !is_utf8(text)) return std::nullopt;
  return text;
}

std::optional<std::vector<std::uint32_t>> units_of(std::string_view utf8, unsigned unit_size) {
  std::vector<std::uint32_t> units;
  if (unit_size == 1) {
    for (const char c : utf8) units.push_back(static_cast<unsigned char>(c));
    return units;
  }
  const auto points = points_of(utf8);
  if (!points) return std::nullopt;
  for (const char32_t c : *points) {
    if (unit_size == 2 && c >= 0x10000) {
      units.push_back(0xd800 + ((c - 0x10000) >> 10));
      units.push_back(0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
      units.push_back(c);
    }
  }
  return units;
}

}  // namespace partage::schema
