// A file descriptor that closes itself, and waiting for it to become readable.
//
// Thread safety: as an int.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <utility>

namespace partage::engine::process {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Descriptor() { reset(); }

  int fd() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// True: readable, or at its end. False: not within that time, or a signal came.
inline bool wait_readable(int fd, std::optional<std::chrono::nanoseconds> timeout) noexcept {
  pollfd entry{fd, POLLIN, 0};
  timespec time{};
  if (timeout) {
    time.tv_sec = static_cast<time_t>(timeout->count() / 1'000'000'000);
    time.tv_nsec = static_cast<long>(timeout->count() % 1'000'000'000);
  }
  return ::ppoll(&entry, 1, timeout ? &time : nullptr, nullptr) > 0;
}

}  // namespace partage::engine::process
