#include "manager/container/sync.hpp"

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {
namespace {

/// Calls fn with the object as what it is.
template <class Fn>
decltype(auto) with(Segment& segment, SyncBody& body, Fn&& fn) {
  const u64 offset = segment.offset_of(&body);
  switch (body.kind()) {
    case SyncKind::lock:
    case SyncKind::rlock:
      return fn(Lock(segment, offset));
    case SyncKind::semaphore:
      return fn(Semaphore(segment, offset));
    case SyncKind::condition:
      return fn(Condition(segment, offset));
    case SyncKind::event:
      return fn(Event(segment, offset));
    case SyncKind::barrier:
      return fn(Barrier(segment, offset));
  }
  throw Corrupt("partage: an object of synchronisation of an unknown kind; was the segment made by a newer program?");
}

}  // namespace

std::size_t Sync::size() const {
  return with(segment(), body(), [](const auto& object) -> std::size_t {
    if constexpr (requires { object.value(); })
      return static_cast<std::size_t>(object.value());
    else if constexpr (requires { object.locked(); })
      return object.locked() ? 1 : 0;
    else if constexpr (requires { object.is_set(); })
      return object.is_set() ? 1 : 0;
    else
      return static_cast<std::size_t>(object.waiting());
  });
}

void Sync::give_back(ClientId client, bool died) const {
  with(segment(), body(), [&](const auto& object) {
    using Object = std::remove_cvref_t<decltype(object)>;
    // Who leaves in an orderly way keeps locks and permits, as in Python; but nobody waits for him any more.
    constexpr bool kept = std::is_same_v<Object, Lock> || std::is_same_v<Object, Semaphore>;
    if constexpr (requires { object.give_back(client); }) {
      if (died || !kept) object.give_back(client);
    }
  });
}

void Sync::change_companion(ObjectRef from, ObjectRef to) const {
  Transaction transaction(segment());
  transaction.lock({&stripe()});
  ReferenceChanges references(segment());
  if (from != 0) references.drop(from);
  if (to != 0) references.add(to);
  transaction.change(stripe()).put(body().companion, to);
  references.lock(transaction);
  references.plan(transaction);
  transaction.commit();
  references.committed();
}

void Sync::set_companion(ObjectRef ref) const {
  change_companion(0, ref);
}

bool Sync::drop_some(std::size_t) const {
  if (companion() == 0) return false;
  change_companion(companion(), 0);
  return true;
}

void Sync::dismantle(Change& change) const {
  std::vector<u64> runs;
  Roster::runs_of(word(SyncBody::roster), runs);
  for (const u64 run : runs) change.retire_run(run);
  change.retire_run(segment().offset_of(&body()));
}

std::size_t Sync::bytes_used() const {
  const ReadLock lock(segment(), stripe());
  const u64 roster = word(SyncBody::roster).load();
  if (roster == 0) return sizeof(SyncBody);
  const u64 bytes = u64{16} << (roster & 63);
  if ((roster & 255) > Roster::most_log2 || !segment().runs().looks_like_run(roster >> 8, bytes)) {
    refuse_damaged("an object of synchronisation");
  }
  return sizeof(SyncBody) + bytes;
}

bool Sync::condemn() const {
  const bool done = condemn_stripe(stripe());
  body().changed.announce();
  return done;
}

std::string Sync::verify(std::vector<u64>& runs, Leftovers leftovers) const {
  if (*stripe().mutex.damage() != '\0') return std::string("sync: ") + stripe().mutex.damage();
  const ReadLock lock(segment(), stripe());
  const Stripe& s = stripe();
  const u64 self = segment().offset_of(&body());
  runs.push_back(self);
  const u64 kind = body().config.load() & 255;
  if (body().config.load() >> 16 != 1 || kind < static_cast<u64>(SyncKind::lock) ||
      kind > static_cast<u64>(SyncKind::barrier))
    return "sync: a configuration that cannot be";
  if (s.owner.load() != (self | static_cast<u64>(StripeKind::plain)))
    return "sync: the stripe does not know its object";
  if (const char* what = half_done(segment(), s, runs, leftovers); *what != '\0') return std::string("sync: ") + what;
  const bool has_holder = body().kind() == SyncKind::lock || body().kind() == SyncKind::rlock;
  if (has_holder && ClientId::of(word(SyncBody::state).load()).slot >= client_slots)
    return "sync: held by a client that cannot be";
  const u64 run = word(SyncBody::roster).load(), span = word(SyncBody::ends).load() & 0xFFFFFFFF;
  if (run == 0) return span == 0 ? "" : "sync: records without a run";
  if ((run & 255) > Roster::most_log2 || span > u64{1} << (run & 63)) return "sync: more records than fit into the run";
  if (!segment().runs().looks_like_run(run >> 8, u64{16} << (run & 63)))
    return "sync: the roster is larger than its run";
  Roster::runs_of(word(SyncBody::roster), runs);
  const auto client = [&](u64 i) {
    const u64 place = ((word(SyncBody::ends).load() >> 32) + i) & ((u64{1} << (run & 63)) - 1);
    return ClientId::of((&segment().at<Word>(run >> 8))[2 * place].load());
  };
  const auto gone = [&](u64 i) { return client(i).word() == 0; };
  for (u64 i = 0; i < span; ++i) {
    if (client(i).slot >= client_slots) return "sync: a record of a client that cannot be";
  }
  if (span != 0 && (gone(0) || gone(span - 1))) return "sync: a record that has gone at an end of the roster";
  return "";
}

}  // namespace partage::kernel
