// What is done for a client that died: everything it held comes back, everything it was doing is finished or undone.
//
//   1 the heap's log, then the transactions it was in the middle of, then every stripe it held (repair.hpp)
//   2 its references, one commit each; objects that die of it are collected
//   3 its private runs
//   4 its slot becomes free, one commit
//   5 slots it had reserved for children that never came
//
// Of a transit client (transit.hpp) that is 2 and 4.
//
// Crash: each step is made of commits of their own and starts over from what it finds; the slot stays taken until 4, so
// the next reaper finds the same dead client and goes on. Reapers exclude each other (control_table.hpp, `reaper`):
// otherwise the slower one would take references from the slot's next owner.
//
// Anybody may reap: the manager does it for those it watches, attach() when there is no free slot, a new manager for
// all.
// Errors: TimeoutError when a stopped process holds a needed lock; then try again later.
#pragma once

#include <span>

#include "manager/registry/clients.hpp"

namespace partage::kernel {

/// What to do about reserved slots whose reserver is dead (Clients::is_orphan): a child may be about to adopt one.
enum class Orphans { leave, take };

/// An object that was found with a lock of a dead process, and repaired. Another process that repairs something at the same
/// moment may have one counted in here.
struct Repaired {
  ObjectRef object;
  ObjectKind kind;
};
using RepairReport = std::vector<Repaired>;

/// Reaps those of the given uses that are dead; how many there were.
std::size_t reap(Segment& segment, std::span<const ClientId> suspects, Orphans orphans = Orphans::leave,
                 RepairReport* report = nullptr);
inline bool reap(Segment& segment, ClientId suspect, Orphans orphans = Orphans::leave) {
  return reap(segment, std::span<const ClientId>(&suspect, 1), orphans) != 0;
}
/// Reaps every dead client; how many there were.
std::size_t reap_all_dead(Segment& segment, Orphans orphans = Orphans::leave);

/// Locks and unlocks, and so repairs, everything in the segment whose holder died: heap, transactions, registry,
/// clients, all objects. Costs some loads per object when there is nothing to do.
void repair_everything(Segment& segment, RepairReport* report = nullptr);
/// What the client held of locks and permits, had taken from queues or waited for passes on; `died`: not an orderly end.
void give_back_held(Segment& segment, ClientId client, bool died);

}  // namespace partage::kernel
