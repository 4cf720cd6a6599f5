#include "proxy/engine/transits.hpp"

#include <algorithm>

#include "manager/registry/reap.hpp"
#include "manager/registry/service.hpp"
#include "manager/segment/stripe_lock.hpp"
#include "manager/server/control.hpp"
#include "proxy/engine/fork_guard.hpp"

namespace partage::engine {

TransitClient Transits::of(const SessionPtr& session) {
  const kernel::u64 segment = session->id();
  const auto known = [&]() -> const TransitClient* {
    const auto it = std::ranges::find(entries_, segment, &Entry::segment);
    return it == entries_.end() ? nullptr : &it->client;
  };
  {
    const ForkGuard guard;
    if (const TransitClient* client = known()) return *client;
  }
  session->notice_fork();
  kernel::Transit transit(session->segment());
  TransitClient made{transit.id(), std::make_shared<const Descriptor>(transit.release())};
  const ForkGuard guard;
  if (const TransitClient* client = known())
    return *client;  // another thread was faster; ours is over with its descriptor
  entries_.push_back({segment, session, made});
  return made;
}

void Transits::clear() noexcept {
  std::vector<Entry> entries;
  {
    const ForkGuard guard;
    entries.swap(entries_);
  }
  for (Entry& entry : entries) {
    entry.client.lock.reset();
    if (const SessionPtr session = entry.session.lock()) settle_transit(*session, entry.client.id);
  }
}

void settle_transit(Session& session, kernel::ClientId client) noexcept {
  kernel::Segment& segment = session.segment();
  try {
    if (!segment.live() || kernel::UserCodeScope::active() || !kernel::is_transit_over(segment, client)) return;
    if (kernel::is_manager_alive(segment)) return kernel::notify(segment, client.slot);
    session.notice_fork();
    if (session.client_slot() == 0) return;  // this process is ending: somebody else does it
    kernel::reap(segment, client);
  } catch (...) {  // no memory, or a stopped process holds a lock: the next look finds it
  }
}

}  // namespace partage::engine
