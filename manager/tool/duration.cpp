#include "manager/tool/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace partage::tool {
namespace {

constexpr double most = 366.0 * 24 * 3600 * 1000;

struct Unit {
  std::string_view name;
  double milliseconds;
};
constexpr Unit units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"min", 60e3}, {"h", 3600e3}, {"d", 24 * 3600e3}};

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  for (const Unit& u : units) {
    const double milliseconds = std::round(number * u.milliseconds);
    if (unit == u.name && milliseconds >= 0 && milliseconds <= most) {
      return std::chrono::milliseconds(static_cast<long long>(milliseconds));
    }
  }
  return std::nullopt;
}

std::string duration_text(double seconds) {
  std::array<char, 32> text;
  const auto print = [&](const char* format, double number) {
    std::snprintf(text.data(), text.size(), format, number);
  };
  if (seconds < 9.95) {
    print("%.1f s", seconds);
  } else if (seconds < 120) {
    print("%.0f s", seconds);
  } else if (seconds < 7200) {
    print("%.0f min", seconds / 60);
  } else {
    print("%.0f h", seconds / 3600);
  }
  return text.data();
}

}  // namespace partage::tool
