// A flag that processes wait for: Event at the byte level.
//
// The state word counts how often it was set, so that a waiter sees a set() that a clear() followed at once.
//
// Death: nobody owns an event; one that dies waiting leaves nothing behind. Crash: every operation is one store.
// Thread and process safety: full; is_set() takes no lock. Errors: as Lock.
#pragma once

#include "manager/container/sync_body.hpp"

namespace partage::kernel {

class Event : public SyncObject {
 public:
  using SyncObject::SyncObject;

  bool is_set() const noexcept { return (word(SyncBody::state).load_acquire() & 1) != 0; }
  void set() const;
  void clear() const;
  /// True: it is set, or was meanwhile. False: not before the deadline.
  bool wait(const Deadline& deadline) const;
};

}  // namespace partage::kernel
