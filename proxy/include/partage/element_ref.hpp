// Element references: what list[i] and dict[k] are. They stand for the element, wherever it is shared.
//
//   int x = list[0];             // reads
//   list[0] = 5;                 // writes
//   list[0] += 1;                // reads, adds and writes in ONE atomic step; so do -= *= /= %= &= |= ^= <<= >>= ++ --
//   list[0] = list[1];           // copies the element, as with std::vector
//   outer[1]["n"] += 1;          // a reference to a handle has the members of the handle: queues[0].get() takes an item
//   list[0].element();           // the element, also where it is a handle
//   auto r = list[0];            // stays a reference: reads the element whenever it is used. `r = 5` does not compile
//
// Comparison, arithmetic and << work as with the element itself. A compound assignment returns the new element (x++ the
// one before). The right side is evaluated first and outside the lock.
//
// A reference refers to the handle it was made from, as an iterator does, unless that was a temporary: then it keeps
// it. Do not keep one longer than its handle; copy the element instead.
// Differences to std: there is no T& to shared memory, so `auto& r = list[0]` does not compile and &list[0] is no
// address.
// Differences to Python: `d[k] += 1` is atomic.
// Thread and process safety: as the handle it was made from.
// Errors: KeyError, IndexError and what the operation on the container throws.
#pragma once

#include <compare>
#include <concepts>
#include <istream>
#include <ostream>
#include <type_traits>
#include <utility>

#include <partage/codec/repr.hpp>
#include <partage/detail/compound.hpp>
#include <partage/detail/plain.hpp>

namespace partage {

/// What a reference has beyond reading and assignment, by the type of its element; proxies specialise it with their
/// members. Primary template: the compound assignments.
template <class Self, class T>
class ElementMembers {
 public:
#define PARTAGE_COMPOUND(Step, assign)                       \
  template <class U>                                         \
  requires requires(T & t, const detail::PlainValue<U>& u) { \
    t assign u;                                              \
  }                                                          \
  T operator assign(const U& change)&& {                     \
    decltype(auto) by = detail::plain(change);               \
    return compute<detail::PlainValue<U>>([&](T& x) -> T {   \
      detail::Step::apply(x, by);                            \
      return x;                                              \
    });                                                      \
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

  T operator++() && requires requires(T& t) {
    ++t;
  }
  {
    return compute<T>([](T& x) -> T { return ++x; });
  }
  T operator++(int) && requires requires(T& t) {
    t++;
  }
  {
    return compute<T>([](T& x) -> T { return x++; });
  }
  T operator--() && requires requires(T& t) {
    --t;
  }
  {
    return compute<T>([](T& x) -> T { return --x; });
  }
  T operator--(int) && requires requires(T& t) {
    t--;
  }
  {
    return compute<T>([](T& x) -> T { return x--; });
  }

 private:
  const Self& self() const {
    return static_cast<const Self&>(*this);
  }
  /// A step whose other side is a By. Built-in arithmetic needs less care than what a user's operators may do.
  template <class By, class Step>
  T compute(Step step) const {
    if constexpr (std::is_arithmetic_v<T> && std::is_arithmetic_v<By> && requires { self().access().compute(step); }) {
      return self().access().compute(step);
    } else {
      return self().access().modify(step);
    }
  }
};

/// `Access` knows container and place: value_type, get(), set(x), modify(fn).
template <class Access>
class ElementRef : public ElementMembers<ElementRef<Access>, typename Access::value_type> {
 public:
  using value_type = typename Access::value_type;

  explicit ElementRef(Access access) : access_(std::move(access)) {}
  template <class... Args>
  explicit ElementRef(std::in_place_t, Args&&... args) : access_(std::forward<Args>(args)...) {}
  ElementRef(const ElementRef&) = default;

  value_type element() const { return access_.get(); }
  value_type get() const requires(!requires(const value_type& x) { x.get(); }) { return element(); }
  /// The get() of a handle: outer["k"].get("n") of a dict, queues[0].get() of a queue, list[0].get<int>("n") of a namespace.
  template <class... Args>
  requires requires(const value_type& x, const Args&... args) { x.get(args...); }
  auto get(const Args&... args) const { return element().get(args...); }
  template <class T, class... Args>
  requires requires(const value_type& x, const Args&... args) {
    x.template get<T>(args...);
    requires !requires {
      typename value_type::key_type;
    };
  }
  T get(const Args&... args) const { return element().template get<T>(args...); }
  operator value_type() const { return access_.get(); }  // NOLINT: stands for the element

  ElementRef&& operator=(const value_type& x) && {
    access_.set(x);
    return std::move(*this);
  }
  ElementRef&& operator=(const ElementRef& other) && {
    access_.set(other.element());
    return std::move(*this);
  }

  const Access& access() const { return access_; }

 private:
  Access access_;
};

// ---- as with the element itself ----------------------------------------------------------------------------------

#define PARTAGE_BINARY(op)                                                                               \
  template <class A, class B>                                                                            \
  requires((detail::AnElementRef<A> || detail::AnElementRef<B>)&&!std::derived_from<A, std::ios_base> && \
           !std::derived_from<B, std::ios_base> &&                                                       \
           requires(const detail::PlainValue<A>& a, const detail::PlainValue<B>& b) { a op b; }) auto    \
  operator op(const A& a, const B& b) {                                                                  \
    return detail::plain(a) op detail::plain(b);                                                         \
  }
PARTAGE_BINARY(==)
PARTAGE_BINARY(!=)
PARTAGE_BINARY(<)
PARTAGE_BINARY(<=)
PARTAGE_BINARY(>)
PARTAGE_BINARY(>=)
PARTAGE_BINARY(<=>)
PARTAGE_BINARY(+)
PARTAGE_BINARY(-)
PARTAGE_BINARY(*)
PARTAGE_BINARY(/)
PARTAGE_BINARY(%)
PARTAGE_BINARY(&)
PARTAGE_BINARY(|)
PARTAGE_BINARY(^)
#undef PARTAGE_BINARY

/// Shifts of the element; `out << list[0]` is below.
template <detail::AnElementRef A, class B>
requires requires(const detail::PlainValue<A>& a, const detail::PlainValue<B>& b) {
  a << b;
}
auto operator<<(const A& a, const B& b) {
  return detail::plain(a) << detail::plain(b);
}
template <detail::AnElementRef A, class B>
requires requires(const detail::PlainValue<A>& a, const detail::PlainValue<B>& b) {
  a >> b;
}
auto operator>>(const A& a, const B& b) {
  return detail::plain(a) >> detail::plain(b);
}

#define PARTAGE_UNARY(op)                             \
  template <detail::AnElementRef A>                   \
  requires requires(const detail::PlainValue<A>& a) { \
    op a;                                             \
  }                                                   \
  auto operator op(const A& a) {                      \
    return op detail::plain(a);                       \
  }
PARTAGE_UNARY(+)
PARTAGE_UNARY(-)
PARTAGE_UNARY(!)
PARTAGE_UNARY(~)
#undef PARTAGE_UNARY

/// As the element prints by itself; one that does not print in C++ prints as in Python.
template <class Access>
std::ostream& operator<<(std::ostream& out, const ElementRef<Access>& ref) {
  using T = typename Access::value_type;
  if constexpr (codec::detail::Streamable<T>) {
    out << ref.element();
  } else {
    codec::repr(out, ref.element());
  }
  return out;
}

/// std::cin >> list[0]
template <class Access>
requires requires(std::istream& in, typename Access::value_type& x) {
  in >> x;
}
std::istream& operator>>(std::istream& in, ElementRef<Access>&& ref) {
  typename Access::value_type x{};
  if (in >> x) ref.access().set(x);
  return in;
}

}  // namespace partage
