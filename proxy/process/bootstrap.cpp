#include "proxy/process/bootstrap.hpp"

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <partage/error.hpp>

#include "manager/segment/stripe_lock.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage::engine::process {

namespace {

// Of this process. Written while the child has one thread.
const Child* current = nullptr;  // nullptr: not started by the library
std::atomic<unsigned> made{0};

template <class Stream>
void flush(Stream& stream) noexcept {
  try {
    stream.flush();
  } catch (...) {  // the program has asked for exceptions from it
  }
}

void close_input() noexcept {
  __fpurge(stdin);  // what the parent has read, but not used, is the parent's
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing > STDIN_FILENO) {
    ::dup2(nothing, STDIN_FILENO);
    ::close(nothing);
  } else if (nothing == STDIN_FILENO) {
    ::fcntl(STDIN_FILENO, F_SETFD, 0);
  }
}

/// In one piece, so that lines of several processes do not mix.
void report(const Child& child, const char* what) noexcept {
  flush_output();
  try {
    const std::string line = "Process " + child.name + ": " + what + '\n';
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t wrote = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
      if (wrote < 0 && errno != EINTR) return;
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
  } catch (...) {
  }
}

/// The last that exit() does in a child, after what the child registered and instead of what its parent did.
void end_of_child(int code, void*) {
  join_all();
  flush_output();
  Sessions::at_exit();
  ::_exit(code);
}

}  // namespace

std::string next_path() {
  const std::string number = std::to_string(made.fetch_add(1, std::memory_order_relaxed) + 1);
  return current == nullptr ? number : current->path + ':' + number;
}

bool is_current(const Child& child) noexcept {
  return current == &child;
}

void flush_output() noexcept {
  flush(std::cout);
  flush(std::cerr);
  flush(std::clog);
  flush(std::wcout);
  flush(std::wcerr);
  flush(std::wclog);
  // fflush(nullptr) waits for the lock of every file, and a thread that waits for input holds that of stdin.
  if (::ftrylockfile(stdin) == 0) {
    std::fflush(nullptr);
    ::funlockfile(stdin);
  } else {
    std::fflush(stdout);
    std::fflush(stderr);
  }
}

void run_child(Child& child, Process& process) {
  current = &child;
  made.store(0, std::memory_order_relaxed);
  kernel::UserCodeScope::forget();  // started inside modify(): the parent's affair
  close_input();
  if (::on_exit(end_of_child, nullptr) != 0) {
    report(child, "there is no memory to run in");
    ::_exit(1);
  }
  int code = 1;
  try {
    process.run();
    code = 0;
  } catch (const std::exception& error) {
    report(child, error.what());
  } catch (const Error& error) {
    report(child, error.what());
  } catch (...) {
    report(child, "an exception that is no std::exception");
  }
  child.task.reset();
  std::exit(code);
}

}  // namespace partage::engine::process
