// Lengths of time as people write and read them: 500ms, 30s, 1.5m, 2min, 2h, 1d.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace partage::tool {

/// nullopt: the text is no length of time, or one of more than a year. A number alone is none: nobody knows of what.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);
/// "0.3 s", "12 s", "3 min", "2 h": as much as matters.
std::string duration_text(double seconds);

}  // namespace partage::tool
