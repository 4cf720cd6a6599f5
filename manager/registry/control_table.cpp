#include "manager/registry/control_table.hpp"

#include <partage/error.hpp>
#include <string>

#include "manager/platform/process_identity.hpp"

namespace partage::kernel {

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
  switch (lock.mutex.acquire(segment.deadline())) {
    case Acquired::owner_died:
      lock.mutex.mark_consistent();
      [[fallthrough]];
    case Acquired::clean:
      lock_ = &lock;
      return;
    case Acquired::busy:
      throw TimeoutError(std::string("partage: somebody was ") + what +
                         " longer than operation_timeout: " + describe_thread(lock.mutex.owner()));
  }
}

ActivityGuard::ActivityGuard(ActivityLock& lock) {
  switch (lock.mutex.try_acquire()) {
    case Acquired::owner_died:
      lock.mutex.mark_consistent();
      [[fallthrough]];
    case Acquired::clean:
      lock_ = &lock;
      return;
    case Acquired::busy:
      return;
  }
}

}  // namespace partage::kernel
