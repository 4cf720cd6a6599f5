// Waiting for a descriptor to become readable.
//
// Thread safety: full.
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>

namespace partage::engine::process {

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
