// The lock of everything in the segment: a process-shared robust mutex that says when its last owner died.
//
// Layout: one pthread_mutex_t, 40 bytes on x86-64 glibc. Type-stable memory: once a RobustMutex has been made at an address
//         it stays one for ever, because the kernel may still touch the lock word of a mutex it was told about
//         (list_op_pending) when a thread that once held it dies.
// Crash:  the owner dies -> the kernel marks the word owner-dead and wakes one waiter; the next acquire() returns
//         Acquired::owner_died. The caller repairs what the lock guards and calls mark_consistent(). It dies before that ->
//         the next one is told owner_died again. Unlocking without mark_consistent() would make the lock unusable for ever.
//
// Sleep:  acquire() spins for some 10 us where there are several CPUs. Then it sleeps in the kernel, never longer than
//         `longest_sleep` at a time. The kernel wakes one sleeper, which announces the others again when it locks; dead before
//         that, it leaves them to whoever holds the lock by then, whose unlock knows of no sleeper. (The kernel makes up for that
//         only if the lock is still free: handle_futex_death() in kernel/futex/core.c, "a woken up waiter is killed".) Such a
//         wake-up comes late instead of never.
//
// Fast:   a lock that is free is taken, and released, without glibc (robust_list.hpp); everything else is glibc's.
//
// Plain type, neither error-checking nor recursive: those compare thread ids, which collide across PID namespaces.
// Deadlines are on CLOCK_MONOTONIC.
#pragma once

#include <pthread.h>

#include <chrono>
#include <optional>

#include "manager/journal/word.hpp"
#include "manager/platform/futex.hpp"

namespace partage::kernel {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;  // nullopt: for ever

enum class Acquired { clean, owner_died, busy };

class RobustMutex {
 public:
  RobustMutex();
  RobustMutex(const RobustMutex&) = delete;
  RobustMutex& operator=(const RobustMutex&) = delete;

  /// Waits until the lock is ours or the deadline has passed (busy). Throws Corrupt for a lock that is no lock.
  [[nodiscard]] Acquired acquire(const Deadline& deadline = std::nullopt) {
    const Acquired at_once = try_acquire();
    return at_once == Acquired::busy ? wait(deadline) : at_once;
  }
  [[nodiscard]] Acquired try_acquire();
  /// acquire() of a lock that was busy just now.
  [[nodiscard]] Acquired wait(const Deadline& deadline) {
    const Acquired soon = spin();
    return soon == Acquired::busy ? sleep(deadline) : soon;
  }
  /// The two parts of it.
  [[nodiscard]] Acquired spin();
  [[nodiscard]] Acquired sleep(const Deadline& deadline);
  void mark_consistent() noexcept { pthread_mutex_consistent(&mutex_); }
  void release() noexcept;
  /// For its holder, instead of release(): nobody ever has it again, every acquire() throws Corrupt. For what was found damaged,
  /// and must be neither read nor repaired. It is what POSIX calls not recoverable.
  void condemn() noexcept;
  /// The same for a lock whose owner() is no thread at all: its word was overwritten.
  void condemn_for_ghost() noexcept;
  [[nodiscard]] bool held_by_ghost() const noexcept;
  [[nodiscard]] bool condemned() const noexcept;
  /// "" or why it cannot be the lock that was made here. What changes while it is used is not looked at.
  [[nodiscard]] const char* damage() const noexcept;

  /// Thread id of the present owner, 0 when free; an owner that died without a successor counts as none.
  [[nodiscard]] pid_t owner() const noexcept;
  /// The last owner died and nobody has acquired it since.
  [[nodiscard]] bool owner_dead() const noexcept;

  /// The lock word as something to sleep on until the owner's death or its release(); nullopt: it has no living owner now.
  /// The kernel wakes one sleeper at a death, which is to wake the others; release() wakes one as well.
  [[nodiscard]] std::optional<FutexWord> watch() noexcept;
  /// Wakes everybody who sleeps on watch().
  void wake_watchers() noexcept { wake_all(reinterpret_cast<const u32*>(&mutex_)); }

 private:
  static constexpr std::chrono::milliseconds longest_sleep{20};

  int acquire_until(Clock::time_point) noexcept;
  Acquired try_by_glibc();
  void refuse_damaged() const;
  void refuse_condemned() const;
  bool has_our_kind() const noexcept;
  static Acquired outcome(int error);
  u32 futex_word() const noexcept;

  pthread_mutex_t mutex_;
};
static_assert(sizeof(RobustMutex) == 40, "pthread_mutex_t differs: format.md and the ABI words must change with it");

/// Boost.Interprocess' Mutex and TimedMutex over a RobustMutex and the repair of what it guards; for scoped_lock and friends.
/// A process-local value of two pointers; `Guarded` has `void repair()`, called with the lock held after an owner's death.
template <class Guarded>
class RepairedMutex {
 public:
  RepairedMutex(RobustMutex& mutex, Guarded& guarded) noexcept : mutex_(&mutex), guarded_(&guarded) {}

  void lock() { settle(mutex_->acquire()); }
  bool try_lock() { return settle(mutex_->try_acquire()); }
  template <class TimePoint>
  bool timed_lock(const TimePoint& until) {
    return settle(mutex_->acquire(Clock::time_point(until)));
  }
  void unlock() noexcept { mutex_->release(); }

 private:
  bool settle(Acquired acquired) {
    if (acquired == Acquired::owner_died) {
      guarded_->repair();
      mutex_->mark_consistent();
    }
    return acquired != Acquired::busy;
  }
  RobustMutex* mutex_;
  Guarded* guarded_;
};

}  // namespace partage::kernel
