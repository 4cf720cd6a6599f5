// What happens to a session in a fork, and at the end of the process.
//
// The parent takes a client slot for the child and shares all it holds with it, before the fork and under the session's
// mutex, so that the child's handles have their references before they exist. What may go wrong:
//   - the child dies before it adopts: whoever forked it has noted its pid on the slot, and it is reaped like any dead
//     client. After a plain fork() nobody does: then the slot stays reserved by a living process, and the next fork gives
//     back reservations that nobody has adopted for a while;
//   - another thread was in the middle of an operation that hands references over: the child holds what nobody there
//     has a handle to, and gives it up at once;
//   - no slot is left, or handlers did not run: the child registers when its references change for the first time;
//   - the child is the first one of a PID namespace, in which nobody here can see it live or die: its handles are void.

#include <new>

#include "manager/platform/process_epoch.hpp"
#include "manager/registry/collect.hpp"
#include "manager/server/control.hpp"
#include "manager/server/manager.hpp"
#include "proxy/engine/session.hpp"

namespace partage::engine {

namespace {
constexpr std::chrono::milliseconds adoption_takes_at_most{30'000}, adoption_takes_at_least{100};

bool may_attach(const kernel::Segment& segment) noexcept {
  try {
    kernel::require_same_pid_namespace(segment);
    return true;
  } catch (...) {
    return false;
  }
}
}  // namespace

void Session::before_fork() noexcept {
  notice_fork();
  mutex_.lock();
  child_slot_ = {};
  if (kernel::forking_manager() || left_.load() || !segment_->live()) return;
  // When no slot is free, those of children that did not come at once are given up as well: one that comes yet registers
  // by itself.
  for (const auto patience : {adoption_takes_at_most, adoption_takes_at_least}) {
    try {
      forget_stale_reservations(patience);
      kernel::Clients clients(*segment_);
      child_slot_ = clients.reserve_for_child();
      reservations_.push_back({child_slot_, std::chrono::steady_clock::now()});
      return;
    } catch (...) {
      // The child registers by itself.
    }
  }
}

kernel::ClientId Session::after_fork_in_parent() noexcept {
  const kernel::ClientId slot = std::exchange(child_slot_, {});
  mutex_.unlock();
  return slot;
}

void Session::note_child(kernel::ClientId slot, pid_t pid) noexcept {
  try {
    kernel::Clients clients(*segment_);
    if (pid < 0) return clients.cancel(slot);
    // The child tells the manager. Should it die before, the manager's next tick finds it.
    clients.note_child(slot, pid);
  } catch (...) {
    // As after a fork that nobody tells of.
  }
}

void Session::after_fork_in_child() noexcept {
  segment_->life_thread = 0;  // that was the parent's
  if (!may_attach(*segment_)) {
    const kernel::ClientId reserved = child_slot_;
    register_again();  // which is refused: all handles are void
    if (reserved.slot != 0) note_child(reserved, -1);
    mutex_.lock();  // a new one
  } else if (child_slot_.slot != 0) {
    try {
      kernel::Clients(*segment_).adopt(child_slot_);
      epoch_ = kernel::process_epoch();
      kernel::notify(*segment_, child_slot_.slot);
      if (hand_overs_ != 0) release_unknown();
    } catch (...) {
      // Taken back meanwhile: notice_fork() registers again.
    }
  }
  child_slot_ = {};
  hand_overs_ = 0;
  reservations_.clear();
  mutex_.unlock();
}

void Session::forget_stale_reservations(std::chrono::milliseconds patience) noexcept {
  const auto now = std::chrono::steady_clock::now();
  kernel::Clients clients(*segment_);
  std::erase_if(reservations_, [&](const Reservation& r) {
    try {
      const kernel::ClientInfo info = clients.info(r.slot.slot);
      if (info.id != r.slot || info.state != kernel::ClientState::reserved) return true;  // adopted, or long gone
      if (now - r.when < patience) return false;
      clients.cancel(r.slot);
    } catch (...) {
    }
    return true;
  });
}

/// Gives up what this process holds without knowing of it.
void Session::release_unknown() noexcept {
  std::vector<ObjectRef> unknown;
  const kernel::u64 me = client_slot();
  objects_.for_each([&](kernel::u32 index, kernel::ObjectSlot& slot) {
    if ((slot.holders[me / 64].load() >> me % 64 & 1) == 0) return;
    const ObjectRef ref = kernel::make_ref(index, kernel::SlotWord::of(slot.state.load()).generation);
    if (!table_.contains(ref)) unknown.push_back(ref);
  });
  for (const ObjectRef ref : unknown) {
    try {
      if (objects_.release(ref, me)) kernel::made_dying().push_back(ref);  // collected by the next operation
    } catch (...) {
    }
  }
}

void Session::notice_fork() noexcept {
  if (kernel::process_epoch() != epoch_) [[unlikely]]
    register_again();
}

void Session::register_again() noexcept {
  new (&mutex_) std::mutex;  // whoever held it is not in this process
  hand_overs_ = 0;
  child_slot_ = {};
  reservations_.clear();
  epoch_ = kernel::process_epoch();
  segment_->client_slot = 0;
  try {
    kernel::join_segment(*segment_);
  } catch (...) {
    left_.store(true);
  }
  for (auto& [ref, object] : table_) {
    bool held = false;
    try {
      held = !left_.load() && objects_.acquire(ref, client_slot());
    } catch (...) {
    }
    if (held) continue;
    object->segment = nullptr;
    object->base = nullptr;
  }
}

void Session::leave(bool ending) noexcept {
  {
    const std::lock_guard guard(mutex_);
    if (left_.exchange(true)) return;
  }
  if (kernel::process_epoch() != epoch_ || client_slot() == 0) return;
  if (segment_->live()) kernel::leave_segment(*segment_, ending);
}

}  // namespace partage::engine
