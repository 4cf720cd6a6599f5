// The members of a shared value: those of Value<T>, and of an element reference to one (outer["v"] += 1).
//
// Every member that changes the value is one atomic step. A compound assignment returns the new value (x++ the one
// before); its right side is evaluated first.
//
// modify(fn) runs fn(T&) on a copy and publishes it in one step; if fn throws, nothing has changed. fn may read shared
// objects, not write them. For a T of a fixed size up to 8 bytes without handles no lock is held: fn runs again, on
// what is there then, when somebody was faster, so it must not count its own runs. For all others it runs once, under
// the value's lock.
// Errors: OutOfMemory, ManagerShutdown, UsageError for a write from inside modify(), ValueError for an empty handle.
// Thread and process safety: full.
#pragma once

#include <type_traits>

#include <partage/detail/compound.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/modify.hpp>
#include <partage/detail/plain.hpp>
#include <partage/detail/step_cell.hpp>
#include <partage/engine/cell.hpp>
#include <partage/engine/companion.hpp>
#include <partage/lock.hpp>

namespace partage {

template <class Self, class T>
class ValueMembers {
 public:
  using value_type = T;

  T get() const {
    if constexpr (detail::is_word<T>) {
      return detail::from_word<T>(cell().get_word());
    } else {
      engine::Value value;
      cell().get(value);
      return detail::decode<T>(value);
    }
  }
  void set(const T& x) const {
    decltype(auto) c = cell();
    if constexpr (detail::is_word<T>) {
      c.set_word(detail::to_word(x));
    } else {
      c.set(detail::Encoded<T>(x, c.object()).view());
    }
  }
  template <class Fn>
  detail::ModifyResult<T, Fn> modify(Fn&& fn) const {
    decltype(auto) c = cell();
    return detail::modify<T>(
        c.object(), fn, [&](engine::Modifier m) { return c.modify(m), true; }, [] {});
  }

#define PARTAGE_COMPOUND(Step, assign)                       \
  template <class U>                                         \
  requires requires(T & t, const detail::PlainValue<U>& u) { \
    t assign u;                                              \
  }                                                          \
  T operator assign(const U& change) const {                 \
    decltype(auto) by = detail::plain(change);               \
    return step<detail::Step>(by);                           \
  }
  PARTAGE_COMPOUND(Plus, +=)
  PARTAGE_COMPOUND(Minus, -=)
  PARTAGE_COMPOUND(Times, *=)
  PARTAGE_COMPOUND(DividedBy, /=)
  PARTAGE_COMPOUND(Modulo, %=)
  PARTAGE_COMPOUND(And, &=)
  PARTAGE_COMPOUND(Or, |=)
  PARTAGE_COMPOUND(Xor, ^=)
  PARTAGE_COMPOUND(ShiftedLeft, <<=)
  PARTAGE_COMPOUND(ShiftedRight, >>=)
#undef PARTAGE_COMPOUND

  T operator++() const requires requires(T& t) {
    ++t;
  }
  {
    if constexpr (detail::Computed<T, T>) {
      return step<detail::Plus>(T{1});
    } else {
      return modify([](T& x) -> T { return ++x; });
    }
  }
  T operator++(int) const requires requires(T& t) {
    t++;
  }
  {
    if constexpr (detail::Computed<T, T>) {
      return detail::step_cell<T, detail::Plus>(cell(), T{1});
    } else {
      return modify([](T& x) -> T { return x++; });
    }
  }
  T operator--() const requires requires(T& t) {
    --t;
  }
  {
    if constexpr (detail::Computed<T, T>) {
      return step<detail::Minus>(T{1});
    } else {
      return modify([](T& x) -> T { return --x; });
    }
  }
  T operator--(int) const requires requires(T& t) {
    t--;
  }
  {
    if constexpr (detail::Computed<T, T>) {
      return detail::step_cell<T, detail::Minus>(cell(), T{1});
    } else {
      return modify([](T& x) -> T { return x--; });
    }
  }

  /// A lock that belongs to the value, made with the first call. It excludes only those who take it.
  RLock get_lock() const {
    decltype(auto) c = cell();
    return codec::HandleTraits<RLock>::make(engine::companion(c.object(), [&] {
      return engine::create_sync(engine::session_of(c.object()), {.kind = engine::SyncKind::rlock}, "");
    }));
  }

 private:
  decltype(auto) cell() const {
    return static_cast<const Self&>(*this).cell_engine();
  }
  /// Returns the new value.
  template <class Step, class By>
  T step(const By& by) const {
    if constexpr (detail::Computed<T, By>) {
      T x = detail::step_cell<T, Step>(cell(), by);
      Step::apply(x, by);
      return x;
    } else {
      return modify([&](T& x) -> T {
        Step::apply(x, by);
        return x;
      });
    }
  }
};

}  // namespace partage
