#include "manager/registry/reap.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "manager/registry/collect.hpp"
#include "manager/registry/hosted.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/registry/slot_scan.hpp"

namespace partage::kernel {
namespace {

/// Damage in one place keeps nobody from what is to be done in the others. `partage check` tells of it.
template <class Fn>
void unless_damaged(Fn fn) {
  try {
    fn();
  } catch (const Corrupt&) {
  }
}

void repair_stripe(Segment& segment, Stripe& stripe) {
  unless_damaged([&] {
    if (stripe.mutex.owner_dead()) StripeLock(segment, stripe).unlock();
  });
}

bool in_use(const ScannedSlot& slot) {
  return (slot.word.flags & object_flag::quarantined) == 0;
}

void repair_objects(Segment& segment, std::size_t s, RepairReport* report) {
  {
    const ActivityGuard guard(segment, control_table(segment).collector[s], "taking objects apart");
    for (const ScannedSlot& slot : scan_slots(segment, s)) {
      if (!in_use(slot)) continue;
      const u64 before = segment.header().repairs.last();
      const Hosted object(segment, slot.word.kind, slot.word.flags, slot.body);
      unless_damaged([&] { object.repair_dead(); });
      // Whoever found it so has condemned one lock; what is left of it is to be out of use as well, and waiters are to be told.
      if (object.has_body() && object.condemned()) quarantine(segment, slot.ref);
      if (report != nullptr && segment.header().repairs.last() != before) report->push_back({slot.ref, slot.word.kind});
    }
  }
  sweep_stripe(segment, s);  // those who found the lock taken relied on its holder
}

bool concerns_clients(const ScannedSlot& slot) {
  if (!in_use(slot)) return false;
  const Shape shape = shape_of(slot.word.kind);
  return shape == Shape::sync || shape == Shape::queue;
}

void give_back_in(Segment& segment, std::size_t s, ClientId client, bool died) {
  // Where there is nothing of the kind, nobody is waited for. What is made now was not the client's.
  if (std::ranges::none_of(scan_slots(segment, s), concerns_clients)) return;
  {
    const ActivityGuard guard(segment, control_table(segment).collector[s], "taking objects apart");
    for (const ScannedSlot& slot : scan_slots(segment, s)) {
      if (!concerns_clients(slot)) continue;
      unless_damaged([&] { Hosted(segment, slot.word.kind, slot.word.flags, slot.body).give_back(client, died); });
    }
  }
  sweep_stripe(segment, s);  // those who found the lock taken relied on its holder
}

bool is_reapable(const Clients& clients, const ClientInfo& client, Orphans orphans) {
  if (orphans == Orphans::leave && clients.is_orphan(client)) return false;
  return clients.is_dead(client);
}

}  // namespace

void repair_everything(Segment& segment, RepairReport* report) {
  unless_damaged([&] { segment.runs().repair(); });
  unless_damaged([&] { repair_transactions(segment); });
  auto& table = segment.at<ObjectTable>(segment.header().registry);
  for (Stripe& stripe : table.stripes) repair_stripe(segment, stripe);
  repair_stripe(segment, table.directory);
  repair_stripe(segment, control_table(segment).stripe);
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    unless_damaged([&] { repair_objects(segment, s, report); });
  }
}

void give_back_held(Segment& segment, ClientId client, bool died) {
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    unless_damaged([&] { give_back_in(segment, s, client, died); });
  }
}

std::size_t reap(Segment& segment, std::span<const ClientId> suspects, Orphans orphans, RepairReport* report) {
  Clients clients(segment);
  std::vector<ClientId> dead;
  std::vector<ClientInfo> processes;
  const ActivityGuard guard(segment, control_table(segment).reaper, "reaping dead processes");
  for (const ClientId id : suspects) {
    const ClientInfo client = clients.info(id.slot);
    if (client.id != id || !is_reapable(clients, client, orphans)) continue;
    dead.push_back(id);
    if (client.state != ClientState::transit) processes.push_back(client);
  }
  if (dead.empty()) return 0;
  // A transit client has references and nothing else.
  if (!processes.empty())
    repair_everything(segment, report);  // after they were found dead: what they held is marked by now
  for (const ClientInfo& client : processes) give_back_held(segment, client.id, !client.ended);
  for (const ClientId id : dead) {
    Objects(segment).release_all(id.slot);
    unless_damaged([&] { segment.runs().release_owned_by(id.slot); });
    clients.free(id);
  }
  collect(segment);
  return dead.size();
}

std::size_t reap_all_dead(Segment& segment, Orphans orphans) {
  std::size_t reaped = 0;
  // A second look: a reserver that was reaped leaves orphans.
  for (;;) {
    std::vector<ClientId> suspects;
    const Clients clients(segment);
    for (const ClientInfo& client : clients.list()) {
      if (is_reapable(clients, client, orphans)) suspects.push_back(client.id);
    }
    const std::size_t n = suspects.empty() ? 0 : reap(segment, suspects, orphans);
    if (n == 0) return reaped;
    reaped += n;
  }
}

}  // namespace partage::kernel
