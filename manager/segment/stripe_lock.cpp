#include "manager/segment/stripe_lock.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <partage/error.hpp>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/transaction.hpp"

namespace partage::kernel {
namespace {

std::array<RepairHooks, 8>& hooks() noexcept {
  static std::array<RepairHooks, 8> table{};
  return table;
}

[[noreturn]] void stayed_locked(const Stripe& stripe) {
  throw TimeoutError("partage: a shared object stayed locked longer than operation_timeout, by " +
                     describe_thread(stripe.mutex.owner()));
}

/// The commit word counts: alone, or because its transaction was decided.
bool decided(Segment& segment, u64 commit) noexcept {
  const u64 record = commit >> CommitWord::record_shift;
  return record == 0 || transaction_decided(segment, record - 1);
}

}  // namespace

void set_repair_hooks(StripeKind kind, RepairHooks h) noexcept {
  hooks()[static_cast<std::size_t>(kind)] = h;
}

void apply_log(Segment& segment, Stripe& s) noexcept {
  const u64 commit = s.commit.load();
  const u64 n = commit & CommitWord::count_mask;
  std::byte* base = segment.base();
  if ((commit & CommitWord::spilled) != 0) {
    const auto* slots = &segment.at<LogSlot>(s.spill.load());
    for (u64 i = 0; i < n; ++i) Log::apply(slots[i], base);
  } else {
    for (u64 i = 0; i < n; ++i) Log::apply(s.slot(i), base);
  }
  Log::decide(s.commit, 0);
}

void GuardedStripe::repair() noexcept {
  const RepairScope patient;
  Stripe& s = *stripe_;
  Runs runs(*segment_);
  runs.repair();
  if (const u64 commit = s.commit.load(); commit != 0) {
    if (decided(*segment_, commit)) {
      Window::open(s);
      apply_log(*segment_, s);
    } else {
      Log::decide(s.commit, 0);
    }
  }
  const RepairHooks& hook = hooks()[static_cast<std::size_t>(s.kind()) % hooks().size()];
  if (hook.settle != nullptr) hook.settle(*segment_, s);
  if (Window::is_open(s)) Window::close(s);
  runs.release_all(s.spill);
  runs.release_all(s.pend);
  if (hook.afterwards != nullptr) hook.afterwards(*segment_, s);
}

namespace {
/// False: busy.
bool settled(Segment& segment, Stripe& stripe, Acquired acquired) {
  if (acquired == Acquired::owner_died) {
    segment.header().repairs.draw();
    GuardedStripe(segment, stripe).repair();
    stripe.mutex.mark_consistent();
  }
  return acquired != Acquired::busy;
}
}  // namespace

void lock_stripe_after(Segment& segment, Stripe& stripe, Acquired at_once) {
  const Acquired acquired = at_once == Acquired::busy ? stripe.mutex.wait(segment.deadline()) : at_once;
  if (!settled(segment, stripe, acquired)) stayed_locked(stripe);
}

bool try_lock_stripe(Segment& segment, Stripe& stripe) {
  return settled(segment, stripe, stripe.mutex.try_acquire());
}

bool lock_stripe_until(Segment& segment, Stripe& stripe, const Deadline& until) {
  constexpr std::chrono::milliseconds moment{20};
  if (settled(segment, stripe, stripe.mutex.try_acquire())) return true;
  const Deadline patience = segment.deadline();
  if (!until || (patience && *patience <= *until)) {
    lock_stripe(segment, stripe);
    return true;
  }
  return settled(segment, stripe, stripe.mutex.acquire(std::max(*until, Clock::now() + moment)));
}

constinit thread_local UserCodeScope* UserCodeScope::innermost = nullptr;

UserCodeScope::UserCodeScope(Stripe& held) noexcept : outer_(std::exchange(innermost, this)), one_(&held) {}
UserCodeScope::UserCodeScope(std::vector<Stripe*> held) noexcept
    : outer_(std::exchange(innermost, this)), many_(std::move(held)) {}
UserCodeScope::~UserCodeScope() {
  innermost = outer_;
}
void UserCodeScope::forget() noexcept {
  innermost = nullptr;
}
bool UserCodeScope::holds(const Stripe& stripe) noexcept {
  for (const UserCodeScope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->one_ == &stripe || std::ranges::find(scope->many_, &stripe) != scope->many_.end()) return true;
  }
  return false;
}

void throw_in_user_code(const char* operation) {
  throw UsageError(
      std::string("partage: ") + operation + " inside the function of modify(): it runs under the object's " +
      "lock, so it may read shared objects but not write any; change its argument, write after it returns");
}

UserCodeRead::UserCodeRead(Segment& segment) : segment_(segment) {
  if (segment.operation_timeout) deadline_ = Clock::now() + *segment.operation_timeout;
}

void UserCodeRead::disturbed(Stripe& stripe) {
  if (stripe.mutex.owner_dead() && try_lock_stripe(segment_, stripe)) unlock_stripe(stripe);
  if (deadline_ && Clock::now() >= *deadline_) stayed_locked(stripe);
  sched_yield();
}

ReadLock::ReadLock(Segment& segment, Stripe& stripe) : stripe_(nullptr) {
  if (!UserCodeScope::active()) {
    lock_stripe(segment, stripe);
  } else if (!UserCodeScope::holds(stripe)) {
    for (UserCodeRead read(segment); !try_lock_stripe(segment, stripe);) read.disturbed(stripe);
  } else {
    return;
  }
  stripe_ = &stripe;
}

}  // namespace partage::kernel
