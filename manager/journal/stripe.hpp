// A stripe: the unit of lock + log + sequence + structure. A list is one stripe; a dict is one or several; the registry
// of objects is a row of them.
//
// Layout (256 bytes, 64-aligned; one cache line a row)
//     0  mutex   RobustMutex, 40 bytes
//    40  commit  0 = nothing decided; else n | spilled << 47 | (record + 1) << 48, n = number of log slots that count
//    48  log[0]  a one-word or two-word commit touches no further line but the second
//    64  seq     odd while a window is open
//    72  pend    list (by run link) of runs in transit: fresh ones before a commit, retired ones after it
//    80  body    6 words of the container that owns the stripe; one it does not use counts how often the lock was busy
//   128  log[1..7]
//   240  owner   offset of the object's body (64-aligned) | kind of stripe in the low 6 bits
//   248  spill   run that holds the whole log when it is longer than 8 slots
//
// Crash (commit protocol: lock, plan, lay, open window, commit word, apply, clear commit word, close, unlock, free pend)
//   before the commit word   the next locker drops the plan: closes the window, frees the runs on `pend` and `spill`
//   after it                 replays the slots (absolute values), clears the word, closes, frees what `pend` names now
//   commit word of a transaction (record + 1 != 0): counts only if the record's decision word is set
//   dies while repairing     the mutex is owner-dead again; every step above may be repeated
//
// Windows (rule W): a window is opened before an order number is drawn or a decision is stored, and closed after the own
// apply. Nobody can validate a read of the stripe in between, so the draw or the decision is the linearisation point.
// Nobody waits for a lock with a window open.
#pragma once

#include "manager/journal/log.hpp"
#include "manager/journal/robust_mutex.hpp"

namespace partage::kernel {

/// What a stripe belongs to; selects the container's part of a repair. DO NOT CHANGE THESE VALUES: they are in segments.
enum class StripeKind : u64 { plain = 0, list = 1, dict = 2, dict_first = 3, registry = 4 };

struct alignas(64) Stripe {
  static constexpr std::size_t near_slots = 8;
  static constexpr std::size_t body_words = 6;

  RobustMutex mutex;
  Word commit;
  LogSlot first;
  Word seq;
  Word pend;
  Word body[body_words];
  LogSlot more[near_slots - 1];
  Word owner;
  Word spill;

  LogSlot& slot(std::size_t i) noexcept { return i == 0 ? first : more[i - 1]; }
  StripeKind kind() const noexcept { return static_cast<StripeKind>(owner.load() & 63); }
  u64 owner_offset() const noexcept { return owner.load() & ~u64{63}; }
  /// The Tally of those who met the lock busy; nullptr: a stripe of no object has none.
  Word* contended() noexcept {
    if (kind() == StripeKind::plain)
      return owner_offset() != 0 ? &body[0] : nullptr;  // of an object of synchronisation
    return &body[5];
  }
};
static_assert(sizeof(Stripe) == 256 && alignof(Stripe) == 64);
static_assert(offsetof(Stripe, commit) == 40 && offsetof(Stripe, first) == 48 && offsetof(Stripe, seq) == 64);
static_assert(offsetof(Stripe, pend) == 72 && offsetof(Stripe, body) == 80 && offsetof(Stripe, more) == 128);
static_assert(offsetof(Stripe, owner) == 240 && offsetof(Stripe, spill) == 248);

/// The fields of a commit word.
struct CommitWord {
  static constexpr u64 spilled = u64{1} << 47;
  static constexpr u64 count_mask = spilled - 1;
  static constexpr unsigned record_shift = 48;

  static u64 make(u64 count, bool spill, u64 record_plus_1) noexcept {
    return count | (spill ? spilled : 0) | record_plus_1 << record_shift;
  }
};

/// The sequence word of a stripe. Only for the holder of the stripe's lock.
class Window {
 public:
  static void open(Stripe& s) noexcept {
    if (const u64 seq = s.seq.load(); (seq & 1) == 0) {
      s.seq.store(seq + 1);
      std::atomic_thread_fence(std::memory_order_release);
    }
    compiler_barrier();
  }
  static void close(Stripe& s) noexcept {
    compiler_barrier();
    s.seq.store_release(s.seq.load() + 1);
    compiler_barrier();
  }
  static bool is_open(const Stripe& s) noexcept { return (s.seq.load() & 1) != 0; }
};

/// One attempt at a read without the lock: begin() fails while a window is open; valid() says whether everything read in
/// between belongs to one state. Every offset read in between must be bound-checked before it is followed.
class OptimisticRead {
 public:
  explicit OptimisticRead(const Stripe& s) noexcept : stripe_(s), seq_(s.seq.load_acquire()) {}
  bool begun() const noexcept { return (seq_ & 1) == 0; }
  bool valid() const noexcept {
    std::atomic_thread_fence(std::memory_order_acquire);
    return stripe_.seq.load() == seq_;
  }
  u64 seq() const noexcept { return seq_; }

 private:
  const Stripe& stripe_;
  u64 seq_;
};

}  // namespace partage::kernel
