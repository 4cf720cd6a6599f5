// Locks, semaphores, conditions, events and barriers as the registry sees them, whichever of them it is.
//
// Thread and process safety: as the objects. Errors: as theirs.
#pragma once

#include <string>

#include "manager/container/sync_body.hpp"
#include "manager/segment/object_table.hpp"

namespace partage::kernel {

class Sync : public SyncObject {
 public:
  using SyncObject::SyncObject;

  /// Semaphore: its value. Event: 1 if it is set. Lock: 1 if it is taken. Condition, barrier: those who wait.
  std::size_t size() const;
  /// The object a condition refers to: its lock; 0 = none.
  ObjectRef companion() const noexcept { return body().companion.load(); }
  /// Gives it to one that has none, in one transaction with its count. ValueError: it has gone.
  void set_companion(ObjectRef ref) const;
  /// A client has ended; `died`: not in an orderly way. What passes on, passes on.
  void give_back(ClientId client, bool died) const;

  /// Drops the companion. False: there was none.
  bool drop_some(std::size_t most) const;
  void clear() const {}
  void dismantle(Change& change) const;
  std::size_t bytes_used() const;
  std::string verify(std::vector<u64>& runs, Leftovers leftovers = Leftovers::damage) const;
  /// Takes a damaged one out of use, and wakes who waits in it. False: a living process holds its lock.
  bool condemn() const;

 private:
  void change_companion(ObjectRef from, ObjectRef to) const;
};

}  // namespace partage::kernel
