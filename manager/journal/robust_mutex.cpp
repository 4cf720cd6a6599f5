#include "manager/journal/robust_mutex.hpp"

#include <linux/futex.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <partage/error.hpp>
#include <string>
#include <system_error>

#include "manager/journal/robust_list.hpp"
#include "manager/platform/cpu.hpp"

namespace partage::kernel {

RobustMutex::RobustMutex() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const int error = pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "partage: cannot make a robust mutex");
}

/// The lock is held for moments, so it looks again before it sleeps. Less and less often: each look takes the line of the lock from
/// its holder, and two who take turns need a line's way from CPU to CPU for each turn, which is longer than the work of most
/// operations. While one of them pauses, the other does several.
Acquired RobustMutex::spin() {
  constexpr unsigned first = 200, longest = 3'200, most = 10'000;  // ns
  for (unsigned spun = 0, pause = first; spun < most; spun += pause, pause = std::min(pause * 2, longest)) {
    relax_cpu_for(pause);
    if ((futex_word() & FUTEX_TID_MASK) != 0) continue;
    if (const Acquired now = try_acquire(); now != Acquired::busy) return now;
  }
  return Acquired::busy;
}

Acquired RobustMutex::wait(const Deadline& deadline) {
  if (several_cpus()) {
    if (const Acquired now = spin(); now != Acquired::busy) return now;
  }
#if defined(__SANITIZE_THREAD__)
  if (!deadline) {  // nothing is killed under it, so no wake-up is lost; see below
    const int error = pthread_mutex_lock(&mutex_);
    return error == 0 ? Acquired::clean : outcome(error);
  }
#endif
  for (;;) {
    const auto awake = Clock::now() + longest_sleep;
    const bool last = deadline && *deadline <= awake;
    const int error = acquire_until(last ? *deadline : awake);
    if (error == 0) return Acquired::clean;
    if (last || error != ETIMEDOUT) return outcome(error);
  }
}

int RobustMutex::acquire_until(Clock::time_point deadline) noexcept {
#if defined(__SANITIZE_THREAD__)
  // GCC 12's ThreadSanitizer does not know pthread_mutex_clocklock, nor that a timed lock may be acquired owner-dead, and takes
  // the unlock for a wrong one. It knows both of trylock.
  for (;;) {
    const int error = pthread_mutex_trylock(&mutex_);
    if (error != EBUSY) return error;
    if (Clock::now() >= deadline) return ETIMEDOUT;
    sched_yield();
  }
#else
  const auto since_epoch = std::max(deadline.time_since_epoch(), Clock::duration::zero());  // negative ones are EINVAL
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  timespec until{};
  until.tv_sec = static_cast<std::time_t>(seconds.count());
  until.tv_nsec =
      static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds).count());
  return pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until);
#endif
}

Acquired RobustMutex::try_acquire() {
  RobustList* const list = RobustList::mine();
  if (list == nullptr) [[unlikely]]
    return try_by_glibc();
  if (!list->take(mutex_)) [[unlikely]]
    return try_by_glibc();
  if (!RobustList::is_glibcs(mutex_)) [[likely]]
    return Acquired::clean;
  list->give(mutex_);  // free, but unusable
  return try_by_glibc();
}

void RobustMutex::release() noexcept {
  if (RobustList::is_glibcs(mutex_)) {
    pthread_mutex_unlock(&mutex_);
  } else {
    RobustList::mine()->give(mutex_);
  }
}

Acquired RobustMutex::try_by_glibc() {
  const int error = pthread_mutex_trylock(&mutex_);
  if (error == 0) return Acquired::clean;
  if (error == ENOTRECOVERABLE) {  // glibc 2.36 leaves it taken in this case, by us, and outside the robust list
    __atomic_store_n(reinterpret_cast<u32*>(&mutex_), 0, __ATOMIC_RELEASE);
  }
  return outcome(error);
}

Acquired RobustMutex::outcome(int error) {
  switch (error) {
    case EOWNERDEAD:
      return Acquired::owner_died;
    case EBUSY:
    case ETIMEDOUT:
      return Acquired::busy;
    default:
      throw Corrupt(std::string("partage: a lock in the segment is unusable (") + std::strerror(error) +
                    "); the segment was damaged from outside, start a new manager");
  }
}

u32 RobustMutex::futex_word() const noexcept {
  // glibc keeps the futex word first; the ABI words in the segment header pin the libc that made the segment.
  return __atomic_load_n(reinterpret_cast<const u32*>(&mutex_), __ATOMIC_ACQUIRE);
}

pid_t RobustMutex::owner() const noexcept {
  const u32 word = futex_word();
  return (word & FUTEX_OWNER_DIED) != 0 ? 0 : static_cast<pid_t>(word & FUTEX_TID_MASK);
}

std::optional<FutexWord> RobustMutex::watch() noexcept {
  // As a contended lock() does: with the bit set the owner's unlock, and the kernel at its death, wake a sleeper.
  auto* const word = reinterpret_cast<u32*>(&mutex_);
  u32 seen = futex_word();
  while ((seen & FUTEX_OWNER_DIED) == 0 && (seen & FUTEX_TID_MASK) != 0) {
    if ((seen & FUTEX_WAITERS) != 0) return FutexWord{word, seen};
    if (__atomic_compare_exchange_n(word, &seen, seen | FUTEX_WAITERS, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      return FutexWord{word, seen | FUTEX_WAITERS};
    }
  }
  return std::nullopt;
}

bool RobustMutex::owner_dead() const noexcept {
  return (futex_word() & FUTEX_OWNER_DIED) != 0;
}

}  // namespace partage::kernel
