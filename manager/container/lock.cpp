#include "manager/container/lock.hpp"

#include "manager/platform/thread_identity.hpp"

namespace partage::kernel {
namespace {

/// The detail word.
struct Hold {
  u32 depth;
  u32 thread;
  bool died;  // the holder before did
  static Hold of(u64 w) noexcept { return {static_cast<u32>(w), static_cast<u32>(w >> 32) & 0x7FFFFFFF, w >> 63 != 0}; }
  u64 word() const noexcept { return depth | u64{thread} << 32 | u64{died} << 63; }
};

}  // namespace

bool Lock::take(Change& change, Waiting& waiting, u32 depth) const {
  const ClientId me = lives().self(), holder = ClientId::of(word(SyncBody::state).load());
  Hold hold = Hold::of(word(SyncBody::detail).load());
  const bool dead = holder.slot != 0 && is_dead(holder);
  if (holder.slot == 0 || dead) {
    change.put(word(SyncBody::state), me.word());
    const Hold now{reentrant() ? depth : 0, reentrant() ? this_thread() : 0, dead || hold.died};
    if (now.word() != hold.word()) change.put(word(SyncBody::detail), now.word());
    if (dead) {
      publish(change);  // those who wait for the dead one wait for us now
    } else {
      change.commit();
    }
    return true;
  }
  if (reentrant() && holder == me && hold.thread == this_thread()) {
    ++hold.depth;
    change.put(word(SyncBody::detail), hold.word());
    change.commit();
    return true;
  }
  waiting.expect(body().changed, stripe());
  waiting.depends_on(holder);
  return false;
}

bool Lock::acquire(const Deadline& deadline) const {
  refuse_in_user_code("acquire");
  return wait_until(deadline, [&](Change& change, Waiting& waiting) { return take(change, waiting, 1); });
}

void Lock::acquire_again(u32 depth) const {
  wait_until(std::nullopt, [&](Change& change, Waiting& waiting) { return take(change, waiting, depth); });
}

bool Lock::release() const {
  refuse_in_user_code("release");
  const ClientId me = lives().self();
  const StripeLock lock(segment(), stripe());
  const ClientId holder = ClientId::of(word(SyncBody::state).load());
  if (holder.slot == 0 || (holder != me && is_dead(holder))) return false;
  Change change(segment(), stripe());
  if (reentrant()) {
    Hold hold = Hold::of(word(SyncBody::detail).load());
    if (holder != me || hold.thread != this_thread()) return false;
    if (--hold.depth != 0) {
      change.put(word(SyncBody::detail), hold.word());
      change.commit();
      return true;
    }
  }
  change.put(word(SyncBody::state), 0);
  if (word(SyncBody::detail).load() != 0) change.put(word(SyncBody::detail), 0);
  publish(change);
  return true;
}

u32 Lock::release_all() const {
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  const u32 depth = std::max<u32>(Hold::of(word(SyncBody::detail).load()).depth, 1);
  change.put(word(SyncBody::state), 0);
  if (word(SyncBody::detail).load() != 0) change.put(word(SyncBody::detail), 0);
  publish(change);
  return depth;
}

std::optional<ClientId> Lock::holder() const {
  for (;;) {
    const u64 state = word(SyncBody::state).load_acquire();
    const ClientId holder = ClientId::of(state);
    if (holder.slot == 0) return std::nullopt;
    const bool dead = is_dead(holder);
    // One that was reaped meanwhile looks as if it had ended in an orderly way; but then the lock was given back before.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (word(SyncBody::state).load() == state) return dead ? std::nullopt : std::optional(holder);
  }
}

bool Lock::locked() const {
  return holder().has_value();
}

u32 Lock::depth() const {
  const ReadLock lock(segment(), stripe());
  if (!holder()) return 0;
  return reentrant() ? Hold::of(word(SyncBody::detail).load()).depth : 1;
}

bool Lock::held_here() const {
  const ReadLock lock(segment(), stripe());
  const auto now = holder();
  if (!now || !reentrant()) return now.has_value();
  return *now == lives().self() && Hold::of(word(SyncBody::detail).load()).thread == this_thread();
}

bool Lock::owner_died() const {
  refuse_in_user_code("owner_died");
  if (!Hold::of(word(SyncBody::detail).load_acquire()).died) return false;
  const StripeLock lock(segment(), stripe());
  Hold hold = Hold::of(word(SyncBody::detail).load());
  if (!hold.died || ClientId::of(word(SyncBody::state).load()) != lives().self()) return false;
  hold.died = false;
  Change change(segment(), stripe());
  change.put(word(SyncBody::detail), hold.word());
  change.commit();
  return true;
}

void Lock::give_back(ClientId client) const {
  if (word(SyncBody::state).load() != client.word()) return;
  const StripeLock lock(segment(), stripe());
  if (word(SyncBody::state).load() != client.word()) return;
  Change change(segment(), stripe());
  change.put(word(SyncBody::state), 0);
  change.put(word(SyncBody::detail), Hold{0, 0, true}.word());
  publish(change);
}

}  // namespace partage::kernel
