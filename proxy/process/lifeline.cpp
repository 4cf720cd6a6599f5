#include "proxy/process/lifeline.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>

namespace partage::engine::process {

namespace {

struct Ends {
  std::mutex mutex;
  int read = -1, write = -1;
};

Ends& ends() {
  static Ends* const e = [] {
    auto* const made = new Ends;  // never destroyed: static Processes may be started late
    pthread_atfork([] { ends().mutex.lock(); }, [] { ends().mutex.unlock(); },
                   [] {
                     // The read end stays: the child's link to its parent, if it is a Process.
                     if (const int fd = ends().write; fd >= 0) ::close(fd);
                     ends().write = ends().read = -1;
                     ends().mutex.unlock();
                   });
    return made;
  }();
  return *e;
}

std::atomic<int> parents{-1};

}  // namespace

int lifeline() noexcept {
  const std::lock_guard guard(ends().mutex);
  if (ends().write < 0) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return -1;
    ends().read = fds[0];
    ends().write = fds[1];
  }
  return ends().read;
}

void set_parent_lifeline(int fd) noexcept {
  const int before = parents.exchange(fd);
  if (before >= 0 && before != fd) ::close(before);
}

int parent_lifeline() noexcept {
  return parents.load();
}

bool die_with_parent() noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", parents.load());
  const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  if (::fcntl(fd, F_SETOWN, ::getpid()) != 0 || ::fcntl(fd, F_SETSIG, SIGKILL) != 0 ||
      ::fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) != 0) {
    ::close(fd);
    return false;
  }
  pollfd ended{fd, POLLIN, 0};
  if (::poll(&ended, 1, 0) > 0) ::kill(::getpid(), SIGKILL);
  return true;  // open as long as the process lives
}

}  // namespace partage::engine::process
