#include "proxy/process/child.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
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

#include "manager/platform/process_epoch.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/process/bootstrap.hpp"
#include "proxy/process/fork_server.hpp"

namespace partage::engine::process {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_again{2};
/// How long a daemonic child has to end of SIGTERM.
constexpr std::chrono::seconds daemon_patience{1};

// Never destroyed: processes may be started and joined by destructors of static objects.
struct Table {
  std::mutex mutex;
  std::vector<std::shared_ptr<Child>> unreaped;
  std::vector<pid_t> ended;  // reaped, and the sessions have not been told
  std::uint64_t epoch = kernel::process_epoch();
  bool ending = false;  // this process; daemons are started no more
};

Table& table() {
  static Table* const t = [] {
    auto* const made = new Table;
    pthread_atfork([] { table().mutex.lock(); }, [] { table().mutex.unlock(); },
                   [] {
                     Table& mine = table();
                     mine.unreaped.clear();
                     mine.ended.clear();
                     mine.ending = false;
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

/// Under the mutex.
void note_end(Child& child, int exitcode) {
  child.stage = Child::Stage::ended;
  child.exitcode = exitcode;
  if (!child.is_sentinel) child.watch.reset();
  child.exit_pipe.reset();
  std::erase_if(table().unreaped, [&](const auto& other) { return other.get() == &child; });
  try {
    table().ended.push_back(child.pid);
  } catch (...) {  // no memory: a later look finds it
  }
}

/// Reaps our own child; nullopt: it has not ended.
std::optional<int> reap(pid_t pid) noexcept {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return unknown_exitcode;  // somebody else has reaped it, or SIGCHLD is ignored
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

/// What the fork server has to say of its child; nullopt: it has not ended.
std::optional<int> ask_server(const Child& child) noexcept {
  // The end of the process comes first, the code a moment later.
  if (child.watch && !wait_readable(child.watch->fd(), std::chrono::nanoseconds(0))) return std::nullopt;
  if (!child.watch && !wait_readable(child.exit_pipe->fd(), std::chrono::nanoseconds(0))) return std::nullopt;
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(child.exit_pipe->fd(), &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  return got == sizeof code ? code : unknown_exitcode;
}

/// Under the mutex. Reaps a child that has ended.
void look_at(Child& child) {
  if (child.stage != Child::Stage::running) return;
  if (const std::optional<int> code = child.exit_pipe ? ask_server(child) : reap(child.pid)) note_end(child, *code);
}

/// From the back: note_end() takes them out.
void look_at_all() {
  Table& all = table();
  for (std::size_t i = all.unreaped.size(); i-- > 0;) look_at(*std::shared_ptr<Child>(all.unreaped[i]));
}

SharedDescriptor open_watch(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? nullptr : std::make_shared<const Descriptor>(static_cast<int>(fd));
}

/// Under the mutex.
SharedDescriptor watch_of(Child& child) {
  if (!child.watch && child.stage == Child::Stage::running) child.watch = open_watch(child.pid);
  return child.watch;
}

}  // namespace

std::shared_ptr<Child> make_child(ProcessOptions options, std::unique_ptr<Task> task) {
  auto child = std::make_shared<Child>();
  child->path = next_path();
  child->name = options.name.empty() ? "Process-" + child->path : std::move(options.name);
  child->creator = kernel::process_epoch();
  child->daemon = options.daemon;
  child->method = options.start_method.value_or(get_start_method());
  child->task = std::move(task);
  return child;
}

void begin_start(const std::shared_ptr<Child>& child) {
  static const int once = std::atexit([] { end_all(); });
  static_cast<void>(once);
  if (is_daemon()) {
    throw ProcessError("partage: process '" + child->name + "': start: '" + current_name() +
                       "' is a daemonic process, and those may have no children, which nobody would end; start it from "
                       "another process");
  }
  Table& all = table();
  const TableLock lock;
  if (child->stage != Child::Stage::made) {
    throw ProcessError("partage: process '" + child->name +
                       "': start: it was started already; make another Process to run the function again");
  }
  if (all.ending && child->daemon) {
    throw ProcessError("partage: process '" + child->name +
                       "': start: this process is ending, and so would its daemons");
  }
  look_at_all();
  all.unreaped.push_back(child);
  child->stage = Child::Stage::starting;
}

void end_start(const std::shared_ptr<Child>& child, std::optional<Started> started) noexcept {
  const std::lock_guard guard(table().mutex);
  if (started) {
    child->pid = started->pid;
    child->watch = std::move(started->watch);
    child->exit_pipe = std::move(started->exit_pipe);
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
    SharedDescriptor watch;
    {
      const TableLock lock;
      look_at(child);
      if (child.stage == Child::Stage::ended) return true;
      watch = watch_of(child);
    }
    Timeout left = timeout;
    if (timeout) {
      *left -= Clock::now() - start;
      if (*left <= left->zero()) return false;
    }
    // Readable, but not to be reaped yet: a debugger has it.
    if (watch && !ready) {
      ready = wait_readable(watch->fd(), left);
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
  const bool sent = child.exit_pipe && child.watch
                        ? ::syscall(SYS_pidfd_send_signal, child.watch->fd(), signal, nullptr, 0) == 0
                        : ::kill(child.pid, signal) == 0;
  if (!sent && errno != ESRCH) {
    throw ProcessError("partage: process '" + child.name + "': sending signal " + std::to_string(signal) + " to " +
                       std::to_string(child.pid) + ": " + std::system_category().message(errno) +
                       "; a child that has changed its user can only be signalled by that user");
  }
}

int sentinel_of(Child& child) {
  const TableLock lock;
  look_at(child);
  if (!watch_of(child)) {
    // Ended: something that is readable for ever.
    const int fd = child.stage == Child::Stage::ended ? ::eventfd(1, EFD_CLOEXEC) : -1;
    if (fd < 0) {
      throw ProcessError("partage: process '" + child.name +
                         "': sentinel: no descriptor is to be had; close some, or raise the limit (ulimit -n)");
    }
    child.watch = std::make_shared<const Descriptor>(fd);
  }
  child.is_sentinel = true;
  return child.watch->fd();
}

bool close(Child& child) {
  const TableLock lock;
  look_at(child);
  if (child.stage == Child::Stage::running || child.stage == Child::Stage::starting) return false;
  child.watch.reset();
  child.task.reset();
  child.closed = true;
  return true;
}

bool is_closed(Child& child) {
  const std::lock_guard guard(table().mutex);
  return child.closed;
}

std::vector<std::shared_ptr<Child>> running_children() {
  const TableLock lock;
  look_at_all();
  std::vector<std::shared_ptr<Child>> running;
  for (const auto& child : table().unreaped) {
    if (child->stage == Child::Stage::running) running.push_back(child);
  }
  return running;
}

void end_all() noexcept {
  Table& all = table();
  if (all.epoch != kernel::process_epoch()) return;  // a child that no fork handler has seen
  {
    const std::lock_guard guard(all.mutex);
    all.ending = true;
  }
  try {
    const std::vector<std::shared_ptr<Child>> running = running_children();
    for (const auto& child : running) {
      if (child->daemon) send_signal(*child, SIGTERM);
    }
    Clock::time_point patience{};
    for (const auto& child : running) {
      if (!child->daemon) continue;
      if (patience == Clock::time_point{}) patience = Clock::now() + daemon_patience;
      if (!wait_for_end(*child, std::max(patience - Clock::now(), Clock::duration::zero())))
        send_signal(*child, SIGKILL);
    }
  } catch (...) {  // no memory, or a child of another user: it is joined below
  }
  for (;;) {
    std::shared_ptr<Child> child;
    {
      const std::lock_guard guard(all.mutex);
      if (all.unreaped.empty()) break;
      child = all.unreaped.front();
    }
    if (child->daemon) {  // it was just being started
      try {
        send_signal(*child, SIGKILL);
      } catch (const Error&) {
      }
    }
    wait_for_end(*child, child->daemon ? Timeout(look_again) : std::nullopt);
  }
  stop_fork_server();
}

Timeout timeout_of(double seconds) noexcept {
  constexpr double for_ever = 3e9;  // a century
  if (seconds >= for_ever) return std::nullopt;
  if (!(seconds > 0)) seconds = 0;
  return std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace partage::engine::process
