#include <partage/process_handle.hpp>

#include <signal.h>
#include <unistd.h>

#include <partage/error.hpp>

#include "proxy/process/bootstrap.hpp"
#include "proxy/process/lifeline.hpp"

namespace partage {

namespace {

namespace process = engine::process;
using process::Child;

bool wait_for_parent(process::Timeout timeout) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    process::Timeout left = timeout;
    if (timeout) left = std::max(*timeout - (std::chrono::steady_clock::now() - start), left->zero());
    if (process::wait_readable(process::parent_lifeline(), left)) return true;
    if (left && *left <= left->zero()) return false;
  }
}

}  // namespace

Child& ProcessHandle::child_for(const char* operation) const {
  if (whose_ != Whose::child) {
    throw ProcessError("partage: process '" + child_->name + "': " + operation + ": it is " +
                       (whose_ == Whose::itself ? "this process itself" : "the parent of this process") +
                       "; that can be done only with its children");
  }
  return *child_;
}

std::string ProcessHandle::name() const {
  return child_->name;
}

bool ProcessHandle::daemon() const {
  return child_->daemon;
}

pid_t ProcessHandle::pid() const {
  if (whose_ == Whose::itself) return ::getpid();
  return whose_ == Whose::parent ? child_->pid : process::pid_of(*child_);
}

bool ProcessHandle::is_alive() const {
  if (whose_ == Whose::itself) return true;
  if (whose_ == Whose::parent) return !wait_for_parent(std::chrono::nanoseconds(0));
  return process::stage_of(*child_) == Child::Stage::running;
}

std::optional<int> ProcessHandle::exitcode() const {
  return process::exitcode_of(child_for("exitcode"));
}

void ProcessHandle::join() const {
  if (whose_ == Whose::parent) {
    wait_for_parent(std::nullopt);
  } else {
    process::wait_for_end(child_for("join"), std::nullopt);
  }
}

bool ProcessHandle::join_within(double seconds) const {
  const process::Timeout timeout = process::timeout_of(seconds);
  return whose_ == Whose::parent ? wait_for_parent(timeout) : process::wait_for_end(child_for("join"), timeout);
}

void ProcessHandle::terminate() const {
  process::send_signal(child_for("terminate"), SIGTERM);
}

void ProcessHandle::kill() const {
  process::send_signal(child_for("kill"), SIGKILL);
}

int ProcessHandle::sentinel() const {
  return whose_ == Whose::parent ? process::parent_lifeline() : process::sentinel_of(child_for("sentinel"));
}

ProcessHandle current_process() {
  return {ProcessHandle::Whose::itself, process::current_child()};
}

std::optional<ProcessHandle> parent_process() {
  std::shared_ptr<Child> parent = process::parent_of_current();
  if (!parent) return std::nullopt;
  return ProcessHandle(ProcessHandle::Whose::parent, std::move(parent));
}

std::vector<ProcessHandle> active_children() {
  std::vector<ProcessHandle> children;
  for (auto& child : process::running_children()) children.emplace_back(ProcessHandle::Whose::child, std::move(child));
  return children;
}

int cpu_count() {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<int>(n) : 1;
}

}  // namespace partage
