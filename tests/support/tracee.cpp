#include "tracee.hpp"

#include "processes.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>

#if !defined(__x86_64__)
#error "tracee.cpp knows registers and breakpoints of x86-64 only; leave the single-step tests out of the build"
#endif

namespace partage::test {
namespace {

constexpr int threw_code = 250;
constexpr long breakpoint_byte = 0xCC;

// The victim's body lies between these two. Both stop it if it runs freely.
[[gnu::noinline, gnu::noclone]] void body_begins() {
  asm volatile("int3" ::: "memory");
}
[[gnu::noinline, gnu::noclone]] void body_ended() {
  asm volatile("nop; int3" ::: "memory");
}

// ---- the watchdog: kills the victim that keeps waitpid waiting -----------------------------------------------------

volatile sig_atomic_t watched_pid = 0;  // the victim waited for, 0: none
volatile sig_atomic_t watched_for = 0;  // seconds
volatile sig_atomic_t patience = 0;     // seconds after which a victim is stuck
volatile sig_atomic_t barked = 0;

void on_alarm(int) {
  if (watched_pid <= 0) return;
  watched_for = watched_for + 1;
  if (watched_for <= patience) return;
  barked = 1;
  ::kill(watched_pid, SIGKILL);
}

/// Waits for the next stop or the end of the victim. The timer runs all the time; arming costs two stores.
int wait_victim(pid_t pid, int seconds) {
  watched_for = 0;
  patience = seconds;
  watched_pid = pid;
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
  }
  watched_pid = 0;
  return status;
}

struct sigaction action_before;
int live_tracees = 0;

void start_watchdog() {
  if (live_tracees++ > 0) return;
  struct sigaction action = {};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, &action_before);
  const itimerval every_second{{1, 0}, {1, 0}};
  ::setitimer(ITIMER_REAL, &every_second, nullptr);
}

void stop_watchdog() {
  if (--live_tracees > 0) return;
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &action_before, nullptr);
}

// All victims run the body at the same stack address, however deep in this process's stack they were forked: only then
// does code that aligns its frame, such as the dynamic linker's, take the same path every time, and only then is a path
// comparable with another. The address lies below the first frame that asks by more than the depths differ.
constexpr std::uintptr_t least_spare = 256 * 1024, most_spare = 1024 * 1024;
std::uintptr_t stack_of_bodies = 0;

[[gnu::noinline]] void choose_stack_of_bodies() {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const bool is_far =
      stack_of_bodies > here - least_spare / 2 || stack_of_bodies < here - most_spare;  // another thread's
  if (is_far) stack_of_bodies = (here - least_spare) & ~std::uintptr_t{4095};
}

[[gnu::noinline]] void run_at_chosen_stack(const std::function<void()>& body) {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  auto* padding = static_cast<volatile char*>(__builtin_alloca(here - stack_of_bodies));
  padding[0] = 0;
  body_begins();
  body();
  body_ended();
}

[[noreturn]] void be_victim(const std::function<void()>& prepare, const std::function<void()>& body, int text_fd) {
  std::string text;
  try {
    reset_fatal_signals();
    ::signal(SIGALRM, SIG_DFL);
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    if (prepare) prepare();
    run_at_chosen_stack(body);
    ::_exit(0);
  } catch (const std::exception& error) {
    text = std::string("threw: ") + error.what();
  } catch (...) {
    text = "threw something that is no std::exception";
  }
  text.resize(std::min<std::size_t>(text.size(), 4000));
  ::_exit(::write(text_fd, text.data(), text.size()) > 0 ? threw_code : 1);
}

std::uintptr_t address_of(void (*function)()) {
  return reinterpret_cast<std::uintptr_t>(function);
}

}  // namespace

Tracee::Tracee(const std::function<void()>& prepare, const std::function<void()>& body, std::chrono::seconds stuck)
    : stuck_seconds_(static_cast<int>(stuck.count())) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  std::fflush(nullptr);
  choose_stack_of_bodies();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ends[0]);
    be_victim(prepare, body, ends[1]);
  }
  ::close(ends[1]);
  text_fd_ = ends[0];
  if (pid_ < 0) {
    ::close(text_fd_);
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  alive_ = true;
  start_watchdog();
  const int status = wait_victim(pid_, stuck_seconds_);
  if (!WIFSTOPPED(status) || ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL) != 0) {
    failure_ = "cannot be traced";
    return;
  }
  if (!resume(PTRACE_CONT)) return;  // through prepare() to the breakpoint
  constexpr long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, options);
}

Tracee::~Tracee() {
  kill();
  stop_watchdog();
  ::close(text_fd_);
}

void Tracee::kill() {
  if (alive_) sigkill_and_reap(pid_);
  alive_ = false;
}

void Tracee::read_registers() {
  user_regs_struct all{};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &all);
  registers_ = {all.rip, all.rsp};
}

bool Tracee::at_end() const {
  return registers_.instruction == address_of(&body_ended);
}

// Lets the victim go on until its next SIGTRAP. Signals of its own are delivered to it on the way.
bool Tracee::resume(int request) {
  if (!alive_ || !failure_.empty()) return false;
  for (;;) {
    if (::ptrace(static_cast<__ptrace_request>(request), pid_, nullptr, static_cast<std::uintptr_t>(signal_)) != 0) {
      failure_ = std::string("cannot be resumed: ") + ::strerror(errno);
      return false;
    }
    signal_ = 0;
    const int status = wait_victim(pid_, stuck_seconds_);
    if (!WIFSTOPPED(status)) {
      alive_ = false;
      char text[4096];
      const ssize_t got = ::read(text_fd_, text, sizeof text);
      if (got > 0)
        failure_.assign(text, static_cast<std::size_t>(got));
      else if (barked != 0)
        failure_ = "made no progress for " + std::to_string(stuck_seconds_) + " s (a deadlock?)";
      else if (WIFSIGNALED(status))
        failure_ = std::string("died of ") + ::strsignal(WTERMSIG(status));
      else
        failure_ = "called exit(" + std::to_string(WEXITSTATUS(status)) + ")";
      barked = 0;
      return false;
    }
    const int signal = WSTOPSIG(status);
    if ((status >> 16) != 0) {
      unsigned long child = 0;
      ::ptrace(PTRACE_GETEVENTMSG, pid_, nullptr, &child);
      if (child > 0) ::kill(static_cast<pid_t>(child), SIGKILL);
      kill();
      int ignored = 0;
      if (child > 0) ::waitpid(static_cast<pid_t>(child), &ignored, __WALL);
      failure_ = "started a process or a thread, which cannot be stepped";
      return false;
    }
    if (signal == SIGTRAP) {
      read_registers();
      return true;
    }
    if (signal != SIGSTOP) signal_ = signal;
  }
}

bool Tracee::step() {
  return !at_end() && resume(PTRACE_SINGLESTEP) && !at_end();
}

bool Tracee::run_to(std::uintptr_t address, long passings) {
  const auto at = reinterpret_cast<void*>(address);
  errno = 0;
  const long original = ::ptrace(PTRACE_PEEKTEXT, pid_, at, nullptr);
  if (errno != 0) return false;
  const auto trap = reinterpret_cast<void*>((original & ~0xFFL) | breakpoint_byte);
  for (;;) {
    while (registers_.instruction == address) {
      if (passings-- == 0) return true;
      if (!step()) return false;
    }
    if (::ptrace(PTRACE_POKETEXT, pid_, at, trap) != 0) return false;
    if (!resume(PTRACE_CONT)) return false;
    if (::ptrace(PTRACE_POKETEXT, pid_, at, reinterpret_cast<void*>(original)) != 0) return false;
    if (registers_.instruction != address + 1) return false;  // the int3 behind the end
    registers_.instruction = address;
    ::ptrace(PTRACE_POKEUSER, pid_, reinterpret_cast<void*>(offsetof(user_regs_struct, rip)),
             reinterpret_cast<void*>(address));
  }
}

std::string why_no_stepping() {
  try {
    int dummy = 0;
    Tracee victim(nullptr, [&] { dummy = 1; });
    if (victim.step()) return {};
    return "this process may not trace its children (container or yama policy): " + victim.failure();
  } catch (const std::exception& error) {
    return error.what();
  }
}

OneProcessor::OneProcessor() {
  static_assert(sizeof(cpu_set_t) <= sizeof saved_);
  cpu_set_t old;
  if (::sched_getaffinity(0, sizeof old, &old) != 0) return;
  std::copy_n(reinterpret_cast<const unsigned char*>(&old), sizeof old, saved_);
  const int cpu = ::sched_getcpu();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(cpu < 0 ? 0 : cpu), &one);
  pinned_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

OneProcessor::~OneProcessor() {
  if (!pinned_) return;
  cpu_set_t old;
  std::copy_n(saved_, sizeof old, reinterpret_cast<unsigned char*>(&old));
  ::sched_setaffinity(0, sizeof old, &old);
}

}  // namespace partage::test
