// The waiters of a condition, and who of them is notified. Its lock is another object (body().companion); taking and releasing
// that around a wait is the caller's:
//
//     const u64 ticket = condition.enlist();            // under the condition's lock
//     const u32 depth = lock.release_all();
//     condition.await(ticket, deadline);
//     lock.acquire_again(depth);
//     const bool notified = condition.leave(ticket);
//
// A waiter is a record {client, ticket} in the roster, from before the lock is released until it is taken again. Those whose
// ticket is not above the horizon (the state word) are notified: notify(n) moves the horizon to the n-th living waiter that is
// not, which is one word, whatever n.
//
// Death: a waiter that dies before it was notified is not counted; one that dies after, before it left, passes its notification
// on to the next. Other waiters sleep on the life of the notified ones, and see to it.
// Crash: every operation is one commit. Thread and process safety: full. Errors: as Semaphore.
#pragma once

#include "manager/container/roster.hpp"
#include "manager/container/sync_body.hpp"

namespace partage::kernel {

class Condition : public SyncObject {
 public:
  using SyncObject::SyncObject;

  u64 enlist() const;
  /// Sleeps until the ticket is notified. False: the deadline has passed.
  bool await(u64 ticket, const Deadline& deadline) const;
  /// Ends the wait. True: it was notified, be it at the last moment.
  bool leave(u64 ticket) const;
  /// Notifies the `n` that have waited longest, or all there are.
  void notify(u64 n) const;
  /// Those who wait and are not notified.
  std::size_t waiting() const;
  /// The client has ended, in whatever way.
  void give_back(ClientId client) const;

 private:
  Roster roster(Change& change) const noexcept { return {change, word(SyncBody::roster), word(SyncBody::ends)}; }
  u64 horizon() const noexcept { return word(SyncBody::state).load(); }
  void remove(Change& change, const Roster::Record& record) const;
  bool remove_one(const ClientId* client) const;
  void remove_the_dead() const {
    while (remove_one(nullptr)) {
    }
  }
};

}  // namespace partage::kernel
