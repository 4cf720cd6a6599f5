// Condition: waiting until something another process does has come true, under a lock.
//
//   partage::Condition ready;                             // with an RLock of its own; or Condition(lock), manager.Condition(lock)
//   {
//     std::scoped_lock guard(ready);
//     ready.wait_for([&] { return stock.size() > 3; });   // releases the lock while it sleeps
//   }
//   { std::scoped_lock guard(ready);  stock.append(7);  ready.notify(); }
//
// Use it with state of your own. Do not use it where an Event, a Queue, dict.wait() or list.pop_wait() says the same.
//
// Death: a waiter that dies is not counted by notify(); one that dies after it was notified passes that on to the next. A lock
// whose holder dies passes on, see lock.hpp.
// Differences to std::condition_variable: it has its lock; no spurious wake-ups but those of a death, so wait_for(pred) anyway.
// Differences to Python: notify() never waits for anybody; an RLock made elsewhere works.
// Thread and process safety: full. Errors: ValueError from wait and notify when the lock is not held; ManagerShutdown.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include <partage/lock.hpp>

namespace partage {

template <class Self>
class ConditionMembers : public LockMembers<Self> {
 public:
  /// Sleeps until it is notified; true.
  bool wait() const { return this->at().wait(std::nullopt); }
  /// False: not within that time.
  template <class Rep, class Period>
  bool wait(const std::chrono::duration<Rep, Period>& timeout) const {
    return this->at().wait(engine::deadline_in(timeout));
  }
  /// Until pred() is true; what it returned last. It runs with the lock held.
  template <class Pred>
  auto wait_for(Pred pred) const {
    return wait_for_until(pred, std::nullopt);
  }
  template <class Pred, class Rep, class Period>
  auto wait_for(Pred pred, const std::chrono::duration<Rep, Period>& timeout) const {
    return wait_for_until(pred, engine::deadline_in(timeout));
  }
  /// Wakes the `n` that have waited longest, or all there are.
  void notify(std::uint64_t n = 1) const { this->at().notify(n); }
  void notify_all() const { notify(std::numeric_limits<std::uint64_t>::max()); }

 private:
  template <class Pred>
  auto wait_for_until(Pred& pred, const engine::Deadline& deadline) const {
    auto result = pred();
    while (!result) {
      if (deadline && std::chrono::steady_clock::now() >= *deadline) break;
      this->at().wait(deadline);
      result = pred();
    }
    return result;
  }
};

class Condition : public detail::HostedHandle<Condition, engine::Condition>, public ConditionMembers<Condition> {
 public:
  Condition() : Condition(engine::ObjectPtr(), Own{}) {}
  explicit Condition(const Lock& lock) : Condition(lock.hosted_engine().object(), Own{}) {}
  explicit Condition(const RLock& lock) : Condition(lock.hosted_engine().object(), Own{}) {}
  explicit Condition(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}

  static engine::SyncType type(engine::ObjectPtr lock = {}) {
    return {.kind = engine::SyncKind::condition, .lock = std::move(lock)};
  }

 private:
  struct Own {};
  Condition(const engine::ObjectPtr& lock, Own)
      : HostedHandle(detail::in_process_tree([&](const engine::SessionPtr& tree) {
          return lock ? engine::create_beside(lock, type(lock)) : engine::create_sync(tree, type(), "");
        })) {}
};

namespace codec {
template <>
struct HandleTraits<Condition> : partage::detail::SyncTraits<Condition, engine::SyncKind::condition> {};
}  // namespace codec

template <class Self>
class ElementMembers<Self, Condition> : public detail::ReferredEngine<Self>, public ConditionMembers<Self> {};

}  // namespace partage
