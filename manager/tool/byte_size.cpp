#include "manager/tool/byte_size.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace partage::tool {
namespace {
constexpr std::string_view units = "BKMGT";
}

std::optional<std::size_t> parse_size(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string unit(stop, end);
  for (char& c : unit) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  std::size_t power = 0;
  if (!unit.empty()) {
    power = units.find(unit[0]);
    const std::string rest = unit.substr(1);
    if (power == units.npos || (!rest.empty() && (power == 0 || (rest != "B" && rest != "IB")))) return std::nullopt;
  }
  const double bytes = std::ldexp(number, static_cast<int>(10 * power));
  if (bytes != std::floor(bytes) || bytes >= 0x1p63) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

std::string size_text(std::size_t bytes) {
  double number = static_cast<double>(bytes);
  std::size_t power = 0;
  for (; number >= 1024 && power + 1 < units.size(); ++power) number /= 1024;
  std::array<char, 32> text;
  const bool whole = number == std::floor(number) || number >= 100;
  std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.1f", number);
  std::string out = text.data();
  if (power != 0) out += units[power];
  return out;
}

}  // namespace partage::tool
