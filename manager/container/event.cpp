#include "manager/container/event.hpp"

namespace partage::kernel {

void Event::set() const {
  refuse_in_user_code("set");
  const StripeLock lock(segment(), stripe());
  const u64 state = word(SyncBody::state).load();
  if ((state & 1) != 0) return;
  Change change(segment(), stripe());
  change.put(word(SyncBody::state), ((state >> 1) + 1) << 1 | 1);
  publish(change);
}

void Event::clear() const {
  refuse_in_user_code("clear");
  const StripeLock lock(segment(), stripe());
  Change change(segment(), stripe());
  change.put(word(SyncBody::state), word(SyncBody::state).load() & ~u64{1});
  change.commit();
}

bool Event::wait(const Deadline& deadline) const {
  const u64 before = word(SyncBody::state).load_acquire();
  if ((before & 1) != 0) return true;
  refuse_in_user_code("wait");
  return wait_until(deadline, [&](Change&, Waiting& waiting) {
    if (word(SyncBody::state).load() != before) return true;
    waiting.expect(body().changed, stripe());
    return false;
  });
}

}  // namespace partage::kernel
