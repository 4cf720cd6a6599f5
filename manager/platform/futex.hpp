// Sleeping on words of shared memory: until one of them changes, whoever changed it, and however it died.
//
//   const FutexWord words[] = {{&event, seen}, {&life_of_holder, its_value}};
//   sleep_on(words, deadline);                       // futex_waitv(2); may return early for no reason
//
// A word that has another value already makes the sleep return at once, so nothing is lost between looking and sleeping. The
// kernel itself wakes a sleeper when the thread that holds a robust lock dies, whose lock word may be one of these.
// Words are 32 bits; of an 8-byte word the low half (little-endian).
//
// Thread and process safety: full. Errors: none; where futex_waitv is not known (before Linux 5.16), the sleep is a nap on the
// first word, and the caller's loop looks again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace partage::kernel {

struct FutexWord {
  const std::uint32_t* word;
  std::uint32_t value;  // what it must still be for the sleep to begin
};

/// As many words as one sleep can have.
inline constexpr std::size_t most_futex_words = 128;

void sleep_on(std::span<const FutexWord> words, const std::optional<std::chrono::steady_clock::time_point>& deadline);
/// Wakes everybody who sleeps on the word.
void wake_all(const std::uint32_t* word) noexcept;
void wake_one(const std::uint32_t* word) noexcept;

}  // namespace partage::kernel
