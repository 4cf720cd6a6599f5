// Where `partage serve` writes what the library says (<partage/log.hpp>): by spdlog, a line an event.
//
//   2026-11-21 20:40:12.345 partage[4711] warning: process 4712 has died ...
//
// To stderr, or appended to a file. When stderr is systemd's journal, which has time and process of each line itself, they are
// left out.
#pragma once

#include <string>

namespace partage::tool {

/// The words of --log-level: the levels, and "off".
bool is_log_level(const std::string& word);

/// `file`: empty for stderr. Throws Failure when it cannot be written.
void write_log(const std::string& level, const std::string& file);

}  // namespace partage::tool
