#include "manager/platform/process_identity.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "manager/platform/process_epoch.hpp"

namespace partage::kernel {
namespace {

int pidfd_open(pid_t pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

bool readable(int fd, int milliseconds) noexcept {
  pollfd entry{fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&entry, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

struct Stat {
  bool found = false;
  char state = '?';
  ProcessIdentity identity;
};

std::uint64_t number_at(const char* at) noexcept {
  std::uint64_t n = 0;
  for (; *at >= '0' && *at <= '9'; ++at) n = n * 10 + static_cast<std::uint64_t>(*at - '0');
  return n;
}

/// Reads a /proc/PID/stat without allocating: the manager calls it in a forked child of any program. Every child calls it as one
/// of the first things it does; so it does without functions whose pages the child would have to map first.
Stat read_stat(const char* path) noexcept {
  char text[1024];
  Stat s;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return s;
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) return s;
  text[n] = 0;
  const char* at = std::strrchr(text, ')');  // the name, field 2, may contain anything
  if (at == nullptr || at[1] == 0 || at[2] == 0) return s;
  at += 2;
  s.found = true;
  s.state = *at;
  s.identity.pid = static_cast<pid_t>(number_at(text));
  for (int field = 3; *at != 0; ++field) {
    if (field == 22) s.identity.start_time = number_at(at);
    if (field == 28) s.identity.image = number_at(at);
    at = std::strchr(at, ' ');
    if (at == nullptr) break;
    ++at;
  }
  return s;
}

/// /proc shows the pids of the namespace it was mounted for, which after `unshare --pid --fork` is not that of this process.
bool proc_shows_our_pids() noexcept {
  static std::atomic<std::uint64_t> known{0};  // epoch << 1 | answer; a process never changes its namespace
  const std::uint64_t epoch = process_epoch();
  std::uint64_t answer = known.load(std::memory_order_relaxed);
  if (answer >> 1 != epoch) {
    const Stat self = read_stat("/proc/self/stat");
    answer = epoch << 1 | (self.found && self.identity.pid == ::getpid() ? 1 : 0);
    known.store(answer, std::memory_order_relaxed);
  }
  return (answer & 1) != 0;
}

Stat read_stat(pid_t pid) noexcept {
  if (!proc_shows_our_pids()) return {};
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  Stat s = read_stat(path);
  s.identity.pid = s.found ? pid : 0;
  return s;
}

/// What /proc says now is not somebody else than `who`.
bool may_be(const ProcessIdentity& who, const ProcessIdentity& now) noexcept {
  const auto differ = [](std::uint64_t a, std::uint64_t b) { return a != 0 && b != 0 && a != b; };
  return !differ(who.start_time, now.start_time) && !differ(who.image, now.image);
}

}  // namespace

ProcessIdentity own_identity() noexcept {
  ProcessIdentity who = read_stat("/proc/self/stat").identity;
  who.pid = ::getpid();
  return who;
}

ProcessIdentity identity_of(pid_t pid) noexcept {
  if (!proc_shows_our_pids()) return {::kill(pid, 0) == 0 || errno != ESRCH ? pid : 0, 0, 0};
  return read_stat(pid).identity;
}

std::string describe_thread(pid_t tid) {
  if (tid <= 0) return "nobody now";
  const std::string thread = std::to_string(tid);
  if (!proc_shows_our_pids()) return "thread " + thread;
  std::ifstream status("/proc/" + thread + "/status");
  std::string text = "process " + thread, line;
  bool stopped = false;
  while (std::getline(status, line)) {
    if (line.starts_with("State:")) stopped = line.ends_with("(stopped)");
    if (!line.starts_with("Tgid:")) continue;
    const std::string process = line.substr(line.find_first_not_of(" \t", 5));
    if (process != thread) text = std::string("thread ").append(thread).append(" of process ").append(process);
    break;
  }
  return stopped ? text + ", which is stopped" : text;
}

bool is_alive(const ProcessIdentity& who) noexcept {
  if (who.pid <= 0) return false;
  if (who.pid == ::getpid()) return may_be(who, own_identity());
  const int fd = pidfd_open(who.pid);
  // EINVAL and ENOENT: the number now belongs to a thread of another process.
  if (fd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT)) return false;
  const Stat now = read_stat(who.pid);
  if (fd >= 0) {
    // Asked after reading: what was read belongs to the process behind the descriptor unless that has ended.
    const bool ended = readable(fd, 0);
    ::close(fd);
    if (ended) return false;
  } else if (!now.found) {
    return ::kill(who.pid, 0) == 0 || errno != ESRCH;
  } else if (now.state == 'Z' || now.state == 'X') {
    return false;
  }
  return !now.found || may_be(who, now.identity);
}

std::uint64_t own_pid_namespace() noexcept {
  struct stat s {};
  return ::stat("/proc/self/ns/pid", &s) == 0 ? static_cast<std::uint64_t>(s.st_ino) : 0;
}

Pidfd::Pidfd(const ProcessIdentity& who) noexcept {
  if (who.pid <= 0) return;
  fd_ = pidfd_open(who.pid);
  if (fd_ < 0) return;
  const bool known = who.start_time != 0 || who.image != 0;
  const Stat now = known ? read_stat(who.pid) : Stat{};
  if (readable(fd_, 0) || (now.found && !may_be(who, now.identity))) {
    ::close(fd_);
    fd_ = -1;
  }
}

Pidfd& Pidfd::operator=(Pidfd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Pidfd::~Pidfd() {
  if (fd_ >= 0) ::close(fd_);
}

bool Pidfd::wait(int milliseconds) const noexcept {
  return readable(fd_, milliseconds);
}

bool Pidfd::kill(int signal) const noexcept {
  return ::syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0) == 0;
}

bool has_other_threads() noexcept {
  struct stat tasks {};  // the kernel counts a link for each thread, besides the two that every directory has
  return ::stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink != 3;
}

}  // namespace partage::kernel
