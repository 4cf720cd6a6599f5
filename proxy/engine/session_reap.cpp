// What the living do for the dead where no manager watches: in the segment of the process tree, and after a manager's
// death.
//
// Whoever has collected a child looks at the slots of that child, whoever forks at all slots, but not more often than now
// and then: it costs some microseconds per client. A process that finds no free slot looks at all of them anyway
// (manager/registry/clients.cpp).
// An orphan, a slot reserved by a process that died in its fork, may be about to be adopted by the child: it is
// taken back when it is seen a second time after orphan_grace.

#include <algorithm>

#include "manager/registry/reap.hpp"
#include "manager/registry/service.hpp"
#include "manager/segment/stripe_lock.hpp"
#include "proxy/engine/session.hpp"

namespace partage::engine {

namespace {
constexpr std::chrono::milliseconds between_looks{100};
}

void Session::look_for_dead(std::span<const pid_t> ended) noexcept {
  if (left_.load() || !segment_->live() || kernel::is_manager_alive(*segment_) || kernel::UserCodeScope::active())
    return;
  notice_fork();
  try {
    const auto now = std::chrono::steady_clock::now();
    bool everybody = false;
    std::vector<Reservation> orphans_before;
    {
      const std::lock_guard guard(mutex_);
      everybody = now - looked_for_dead_ >= between_looks;
      if (everybody) {
        looked_for_dead_ = now;
        orphans_before = orphans_;
      }
    }
    if (!everybody && ended.empty()) return;

    const kernel::Clients clients(*segment_);
    std::vector<kernel::ClientId> dead;
    std::vector<Reservation> orphans;
    for (const kernel::ClientInfo& client : clients.list()) {
      if (client.id.slot == client_slot()) continue;
      const bool named = std::ranges::find(ended, client.process.pid) != ended.end();
      if ((!everybody && !named) || !clients.is_dead(client)) continue;
      if (clients.is_orphan(client)) {
        const auto seen = std::ranges::find(orphans_before, client.id, &Reservation::slot);
        orphans.push_back(seen == orphans_before.end() ? Reservation{client.id, now} : *seen);
        if (now - orphans.back().when < kernel::orphan_grace) continue;
      }
      dead.push_back(client.id);
    }
    if (everybody) {
      const std::lock_guard guard(mutex_);
      orphans_ = std::move(orphans);
    }
    if (!dead.empty()) kernel::reap(*segment_, dead, kernel::Orphans::take);
  } catch (...) {  // no memory, or a stopped process holds a lock: the next look finds them
  }
}

}  // namespace partage::engine
