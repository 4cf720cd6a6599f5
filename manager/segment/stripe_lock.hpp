// Holding a stripe, and putting right what a dead holder left.
//
// lock_stripe() returns with the stripe locked and whole. After an owner's death it runs the repair of journal/stripe.hpp:
// the heap's log first (it writes `pend` words), then the stripe's own log, then the container's part (a shift in progress,
// an unpublished split), then the runs in transit. Every step may be killed and repeated.
//
// A stripe whose remains cannot be those of an operation was overwritten. It is condemned instead: whoever wants it gets Corrupt.
//
// Lock order, for everybody: transaction record -> container stripes by ascending offset -> registry stripes by ascending
// offset -> heap. A thread that runs user code (modify) never blocks: see ReadLock.
#pragma once

#include <partage/error.hpp>
#include <utility>
#include <vector>

#include "manager/journal/stripe.hpp"
#include "manager/platform/process_epoch.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

/// Container code that takes part in the repair of stripes of its kind. Registered once, before the first lock.
struct RepairHooks {
  /// Called after the log was replayed or dropped, before the window is closed; may open it again and commit.
  void (*settle)(Segment&, Stripe&) = nullptr;
  /// Called first, with the lock: what settle() would follow makes sense. False: the stripe is damaged.
  bool (*is_sound)(const Segment&, const Stripe&) = nullptr;
  /// Called last, with the window closed and nothing in transit.
  void (*afterwards)(Segment&, Stripe&) = nullptr;
};
/// Takes a damaged stripe out of use for good: readers without the lock and lockers alike get Corrupt. False: a living process
/// holds it, for longer than a moment. Repeating it is harmless.
bool condemn_stripe(Stripe& stripe) noexcept;
void set_repair_hooks(StripeKind kind, RepairHooks hooks) noexcept;

/// The rest of lock_stripe() when the lock is not simply free: waits, and repairs after a dead owner.
void lock_stripe_after(Segment& segment, Stripe& stripe, Acquired at_once);
/// Throws TimeoutError (naming the holder) after operation_timeout.
inline void lock_stripe(Segment& segment, Stripe& stripe) {
  const Acquired at_once = stripe.mutex.try_acquire();
  if (at_once != Acquired::clean) [[unlikely]]
    lock_stripe_after(segment, stripe, at_once);
}
bool try_lock_stripe(Segment& segment, Stripe& stripe);
/// For an operation that has a time of its own. False: still locked then; a moment is waited for in any case, because a lock
/// of an object is held for moments only.
bool lock_stripe_until(Segment& segment, Stripe& stripe, const Deadline& until);
inline void unlock_stripe(Stripe& stripe) noexcept {
  stripe.mutex.release();
}

/// Applies the slots a commit word counts and clears it. For committers and repairers, with the window open.
void apply_log(Segment& segment, Stripe& stripe) noexcept;

/// What repair() of a stripe does; also the `Guarded` of RepairedMutex, which makes a stripe Boost's Mutex.
class GuardedStripe {
 public:
  GuardedStripe(Segment& segment, Stripe& stripe) noexcept : segment_(&segment), stripe_(&stripe) {}
  /// A process that cannot finish it ends here, and the next locker finds the lock owner-dead again. Nothing in it needs
  /// new memory of the segment.
  void repair() noexcept;
  RepairedMutex<GuardedStripe> mutex() noexcept { return {stripe_->mutex, *this}; }

 private:
  Segment* segment_;
  Stripe* stripe_;
};

/// Scope of one locked stripe.
class StripeLock {
 public:
  StripeLock(Segment& segment, Stripe& stripe) : stripe_(&stripe) { lock_stripe(segment, stripe); }
  StripeLock(StripeLock&& other) noexcept : stripe_(std::exchange(other.stripe_, nullptr)) {}
  StripeLock& operator=(StripeLock&&) = delete;
  ~StripeLock() { unlock(); }
  void unlock() noexcept {
    if (stripe_ != nullptr) unlock_stripe(*std::exchange(stripe_, nullptr));
  }
  /// Forgets the lock without releasing it: for a forked child, which does not own it.
  void abandon() noexcept { stripe_ = nullptr; }

 private:
  Stripe* stripe_;
};

/// User code runs on this thread while it holds stripes (modify). Within this scope no write to any shared object is
/// allowed, and reads wait for nobody: they go on trying, so that two such threads can never wait for each other.
class UserCodeScope {
 public:
  UserCodeScope() noexcept : UserCodeScope(std::vector<Stripe*>()) {}  ///< holds none
  explicit UserCodeScope(Stripe& held) noexcept;
  explicit UserCodeScope(std::vector<Stripe*> held) noexcept;
  UserCodeScope(const UserCodeScope&) = delete;
  UserCodeScope& operator=(const UserCodeScope&) = delete;
  ~UserCodeScope();
  static bool active() noexcept { return innermost != nullptr; }
  static bool holds(const Stripe& stripe) noexcept;
  /// For a child process that starts a life of its own inside user code of its parent: it holds nothing.
  static void forget() noexcept;

 private:
  // Every operation asks for it, so it must cost one load, in a shared library too: the model allows it, as it takes eight of
  // the bytes that the loader keeps free for such variables.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local UserCodeScope* innermost;

  UserCodeScope* outer_;
  Stripe* one_ = nullptr;
  std::vector<Stripe*> many_;
};

/// Runs user code in a scope that make_scope() returns. A child that was forked inside it and comes back out owns no lock
/// and must write nothing: there `abandon()` forgets the locks without releasing them and UsageError is thrown.
template <class MakeScope, class Code, class Abandon>
void run_user_code_in(MakeScope&& make_scope, Code&& code, Abandon&& abandon) {
  const u64 epoch = process_epoch();
  try {
    const UserCodeScope scope = make_scope();
    code();
  } catch (...) {
    if (process_epoch() != epoch) abandon();
    throw;
  }
  if (process_epoch() != epoch) {
    abandon();
    throw UsageError(
        "partage: modify(): this child was forked inside the function, so the change is its parent's; nothing "
        "was written here");
  }
}
/// Under one held stripe.
template <class Code, class Abandon>
void run_user_code(Stripe& held, Code&& code, Abandon&& abandon) {
  run_user_code_in([&] { return UserCodeScope(held); }, code, abandon);
}
/// Under none: for what publishes its result without a lock.
template <class Code>
void run_user_code(Code&& code) {
  run_user_code_in([] { return UserCodeScope(); }, code, [] {});
}
[[noreturn]] void throw_in_user_code(const char* operation);
/// Throws UsageError when user code of modify() tries to write a shared object.
inline void refuse_in_user_code(const char* operation) {
  if (UserCodeScope::active()) [[unlikely]]
    throw_in_user_code(operation);
}

/// How a read in user code goes on when it is disturbed: without the lock, for as long as it takes. Were it to wait for the
/// lock, two threads in user code that read each other's object would wait for each other for ever. The stripe of such a
/// thread is calm, so that the next try succeeds.
class UserCodeRead {
 public:
  explicit UserCodeRead(Segment& segment);
  /// After a try that failed: repairs the stripe if its holder died, and lets others run. Throws TimeoutError after
  /// operation_timeout.
  void disturbed(Stripe& stripe);

 private:
  Segment& segment_;
  Deadline deadline_;
};

/// Scope of a stripe locked for reading. Inside user code that holds the stripe anyway it does nothing; inside other user
/// code it tries, repairing after the dead, until operation_timeout. The reads of containers do not use it there.
class ReadLock {
 public:
  ReadLock(Segment& segment, Stripe& stripe);
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;
  ~ReadLock() {
    if (stripe_ != nullptr) unlock_stripe(*stripe_);
  }

 private:
  Stripe* stripe_;
};

}  // namespace partage::kernel
