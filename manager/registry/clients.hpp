// The attached processes: one client slot each, which every reference, lock and private run of theirs is counted under.
//
// A process enters its slot by itself, in shared memory; the manager only watches. So children can be forked, and
// clients can come and go, while the manager is dead.
//
// Fork. A child's handles need references of their own before they exist, so the parent prepares: in the parent
//     const ClientId child = clients.reserve_for_child();  // before fork(): takes a slot, shares the parent's holdings
//     pid = fork();                                        // parent: note_child(child, pid); on failure cancel(child)
// and in the child, first of all
//     clients.adopt(child);                                // segment.client_slot is the child's from here on
// No other thread of the parent may acquire a reference between reserve_for_child() and fork(): the child would have a
// handle without the reference. Whoever counts handles keeps that lock across both.
//
// Crash: the slot always says who is to blame for it (control_table.hpp).
//   parent dies in reserve_for_child(), or before the fork   a reserved slot of a dead reserver: reaped
//   parent dies after the fork, before note_child()          the same for a moment; the manager waits orphan_grace, then
//                                                            judges; a child that comes later: adopt() throws
//   child dies before adopt()                                its pid was noted: reaped as dead
//   process dies in detach()                                 a live slot of a dead process: reaped
//
// Thread and process safety: every member may be called by any thread of any attached process at any time.
// Errors: ConnectionError when all slots are taken by living processes or this process may not attach; ManagerShutdown.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "manager/platform/process_identity.hpp"
#include "manager/registry/control_table.hpp"
#include "manager/segment/client_life.hpp"

namespace partage::kernel {

/// How long a slot reserved by a process that died is left to a child that may be about to adopt it: longer than a loaded
/// machine keeps a process waiting.
inline constexpr std::chrono::milliseconds orphan_grace{1000};

/// A slot as it was at one moment.
struct ClientInfo {
  ClientId id;
  ClientState state;
  ProcessIdentity process;  // pid 0: a reserved slot that nobody has adopted, or a transit client
  ClientId reserver;        // slot 0: attached by itself
  bool ended = false;       // it has called exit()
};

/// Throws ConnectionError when pids mean something else to this process than in the segment's client table.
void require_same_pid_namespace(const Segment& segment);

class Clients {
 public:
  explicit Clients(Segment& segment) noexcept : segment_(&segment) {}

  /// Takes a slot for this process and makes it segment.client_slot. Slots of dead processes are reaped if none is
  /// free.
  u64 attach();
  /// Gives back everything this process holds, and its slot: segment.client_slot is 0 afterwards, and handles are void.
  void detach();

  /// For exit() while other threads may be in the middle of operations, which nothing must be taken away from: what this process
  /// holds is given back by whoever notices that it is gone, as of one that has detached.
  void end();

  /// Takes a slot for a child that is going to be forked and shares everything this process holds with it.
  ClientId reserve_for_child();
  /// The fork has failed: gives the reserved slot back.
  void cancel(ClientId child);
  /// The child: makes the reserved slot its own and segment.client_slot. Throws ConnectionError when it was taken back.
  void adopt(ClientId child);
  /// The parent: says who the child is, so that its death before adopt() is noticed. No effect after adopt().
  void note_child(ClientId child, pid_t pid);

  /// Takes a slot that is no process (transit.hpp), whose life is that of the lock which `lock`, an open file description
  /// of its own of the segment's file, then holds.
  ClientId begin_transit(int lock);

  /// Everything but the free slots.
  std::vector<ClientInfo> list() const;
  ClientInfo info(u64 slot) const;
  /// The process that answers for the slot is dead; of a transit client: nobody has its descriptor any more. A free slot
  /// has nobody to die.
  bool is_dead(const ClientInfo& client) const;
  /// Reserved, not adopted, nobody noted, and the reserver is gone: dead, unless the child adopts within orphan_grace.
  bool is_orphan(const ClientInfo& client) const;
  /// Slots that are not free.
  std::size_t count() const;
  /// Those that are processes.
  std::size_t count_processes() const;

  /// For Lives: looks at the process. Takes no lock.
  static Life judge(Segment& segment, ClientId id);

  /// Marks the slot free. For reap() and detach(), when nothing names it any more. False: it was another use.
  bool free(ClientId id);
  /// Marks the segment shut down unless somebody is attached; no process can attach in between. True: it is shut down.
  bool shut_down_if_deserted();

 private:
  ClientSlot& slot(u64 i) const noexcept { return control_table(*segment_).slots[i]; }
  /// `lock`: see begin_transit(); -1 for processes.
  std::optional<ClientId> try_take(ClientState state, const ProcessIdentity& who, ClientId reserver, int lock);
  ClientId take(ClientState state, const ProcessIdentity& who, ClientId reserver, int lock = -1);
  void give_back(ClientId id);

  Segment* segment_;
};

}  // namespace partage::kernel
