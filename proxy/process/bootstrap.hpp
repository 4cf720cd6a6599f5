// What happens in the child, and around its start.
//
// Thread safety: next_path(), flush_output() and the questions may be called by any thread.
#pragma once

#include <memory>
#include <string>

#include "proxy/process/child.hpp"

namespace partage::engine::process {

/// Of the next Process made here: "1", "2"..., in the second child "2:1", "2:2"...
std::string next_path();
/// This process; "MainProcess" if no Process started it.
std::shared_ptr<Child> current_child();
/// nullptr: this process is not the child of a Process.
std::shared_ptr<Child> parent_of_current();
/// This process is that child.
bool is_current(const Child& child) noexcept;
bool is_daemon() noexcept;
std::string current_name();

/// Everything that stands in output buffers, so that a child has none of it.
void flush_output() noexcept;

/// What a child must know of its parent; made there, before the start.
struct Parentage {
  std::string name;
  pid_t pid;
  int lifeline;
};
Parentage parentage_here();

/// In the child: this is the process now that `child` describes.
void become(std::shared_ptr<Child> child, Parentage parent) noexcept;
/// In the child, after become(): runs the process, and ends with its exit code.
[[noreturn]] void run_child(Process& process);
/// "Process NAME: what", in one piece, on stderr.
void report(const char* what) noexcept;

}  // namespace partage::engine::process
