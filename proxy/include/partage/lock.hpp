// Lock and RLock: mutual exclusion between processes, which passes on when the holder dies.
//
//   partage::Lock lock;                                   // shared with the children of this process; or manager.Lock()
//   partage::Process worker([=] {
//     std::scoped_lock guard(lock);                       // models TimedLockable
//     ...
//   });
//   if (lock.acquire(100ms)) { if (lock.owner_died()) repair(); ... lock.release(); }
//
// Use one where several operations on shared objects belong together. Do not use one around a single operation: append(),
// `+= 1` and modify() are atomic by themselves.
// A Lock may be released by any thread of any process, as in Python. An RLock belongs to the thread that has it, which may take
// it again and must release it as often.
//
// Death: the holder is killed (signal, _exit, abort, exec) -> the next one gets the lock, and its owner_died() is true once: what
// the lock guards may be half done. An orderly end (return, exit) leaves it taken, as in Python.
// Differences to std::mutex: a handle, so a copy is the same lock; any thread may release; release() of a lock that is not taken
// is an error.
// Differences to Python: killed holders do not block the others for ever; no `block` argument: try_acquire() does not wait.
// Thread and process safety: full. Errors: ValueError from release() and unlock() when it is not taken (RLock: by this thread);
// ManagerShutdown, UsageError inside modify().
#pragma once

#include <chrono>
#include <utility>

#include <partage/detail/sync_handle.hpp>
#include <partage/error.hpp>

namespace partage {

/// What all that can be acquired has, in Python's words and in the standard library's. `Self` has hosted_engine().
template <class Self>
class AcquireMembers {
 public:
  /// True, when it is ours.
  bool acquire() const { return at().acquire(std::nullopt); }
  /// False: not within that time. A negative one is none.
  template <class Rep, class Period>
  bool acquire(const std::chrono::duration<Rep, Period>& timeout) const {
    return at().acquire(engine::deadline_in(timeout));
  }
  bool try_acquire() const { return at().acquire(engine::at_once()); }
  void release() const { at().release(); }
  bool locked() const { return at().locked(); }

  void lock() const { acquire(); }
  bool try_lock() const { return try_acquire(); }
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& timeout) const {
    return acquire(timeout);
  }
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& point) const {
    return at().acquire(engine::deadline_at(point));
  }
  /// release(), for std::scoped_lock and the like: after the manager's shutdown there is nothing to unlock any more, and the
  /// destructor of a guard must not throw.
  void unlock() const {
    try {
      release();
    } catch (const ManagerShutdown&) {
    }
  }

 protected:
  decltype(auto) at() const { return static_cast<const Self&>(*this).hosted_engine(); }
};

template <class Self>
class LockMembers : public AcquireMembers<Self> {
 public:
  /// The holder before died holding it. True once; for the process that has it now.
  bool owner_died() const { return this->at().owner_died(); }
};

class Lock : public detail::HostedHandle<Lock, engine::Lock>, public LockMembers<Lock> {
 public:
  /// A new one, of this process and the children it will have.
  Lock()
      : HostedHandle(detail::in_process_tree([](const engine::SessionPtr& tree) {
          return engine::create_sync(tree, {.kind = engine::SyncKind::lock}, "");
        })) {}
  explicit Lock(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}
};

class RLock : public detail::HostedHandle<RLock, engine::Lock>, public LockMembers<RLock> {
 public:
  RLock()
      : HostedHandle(detail::in_process_tree([](const engine::SessionPtr& tree) {
          return engine::create_sync(tree, {.kind = engine::SyncKind::rlock}, "");
        })) {}
  explicit RLock(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}
};

namespace codec {
template <>
struct HandleTraits<Lock> : partage::detail::SyncTraits<Lock, engine::SyncKind::lock> {};
template <>
struct HandleTraits<RLock> : partage::detail::SyncTraits<RLock, engine::SyncKind::rlock> {};
}  // namespace codec

template <class Self>
class ElementMembers<Self, Lock> : public detail::ReferredEngine<Self>, public LockMembers<Self> {};
template <class Self>
class ElementMembers<Self, RLock> : public detail::ReferredEngine<Self>, public LockMembers<Self> {};

}  // namespace partage
