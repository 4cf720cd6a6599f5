// Until when an operation may wait: any std::chrono duration as a point of the steady clock.
//
// Thread safety: full.
#pragma once

#include <chrono>
#include <optional>

namespace partage::engine {

/// nullopt: for ever. time_point::min(): not at all.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

inline Deadline at_once() {
  return std::chrono::steady_clock::time_point::min();
}

/// Negative durations are none; more than a century is for ever.
template <class Rep, class Period>
Deadline deadline_in(const std::chrono::duration<Rep, Period>& timeout) {
  const std::chrono::duration<double> seconds = timeout;
  if (!(seconds.count() > 0)) return at_once();
  if (seconds > std::chrono::hours(24) * 36525) return std::nullopt;
  return std::chrono::steady_clock::now() + std::chrono::ceil<std::chrono::steady_clock::duration>(timeout);
}

template <class Clock, class Duration>
Deadline deadline_at(const std::chrono::time_point<Clock, Duration>& point) {
  return deadline_in(point - Clock::now());
}

}  // namespace partage::engine
