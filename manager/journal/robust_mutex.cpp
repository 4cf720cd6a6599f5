#include "manager/journal/robust_mutex.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
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

namespace {

// What glibc writes into __owner (nptl/pthreadP.h): of a lock whose owner died and nobody has repaired what it guards, and of one
// that was released so.
constexpr int inconsistent = 0x7fffffff, not_recoverable = 0x7ffffffe;

int kind_of_ours() noexcept {
  static constinit std::atomic<int> known{-1};  // no guarded static: see RobustList::find()
  int kind = known.load(std::memory_order_relaxed);
  if (kind == -1) {
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    known.store(kind = mutex.__data.__kind, std::memory_order_relaxed);
    pthread_mutex_destroy(&mutex);
  }
  return kind;
}

}  // namespace

/// The lock is held for moments, so it looks again before it sleeps. Less and less often: each look takes the line of the lock from
/// its holder, and two who take turns need a line's way from CPU to CPU for each turn, which is longer than the work of most
/// operations. While one of them pauses, the other does several.
Acquired RobustMutex::spin() {
  if (!several_cpus()) return Acquired::busy;
  constexpr unsigned first = 200, longest = 3'200, most = 10'000;  // ns
  for (unsigned spun = 0, pause = first; spun < most; spun += pause, pause = std::min(pause * 2, longest)) {
    relax_cpu_for(pause);
    if ((futex_word() & FUTEX_TID_MASK) != 0) continue;
    if (const Acquired now = try_acquire(); now != Acquired::busy) return now;
  }
  return Acquired::busy;
}

Acquired RobustMutex::sleep(const Deadline& deadline) {
  refuse_damaged();
#if defined(__SANITIZE_THREAD__)
  if (!deadline) {  // nothing is killed under it, so no wake-up is lost; see below
    const int error = pthread_mutex_lock(&mutex_);
    return error == 0 ? Acquired::clean : outcome(error);
  }
#endif
  for (;;) {
    refuse_condemned();
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

void RobustMutex::condemn() noexcept {
  if (RobustList::is_glibcs(mutex_)) {
    __atomic_store_n(&mutex_.__data.__owner, inconsistent, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&mutex_);
  } else {
    __atomic_store_n(&mutex_.__data.__owner, not_recoverable, __ATOMIC_RELAXED);
    RobustList::mine()->give(mutex_);
  }
}

void RobustMutex::condemn_for_ghost() noexcept {
  auto* const word = reinterpret_cast<u32*>(&mutex_);
  __atomic_store_n(&mutex_.__data.__owner, not_recoverable, __ATOMIC_RELAXED);
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
  wake_all(word);
}

bool RobustMutex::condemned() const noexcept {
  return __atomic_load_n(&mutex_.__data.__owner, __ATOMIC_RELAXED) == not_recoverable;
}

bool RobustMutex::has_our_kind() const noexcept {
  return mutex_.__data.__kind == kind_of_ours();
}

/// The kernel marks a lock before the id of its owner is free, so a word that still names a thread which is not there was
/// overwritten.
bool RobustMutex::held_by_ghost() const noexcept {
  const u32 word = futex_word();
  const auto owner = static_cast<pid_t>(word & FUTEX_TID_MASK);
  if ((word & FUTEX_OWNER_DIED) != 0 || owner == 0 || ::kill(owner, 0) == 0 || errno != ESRCH) return false;
  return futex_word() == word;
}

const char* RobustMutex::damage() const noexcept {
  if (!has_our_kind()) return "a lock of another kind than the one that was made there";
  return held_by_ghost() ? "a lock held by a thread that does not exist" : "";
}

/// glibc does other things with a lock of another kind, and ends the process for some.
void RobustMutex::refuse_damaged() const {
  if (!has_our_kind()) {
    throw Corrupt(
        "partage: a lock in the segment is of another kind than the one that was made there; the segment was damaged "
        "from outside, `partage check` says where");
  }
}

/// Before glibc is asked: whoever died while he condemned it left the word marked, and glibc would give it out for repair.
void RobustMutex::refuse_condemned() const {
  if (condemned()) outcome(ENOTRECOVERABLE);
}

Acquired RobustMutex::try_by_glibc() {
  refuse_damaged();
  refuse_condemned();
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
    case ENOTRECOVERABLE:
      throw Corrupt(
          "partage: this object was found damaged and is quarantined: it is neither read nor changed any more, the "
          "others go on; "
          "`partage check` says what is wrong with it");
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
