#include "manager/container/barrier.hpp"

namespace partage::kernel {

using enum BarrierState;

void Barrier::become(BarrierState next) const {
  Change change(segment(), stripe());
  put(change, next);
  publish(change);
}

/// Plans that somebody has gone: the last one of a round opens the next.
void Barrier::remove(Change& change, const Roster::Record& record) const {
  roster(change).erase(record);
  const bool leaving = state() == draining || state() == resetting;
  if (leaving && roster(change).count() == 0) put(change, filling);
}

/// One that is dead (or this client) goes, and breaks what it stood in. Under the lock. False: there is none.
bool Barrier::remove_one(const ClientId* client) const {
  Change change(segment(), stripe());
  const auto gone = roster(change).first([&](const Roster::Record& r) {
    return client != nullptr ? r.client == *client : lives().of(r.client) != Life::alive;
  });
  if (!gone) return false;
  remove(change, *gone);
  if (state() == filling || state() == acting) put(change, BarrierState::broken);
  publish(change);
  return true;
}

void Barrier::give_back(ClientId client) const {
  if (word(SyncBody::ends).load() == 0) return;
  const StripeLock lock(segment(), stripe());
  while (remove_one(&client)) {
  }
}

void Barrier::depend_on_all(Change& change, Waiting& waiting) const {
  waiting.expect(body().changed, stripe());
  roster(change).for_each([&](const Roster::Record& r) {
    waiting.depends_on(r.client);
    return true;
  });
}

Barrier::Arrival Barrier::arrive(bool act, const Deadline& deadline) const {
  refuse_in_user_code("wait");
  const ClientId me = lives().self();
  Arrival arrival{true, false, 0, 0};
  wait_until(deadline, [&](Change& change, Waiting& waiting) {
    remove_the_dead();
    if (state() == BarrierState::broken) return true;
    if (state() != filling) {
      depend_on_all(change, waiting);
      return false;
    }
    const u64 index = roster(change).count(), ticket = word(SyncBody::ticket).load() + 1;
    const bool last = index + 1 >= parties();
    change.put(word(SyncBody::ticket), ticket);
    roster(change).append(me, ticket);
    if (last) put(change, act ? acting : draining);
    publish(change);
    arrival = {false, last, index, ticket};
    return true;
  });
  return arrival;
}

/// The own record goes. Under the lock.
void Barrier::leave(u64 ticket) const {
  Change change(segment(), stripe());
  const auto mine = roster(change).first([&](const Roster::Record& r) { return r.data == ticket; });
  if (!mine) return;
  remove(change, *mine);
  publish(change);
}

bool Barrier::finish(u64 ticket, bool failed) const {
  const StripeLock lock(segment(), stripe());
  remove_the_dead();
  if (state() == acting) become(failed ? BarrierState::broken : draining);
  const bool passed = state() == draining;
  leave(ticket);
  return passed;
}

bool Barrier::await(u64 ticket, const Deadline& deadline) const {
  bool passed = false;
  const auto look = [&](Change& change, Waiting& waiting) {
    remove_the_dead();
    if (state() == filling || state() == acting) {
      depend_on_all(change, waiting);
      return false;
    }
    passed = state() == draining;
    leave(ticket);
    return true;
  };
  if (wait_until(deadline, look)) return passed;
  {
    const StripeLock lock(segment(), stripe());
    if (state() == filling) become(BarrierState::broken);
  }
  // All have come, and the action runs: as long as it takes, as in Python.
  wait_until(std::nullopt, look);
  return passed;
}

void Barrier::abort() const {
  refuse_in_user_code("abort");
  const StripeLock lock(segment(), stripe());
  if (state() != BarrierState::broken) become(BarrierState::broken);
}

void Barrier::reset() const {
  refuse_in_user_code("reset");
  const StripeLock lock(segment(), stripe());
  remove_the_dead();
  Change change(segment(), stripe());
  if (roster(change).count() == 0) {
    if (state() != filling) become(filling);
  } else if (state() != draining && state() != resetting) {
    become(resetting);
  }
}

u64 Barrier::waiting() const {
  if (UserCodeScope::active()) return 0;
  const StripeLock lock(segment(), stripe());
  remove_the_dead();
  Change change(segment(), stripe());
  return state() == filling || state() == acting ? roster(change).count() : 0;
}

bool Barrier::broken() const {
  if (UserCodeScope::active()) return state() == BarrierState::broken;
  const StripeLock lock(segment(), stripe());
  remove_the_dead();
  return state() == BarrierState::broken;
}

}  // namespace partage::kernel
