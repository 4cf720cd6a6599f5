// Why a type cannot be stored in a shared object. The sentences that a compiler prints for each are in storable.hpp.
//
// Thread safety: compile time only.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

#include <partage/codec/aggregate.hpp>

namespace partage::codec {

enum class Refusal {
  none,
  reference,
  constant,
  function_pointer,
  pointer,
  string_view,
  span,
  reference_wrapper,
  smart_pointer,
  function_object,
  union_type,
  immovable,
  not_default_constructible,
  base_class,
  too_many_fields,
  opaque,
};

namespace detail {

template <class T>
struct NamedRefusal {
  static constexpr Refusal why = Refusal::none;
};
// clang-format off
template <class C, class R>
struct NamedRefusal<std::basic_string_view<C, R>> { static constexpr auto why = Refusal::string_view; };
template <class T, std::size_t N> struct NamedRefusal<std::span<T, N>> { static constexpr auto why = Refusal::span; };
template <class T> struct NamedRefusal<std::initializer_list<T>> { static constexpr auto why = Refusal::span; };
template <class T>
struct NamedRefusal<std::reference_wrapper<T>> { static constexpr auto why = Refusal::reference_wrapper; };
template <class F> struct NamedRefusal<std::function<F>> { static constexpr auto why = Refusal::function_object; };
// clang-format on

// unique_ptr, shared_ptr and Boost's all look like this; weak_ptr has lock() instead of get().
template <class T>
concept SmartPointer = std::is_class_v<T> && requires(const T& p) {
  typename T::element_type;
} &&(
    requires(const T& p) {
      p.get();
      static_cast<bool>(p);
    } ||
    requires(const T& p) { p.lock(); });

/// Classes refused whatever else they offer (some have a serialize() in Boost that would store a pointer).
template <class T>
consteval Refusal class_refusal() {
  if constexpr (NamedRefusal<T>::why != Refusal::none) {
    return NamedRefusal<T>::why;
  } else if constexpr (SmartPointer<T>) {
    return Refusal::smart_pointer;
  } else {
    return Refusal::none;
  }
}

template <class T>
inline constexpr bool is_refused_by_name = class_refusal<T>() != Refusal::none;

/// For a type of Kind::refused: the reason.
template <class T>
consteval Refusal find_refusal() {
  if constexpr (std::is_reference_v<T>) {
    return Refusal::reference;
  } else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    return Refusal::constant;
  } else if constexpr (std::is_function_v<std::remove_pointer_t<T>> || std::is_member_function_pointer_v<T>) {
    return Refusal::function_pointer;
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>) {
    return Refusal::pointer;
  } else if constexpr (std::is_union_v<T>) {
    return Refusal::union_type;
  } else if constexpr (!std::is_class_v<T>) {
    return Refusal::opaque;
  } else if constexpr (is_refused_by_name<T>) {
    return class_refusal<T>();
  } else if constexpr (std::is_aggregate_v<T>) {
    if constexpr (!std::is_default_constructible_v<T>)
      return Refusal::not_default_constructible;
    else if constexpr (HasBase<T>)
      return Refusal::base_class;
    else
      return Refusal::too_many_fields;
  } else if constexpr (!std::is_move_constructible_v<T>) {
    return Refusal::immovable;
  } else {
    return Refusal::opaque;
  }
}

}  // namespace detail
}  // namespace partage::codec
