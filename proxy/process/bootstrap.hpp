// What happens in the child, and around the fork.
//
// Thread safety: next_path() and flush_output() may be called by any thread.
#pragma once

#include <string>

#include "proxy/process/child.hpp"

namespace partage::engine::process {

/// Of the next Process made here: "1", "2"..., in the second child "2:1", "2:2"...
std::string next_path();
/// This process is that child.
bool is_current(const Child& child) noexcept;

/// Everything that stands in output buffers, so that a child has none of it.
void flush_output() noexcept;

/// In the child, after the fork: runs the process, and ends with its exit code.
[[noreturn]] void run_child(Child& child, Process& process);

}  // namespace partage::engine::process
