// A barrier between processes that a death breaks instead of blocking: Barrier at the byte level.
//
// States, as in CPython's Barrier: filling -> (the last has come) acting -> draining -> (the last has left) filling.
// broken: by abort(), a timeout, an action that failed, or the death of one that stood in it; until reset(). resetting: reset()
// while some stand in it, who leave with an error; the last one that leaves makes it filling.
// Who stands in it is a record {client, ticket} in the roster; it leaves by itself. acting: the last arriver runs its action,
// outside all locks; it stands in the roster like the others, so its death is seen like theirs.
//
// Crash: arriving, every change of state and leaving are one commit each. Dies filling or acting -> broken. Dies in any other
// state -> its record goes.
// Thread and process safety: full. Errors: as Semaphore.
#pragma once

#include "manager/container/roster.hpp"
#include "manager/container/sync_body.hpp"

namespace partage::kernel {

/// DO NOT CHANGE THESE VALUES: they are in segments.
enum class BarrierState : u64 { filling = 0, acting = 1, draining = 2, resetting = 3, broken = 4 };

class Barrier : public SyncObject {
 public:
  using SyncObject::SyncObject;

  struct Arrival {
    bool broken;
    bool last;  // is to run the action and call finish()
    u64 index;  // 0 for the first, parties - 1 for the last
    u64 ticket;
  };
  /// Stands in it from now on, unless it is broken. Waits while the round before is leaving. `act`: there is an action.
  Arrival arrive(bool act, const Deadline& deadline) const;
  /// The action is done, or has failed. False: the barrier is broken.
  bool finish(u64 ticket, bool failed) const;
  /// Waits until all have come, and leaves. False: broken.
  bool await(u64 ticket, const Deadline& deadline) const;

  void abort() const;
  void reset() const;
  u64 parties() const noexcept { return body().initial.load(); }
  /// Those who stand in it and live, while it fills.
  u64 waiting() const;
  bool broken() const;
  /// nullopt: for ever.
  std::optional<std::chrono::nanoseconds> patience() const noexcept {
    const u64 stored = body().patience.load();
    return stored == 0 ? std::nullopt : std::optional(std::chrono::nanoseconds(stored - 1));
  }
  void give_back(ClientId client) const;

 private:
  Roster roster(Change& change) const noexcept { return {change, word(SyncBody::roster), word(SyncBody::ends)}; }
  BarrierState state() const noexcept { return static_cast<BarrierState>(word(SyncBody::state).load()); }
  void put(Change& change, BarrierState state) const { change.put(word(SyncBody::state), static_cast<u64>(state)); }
  void become(BarrierState state) const;
  void remove(Change& change, const Roster::Record& record) const;
  bool remove_one(const ClientId* client) const;
  void remove_the_dead() const {
    while (remove_one(nullptr)) {
    }
  }
  void depend_on_all(Change& change, Waiting& waiting) const;
  void leave(u64 ticket) const;
};

}  // namespace partage::kernel
