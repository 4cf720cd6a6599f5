// What can be known of a type's encoding before there is a value.
//
//   fixed_size<T>     every value takes exactly so many bytes and no references; 0: it depends
//   holds_handles<T>  a value may contain references (true for every type with its own serialize(): nobody can know)
//   holds_passengers<T>  a value is or has in it what only a message can carry (passenger.hpp)
//   is_flat<T>        the encoding is the object representation, so that memcpy will do
//   has_floats<T>     a floating point number is somewhere inside, so that a key must be made canonical
//   is_recursive<T>   T contains itself, through a container
//
// Thread safety: compile time only.
#pragma once

#include <cfloat>
#include <cstddef>
#include <type_traits>

#include <partage/codec/kind.hpp>

namespace partage::codec {

/// Bytes of a long double that carry its value: 10 of 16 on x86.
inline constexpr std::size_t long_double_size = LDBL_MANT_DIG == 64 ? 10 : sizeof(long double);

namespace detail {

template <class T>
consteval std::size_t find_fixed_size();

template <class... P>
consteval std::size_t sum_of_sizes(TypeList<P...>) {
  if constexpr (sizeof...(P) == 0) {
    return 1;  // nothing inside: one zero byte, because every value takes at least one
  } else if constexpr (((find_fixed_size<P>() != 0) && ...)) {
    return (find_fixed_size<P>() + ...);
  } else {
    return 0;
  }
}

template <class T>
consteval std::size_t find_fixed_size() {
  constexpr Kind kind = kind_of<T>;
  if constexpr (std::is_same_v<T, long double>) {
    return long_double_size;
  } else if constexpr (kind == Kind::boolean || kind == Kind::number || kind == Kind::enumeration) {
    return sizeof(T);
  } else if constexpr (kind == Kind::array) {
    return Shape<T>::size == 0 ? 1 : Shape<T>::size * sum_of_sizes(Parts<T>{});
  } else if constexpr (kind == Kind::complex) {
    return 2 * sum_of_sizes(Parts<T>{});
  } else if constexpr (kind == Kind::bitset) {
    return Shape<T>::size == 0 ? 1 : (Shape<T>::size + 7) / 8;
  } else if constexpr (kind == Kind::tuple || kind == Kind::aggregate || kind == Kind::duration ||
                       kind == Kind::time_point || kind == Kind::unit) {
    return sum_of_sizes(Parts<T>{});
  } else {
    return 0;
  }
}

/// Whether Test<P>::value holds for T or any type inside it.
template <template <class> class Test, class T, class... Open>
consteval bool any_inside();

template <template <class> class Test, class... Open, class... P>
consteval bool any_of(TypeList<P...>) {
  return (any_inside<Test, P, Open...>() || ...);
}

template <template <class> class Test, class T, class... Open>
consteval bool any_inside() {
  if constexpr (Test<T>::value) {
    return true;
  } else if constexpr (is_among<T, Open...>) {
    return false;
  } else {
    return any_of<Test, T, Open...>(Parts<T>{});
  }
}

template <class T>
struct MayRefer
    : std::bool_constant<kind_of<T> == Kind::handle || kind_of<T> == Kind::user || kind_of<T> == Kind::boost> {};

template <class T>
struct IsPassenger : std::bool_constant<kind_of<T> == Kind::passenger> {};

template <class Target>
struct Same {
  template <class T>
  using Test = std::is_same<T, Target>;
};

template <class T>
consteval bool find_flat();

template <class... P>
consteval bool all_flat(TypeList<P...>) {
  return (find_flat<P>() && ...);
}

template <class T>
consteval bool find_flat() {
  constexpr Kind kind = kind_of<T>;
  if constexpr (find_fixed_size<T>() != sizeof(T) || !std::is_trivially_copyable_v<T> || std::is_empty_v<T>) {
    return false;
  } else if constexpr (kind == Kind::number) {
    return true;
  } else if constexpr (kind == Kind::enumeration) {
    return !std::is_same_v<std::underlying_type_t<T>, bool>;
  } else if constexpr (kind == Kind::array) {
    return Shape<T>::size != 0 && all_flat(Parts<T>{});
  } else if constexpr (kind == Kind::complex || kind == Kind::duration || kind == Kind::time_point ||
                       kind == Kind::aggregate) {
    return all_flat(Parts<T>{});
  } else {
    return false;
  }
}

}  // namespace detail

template <class T>
inline constexpr std::size_t fixed_size = detail::find_fixed_size<T>();
template <class T>
inline constexpr bool holds_handles = detail::any_inside<detail::MayRefer, T>();
template <class T>
inline constexpr bool holds_passengers = detail::any_inside<detail::IsPassenger, T>();
template <class T>
inline constexpr bool is_flat = detail::find_flat<T>();
template <class T>
inline constexpr bool has_floats = detail::any_inside<std::is_floating_point, T>();
template <class T>
inline constexpr bool is_recursive = detail::any_of<detail::Same<T>::template Test>(Parts<T>{});

}  // namespace partage::codec
