// What the codec does with a type: its Kind, and the types it is made of (Parts). Everything else here folds over these
// two. Containers of the standard library are known by name; any other that behaves like one joins by specialising
// Shape, as in
//
//   template <class K, class V>
//   struct partage::codec::Shape<ordered_dict<K, V>> : partage::codec::Is<Kind::map, K, V> {};
//
// By name and not by concept, because a class derived from a container with fields of its own would lose them silently.
// Thread safety: compile time only.
#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/fwd.hpp>

#include <partage/codec/aggregate.hpp>
#include <partage/codec/handle.hpp>
#include <partage/codec/passenger.hpp>
#include <partage/codec/refusal.hpp>
#include <partage/codec/serialize_probe.hpp>
#include <partage/codec/type_list.hpp>

namespace partage {

/// Set to true for a type whose serialize() needs what only Boost's own archives do (pointers, tracking, export):
///   template <> constexpr bool partage::use_boost_archive<Tree> = true;
template <class T>
inline constexpr bool use_boost_archive = false;

}  // namespace partage

namespace partage::codec {

enum class Kind {
  refused,      // see storable.hpp
  handle,       // one reference
  passenger,    // goes beside the bytes, in messages only
  boost,        // through a Boost archive, by use_boost_archive
  object,       // boost::json::value
  boolean,      // one byte, 0 or 1
  number,       // integers, characters, floating point
  enumeration,  // as its underlying integer
  string,       // std::basic_string
  optional,
  variant,
  tuple,     // pair, tuple
  array,     // std::array, C array inside an aggregate
  sequence,  // vector, deque, list
  set,
  map,
  duration,
  time_point,
  complex,
  bitset,
  unit,       // std::monostate
  user,       // has serialize(): through our light archive
  aggregate,  // field by field
};

/// Base of the specialisations of Shape: the kind and the types inside.
template <Kind K, class... P>
struct Is {
  static constexpr Kind kind = K;
  using Parts = TypeList<P...>;
  static constexpr bool ordered = true;  // equal values iterate in equal order
  static constexpr bool multi = false;   // set and map: keys may repeat
};
template <Kind K, class... P>
struct IsMulti : Is<K, P...> {
  static constexpr bool multi = true;
};
template <class Base>
struct Unordered : Base {
  static constexpr bool ordered = false;
};

/// Primary template: nothing we know by name.
template <class T>
struct Shape : Is<Kind::refused> {};

// clang-format off
template <class C, class R, class A> struct Shape<std::basic_string<C, R, A>> : Is<Kind::string> { using Char = C; };
template <class T> struct Shape<std::optional<T>> : Is<Kind::optional, T> {};
template <class... T> struct Shape<std::variant<T...>> : Is<Kind::variant, T...> {};
template <class A, class B> struct Shape<std::pair<A, B>> : Is<Kind::tuple, A, B> {};
template <class... T> struct Shape<std::tuple<T...>> : Is<Kind::tuple, T...> {};
template <class T, std::size_t N>
struct Shape<std::array<T, N>> : Is<Kind::array, T> { static constexpr auto size = N; };
template <class T, std::size_t N> struct Shape<T[N]> : Is<Kind::array, T> { static constexpr auto size = N; };
template <class T, class A> struct Shape<std::vector<T, A>> : Is<Kind::sequence, T> {};
template <class T, class A> struct Shape<std::deque<T, A>> : Is<Kind::sequence, T> {};
template <class T, class A> struct Shape<std::list<T, A>> : Is<Kind::sequence, T> {};
template <class T, class C, class A> struct Shape<std::set<T, C, A>> : Is<Kind::set, T> {};
template <class T, class C, class A> struct Shape<std::multiset<T, C, A>> : IsMulti<Kind::set, T> {};
template <class K, class V, class C, class A> struct Shape<std::map<K, V, C, A>> : Is<Kind::map, K, V> {};
template <class K, class V, class C, class A> struct Shape<std::multimap<K, V, C, A>> : IsMulti<Kind::map, K, V> {};
template <class T, class H, class E, class A>
struct Shape<std::unordered_set<T, H, E, A>> : Unordered<Is<Kind::set, T>> {};
template <class T, class H, class E, class A>
struct Shape<std::unordered_multiset<T, H, E, A>> : Unordered<IsMulti<Kind::set, T>> {};
template <class K, class V, class H, class E, class A>
struct Shape<std::unordered_map<K, V, H, E, A>> : Unordered<Is<Kind::map, K, V>> {};
template <class K, class V, class H, class E, class A>
struct Shape<std::unordered_multimap<K, V, H, E, A>> : Unordered<IsMulti<Kind::map, K, V>> {};
template <class R, class P> struct Shape<std::chrono::duration<R, P>> : Is<Kind::duration, R> {};
template <class C, class D> struct Shape<std::chrono::time_point<C, D>> : Is<Kind::time_point, D> {};
template <class T> struct Shape<std::complex<T>> : Is<Kind::complex, T> {};
template <std::size_t N> struct Shape<std::bitset<N>> : Is<Kind::bitset> { static constexpr auto size = N; };
template <> struct Shape<std::monostate> : Is<Kind::unit> {};
// clang-format on

namespace detail {

template <class T>
consteval bool is_plain_aggregate() {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && std::is_default_constructible_v<T>) {
    if constexpr (HasBase<T>) {
      return false;
    } else {
      return field_count<T> <= max_fields;
    }
  } else {
    return false;
  }
}

template <class T>
consteval Kind find_kind() {
  if constexpr (std::is_reference_v<T> || std::is_const_v<T> || std::is_volatile_v<T>) {
    return Kind::refused;
  } else if constexpr (Handle<T>) {
    return Kind::handle;
  } else if constexpr (Passenger<T>) {
    return Kind::passenger;
  } else if constexpr (use_boost_archive<T>) {
    return Kind::boost;
  } else if constexpr (std::is_same_v<T, bool>) {
    return Kind::boolean;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return Kind::number;
  } else if constexpr (std::is_enum_v<T>) {
    return Kind::enumeration;
  } else if constexpr (Shape<T>::kind != Kind::refused) {
    return Shape<T>::kind;
  } else if constexpr (std::is_same_v<T, boost::json::value>) {
    return Kind::object;
  } else if constexpr (!std::is_class_v<T>) {
    return Kind::refused;
  } else if constexpr (is_refused_by_name<T>) {
    return Kind::refused;
  } else if constexpr (has_serialize<T>) {
    return Kind::user;
  } else if constexpr (is_plain_aggregate<T>()) {
    return Kind::aggregate;
  } else {
    return Kind::refused;
  }
}

}  // namespace detail

template <class T>
inline constexpr Kind kind_of = detail::find_kind<T>();

namespace detail {
template <class T, Kind = kind_of<T>>
struct PartsOf {
  using type = typename Shape<T>::Parts;
};
template <class T>
struct PartsOf<T, Kind::aggregate> {
  using type = FieldTypes<T>;
};
}  // namespace detail

/// TypeList of what a value of T is made of; empty for everything that is not a container or an aggregate.
template <class T>
using Parts = typename detail::PartsOf<T>::type;

}  // namespace partage::codec
