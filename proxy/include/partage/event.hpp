// Event: a flag that processes wait for.
//
//   partage::Event go;                                    // or manager.Event()
//   partage::Process worker([=] { go.wait();  ... });
//   go.set();
//
// Death: nobody owns it; a waiter that dies leaves nothing behind.
// Differences to Python: set() never waits for a waiter; a waiter sees a set() that a clear() follows at once.
// Thread and process safety: full; is_set() takes no lock. Errors: ManagerShutdown, UsageError inside modify().
#pragma once

#include <chrono>
#include <utility>

#include <partage/detail/sync_handle.hpp>

namespace partage {

template <class Self>
class EventMembers {
 public:
  bool is_set() const { return at().is_set(); }
  void set() const { at().set(); }
  void clear() const { at().clear(); }
  /// True, when it is set.
  bool wait() const { return at().wait(std::nullopt); }
  /// False: not within that time.
  template <class Rep, class Period>
  bool wait(const std::chrono::duration<Rep, Period>& timeout) const {
    return at().wait(engine::deadline_in(timeout));
  }

 private:
  decltype(auto) at() const { return static_cast<const Self&>(*this).hosted_engine(); }
};

class Event : public detail::HostedHandle<Event, engine::Event>, public EventMembers<Event> {
 public:
  Event()
      : HostedHandle(detail::in_process_tree([](const engine::SessionPtr& tree) {
          return engine::create_sync(tree, {.kind = engine::SyncKind::event}, "");
        })) {}
  explicit Event(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}
};

namespace codec {
template <>
struct HandleTraits<Event> : partage::detail::SyncTraits<Event, engine::SyncKind::event> {};
}  // namespace codec

template <class Self>
class ElementMembers<Self, Event> : public detail::ReferredEngine<Self>, public EventMembers<Self> {};

}  // namespace partage
