#include "manager/container/condition.hpp"

namespace partage::kernel {

u64 Condition::enlist() const {
  refuse_in_user_code("wait");
  const ClientId me = lives().self();
  const StripeLock lock(segment(), stripe());
  remove_the_dead();  // who comes now is not the next one of those that died notified before
  Change change(segment(), stripe());
  const u64 ticket = word(SyncBody::ticket).load() + 1;
  change.put(word(SyncBody::ticket), ticket);
  roster(change).append(me, ticket);
  change.commit();
  return ticket;
}

bool Condition::await(u64 ticket, const Deadline& deadline) const {
  return wait_until(deadline, [&](Change& change, Waiting& waiting) {
    remove_the_dead();
    if (ticket <= horizon()) return true;
    waiting.expect(body().changed, stripe());
    roster(change).for_each([&](const Roster::Record& r) {
      if (r.data > horizon()) return false;
      waiting.depends_on(r.client);
      return true;
    });
    return false;
  });
}

bool Condition::leave(u64 ticket) const {
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  const bool notified = ticket <= horizon();
  const auto mine = roster(change).first([&](const Roster::Record& r) { return r.data == ticket; });
  if (mine) {
    roster(change).erase(*mine);
    change.commit();
  }
  return notified;
}

/// Plans the end of a waiter that will not leave by itself.
void Condition::remove(Change& change, const Roster::Record& record) const {
  if (record.data <= horizon()) {
    const auto next = roster(change).first(
        [&](const Roster::Record& r) { return r.data > horizon() && lives().of(r.client) == Life::alive; });
    if (next) change.put(word(SyncBody::state), next->data);
  }
  roster(change).erase(record);
}

/// In a commit of its own, under the lock. False: there is none of this client, or of a dead one. Those that are not notified go
/// first: else a notification that is passed on would count for a dead one in between, which would pass it on once more.
bool Condition::remove_one(const ClientId* client) const {
  Change change(segment(), stripe());
  std::optional<Roster::Record> gone;
  roster(change).for_each([&](const Roster::Record& r) {
    const bool ended = (client != nullptr && r.client == *client) || lives().of(r.client) != Life::alive;
    if (ended && (!gone || r.data > horizon())) gone = r;
    return !gone || gone->data <= horizon();
  });
  if (!gone) return false;
  remove(change, *gone);
  publish(change);
  return true;
}

void Condition::give_back(ClientId client) const {
  if (word(SyncBody::ends).load() == 0) return;
  const StripeLock lock(segment(), stripe());
  while (remove_one(&client)) {
  }
}

void Condition::notify(u64 n) const {
  refuse_in_user_code("notify");
  const StripeLock lock(segment(), stripe());
  remove_the_dead();
  Change change(segment(), stripe());
  u64 last = horizon();
  roster(change).for_each([&](const Roster::Record& r) {
    if (r.data <= horizon()) return true;
    if (n == 0) return false;
    last = r.data;
    return --n != 0;
  });
  if (last == horizon()) return;
  change.put(word(SyncBody::state), last);
  publish(change);
}

std::size_t Condition::waiting() const {
  if (UserCodeScope::active() || word(SyncBody::ends).load() == 0) return 0;
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  std::size_t n = 0;
  roster(change).for_each([&](const Roster::Record& r) {
    if (r.data > horizon() && lives().of(r.client) == Life::alive) ++n;
    return true;
  });
  return n;
}

}  // namespace partage::kernel
