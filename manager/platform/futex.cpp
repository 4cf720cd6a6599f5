#include "manager/platform/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

namespace partage::kernel {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a sleep is where the kernel can watch one word only.
constexpr std::chrono::milliseconds nap{20};

timespec time_of(Clock::time_point point) {
  const auto since_boot = std::max(point.time_since_epoch(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  timespec out{};
  out.tv_sec = static_cast<std::time_t>(seconds.count());
  out.tv_nsec = static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot - seconds).count());
  return out;
}

void nap_on(const FutexWord& word, const std::optional<Clock::time_point>& deadline) {
  const auto awake = Clock::now() + nap;
  const timespec until = time_of(deadline ? std::min(*deadline, awake) : awake);
  ::syscall(SYS_futex, word.word, FUTEX_WAIT_BITSET, word.value, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

}  // namespace

void sleep_on(std::span<const FutexWord> words, const std::optional<Clock::time_point>& deadline) {
  std::array<futex_waitv, most_futex_words> vector{};
  const std::size_t n = std::min(words.size(), vector.size());
  for (std::size_t i = 0; i < n; ++i) {
    vector[i].val = words[i].value;
    vector[i].uaddr = reinterpret_cast<std::uintptr_t>(words[i].word);
    vector[i].flags = FUTEX_32;
  }
  timespec until{};
  if (deadline) until = time_of(*deadline);
  const long woken =
      ::syscall(SYS_futex_waitv, vector.data(), n, 0, deadline ? &until : nullptr, static_cast<long>(CLOCK_MONOTONIC));
  if (woken < 0 && errno == ENOSYS) nap_on(words[0], deadline);
}

void wake_one(const std::uint32_t* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}
void wake_all(const std::uint32_t* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace partage::kernel
