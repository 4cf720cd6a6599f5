#include "processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>

namespace partage::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int threw_code = 255;

[[noreturn]] void run_body(const std::function<int()>& body, int text_fd) {
  int code = threw_code;
  std::string text;
  try {
    code = body();
  } catch (const std::exception& error) {
    text = error.what();
    if (text.empty()) text = "an exception without text";
  } catch (...) {
    text = "an exception that is no std::exception";
  }
  text.resize(std::min<std::size_t>(text.size(), 4000));  // fits into the pipe: the parent reads after our end
  if (!text.empty() && ::write(text_fd, text.data(), text.size()) < 0) code = threw_code;
  std::fflush(nullptr);
  ::_exit(code);
}

std::string read_text(int fd) {
  char buffer[4096];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);  // O_NONBLOCK: a grandchild may hold the other end
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

pid_t wait_for(pid_t pid, int& status, int flags) {
  for (;;) {
    const pid_t got = ::waitpid(pid, &status, flags);
    if (got >= 0 || errno != EINTR) return got;
  }
}

/// True if the child ended within the timeout. It is not reaped.
bool ends_within(pid_t pid, std::chrono::milliseconds timeout) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open of a child");
  const Clock::time_point end = Clock::now() + timeout;
  int ready = 0;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd entry{fd, POLLIN, 0};
    ready = ::poll(&entry, 1, static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready > 0 || (ready == 0 && left <= 0)) break;
  }
  ::close(fd);
  return ready > 0;
}

}  // namespace

std::string ChildResult::describe() const {
  switch (end) {
    case End::exited:
      return "ended with status " + std::to_string(code);
    case End::signaled:
      return "died of " + std::string(::strsignal(code));
    case End::threw:
      return "threw: " + text;
    case End::timed_out:
      return "was killed because its time was up";
  }
  return {};
}

namespace detail {

StartedChild start_child(const std::function<int()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw std::system_error(error, std::generic_category(), "fork");
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(threw_code);
    ::close(ends[0]);
    reset_fatal_signals();
    run_body(body, ends[1]);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

ChildResult finish_child(const StartedChild& child, std::chrono::milliseconds timeout) {
  const bool in_time = ends_within(child.pid, timeout);
  if (!in_time) ::kill(child.pid, SIGKILL);
  int status = 0;
  wait_for(child.pid, status, 0);
  ChildResult result;
  result.text = read_text(child.text_fd);
  ::close(child.text_fd);
  if (!in_time)
    result.end = ChildResult::End::timed_out;
  else if (WIFSIGNALED(status))
    result.end = ChildResult::End::signaled;
  else if (!result.text.empty())
    result.end = ChildResult::End::threw;
  result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace detail

pid_t ChildGroup::adopt(detail::StartedChild child) {
  children_.emplace(child.pid, child.text_fd);
  return child.pid;
}

ChildResult ChildGroup::wait(pid_t pid, std::chrono::milliseconds timeout) {
  const auto found = children_.find(pid);
  if (found == children_.end()) throw std::invalid_argument("ChildGroup: no such child, or already waited for");
  const detail::StartedChild child{found->first, found->second};
  children_.erase(found);
  return detail::finish_child(child, timeout);
}

void ChildGroup::kill(pid_t pid) {
  const auto found = children_.find(pid);
  if (found == children_.end()) throw std::invalid_argument("ChildGroup: no such child, or already waited for");
  ::close(found->second);
  children_.erase(found);
  sigkill_and_reap(pid);
}

ChildGroup::~ChildGroup() {
  for (const auto& [pid, fd] : children_) ::kill(pid, SIGKILL);
  for (const auto& [pid, fd] : children_) {
    int status = 0;
    wait_for(pid, status, 0);
    ::close(fd);
  }
}

void reset_fatal_signals() {
  for (const int signal : {SIGINT, SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTERM, SIGABRT}) ::signal(signal, SIG_DFL);
}

void sigkill_and_reap(pid_t child) {
  if (child <= 0) throw std::invalid_argument("sigkill_and_reap: not the id of one process");
  ::kill(child, SIGKILL);
  int status = 0;
  while (wait_for(child, status, __WALL) == child && !WIFEXITED(status) && !WIFSIGNALED(status)) {
  }
}

char process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return 0;
  const std::size_t name_end = line.rfind(')');  // the name may contain anything
  return name_end == std::string::npos || name_end + 2 >= line.size() ? '\0' : line[name_end + 2];
}

bool pause_process(pid_t pid) {
  if (pid <= 0) throw std::invalid_argument("pause_process: not the id of one process");
  if (::kill(pid, SIGSTOP) != 0) return false;
  return eventually([pid] { return process_state(pid) == 'T'; }, std::chrono::seconds(1));
}

void resume_process(pid_t pid) {
  if (pid <= 0) throw std::invalid_argument("resume_process: not the id of one process");
  ::kill(pid, SIGCONT);
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds deadline) {
  const Clock::time_point end = Clock::now() + deadline;
  while (!holds()) {
    if (Clock::now() >= end) return holds();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace partage::test
