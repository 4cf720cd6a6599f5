// What a lock, semaphore, condition, event or barrier looks like in a segment, and what their operations share.
//
// Layout of the body (320 bytes, Pool::list_body: a body with one stripe, whose lock is where a list has its lock)
//     0  config     kind of synchronisation | flags << 8 | 1 << 16; 0: the lock was never made
//     8  initial    semaphore: the initial value; barrier: parties
//    16  companion  condition: reference of its lock, 0 = none
//    24  patience   barrier: nanoseconds + 1 a wait() without a timeout waits at most, 0 = for ever
//    32  changed    WaitWord: who finds nothing to do sleeps on it
//    40  reserved[3]
//    64  stripe     kind plain; its body words
//          [0] contended  how often the lock was met busy, for people (journal/stripe.hpp)
//          [1] roster  run of the records << 8 | log2 of their number (roster.hpp)
//          [2] ends    of the roster
//          [3] state   lock: ClientId of the holder, 0 = free;  semaphore: the value;  event: times set << 1 | is set;
//                      condition: the last ticket that is notified;  barrier: BarrierState
//          [4] detail  lock: depth | thread << 32 | the holder before died << 63
//          [5] ticket  the last one given out (condition, barrier)
//
// Crash: every operation is one commit of the stripe, of at most eight words, so it needs no memory but for a longer roster.
#pragma once

#include <optional>

#include "manager/segment/change.hpp"
#include "manager/segment/client_life.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {

/// DO NOT CHANGE THESE VALUES: they are in segments.
enum class SyncKind : u8 { lock = 1, rlock = 2, semaphore = 3, condition = 4, event = 5, barrier = 6 };

namespace sync_flag {
inline constexpr u64 bounded = 1;  // semaphore: never above its initial value
inline constexpr u64 signal = 2;   // semaphore: permits are handed over, nobody owns one
inline constexpr u64 action = 4;   // barrier: somebody has an action for it
}  // namespace sync_flag

struct SyncConfig {
  SyncKind kind;
  u64 flags = 0;
  u64 initial = 0;
  u64 companion = 0;
  u64 patience = 0;
  std::optional<u64> value{};  // semaphore: what it begins with, if that is not `initial`

  u64 word() const noexcept { return static_cast<u64>(kind) | flags << 8 | u64{1} << 16; }
};

struct alignas(64) SyncBody {
  static constexpr std::size_t roster = 1, ends = 2, state = 3, detail = 4, ticket = 5;

  Word config;
  Word initial;
  Word companion;
  Word patience;
  WaitWord changed;
  Word reserved[3];
  Stripe stripe;

  SyncKind kind() const noexcept { return static_cast<SyncKind>(config.load() & 255); }
  u64 flags() const noexcept { return config.load() >> 8 & 255; }
};
static_assert(sizeof(SyncBody) == 320 && offsetof(SyncBody, stripe) == 64 && offsetof(SyncBody, changed) == 32);

/// Puts a body into `change` (of another stripe) and returns its offset. A companion must be counted by the caller.
u64 build_sync(Change& change, const SyncConfig& config);

/// The part all of them have. A process-local value of two pointers.
class SyncObject {
 public:
  SyncObject(Segment& segment, u64 body) noexcept : segment_(&segment), body_(&segment.at<SyncBody>(body)) {}

  SyncBody& body() const noexcept { return *body_; }

 protected:
  Segment& segment() const noexcept { return *segment_; }
  Stripe& stripe() const noexcept { return body_->stripe; }
  Word& word(std::size_t i) const noexcept { return body_->stripe.body[i]; }
  Lives lives() const noexcept { return Lives(*segment_); }
  bool is_dead(ClientId client) const { return lives().of(client) == Life::dead; }

  /// Tells the waiters, then commits.
  void publish(Change& change) const {
    change.prepare();
    body_->changed.announce();
    change.commit();
  }

  /// Calls attempt(change, waiting) under the lock until it returns true or the deadline has passed. When it returns false it
  /// has named those it depends on (waiting.depends_on), and nothing it planned counts.
  template <class Attempt>
  bool wait_until(const Deadline& deadline, Attempt attempt) const {
    Waiting waiting(*segment_, deadline);
    for (;;) {
      {
        if (!lock_stripe_until(*segment_, stripe(), deadline)) return false;
        const HeldStripe lock(stripe());
        Change change(*segment_, stripe());
        if (attempt(change, waiting)) return true;
        if (waiting.expired()) return false;
      }
      waiting.sleep();
    }
  }

  /// Scope of a stripe that is locked already.
  class HeldStripe {
   public:
    explicit HeldStripe(Stripe& stripe) noexcept : stripe_(stripe) {}
    HeldStripe(const HeldStripe&) = delete;
    HeldStripe& operator=(const HeldStripe&) = delete;
    ~HeldStripe() { unlock_stripe(stripe_); }

   private:
    Stripe& stripe_;
  };

 private:
  Segment* segment_;
  SyncBody* body_;
};

}  // namespace partage::kernel
