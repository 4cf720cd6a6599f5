// A word that waiters sleep on: "look again, something may have changed".
//
//   waiter    { lock; nothing to do for me; seen = word.expect(); unlock }  sleep until the word is not `seen`  { lock; ... }
//   changer   { lock; plan; word.announce(); commit; unlock }
//
// Announced BEFORE the commit, under the lock. The woken find the lock taken and wait for it, which survives any death: the
// changer dies after announcing -> they get the lock owner-dead, repair, and see either state; it dies before -> nothing was
// committed, and nothing is missed. There is no instant at which a change is committed and its waiters sleep uninformed.
// Everybody is woken, always: a wake-up for one would be lost with that one.
//
// Layout: one Word. Its low half is a futex: a counter of announcements * 2 | 1 while somebody may sleep on it. The bit
// keeps an announcement nobody waits for at one load. It is set under the lock, and cleared after the sleepers were
// woken, so a death in between leaves it set: the next announcement wakes nobody at the price of a system call. Its
// high half counts the sleeps, for people.
//
// Outside rule R, as Ticket: it guards nothing, and any value of it is a sound one.
// Thread and process safety: expect() and announce() under the lock of what is waited for; awaited() by anybody.
#pragma once

#include "manager/journal/word.hpp"
#include "manager/platform/futex.hpp"

namespace partage::kernel {

class WaitWord {
 public:
  bool awaited() const noexcept { return (word_.load() & waiting) != 0; }

  /// For a waiter that is about to unlock and sleep: what the word is until the next announcement.
  FutexWord expect() noexcept {
    const u64 seen = __atomic_or_fetch(&word_.value_, waiting, __ATOMIC_SEQ_CST);
    return {half(), static_cast<u32>(seen)};
  }
  /// Somebody sleeps on it now.
  void count_sleep() noexcept { __atomic_fetch_add(half() + 1, 1, __ATOMIC_RELAXED); }
  /// How often anybody has, modulo 2^32.
  u32 sleeps() const noexcept { return static_cast<u32>(word_.load() >> 32); }
  void announce() noexcept {
    if (awaited()) [[unlikely]]
      wake_sleepers();
  }

 private:
  static constexpr u64 waiting = 1;

  u32* half() noexcept { return reinterpret_cast<u32*>(&word_.value_); }
  void wake_sleepers() noexcept;

  Word word_;
};
static_assert(sizeof(WaitWord) == 8);

}  // namespace partage::kernel
