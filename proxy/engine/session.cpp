#include "proxy/engine/session.hpp"

#include <partage/error.hpp>

#include "manager/platform/process_epoch.hpp"
#include "manager/registry/collect.hpp"
#include "manager/registry/registry.hpp"
#include "manager/segment/stripe_lock.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage::engine {

namespace {

thread_local bool dropped_in_user_code = false;  // this thread left something to sweep_after_user_code()

[[noreturn]] void throw_left(const kernel::Segment& segment) {
  kernel::require_same_pid_namespace(segment);
  throw ManagerShutdown(
      "partage: this process is ending and has given up its shared objects; take none out of a container from "
      "destructors of static objects");
}

}  // namespace

void release_last(LocalObject* object) noexcept {
  auto* shared = static_cast<SharedObject*>(object);
  const SessionPtr session = shared->session;  // lives until the end of the call
  session->release(shared);
}

Session::Session(std::shared_ptr<kernel::Segment> segment)
    : segment_(std::move(segment)), objects_(*segment_), epoch_(kernel::process_epoch()) {}

Session::~Session() {
  Sessions::forget(*this);
  leave();
}

// ---- references --------------------------------------------------------------------------------------------------

ObjectPtr Session::adopt_locked(ObjectRef ref) {
  if (const auto it = table_.find(ref); it != table_.end()) {
    it->second->handles.fetch_add(1, std::memory_order_relaxed);
    return ObjectPtr::adopt(it->second);
  }
  if (left_.load(std::memory_order_relaxed)) throw_left(*segment_);
  if (!objects_.acquire(ref, client_slot())) return {};
  const kernel::ObjectSlot& slot = *objects_.find(kernel::index_of(ref));
  auto object = std::make_unique<SharedObject>();
  object->ref = ref;
  object->handles = 1;
  object->session = shared_from_this();
  object->segment = segment_.get();
  object->base = segment_->base();
  object->body = slot.body.load();
  const kernel::SlotWord word = kernel::SlotWord::of(slot.state.load());
  object->kind = word.kind;
  object->handles_inside = (word.flags & kernel::object_flag::handles) != 0;
  table_.emplace(ref, object.get());
  return ObjectPtr::adopt(object.release());
}

ObjectPtr Session::adopt(ObjectRef ref) {
  notice_fork();
  const std::lock_guard guard(mutex_);
  return adopt_locked(ref);
}

bool Session::adopt(std::span<const ObjectRef> refs, std::vector<ObjectPtr>& out) {
  out.reserve(out.size() + refs.size());
  notice_fork();
  const std::lock_guard guard(mutex_);  // `out` is the caller's: nothing is released under the mutex
  for (const ObjectRef ref : refs) {
    ObjectPtr object = adopt_locked(ref);
    if (!object) return false;
    out.push_back(std::move(object));
  }
  return true;
}

bool Session::give_up_locked(SharedObject* object) noexcept {
  const ObjectRef ref = object->ref;
  table_.erase(ref);
  delete object;
  if (left_.load(std::memory_order_relaxed) || !segment_->live()) return false;
  try {
    return objects_.release(ref, client_slot());
  } catch (...) {
    return false;  // the bit stays until this process ends
  }
}

void Session::release(SharedObject* object) noexcept {
  notice_fork();
  const ObjectRef ref = object->ref;
  bool died = false;
  {
    const std::lock_guard guard(mutex_);
    if (object->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (hand_overs_ != 0 || kernel::UserCodeScope::active()) {
      idle_refs_.push_back(ref);
      idle_.store(true, std::memory_order_relaxed);
      if (kernel::UserCodeScope::active()) dropped_in_user_code = true;
      return;
    }
    died = give_up_locked(object);
  }
  if (died) {
    kernel::made_dying().push_back(ref);
    collect_garbage(*this);
  }
}

void Session::sweep() noexcept {
  if (kernel::UserCodeScope::active()) return;
  std::vector<ObjectRef> dead;
  {
    const std::lock_guard guard(mutex_);
    if (hand_overs_ != 0) return;
    for (const ObjectRef ref : idle_refs_) {
      const auto it = table_.find(ref);
      if (it == table_.end() || it->second->handles.load(std::memory_order_acquire) != 0) continue;
      if (give_up_locked(it->second)) dead.push_back(ref);
    }
    idle_refs_.clear();
    idle_.store(false, std::memory_order_relaxed);
  }
  if (dead.empty()) return;
  auto& dying = kernel::made_dying();
  dying.insert(dying.end(), dead.begin(), dead.end());
  collect_garbage(*this);
}

void Session::sweep_after_user_code() noexcept {
  if (!dropped_in_user_code || kernel::UserCodeScope::active()) return;
  dropped_in_user_code = false;
  try {
    for (const SessionPtr& session : Sessions::all()) session->sweep_if_needed();
  } catch (...) {  // out of private memory: the next operation of each session sweeps
  }
}

void Session::hold_for_ever(const ObjectPtr& object) {
  const std::lock_guard guard(mutex_);
  held_for_ever_.try_emplace(object.ref(), object);
}

Session::HandOver::HandOver(Session& session) : session_(session) {
  session.notice_fork();
  const std::lock_guard guard(session.mutex_);
  if (session.left_.load(std::memory_order_relaxed)) throw_left(*session.segment_);
  ++session.hand_overs_;
}
Session::HandOver::~HandOver() {
  {
    const std::lock_guard guard(session_.mutex_);
    if (session_.hand_overs_ != 0) --session_.hand_overs_;  // 0 in a child forked meanwhile
  }
  session_.sweep_if_needed();  // those whose last handle went meanwhile may never come by again
}

void collect_garbage(Session& session) noexcept {
  kernel::collect(session.segment());
}

std::string name_of(const SharedObject& object) {
  return kernel::Registry(object.session->segment()).name(object.ref);
}
std::string type_of(const SharedObject& object) {
  return kernel::Registry(object.session->segment()).schema(object.ref);
}

}  // namespace partage::engine
