#include "manager/registry/control_table.hpp"

#include <partage/error.hpp>
#include <string>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/client_life.hpp"
#include "manager/segment/transaction.hpp"
#include "manager/segment/wait_table.hpp"

namespace partage::kernel {

bool has_tables(const Segment& segment) noexcept {
  const SegmentHeader& header = segment.header();
  const auto is_table = [&](u64 offset, u64 bytes) {
    return offset % 64 == 0 && offset >= heap_offset && segment.holds(offset, bytes);
  };
  return is_table(header.registry, sizeof(ObjectTable)) && is_table(header.clients, sizeof(ControlTable)) &&
         is_table(header.lives, client_slots * sizeof(ClientLife)) &&
         (header.waits == 0 || is_table(header.waits, wait_entries * sizeof(WaitEntry))) &&
         is_table(header.records, transaction_records * sizeof(TransactionRecord));
}

void make_control_table(Segment& segment) {
  void* memory = segment.heap().allocate(sizeof(ControlTable));
  if (memory == nullptr) {
    throw OutOfMemory("partage: no room for the tables of a segment; set a larger ManagerOptions::max_size",
                      segment.header().max, segment.runs().used(), sizeof(ControlTable));
  }
  const Draft draft(memory, sizeof(ControlTable));
  draft.zero(static_cast<Word*>(memory), sizeof(ControlTable) / 8);
  auto* table = static_cast<ControlTable*>(memory);
  new (&table->stripe.mutex) RobustMutex;
  new (&table->reaper.mutex) RobustMutex;
  for (ActivityLock& lock : table->collector) new (&lock.mutex) RobustMutex;
  draft.set(table->pid_namespace, own_pid_namespace());
  segment.header().clients = segment.offset_of(table);
}

ActivityGuard::ActivityGuard(const Segment& segment, ActivityLock& lock, const char* what) {
  settle(lock, lock.mutex.acquire(segment.deadline()));
  if (!held()) {
    throw TimeoutError(std::string("partage: somebody was ") + what +
                       " longer than operation_timeout: " + describe_thread(lock.mutex.owner()));
  }
}

ActivityGuard::ActivityGuard(ActivityLock& lock) {
  settle(lock, lock.mutex.try_acquire());
}

void ActivityGuard::settle(ActivityLock& lock, Acquired acquired) noexcept {
  if (acquired == Acquired::busy) return;
  if (acquired == Acquired::owner_died) lock.mutex.mark_consistent();  // it guards no words
  lock_ = &lock;
}

}  // namespace partage::kernel
