#include "robust_words.hpp"

#include <linux/futex.h>
#include <pthread.h>

#include <cstdint>
#include <cstring>

namespace partage::test {
namespace {

// glibc: PTHREAD_MUTEX_ROBUST_NORMAL_NP | PTHREAD_MUTEX_PSHARED_BIT; bits 0-1 are the type, 5 is priority
// inheritance, 8-9 are about elision.
constexpr std::uint32_t robust_shared = 16 | 128;
constexpr std::uint32_t kind_mask = ~std::uint32_t{3 | 32 | 256 | 512};
constexpr std::size_t kind_offset = offsetof(pthread_mutex_t, __data.__kind);
static_assert(offsetof(pthread_mutex_t, __data.__lock) == 0);

std::uint32_t load(const std::byte* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

std::vector<std::size_t> held_robust_mutexes(std::span<const std::byte> memory, pid_t tid) {
  std::vector<std::size_t> result;
  const auto id = static_cast<std::uint32_t>(tid);
  for (std::size_t at = 0; at + sizeof(pthread_mutex_t) <= memory.size(); at += alignof(pthread_mutex_t)) {
    if ((load(memory.data() + at) & FUTEX_TID_MASK) != id) continue;
    if ((load(memory.data() + at + kind_offset) & kind_mask) == robust_shared) result.push_back(at);
  }
  return result;
}

std::size_t mark_owner_dead(void* image_base, std::span<const std::size_t> mutex_offsets, pid_t tid) {
  std::size_t marked = 0;
  for (const std::size_t offset : mutex_offsets) {
    std::byte* at = static_cast<std::byte*>(image_base) + offset;
    const std::uint32_t word = load(at);
    if ((word & FUTEX_TID_MASK) != static_cast<std::uint32_t>(tid)) continue;
    const std::uint32_t dead = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    std::memcpy(at, &dead, sizeof dead);
    ++marked;
  }
  return marked;
}

}  // namespace partage::test
