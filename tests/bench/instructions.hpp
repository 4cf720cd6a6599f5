// Instructions for each operation, counted by the processor (perf_event_open) or, where it does not count, by
// callgrind.
#pragma once

#include <string>

namespace bench {

/// A Markdown table. Throws std::runtime_error that says what to do when neither can count here.
std::string instructions_table();

}  // namespace bench
