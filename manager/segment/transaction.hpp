// Transactions: one commit over several stripes, of one or several containers, or none of it.
//
// Layout of a record (1600 bytes, 64-aligned; the segment has `transaction_records` of them)
//     0  mutex      RobustMutex, held from before the first lock to after the last apply
//    40  decision   1: every participant's log counts
//    48  count      participants listed
//    56  reserved
//    64  list[192]  offsets of the participating stripes
//
// Rule T. Every participant's commit word names the record; the decision word is the only commit point. A record is reused
// only by the holder of its robust lock: after a normal end no commit word names it; whoever takes it owner-dead first
// locks, and so repairs, every listed stripe. So a stripe that is not yet repaired always finds its decision.
//
// Crash: before the decision -> each participant, when repaired, finds the decision unset and drops its log. After it ->
// each replays its own log, in any order, by anybody; while some are unrepaired their windows are open, so a reader of them
// takes the lock and repairs.
#pragma once

#include <memory>
#include <vector>

#include "manager/segment/change.hpp"

namespace partage::kernel {

inline constexpr std::size_t transaction_records = 16;
inline constexpr std::size_t most_participants = 192;

struct alignas(64) TransactionRecord {
  RobustMutex mutex;
  Word decision;
  Word count;
  Word reserved;
  Word list[most_participants];
};
static_assert(sizeof(TransactionRecord) == 1600 && offsetof(TransactionRecord, list) == 64);

/// Puts the record table into a fresh segment.
void make_transaction_records(Segment& segment);
bool transaction_decided(Segment& segment, u64 record) noexcept;
/// Repairs every stripe listed by a record whose holder died. For the reaper; any process may.
void repair_transactions(Segment& segment);

class Transaction {
 public:
  /// Takes a record, waiting if all are in use.
  explicit Transaction(Segment& segment);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  /// Locks stripes in ascending order of offset, without duplicates. A second call may only name stripes that come later in
  /// the lock order than all locked before (registry stripes after container stripes).
  void lock(std::vector<Stripe*> stripes);
  bool has(const Stripe& stripe) const noexcept;
  Change& change(Stripe& stripe);
  /// Unlocks everything and forgets all plans, keeping the record: for operations that must start over.
  void start_over() noexcept;

  /// Forgets locks and plans without touching shared memory: for a forked child, which owns none of them.
  void abandon() noexcept;

  void prepare();
  void open() noexcept;
  /// prepare() and open() where not done, decide, apply all, tidy up, unlock. Throws only before the decision.
  void commit();

 private:
  void unlock_all() noexcept;

  struct Participant {
    Stripe* stripe;
    std::unique_ptr<Change> change;
  };
  Segment& segment_;
  std::size_t record_;
  bool abandoned_ = false;
  std::vector<Participant> participants_;  // in lock order
};

}  // namespace partage::kernel
