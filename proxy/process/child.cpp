#include "proxy/process/child.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <partage/error.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "manager/platform/process_epoch.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/process/bootstrap.hpp"

namespace partage::engine::process {

class Pidfd {
 public:
  explicit Pidfd(int fd) noexcept : fd_(fd) {}
  ~Pidfd() { ::close(fd_); }
  Pidfd(const Pidfd&) = delete;
  Pidfd& operator=(const Pidfd&) = delete;

  /// True: readable, so the process has ended. False: not yet, or a signal came.
  bool wait(Timeout timeout) const noexcept {
    pollfd entry{fd_, POLLIN, 0};
    timespec time{};
    if (timeout) {
      time.tv_sec = static_cast<time_t>(timeout->count() / 1'000'000'000);
      time.tv_nsec = static_cast<long>(timeout->count() % 1'000'000'000);
    }
    return ::ppoll(&entry, 1, timeout ? &time : nullptr, nullptr) > 0;
  }

 private:
  int fd_;
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr int unknown_exitcode = 255;
constexpr std::chrono::milliseconds look_again{2};

// Never destroyed: processes may be started and joined by destructors of static objects.
struct Table {
  std::mutex mutex;
  std::vector<std::shared_ptr<Child>> unreaped;
  std::vector<pid_t> ended;  // reaped, and the sessions have not been told
  std::uint64_t epoch = kernel::process_epoch();
};

Table& table() {
  static Table* const t = [] {
    auto* const made = new Table;
    pthread_atfork([] { table().mutex.lock(); }, [] { table().mutex.unlock(); },
                   [] {
                     Table& mine = table();
                     mine.unreaped.clear();
                     mine.ended.clear();
                     mine.epoch = kernel::process_epoch();
                     mine.mutex.unlock();
                   });
    return made;
  }();
  return *t;
}

/// Scope of the mutex. After it, where nobody else does, what the children that have ended held is taken back.
class TableLock {
 public:
  TableLock() : lock_(table().mutex) {}
  ~TableLock() {
    const std::vector<pid_t> ended = std::exchange(table().ended, {});
    lock_.unlock();
    if (!ended.empty()) Sessions::note_ended(ended);
  }
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
};

void join_at_exit() {
  join_all();
}

/// Under the mutex.
void note_end(Child& child, int exitcode) {
  child.stage = Child::Stage::ended;
  child.exitcode = exitcode;
  child.watch.reset();
  std::erase_if(table().unreaped, [&](const auto& other) { return other.get() == &child; });
  try {
    table().ended.push_back(child.pid);
  } catch (...) {  // no memory: a later look finds it
  }
}

/// Under the mutex. Reaps a child that has ended.
void look_at(Child& child) {
  if (child.stage != Child::Stage::running) return;
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    note_end(child, unknown_exitcode);  // somebody else has reaped it, or SIGCHLD is ignored
  } else if (info.si_pid != 0) {
    note_end(child, info.si_code == CLD_EXITED ? info.si_status : -info.si_status);
  }
}

std::shared_ptr<Pidfd> open_watch(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? nullptr : std::make_shared<Pidfd>(static_cast<int>(fd));
}

}  // namespace

std::shared_ptr<Child> make_child(ProcessOptions options, std::unique_ptr<Task> task) {
  auto child = std::make_shared<Child>();
  child->path = next_path();
  child->name = options.name.empty() ? "Process-" + child->path : std::move(options.name);
  child->creator = kernel::process_epoch();
  child->task = std::move(task);
  return child;
}

void begin_start(const std::shared_ptr<Child>& child) {
  static const int once = std::atexit(join_at_exit);
  static_cast<void>(once);
  Table& all = table();
  const TableLock lock;
  if (child->stage != Child::Stage::made) {
    throw ProcessError("partage: process '" + child->name +
                       "': start: it was started already; make another Process to run the function again");
  }
  // From the back: note_end() takes them out.
  for (std::size_t i = all.unreaped.size(); i-- > 0;) look_at(*std::shared_ptr<Child>(all.unreaped[i]));
  all.unreaped.push_back(child);
  child->stage = Child::Stage::starting;
}

void end_start(const std::shared_ptr<Child>& child, pid_t pid) noexcept {
  const std::lock_guard guard(table().mutex);
  if (pid > 0) {
    child->pid = pid;
    child->stage = Child::Stage::running;
  } else {
    child->stage = Child::Stage::made;
    std::erase(table().unreaped, child);
  }
}

Child::Stage stage_of(Child& child) {
  const TableLock lock;
  look_at(child);
  return child.stage;
}

pid_t pid_of(Child& child) {
  const std::lock_guard guard(table().mutex);
  return child.pid;
}

std::optional<int> exitcode_of(Child& child) {
  const TableLock lock;
  look_at(child);
  if (child.stage != Child::Stage::ended) return std::nullopt;
  return child.exitcode;
}

bool wait_for_end(Child& child, Timeout timeout) {
  const Clock::time_point start = Clock::now();
  for (bool ready = false;;) {
    std::shared_ptr<Pidfd> watch;
    {
      const TableLock lock;
      look_at(child);
      if (child.stage == Child::Stage::ended) return true;
      if (!child.watch && child.stage == Child::Stage::running) child.watch = open_watch(child.pid);
      watch = child.watch;
    }
    Timeout left = timeout;
    if (timeout) {
      *left -= Clock::now() - start;
      if (*left <= left->zero()) return false;
    }
    // Readable, but not to be reaped yet: a debugger has it.
    if (watch && !ready) {
      ready = watch->wait(left);
    } else {
      std::this_thread::sleep_for(left ? std::min<std::chrono::nanoseconds>(*left, look_again) : look_again);
      ready = false;
    }
  }
}

void send_signal(Child& child, int signal) {
  const TableLock lock;
  look_at(child);
  if (child.stage != Child::Stage::running) return;
  if (::kill(child.pid, signal) != 0 && errno != ESRCH) {
    throw ProcessError("partage: process '" + child.name + "': sending signal " + std::to_string(signal) + " to " +
                       std::to_string(child.pid) + ": " + std::system_category().message(errno) +
                       "; a child that has changed its user can only be signalled by that user");
  }
}

void join_all() noexcept {
  Table& all = table();
  if (all.epoch != kernel::process_epoch()) return;  // a child that no fork handler has seen
  for (;;) {
    std::shared_ptr<Child> child;
    {
      const std::lock_guard guard(all.mutex);
      if (all.unreaped.empty()) return;
      child = all.unreaped.front();
    }
    wait_for_end(*child, std::nullopt);
  }
}

}  // namespace partage::engine::process
