// Saying something to the function of <partage/log.hpp>.
//
//   log::note(LogLevel::warning, "process ", pid, " has died");
//
// Never while a lock is held, in a handler of a signal or of fork(), or where the program's state is in between: it runs code
// of the user. What is seen under a lock is remembered and told after it.
// Complexity: one load when nobody listens.
#pragma once

#include <atomic>
#include <concepts>
#include <partage/log.hpp>
#include <string>

namespace partage::kernel::log {

namespace detail {
/// The least level that is wanted; one above all of them: nobody listens.
inline constinit std::atomic<int> least{static_cast<int>(LogLevel::error) + 1};

inline void append(std::string& text, std::string_view part) {
  text += part;
}
template <std::integral Number>
void append(std::string& text, Number number) {
  text += std::to_string(number);
}
}  // namespace detail

inline bool wants(LogLevel level) noexcept {
  return static_cast<int>(level) >= detail::least.load(std::memory_order_relaxed);
}

void tell(LogLevel level, std::string_view message) noexcept;

/// Says the parts, texts and integers, as one message. No memory: nothing is said.
template <class... Parts>
void note(LogLevel level, const Parts&... parts) noexcept {
  if (!wants(level)) return;
  try {
    std::string text;
    (detail::append(text, parts), ...);
    tell(level, text);
  } catch (...) {
  }
}

/// Nothing is said any more: for a process that is not to run code of the program it was forked from.
void silence() noexcept;

}  // namespace partage::kernel::log
