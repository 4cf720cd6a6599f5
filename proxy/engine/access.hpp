// How the facades of this directory reach the kernel: the object behind a handle, or the error that says why there is
// none.
//
// Thread safety: full.
#pragma once

#include <partage/engine/function.hpp>
#include <partage/error.hpp>
#include <string>
#include <vector>

#include "manager/container/dict.hpp"
#include "manager/container/list.hpp"
#include "proxy/engine/session.hpp"
#include "proxy/engine/snapshot.hpp"

namespace partage::engine {

[[noreturn]] void throw_unusable(const SharedObject* object, const char* operation);

/// Predictable branches on lines that nobody writes.
inline bool usable(const SharedObject* object) noexcept {
  constexpr auto live = static_cast<kernel::u64>(kernel::SegmentState::live);
  return object != nullptr && object->base != nullptr && object->header().state.load() == live;
}

/// The hot path of every operation.
inline SharedObject& object_of(const ObjectPtr& handle, const char* operation) {
  auto* object = static_cast<SharedObject*>(handle.get());
  if (!usable(object)) [[unlikely]]
    throw_unusable(object, operation);
  return *object;
}

/// The same for operations that write this process down, as holder, taker or waiter: one that has no client slot of its own yet
/// (no slot was free when it was forked, or no fork handlers ran) gets it first, or it would be taken for its parent.
inline SharedObject& acting_object_of(const ObjectPtr& handle, const char* operation) {
  SharedObject& object = object_of(handle, operation);
  object.session->notice_fork();
  return object_of(handle, operation);
}

/// "partage: list 'stock': pop: "
std::string message_start(const SharedObject& object, const char* operation);

/// Adopts what the references of `value` lead to; false: something has gone, read again.
inline bool adopt(SharedObject& container, Value& value) {
  value.objects.clear();
  return value.bytes.refs().empty() || container.session->adopt(value.bytes.refs(), value.objects);
}
bool adopt(SharedObject& container, Snapshot& snapshot);

/// Runs `op` of a container of handles that hands references over to this process, and adopts them. False: op said so.
template <class Op>
bool take_out(SharedObject& container, Value& value, Op op) {
  const Session::HandOver scope(*container.session);
  if (!op()) return false;
  if (!adopt(container, value)) throw Corrupt(message_start(container, "pop") + "it held a handle to nothing");
  return true;
}

/// After an operation that may have dropped references.
inline void tidy(SharedObject& container) noexcept {
  if (!kernel::made_dying().empty()) collect_garbage(*container.session);
  container.session->sweep_if_needed();
}
/// The same for a container that may hold no handles.
inline void tidy_handles(SharedObject& container) noexcept {
  if (container.handles_inside) tidy(container);
}
/// Scope of an operation that runs user code, however it ends: handles may go in there, of any session.
struct TidyAfter {
  SharedObject& container;
  ~TidyAfter() {
    tidy(container);
    Session::sweep_after_user_code();
  }
};

/// The engine's modifier over the kernel's: references become objects.
template <class Run>
bool modify_with(SharedObject& container, const Modifier& fn, Run run) {
  const TidyAfter after{container};
  return run([&](BytesView current, Bytes& next) {
    std::vector<ObjectPtr> objects;
    if (!current.refs.empty() && !container.session->adopt(current.refs, objects)) {
      throw Corrupt(message_start(container, "modify") + "it holds a handle to nothing");
    }
    fn({current, objects}, next);
  });
}

}  // namespace partage::engine
