#include "proxy/process/bootstrap.hpp"

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>
#include <ext/stdio_sync_filebuf.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <partage/error.hpp>
#include <typeinfo>
#include <utility>

#include "manager/segment/stripe_lock.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/process/lifeline.hpp"

namespace partage::engine::process {

namespace {

// Of this process. Written while the child has one thread; never destroyed.
struct Self {
  std::shared_ptr<Child> child;   // nullptr: not started by the library
  std::shared_ptr<Child> parent;  // the same
  std::atomic<unsigned> made{0};
};
Self& self() {
  static Self* const s = new Self;
  return *s;
}

/// Most streams have no buffer of their own: what they print is in that of stdio.
template <class Stream>
void flush_stream(Stream& stream) noexcept {
  using Shared = __gnu_cxx::stdio_sync_filebuf<typename Stream::char_type>;
  const auto* const buffer = stream.rdbuf();
  if (buffer == nullptr || typeid(*buffer) == typeid(Shared)) return;
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

}  // namespace

void report(const char* what) noexcept {
  flush_output();
  try {
    // In one piece, so that lines of several processes do not mix.
    const std::string line = "Process " + current_name() + ": " + what + '\n';
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t wrote = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
      if (wrote < 0 && errno != EINTR) return;
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
  } catch (...) {
  }
}

namespace {

/// The last that exit() does in a child, after what the child registered and instead of what its parent did.
void end_of_child(int code, void*) {
  end_all();
  flush_output();
  Sessions::at_exit();
  ::_exit(code);
}

}  // namespace

std::string next_path() {
  const std::string number = std::to_string(self().made.fetch_add(1, std::memory_order_relaxed) + 1);
  return self().child ? self().child->path + ':' + number : number;
}

std::shared_ptr<Child> current_child() {
  if (self().child) return self().child;
  static const std::shared_ptr<Child> main_process = [] {
    auto child = std::make_shared<Child>();
    child->name = "MainProcess";
    return child;
  }();
  return main_process;
}

std::shared_ptr<Child> parent_of_current() {
  return self().parent;
}

bool is_current(const Child& child) noexcept {
  return self().child.get() == &child;
}

bool is_daemon() noexcept {
  return self().child && self().child->daemon;
}

std::string current_name() {
  return current_child()->name;
}

Parentage parentage_here() {
  return {current_name(), ::getpid(), lifeline()};
}

void flush_output() noexcept {
  flush_stream(std::cout);
  flush_stream(std::cerr);
  flush_stream(std::clog);
  flush_stream(std::wcout);
  flush_stream(std::wcerr);
  flush_stream(std::wclog);
  // fflush(nullptr) waits for the lock of every file, and a thread that waits for input holds that of stdin.
  if (::ftrylockfile(stdin) == 0) {
    std::fflush(nullptr);
    ::funlockfile(stdin);
  } else {
    std::fflush(stdout);
    std::fflush(stderr);
  }
}

void become(std::shared_ptr<Child> child, Parentage parent) noexcept {
  self().parent = std::make_shared<Child>();
  self().parent->name = std::move(parent.name);
  self().parent->pid = parent.pid;
  self().child = std::move(child);
  kernel::UserCodeScope::forget();  // started inside modify(): the parent's affair
  set_parent_lifeline(parent.lifeline);
}

void run_child(Process& process) {
  self().made.store(0, std::memory_order_relaxed);  // one may have been made for this child
  if (is_daemon() && !die_with_parent()) {
    report("the system does not tell when its parent ends, so that it cannot be daemonic");
    ::_exit(1);
  }
  close_input();
  if (::on_exit(end_of_child, nullptr) != 0) {
    report("there is no memory to run in");
    ::_exit(1);
  }
  int code = 1;
  try {
    process.run();
    code = 0;
  } catch (const std::exception& error) {
    report(error.what());
  } catch (const Error& error) {
    report(error.what());
  } catch (...) {
    report("an exception that is no std::exception");
  }
  self().child->task.reset();
  std::exit(code);
}

}  // namespace partage::engine::process
