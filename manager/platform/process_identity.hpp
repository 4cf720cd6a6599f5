// Who a process is, beyond its pid: pids are reused, and exec() keeps them.
//
// A process is named by {pid, start time, image}. The start time is field 22 of /proc/PID/stat, in clock ticks since
// boot: another process that got the same pid has another one. The image is field 28, the address of the initial stack,
// which exec() draws anew: a process that has become another program has lost its mappings and its locks, and counts as
// dead. A word that is 0 was not readable (no /proc, another user's process) and is not compared.
//
// Death is what a pidfd says: it becomes readable when the last thread has gone, also while the process is still a
// zombie, whose /proc entry and pid live on.
//
// Thread safety: no state. Cost: about 4 us. Errors: none; what cannot be found out counts as alive.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

namespace partage::kernel {

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  std::uint64_t image = 0;
};

ProcessIdentity own_identity() noexcept;
/// What /proc says of a process now; pid 0 when there is none.
ProcessIdentity identity_of(pid_t pid) noexcept;
bool is_alive(const ProcessIdentity& who) noexcept;
/// For messages: "process 12", "thread 14 of process 12", "process 12, which is stopped", "nobody now" for 0.
std::string describe_thread(pid_t tid);

/// This process has more threads than one; true also when that is not known.
bool has_other_threads() noexcept;

/// The pid namespace of this process (an inode number), 0 when unknown. Pids mean the same within one only.
std::uint64_t own_pid_namespace() noexcept;

/// A descriptor that becomes readable when the process ends.
class Pidfd {
 public:
  Pidfd() = default;
  /// Not valid() when the process is dead or not the one meant, and when there is no descriptor to be had; ask
  /// is_alive().
  explicit Pidfd(const ProcessIdentity& who) noexcept;
  Pidfd(Pidfd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Pidfd& operator=(Pidfd&& other) noexcept;
  ~Pidfd();

  bool valid() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  /// Waits for the end; false: still there after `milliseconds` (-1: for ever).
  bool wait(int milliseconds) const noexcept;
  bool kill(int signal) const noexcept;

 private:
  int fd_ = -1;
};

}  // namespace partage::kernel
