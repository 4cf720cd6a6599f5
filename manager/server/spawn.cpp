// Forking a manager process out of any program. Between the fork and _exit() it uses nothing that another thread of the
// program may have held: no standard streams, no static that is initialised on first use, none of the program's
// handlers.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <partage/error.hpp>

#include "manager/platform/log.hpp"
#include "manager/server/loop.hpp"
#include "manager/server/manager.hpp"

namespace partage::kernel {
namespace {

thread_local bool forking = false;

/// What comes through the pipe; shorter than PIPE_BUF, so whole or not at all.
struct Report {
  enum Kind : u32 { born, serving, failed } kind;
  pid_t pid;
  char text[1016];
};

void send_report(int fd, Report::Kind kind, pid_t pid, const char* text = "") noexcept {
  Report report{kind, pid, {}};
  std::strncpy(report.text, text, sizeof report.text - 1);
  ssize_t n = 0;
  do {
    n = ::write(fd, &report, sizeof report);
  } while (n < 0 && errno == EINTR);
}

// ---- in the manager process ----------------------------------------------------------------------------------------

void reset_signals() noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) ::sigaction(s, &action, nullptr);
  action.sa_handler = SIG_IGN;
  for (const int s : {SIGINT, SIGHUP, SIGPIPE}) ::sigaction(s, &action, nullptr);
  const stack_t none{nullptr, SS_DISABLE, 0};
  ::sigaltstack(&none, nullptr);
  sigset_t nothing;
  sigemptyset(&nothing);
  pthread_sigmask(SIG_SETMASK, &nothing, nullptr);
}

void close_all_but(std::array<int, 2> kept) noexcept {
  std::ranges::sort(kept);
  unsigned from = 0;
  for (const int fd : kept) {
    if (static_cast<unsigned>(fd) > from) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(from, ~0U, 0);
  // 0 to 2 must not become something else by accident. Open returns the lowest free number.
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0 && fd <= 2; fd = ::open("/dev/null", O_RDWR)) {
    if (fd == 2) break;
  }
}

void allow_descriptors() noexcept {
  rlimit limit{};
  constexpr rlim_t enough = client_slots + 256;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

struct Range {
  void* begin;
  std::size_t bytes;
};

[[noreturn]] void be_manager(Segment& segment, Lifetime lifetime, int pipe, const std::vector<Range>& others) noexcept {
  std::set_terminate([] { ::_exit(1); });
  log::silence();
  reset_signals();
  ::setsid();
  close_all_but({segment.object().fd(), pipe});
  allow_descriptors();
  // Other segments of the program would stay in memory as long as this process lives.
  for (const Range& range : others) ::munmap(range.begin, range.bytes);
  if (::chdir("/") != 0) ::_exit(1);
  char name[16];
  std::snprintf(name, sizeof name, "partage: %.6s", segment.header().name[0] != 0 ? segment.header().name : "-");
  ::prctl(PR_SET_NAME, name);
  segment.client_slot = 0;
  segment.life_thread = 0;
  made_dying().clear();
  int code = 1;
  try {
    ManagerLoop loop(segment, lifetime);
    send_report(pipe, Report::serving, ::getpid());
    ::close(pipe);
    loop.run();
    code = 0;
  } catch (const Error& e) {
    send_report(pipe, Report::failed, ::getpid(), e.what());
  } catch (const std::exception& e) {
    send_report(pipe, Report::failed, ::getpid(), e.what());
  }
  ::_exit(code);
}

// ---- in the caller -------------------------------------------------------------------------------------------------

/// In the process in between: the manager shall not be a child of the program.
[[noreturn, gnu::noinline]] void be_parent_of_manager(Segment& segment, Lifetime lifetime, int pipe,
                                                      const std::vector<Range>& others) noexcept {
  const pid_t pid = ::_Fork();  // without handlers of fork(): those have run
  if (pid == 0) be_manager(segment, lifetime, pipe, others);
  if (pid < 0) {
    send_report(pipe, Report::failed, 0, std::strerror(errno));
  } else {
    send_report(pipe, Report::born, pid);
  }
  ::_exit(0);
}

/// Forks the process in between; -1: errno says why not.
pid_t start_between(Segment& segment, Lifetime lifetime, int pipe, const std::vector<Range>& others) noexcept {
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  // While there is no other thread, nobody holds a lock in the memory that the manager gets a copy of, and handlers of fork()
  // have nothing to do. Then the process in between needs no copy of its own, which saves half the time of a start.
  if (__libc_single_threaded != 0) {
    const pid_t between = ::vfork();
    if (between == 0) be_parent_of_manager(segment, lifetime, pipe, others);
    return between;
  }
#endif
  const pid_t between = ::fork();
  if (between == 0) be_parent_of_manager(segment, lifetime, pipe, others);
  return between;
}

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

[[noreturn]] void refuse(const std::string& reason) {
  throw ConnectionError("partage: the manager process could not be started: " + reason);
}

/// Waits for the manager's own word. Its death is noticed even if some other child of the program has the pipe open.
pid_t wait_for_manager(int pipe, std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  Pidfd manager;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd entries[2] = {{pipe, POLLIN, 0}, {manager.valid() ? manager.fd() : -1, POLLIN, 0}};
    const int ready = ::poll(entries, 2, static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      if (manager.valid()) manager.kill(SIGKILL);
      refuse("it was not ready within " + std::to_string(timeout.count()) +
             " ms; is the machine overloaded, or a process of "
             "this manager stopped?");
    }
    Report report{};
    if ((entries[0].revents & (POLLIN | POLLHUP)) == 0 || ::read(pipe, &report, sizeof report) != sizeof report) {
      refuse("it died before it was ready");
    }
    report.text[sizeof report.text - 1] = 0;
    switch (report.kind) {
      case Report::born:
        manager = Pidfd(ProcessIdentity{report.pid, 0, 0});
        break;
      case Report::serving:
        return report.pid;
      case Report::failed:
        if (std::strncmp(report.text, "partage: ", 9) == 0) throw ConnectionError(report.text);
        refuse(report.text);
    }
  }
}

}  // namespace

bool forking_manager() noexcept {
  return forking;
}

pid_t start_manager(Segment& segment, const ManagerProcessOptions& options) {
  require_live(segment, "starting a manager");
  register_repairs();
  (void)made_dying();  // initialised here, because thread-local storage cannot safely be after the fork
  std::vector<Range> others;
  for (const auto& [begin, bytes] : Segment::mapped_ranges()) {
    if (begin != segment.base()) others.push_back({begin, bytes});
  }
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) refuse(std::strerror(errno));
  pid_t between = 0;
  int error = 0;
  {
    const SignalsBlocked blocked;
    forking = true;
    between = start_between(segment, options.lifetime, pipe[1], others);
    error = errno;
    forking = false;
  }
  ::close(pipe[1]);
  if (between < 0) {
    ::close(pipe[0]);
    refuse(std::strerror(error));
  }
  const auto done = [&] {
    ::close(pipe[0]);
    // Without a result when the program ignores SIGCHLD or another thread was faster.
    while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
    }
  };
  try {
    const pid_t pid = wait_for_manager(pipe[0], options.start_timeout);
    done();
    return pid;
  } catch (...) {
    done();
    throw;
  }
}

}  // namespace partage::kernel
