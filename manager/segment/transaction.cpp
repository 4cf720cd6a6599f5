#include "manager/segment/transaction.hpp"

#include <algorithm>
#include <partage/error.hpp>
#include <string>

#include "manager/platform/thread_identity.hpp"

namespace partage::kernel {
namespace {

TransactionRecord& record_at(Segment& segment, std::size_t i) noexcept {
  return (&segment.at<TransactionRecord>(segment.header().records))[i];
}

/// The holder died: its transaction is over, whichever way it went. Lock, and so repair, everything it listed.
void repair_participants(Segment& segment, TransactionRecord& record) {
  segment.header().repairs.draw();
  const RepairScope patient;
  for (u64 i = 0, n = std::min<u64>(record.count.load(), most_participants); i < n; ++i) {
    const u64 offset = record.list[i].load();
    if (offset % alignof(Stripe) != 0 || !segment.holds(offset, sizeof(Stripe))) continue;  // damaged, and not followed
    try {
      StripeLock(segment, segment.at<Stripe>(offset)).unlock();
    } catch (const Corrupt&) {  // quarantined
    }
  }
  record.mutex.mark_consistent();
}

std::size_t take_record(Segment& segment) {
  const std::size_t first = this_thread() % transaction_records;  // so that processes and threads rarely meet
  const auto taken = [&](TransactionRecord& record, Acquired acquired) {
    if (acquired == Acquired::owner_died) repair_participants(segment, record);
    return acquired != Acquired::busy;
  };
  const auto place = [&](std::size_t i) { return (first + i) % transaction_records; };
  for (std::size_t i = 0; i < transaction_records; ++i) {
    TransactionRecord& record = record_at(segment, place(i));
    if (taken(record, record.mutex.try_acquire())) return place(i);
  }
  // All are in use. We wait at one after the other, a little: the holder of any single one may be stopped.
  constexpr std::chrono::milliseconds patience{2};
  const auto& timeout = segment.operation_timeout;
  const auto deadline = timeout ? Clock::now() + *timeout : Clock::time_point::max();
  for (std::size_t i = 0; i < transaction_records || Clock::now() < deadline; ++i) {
    TransactionRecord& record = record_at(segment, place(i));
    if (taken(record, record.mutex.acquire(std::min(Clock::now() + patience, deadline)))) return place(i);
  }
  throw TimeoutError(
      "partage: all transaction records of the segment stayed in use longer than operation_timeout; are "
      "processes stopped in the middle of an operation?");
}

}  // namespace

void make_transaction_records(Segment& segment) {
  auto* records = static_cast<std::byte*>(segment.heap().allocate(transaction_records * sizeof(TransactionRecord)));
  if (records == nullptr) {
    throw OutOfMemory("partage: no room for the tables of a segment; set a larger ManagerOptions::max_size",
                      segment.header().max, segment.runs().used(), transaction_records * sizeof(TransactionRecord));
  }
  for (std::size_t i = 0; i < transaction_records; ++i) {
    auto* record = new (records + i * sizeof(TransactionRecord)) TransactionRecord;
    const Draft draft(record, sizeof *record);
    draft.zero(&record->decision, (sizeof *record - offsetof(TransactionRecord, decision)) / 8);
  }
  segment.header().records = segment.offset_of(records);
}

bool transaction_decided(Segment& segment, u64 record) noexcept {
  return record < transaction_records && record_at(segment, record).decision.load() != 0;
}

void repair_transactions(Segment& segment) {
  for (std::size_t i = 0; i < transaction_records; ++i) {
    TransactionRecord& record = record_at(segment, i);
    if (!record.mutex.owner_dead()) continue;
    const Acquired acquired = record.mutex.try_acquire();
    if (acquired == Acquired::owner_died) repair_participants(segment, record);
    if (acquired != Acquired::busy) record.mutex.release();
  }
}

Transaction::Transaction(Segment& segment) : segment_(segment), record_(take_record(segment)) {
  TransactionRecord& record = record_at(segment_, record_);
  const Draft draft(&record, sizeof record);
  // Nothing names the record now. The order matters: a list must never be read with the decision of an earlier use.
  draft.set(record.count, 0);
  compiler_barrier();
  draft.set(record.decision, 0);
  compiler_barrier();
}

Transaction::~Transaction() {
  if (abandoned_) return;
  unlock_all();
  record_at(segment_, record_).mutex.release();
}

void Transaction::lock(std::vector<Stripe*> stripes) {
  std::ranges::sort(stripes);
  stripes.erase(std::unique(stripes.begin(), stripes.end()), stripes.end());
  std::erase_if(stripes, [&](Stripe* s) { return has(*s); });
  TransactionRecord& record = record_at(segment_, record_);
  const u64 count = record.count.load();
  if (count + stripes.size() > most_participants) {
    throw ValueError("partage: one atomic operation over " + std::to_string(count + stripes.size()) +
                     " locks; at most " + std::to_string(most_participants) + " are possible, split it");
  }
  const Draft draft(&record, sizeof record);
  for (std::size_t i = 0; i < stripes.size(); ++i) draft.set(record.list[count + i], segment_.offset_of(stripes[i]));
  compiler_barrier();
  draft.set(record.count, count + stripes.size());
  compiler_barrier();
  participants_.reserve(participants_.size() + stripes.size());
  for (Stripe* s : stripes) {
    lock_stripe(segment_, *s);
    participants_.push_back({s, nullptr});
  }
}

bool Transaction::has(const Stripe& stripe) const noexcept {
  return std::ranges::any_of(participants_, [&](const Participant& p) { return p.stripe == &stripe; });
}

Change& Transaction::change(Stripe& stripe) {
  const auto it = std::ranges::find_if(participants_, [&](const Participant& p) { return p.stripe == &stripe; });
  if (it == participants_.end()) throw Corrupt("partage: a transaction changes a stripe it has not locked");
  if (!it->change) it->change = std::make_unique<Change>(segment_, stripe);
  return *it->change;
}

void Transaction::unlock_all() noexcept {
  for (std::size_t i = participants_.size(); i-- > 0;) {
    participants_[i].change.reset();
    unlock_stripe(*participants_[i].stripe);
  }
  participants_.clear();
}

void Transaction::start_over() noexcept {
  unlock_all();
  TransactionRecord& record = record_at(segment_, record_);
  Draft(&record, sizeof record).set(record.count, 0);
}

void Transaction::abandon() noexcept {
  abandoned_ = true;
  for (const Participant& p : participants_) {
    if (p.change) p.change->abandon();
  }
  participants_.clear();
}

void Transaction::prepare() {
  for (const Participant& p : participants_) {
    if (p.change) p.change->prepare();
  }
}

void Transaction::open() noexcept {
  for (const Participant& p : participants_) {
    if (p.change && !p.change->empty()) p.change->open();
  }
}

void Transaction::commit() {
  prepare();
  open();
  std::vector<Change*> changes;
  changes.reserve(participants_.size());
  for (const Participant& p : participants_) {
    if (p.change && !p.change->empty()) changes.push_back(p.change.get());
  }
  if (changes.size() == 1) {
    changes[0]->commit();
  } else {
    for (Change* c : changes) c->lay(record_ + 1);
    Log::decide(record_at(segment_, record_).decision, 1);  // the commit point
    for (Change* c : changes) c->apply();
    for (Change* c : changes) c->tidy();
  }
  unlock_all();
}

}  // namespace partage::kernel
