// What the tests of Process share: memory that a child can write, and what a program prints.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <new>
#include <partage/error.hpp>
#include <partage/process.hpp>
#include <string>

#include "tests/support/processes.hpp"

namespace partage::test {

using namespace std::chrono_literals;

/// Numbers that a child shares with its parent; 0 at first.
class Shared {
 public:
  std::atomic<long>& operator[](int i) const { return words_[i]; }

  Shared() {
    void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    words_ = static_cast<std::atomic<long>*>(memory);
  }
  ~Shared() { ::munmap(words_, 4096); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

 private:
  std::atomic<long>* words_;
};

/// Waits until it is killed.
inline void wait_for_ever() {
  for (;;) ::pause();
}

/// SIGTERM ends a process while this lives, also one that is just being started: doctest would print a report there.
class DefaultSigterm {
 public:
  DefaultSigterm() : before_(::signal(SIGTERM, SIG_DFL)) {}
  ~DefaultSigterm() { ::signal(SIGTERM, before_); }
  DefaultSigterm(const DefaultSigterm&) = delete;
  DefaultSigterm& operator=(const DefaultSigterm&) = delete;

 private:
  void (*before_)(int);
};

struct Printed {
  ChildResult end{};
  std::string text{};  ///< stdout and stderr
};

/// Runs a function as a program of its own, with fully buffered output, and ends it by std::exit unless it throws.
inline Printed run_program(const std::function<void()>& body) {
  char path[] = "/tmp/partage-process-XXXXXX";
  const int fd = ::mkstemp(path);
  if (fd < 0) throw std::bad_alloc();
  ::unlink(path);
  Printed printed;
  printed.end = run_child(
      [&] {
        ::fcntl(fd, F_SETFL, O_APPEND);
        ::dup2(fd, STDOUT_FILENO);
        ::dup2(fd, STDERR_FILENO);
        static char buffer[1 << 16];
        std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
        std::cout << std::nounitbuf;
        body();
        std::exit(0);
      },
      30s);
  char block[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t got = 0; (got = ::read(fd, block, sizeof block)) > 0;)
    printed.text.append(block, static_cast<std::size_t>(got));
  ::close(fd);
  return printed;
}

}  // namespace partage::test
