#include "manager/segment/stripe_lock.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <partage/error.hpp>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/transaction.hpp"
#include "manager/segment/wait_table.hpp"

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

namespace {

/// A log of the heap may still write words of a stripe. One that is condemned writes nothing more, and a stripe's own log needs no
/// memory.
void repair_heap(Runs runs) {
  try {
    runs.repair();
  } catch (const Corrupt&) {
  }
}

}  // namespace

void GuardedStripe::repair() noexcept {
  const RepairScope patient;
  Stripe& s = *stripe_;
  Runs runs(*segment_);
  repair_heap(runs);
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
  try {
    runs.release_all(s.spill);
    runs.release_all(s.pend);
  } catch (const Corrupt&) {  // overwritten meanwhile: lost, but nothing else
  }
  if (hook.afterwards != nullptr) hook.afterwards(*segment_, s);
}

namespace {

/// "", or why what the dead holder left cannot be what an operation leaves; only then is it followed.
const char* unrepairable(Segment& segment, Stripe& s) {
  Runs runs(segment);
  repair_heap(runs);
  if (!runs.looks_like_list(s.pend.load()) || !runs.looks_like_list(s.spill.load())) return "memory in transit is none";
  const u64 commit = s.commit.load(), n = commit & CommitWord::count_mask, end = segment.header().max;
  if (commit >> CommitWord::record_shift > transaction_records) return "there is no such transaction";
  if ((commit & CommitWord::spilled) != 0) {
    if (n > end / sizeof(LogSlot) || !runs.looks_like_run(s.spill.load(), n * sizeof(LogSlot)))
      return "its log is nowhere";
    if (!logs_within(std::span(&segment.at<LogSlot>(s.spill.load()), n), end))
      return "its log leads out of the segment";
  } else {
    if (n > Stripe::near_slots) return "its log is too long";
    for (u64 i = 0; i < n; ++i) {
      if (!logs_within(std::span(&s.slot(i), 1), end)) return "its log leads out of the segment";
    }
  }
  const RepairHooks& hook = hooks()[static_cast<std::size_t>(s.kind()) % hooks().size()];
  return hook.is_sound == nullptr || hook.is_sound(segment, s) ? "" : "what was under way there cannot be";
}

/// For its holder. The window stays open, so that readers without the lock come to it as well.
void condemn_held(Stripe& stripe) noexcept {
  Window::open(stripe);
  stripe.mutex.condemn();
}
void condemn_for_ghost(Stripe& stripe) noexcept {
  Window::open(stripe);
  stripe.mutex.condemn_for_ghost();
}

void repair_or_condemn(Segment& segment, Stripe& stripe) {
  const char* reason = "";
  try {
    const RepairScope patient;
    reason = unrepairable(segment, stripe);
  } catch (...) {  // not repaired, so that nobody may have it
    condemn_held(stripe);
    throw;
  }
  if (*reason != '\0') {
    condemn_held(stripe);
    throw Corrupt(std::string("partage: a process died in an operation on an object, and what it left is damaged (") +
                  reason + "); the object is quarantined, `partage check` says which");
  }
  GuardedStripe(segment, stripe).repair();
  stripe.mutex.mark_consistent();
}

/// False: busy.
bool settled(Segment& segment, Stripe& stripe, Acquired acquired) {
  if (acquired == Acquired::owner_died) {
    segment.header().repairs.draw();
    repair_or_condemn(segment, stripe);
  }
  return acquired != Acquired::busy;
}

/// Of a lock that was busy just now.
Acquired wait_for(Segment& segment, Stripe& stripe, const Deadline& deadline) {
  Tally::add(segment.header().contended);
  if (Word* const tally = stripe.contended()) Tally::add(*tally);
  if (const Acquired soon = stripe.mutex.spin(); soon != Acquired::busy) return soon;
  const ShownWait shown(segment, segment.offset_of(&stripe), deadline.has_value(), Clock::now());
  return stripe.mutex.sleep(deadline);
}

}  // namespace

bool condemn_stripe(Stripe& stripe) noexcept {
  constexpr std::chrono::milliseconds moment{200};
  try {
    if (stripe.mutex.condemned()) {
      Window::open(stripe);  // whoever condemned it may have died before
    } else if (stripe.mutex.acquire(Clock::now() + moment) != Acquired::busy) {
      condemn_held(stripe);
    } else if (stripe.mutex.held_by_ghost()) {
      condemn_for_ghost(stripe);
    } else {
      return false;
    }
  } catch (const Corrupt&) {  // the lock itself was overwritten
    condemn_for_ghost(stripe);
  }
  return true;
}

void lock_stripe_after(Segment& segment, Stripe& stripe, Acquired at_once) {
  const Acquired acquired = at_once == Acquired::busy ? wait_for(segment, stripe, segment.deadline()) : at_once;
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
  return settled(segment, stripe, wait_for(segment, stripe, std::max(*until, Clock::now() + moment)));
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
  if (stripe.mutex.condemned()) StripeLock(segment_, stripe).unlock();  // throws
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
