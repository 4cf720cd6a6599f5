// The children of this process: their states, the table of those that have not been reaped, and their end.
//
// One mutex guards all of it and is held for system calls that do not wait. A child is reaped under it, so that its pid
// is its own as long as the state says running; who waits for a child waits on a pidfd, opened under it when first
// needed and closed with the last waiter, or kept as sentinel. No descriptor to be had: the waiter looks every other
// millisecond. After the mutex, sessions without a manager are told of the end.
// A child of the fork server is reaped by the server, which writes the exit code into a pipe.
// Fork: the mutex is held across it; in the child the table is empty.
// Thread safety: full.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <partage/engine/descriptor.hpp>
#include <partage/process.hpp>
#include <string>
#include <vector>

#include "proxy/process/readable.hpp"

namespace partage::engine::process {

/// 255: somebody else reaped it, or the fork server is gone.
inline constexpr int unknown_exitcode = 255;

struct Child {
  enum class Stage { made, starting, running, ended };

  std::string name;
  std::string path;       // "2:1": the first child of the second child
  std::uint64_t creator;  // process_epoch() of the process that made the Process
  bool daemon = false;
  StartMethod method{};
  std::unique_ptr<Task> task;

  // Under the mutex:
  Stage stage = Stage::made;
  bool closed = false;
  pid_t pid = 0;
  int exitcode = 0;
  SharedDescriptor watch;      // readable at the end of the child; nullptr: nobody has waited yet
  bool is_sentinel = false;    // `watch` was given to the user
  SharedDescriptor exit_pipe;  // the fork server writes the exit code into it; nullptr: our own child
};

/// What a start method has made.
struct Started {
  pid_t pid = 0;
  SharedDescriptor watch{};
  SharedDescriptor exit_pipe{};
};

using Timeout = std::optional<std::chrono::nanoseconds>;  // absent: for ever

/// Between these two the caller starts the child. begin_start() reaps what has ended, and throws ProcessError if the
/// child was started.
void begin_start(const std::shared_ptr<Child>& child);
/// In the parent; nullopt: it has failed.
void end_start(const std::shared_ptr<Child>& child, std::optional<Started> started) noexcept;

Child::Stage stage_of(Child& child);  ///< reaps
pid_t pid_of(Child& child);
std::optional<int> exitcode_of(Child& child);
/// False: still there after the timeout.
bool wait_for_end(Child& child, Timeout timeout);
/// No effect after the end.
void send_signal(Child& child, int signal);
/// Readable when the child has ended; stays until close().
int sentinel_of(Child& child);
/// False: it is running.
bool close(Child& child);
bool is_closed(Child& child);
/// Those that are running.
std::vector<std::shared_ptr<Child>> running_children();
/// At the end of this process: ends daemonic children, and joins all.
void end_all() noexcept;

/// For a child that makes its Process itself.
struct ProcessAccess {
  static void set_task(Process& process, std::unique_ptr<Task> task) { process.child_->task = std::move(task); }
  /// "Process-2:1" becomes prefix "2:1".
  static void rename(Process& process, const std::string& prefix) {
    process.child_->name = prefix + process.child_->path;
  }
  static void set_child(Process& process, std::shared_ptr<Child> child) { process.child_ = std::move(child); }
};

/// The nanoseconds of join(timeout); absent from a century on.
Timeout timeout_of(double seconds) noexcept;

}  // namespace partage::engine::process
