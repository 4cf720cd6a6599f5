// The manager's eyes: one pidfd per attached process, and the judgement who has died.
//
// Belongs to one epoll instance, in which a pidfd is registered with the number of its client slot as data.
// Transit clients (registry/transit.hpp) are looked at every time: a system call each, and nothing tells of their end.
// A process for which there is no descriptor to be had (RLIMIT_NOFILE) is asked after at every look instead.
//
// Thread safety: none; the manager's loop owns it.
#pragma once

#include <array>
#include <vector>

#include "manager/registry/clients.hpp"

namespace partage::kernel {

class Watcher {
 public:
  Watcher(Segment& segment, int epoll) noexcept : segment_(segment), epoll_(epoll) {}

  /// Looks at all client slots, watches new ones, forgets old ones. Returns those whose processes are dead. `thorough`:
  /// also asks for what no descriptor tells (exec, processes without one).
  std::vector<ClientId> look(bool thorough);
  /// The use of a slot that is watched.
  ClientId watched(u32 slot) const noexcept { return {slot, watches_[slot].generation}; }
  /// When the next orphan (Clients::is_orphan) is due; nullopt: none is waited for.
  std::optional<Clock::time_point> orphans_due() const noexcept { return orphans_due_; }

 private:
  struct Watch {
    u32 generation = 0;
    pid_t pid = 0;
    Pidfd process;
    std::optional<Clock::time_point> orphan_since;
  };
  /// True: the process is dead.
  bool examine(const ClientInfo& client, bool thorough);

  Segment& segment_;
  int epoll_;
  std::array<Watch, client_slots> watches_;
  std::optional<Clock::time_point> orphans_due_;
};

}  // namespace partage::kernel
