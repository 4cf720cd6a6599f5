// A semaphore between processes whose permits come back from the dead: Semaphore and BoundedSemaphore at the byte level.
//
// Every acquisition that is not released yet is a record in the roster, in order. A release takes the caller's oldest record
// away, or else the oldest of all: who releases what another acquired has cancelled that acquisition. What a dead process leaves
// on the roster is given back, never above the initial value. With sync_flag::signal nothing is written down and nothing given
// back: one process acquires what another releases.
//
// Death: whoever finds no permit left and a dead process on the roster gives back for it; so does who reaps it. A process that
// ended in an orderly way keeps its permits, as in Python.
// Crash: every operation is one commit of value and roster.
// Thread and process safety: full. Errors: as Lock; OutOfMemory when the roster cannot grow, with nothing changed.
#pragma once

#include "manager/container/roster.hpp"
#include "manager/container/sync_body.hpp"

namespace partage::kernel {

class Semaphore : public SyncObject {
 public:
  using SyncObject::SyncObject;

  bool acquire(const Deadline& deadline) const;
  /// False: a bounded one has its initial value already.
  bool release() const;
  u64 value() const;
  /// What value() is when all have gone who have permits: what is true of it in another segment, where they are not.
  u64 value_without_owners() const;
  void give_back(ClientId client) const;

 private:
  bool signal() const noexcept { return (body().flags() & sync_flag::signal) != 0; }
  bool bounded() const noexcept { return (body().flags() & sync_flag::bounded) != 0; }
  Roster roster(Change& change) const noexcept { return {change, word(SyncBody::roster), word(SyncBody::ends)}; }
  void return_permit(Change& change, const Roster::Record& record) const;
  bool give_back_one(const ClientId* client) const;
  void give_back_of_the_dead() const;
};

}  // namespace partage::kernel
