// Barrier: a fixed number of parties that wait for each other, again and again.
//
//   partage::Barrier round(4);                            // or manager.Barrier(4)
//   partage::Barrier counted(4, [=] { rounds += 1; });    // the last to come runs it, while the others still wait
//   partage::Barrier quick(4, 2s);                        // wait() without a timeout waits that long
//   std::size_t place = round.wait();                     // 0 for the first that came, 3 for the last
//
// A wait that times out, an action that throws, abort() and the death of a party inside wait() break the barrier: everybody who
// waits, and who comes later, gets BrokenBarrierError, until reset().
// The action stays with the handles that are copied from the one it was made with, forked ones too; a handle out of a
// container, an archive or a name does not know it and cannot wait at a barrier with an action.
//
// Differences to std::barrier: it can break, and be reset; no arrive() without wait. Differences to Python: a party that dies
// breaks it, and counts no more.
// Thread and process safety: full. Errors: BrokenBarrierError; ValueError for less than one party; ManagerShutdown.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <partage/detail/sync_handle.hpp>

namespace partage {

namespace detail {
template <class T>
struct IsDuration : std::false_type {};
template <class Rep, class Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {};
template <class T>
concept BarrierAction = std::invocable < std::remove_cvref_t<T>
& > &&!IsDuration<std::remove_cvref_t<T>>::value;
}  // namespace detail

template <class Self>
class BarrierMembers {
 public:
  std::size_t wait() const { return wait_until(std::nullopt); }
  template <class Rep, class Period>
  std::size_t wait(const std::chrono::duration<Rep, Period>& timeout) const {
    return wait_until(engine::deadline_in(timeout));
  }
  /// Breaks it.
  void abort() const { at().abort(); }
  /// Makes it whole again; who waits gets BrokenBarrierError.
  void reset() const { at().reset(); }
  std::size_t parties() const { return at().parties(); }
  std::size_t n_waiting() const { return at().waiting(); }
  bool broken() const { return at().broken(); }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  decltype(auto) at() const { return self().hosted_engine(); }

  std::size_t wait_until(const std::optional<engine::Deadline>& deadline) const {
    if constexpr (requires { self().action(); }) {
      if (const auto& action = self().action()) {
        const FunctionView<void()> view(*action);
        return at().wait(deadline, &view);
      }
    }
    return at().wait(deadline, nullptr);
  }
};

class Barrier : public detail::HostedHandle<Barrier, engine::Barrier>, public BarrierMembers<Barrier> {
 public:
  using Action = std::shared_ptr<const std::function<void()>>;

  explicit Barrier(std::ptrdiff_t parties) : Barrier(type(parties), nullptr) {}
  template <detail::BarrierAction Fn>
  Barrier(std::ptrdiff_t parties, Fn&& action) : Barrier(type(parties), shared(std::forward<Fn>(action))) {}
  template <class Rep, class Period>
  Barrier(std::ptrdiff_t parties, const std::chrono::duration<Rep, Period>& timeout)
      : Barrier(type(parties, timeout), nullptr) {}
  template <detail::BarrierAction Fn, class Rep, class Period>
  Barrier(std::ptrdiff_t parties, Fn&& action, const std::chrono::duration<Rep, Period>& timeout)
      : Barrier(type(parties, timeout), shared(std::forward<Fn>(action))) {}
  explicit Barrier(engine::ObjectPtr object, Action action = nullptr)
      : HostedHandle(std::move(object)), action_(std::move(action)) {}

  const Action& action() const { return action_; }

  static engine::SyncType type(std::ptrdiff_t parties) {
    return {.kind = engine::SyncKind::barrier, .initial = parties};
  }
  template <class Rep, class Period>
  static engine::SyncType type(std::ptrdiff_t parties, const std::chrono::duration<Rep, Period>& timeout) {
    engine::SyncType t = type(parties);
    const engine::Deadline deadline = engine::deadline_in(timeout);  // a century is for ever
    if (deadline) t.patience = std::chrono::ceil<std::chrono::nanoseconds>(timeout);
    return t;
  }
  template <class Fn>
  static Action shared(Fn&& action) {
    return std::make_shared<const std::function<void()>>(std::forward<Fn>(action));
  }

 private:
  Barrier(engine::SyncType type, Action action)
      : HostedHandle(detail::in_process_tree([&](const engine::SessionPtr& tree) {
          type.has_action = action != nullptr;
          return engine::create_sync(tree, type, "");
        })),
        action_(std::move(action)) {}

  Action action_;
};

namespace codec {
template <>
struct HandleTraits<Barrier> : partage::detail::SyncTraits<Barrier, engine::SyncKind::barrier> {};
}  // namespace codec

template <class Self>
class ElementMembers<Self, Barrier> : public detail::ReferredEngine<Self>, public BarrierMembers<Self> {};

}  // namespace partage
