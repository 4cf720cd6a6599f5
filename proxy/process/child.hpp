// The children of this process: their states, the table of those that have not been reaped, and their end.
//
// One mutex guards all of it and is held for system calls that do not wait. A child is reaped under it, so that its pid
// is its own as long as the state says running; who waits for a child waits on a pidfd, opened under it when first
// needed and closed with the last waiter. No descriptor to be had: the waiter looks every other millisecond. After the
// mutex, sessions without a manager are told of the end.
// Fork: the mutex is held across it; in the child the table is empty.
// Thread safety: full.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <partage/process.hpp>
#include <string>

namespace partage::engine::process {

class Pidfd;

struct Child {
  enum class Stage { made, starting, running, ended };

  std::string name;
  std::string path;       // "2:1": the first child of the second child
  std::uint64_t creator;  // process_epoch() of the process that made the Process
  std::unique_ptr<Task> task;

  // Under the mutex:
  Stage stage = Stage::made;
  pid_t pid = 0;
  int exitcode = 0;
  std::shared_ptr<Pidfd> watch;  // nullptr: nobody has waited yet
};

using Timeout = std::optional<std::chrono::nanoseconds>;  // absent: for ever

/// Between these two the caller forks. begin_start() reaps what has ended, and throws ProcessError if the child was
/// started.
void begin_start(const std::shared_ptr<Child>& child);
/// In the parent; pid -1: the fork has failed.
void end_start(const std::shared_ptr<Child>& child, pid_t pid) noexcept;

Child::Stage stage_of(Child& child);  ///< reaps
pid_t pid_of(Child& child);
std::optional<int> exitcode_of(Child& child);
/// False: still there after the timeout.
bool wait_for_end(Child& child, Timeout timeout);
/// No effect after the end.
void send_signal(Child& child, int signal);
/// Joins all children of this process.
void join_all() noexcept;

}  // namespace partage::engine::process
