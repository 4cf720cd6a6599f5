#include <partage/process.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <partage/error.hpp>
#include <system_error>

#include "manager/platform/process_epoch.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/process/bootstrap.hpp"
#include "proxy/process/child.hpp"
#include "proxy/process/spawn.hpp"

namespace partage {

namespace engine::process {

Task::~Task() = default;

void throw_not_sendable(const std::string& type, bool is_function) {
  throw ProcessError("partage: a child that runs the program anew cannot be sent " +
                     (is_function ? "the function, " + type + ", because of its captures; pass them as arguments"
                                  : "an argument of type " + type +
                                        ", because nothing says how to write it as bytes; pass values and handles") +
                     ", or start it by fork");
}

namespace {

[[noreturn]] void fail(const Child& child, const char* operation, const std::string& why) {
  throw ProcessError("partage: process '" + child.name + "': " + operation + ": " + why);
}

void require_open(Child& child, const char* operation) {
  if (!is_closed(child)) return;
  throw ValueError("partage: process '" + child.name + "': " + operation +
                   ": it was closed; ask before close() what is to be known");
}

void require_parent(Child& child, const char* operation) {
  if (child.creator != kernel::process_epoch()) {
    fail(child, operation, "it belongs to another process; this can be done only in the process that made the Process");
  }
  require_open(child, operation);
}

void require_started(Child& child, const char* operation) {
  require_parent(child, operation);
  const Child::Stage stage = stage_of(child);
  if (stage == Child::Stage::made || stage == Child::Stage::starting) {
    fail(child, operation, "it has not been started; call start() first");
  }
}

Started fork_child(const std::shared_ptr<Child>& child, Process& process) {
  Parentage parent = parentage_here();
  const pid_t pid = ::fork();
  const int error = errno;
  if (pid == 0) {
    become(child, std::move(parent));
    run_child(process);
  }
  Sessions::note_child(pid);
  if (pid < 0) {
    fail(*child, "start",
         std::system_category().message(error) +
             "; wait for other processes to end, or raise the limits (ulimit -u, pids.max, memory)");
  }
  return {.pid = pid};
}

}  // namespace

}  // namespace engine::process

namespace {
namespace process = engine::process;
using process::Child;
}  // namespace

Process::Process() : Process(ProcessOptions{}) {}
Process::Process(ProcessOptions options) : Process(process::make_child(std::move(options), nullptr)) {}
Process::Process(std::shared_ptr<Child> child) noexcept : child_(std::move(child)) {}
Process::Process(Process&& other) noexcept = default;
Process& Process::operator=(Process&& other) noexcept = default;
Process::~Process() = default;

Child& Process::child(const char* operation) const {
  if (!child_) {
    throw ProcessError(std::string("partage: a Process that was moved away: ") + operation +
                       ": use the one it was moved to");
  }
  return *child_;
}

void Process::run() {
  if (const auto& task = child("run").task) task->run();
}

void Process::start() {
  process::require_parent(child("start"), "start");
  const std::shared_ptr<Child> started = child_;
  process::begin_start(started);
  process::flush_output();
  try {
    process::end_start(started, started->method == StartMethod::fork ? process::fork_child(started, *this)
                                                                     : process::start_anew(*started, *this));
  } catch (...) {
    process::end_start(started, std::nullopt);
    throw;
  }
  started->task.reset();  // the child has its own: what only the function refers to can go
}

void Process::join() {
  Child& joined = child("join");
  process::require_started(joined, "join");
  process::wait_for_end(joined, std::nullopt);
}

bool Process::join_within(double seconds) {
  Child& joined = child("join");
  process::require_started(joined, "join");
  return process::wait_for_end(joined, process::timeout_of(seconds));
}

bool Process::is_alive() const {
  Child& asked = child("is_alive");
  if (process::is_current(asked)) return true;
  process::require_parent(asked, "is_alive");
  return process::stage_of(asked) == Child::Stage::running;
}

pid_t Process::pid() const {
  Child& asked = child("pid");
  if (process::is_current(asked)) return ::getpid();
  process::require_parent(asked, "pid");
  return process::pid_of(asked);
}

std::optional<int> Process::exitcode() const {
  Child& asked = child("exitcode");
  if (process::is_current(asked)) return std::nullopt;
  process::require_parent(asked, "exitcode");
  return process::exitcode_of(asked);
}

void Process::terminate() {
  Child& ended = child("terminate");
  process::require_started(ended, "terminate");
  process::send_signal(ended, SIGTERM);
}

void Process::kill() {
  Child& ended = child("kill");
  process::require_started(ended, "kill");
  process::send_signal(ended, SIGKILL);
}

void Process::interrupt() {
  Child& ended = child("interrupt");
  process::require_started(ended, "interrupt");
  process::send_signal(ended, SIGINT);
}

int Process::sentinel() const {
  Child& asked = child("sentinel");
  process::require_started(asked, "sentinel");
  return process::sentinel_of(asked);
}

void Process::close() {
  Child& closed = child("close");
  if (process::is_closed(closed)) return;
  process::require_parent(closed, "close");
  if (process::close(closed)) return;
  throw ValueError("partage: process '" + closed.name +
                   "': close: it is running; join() it first, or terminate() and join() it");
}

std::string Process::name() const {
  return child("name").name;
}

bool Process::daemon() const {
  return child("daemon").daemon;
}

}  // namespace partage
