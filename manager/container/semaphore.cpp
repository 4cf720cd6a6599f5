#include "manager/container/semaphore.hpp"

#include <algorithm>
#include <partage/error.hpp>

namespace partage::kernel {

void Semaphore::return_permit(Change& change, const Roster::Record& record) const {
  roster(change).erase(record);
  const u64 value = change.get(word(SyncBody::state));
  if (value < body().initial.load()) change.put(word(SyncBody::state), value + 1);
}

/// One permit of this client, or of any dead one, in a commit of its own. Under the lock. False: there is none.
bool Semaphore::give_back_one(const ClientId* client) const {
  Change change(segment(), stripe());
  const auto record = roster(change).first(
      [&](const Roster::Record& r) { return client != nullptr ? r.client == *client : is_dead(r.client); });
  if (!record) return false;
  return_permit(change, *record);
  publish(change);
  return true;
}

void Semaphore::give_back_of_the_dead() const {
  if (signal()) return;
  while (give_back_one(nullptr)) {
  }
}

void Semaphore::give_back(ClientId client) const {
  if (signal() || word(SyncBody::ends).load() == 0) return;
  const StripeLock lock(segment(), stripe());
  while (give_back_one(&client)) {
  }
}

bool Semaphore::acquire(const Deadline& deadline) const {
  refuse_in_user_code("acquire");
  const ClientId me = signal() ? ClientId{} : lives().self();
  return wait_until(deadline, [&](Change& change, Waiting& waiting) {
    if (word(SyncBody::state).load() == 0) give_back_of_the_dead();
    const u64 value = word(SyncBody::state).load();
    if (value == 0) {
      waiting.expect(body().changed, stripe());
      roster(change).for_each([&](const Roster::Record& r) {
        waiting.depends_on(r.client);
        return true;
      });
      return false;
    }
    change.put(word(SyncBody::state), value - 1);
    if (!signal()) roster(change).append(me, 0);
    change.commit();
    return true;
  });
}

bool Semaphore::release() const {
  refuse_in_user_code("release");
  const ClientId me = signal() ? ClientId{} : lives().self();
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  std::optional<Roster::Record> record;
  if (!signal()) {
    record = roster(change).first([&](const Roster::Record& r) { return r.client == me; });
    // Not of a dead one: its permit comes back by itself, and would come back twice.
    if (!record) give_back_of_the_dead();
    if (!record) record = roster(change).first([](const Roster::Record&) { return true; });
  }
  const u64 value = word(SyncBody::state).load();
  if (bounded() && value >= body().initial.load()) return false;
  if (value == ~u64{0} >> 1) throw ValueError("partage: release: the semaphore has the largest value there is");
  if (record) roster(change).erase(*record);
  change.put(word(SyncBody::state), value + 1);
  publish(change);
  return true;
}

u64 Semaphore::value() const {
  if (signal() || UserCodeScope::active()) return word(SyncBody::state).load_acquire();
  const StripeLock lock(segment(), stripe());
  give_back_of_the_dead();
  return word(SyncBody::state).load();
}

u64 Semaphore::value_without_owners() const {
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  const u64 value = word(SyncBody::state).load(), initial = body().initial.load();
  return value >= initial ? value : std::min<u64>(initial, value + roster(change).count());
}

}  // namespace partage::kernel
