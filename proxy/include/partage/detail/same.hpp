// Equality of elements: ==, except that handles, wherever they are inside, are equal when they refer to the same
// object.
//
// A struct without == is compared field by field. A type with serialize() is compared by its own ==.
// Thread safety: full; never touches shared memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <partage/codec/kind.hpp>
#include <partage/codec/traits.hpp>

namespace partage::detail {

template <class T>
bool same(const T& a, const T& b);

template <class T, std::size_t... I>
bool same_fields(const T& a, const T& b, std::index_sequence<I...>) {
  const void* fields[sizeof...(I) + 1] = {};
  std::size_t n = 0;
  codec::for_each_field(b, [&](const auto& field) { fields[n++] = &field; });
  bool equal = true;
  n = 0;
  codec::for_each_field(a, [&](const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    equal = equal && same(field, *static_cast<const Field*>(fields[n]));
    ++n;
  });
  return equal;
}

template <class T>
bool same_each(const T& a, const T& b) {
  auto i = std::begin(a);
  auto j = std::begin(b);
  for (; i != std::end(a) && j != std::end(b); ++i, ++j) {
    if (!same(*i, *j)) return false;
  }
  return i == std::end(a) && j == std::end(b);
}

template <class T, std::size_t... I>
bool same_parts(const T& a, const T& b, std::index_sequence<I...>) {
  return (same(std::get<I>(a), std::get<I>(b)) && ...);
}

template <class T, std::size_t... I>
bool same_alternative(const T& a, const T& b, std::index_sequence<I...>) {
  return a.valueless_by_exception() || ((a.index() == I && same(*std::get_if<I>(&a), *std::get_if<I>(&b))) || ...);
}

template <class T>
bool same(const T& a, const T& b) {
  using codec::Kind;
  constexpr Kind kind = codec::kind_of<T>;
  if constexpr (kind == Kind::handle) {
    return codec::HandleTraits<T>::object(a) == codec::HandleTraits<T>::object(b);
  } else if constexpr (!codec::holds_handles<T> && std::equality_comparable<T>) {
    return a == b;
  } else if constexpr (kind == Kind::optional) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b));
  } else if constexpr (kind == Kind::variant) {
    return a.index() == b.index() && same_alternative(a, b, std::make_index_sequence<std::variant_size_v<T>>());
  } else if constexpr (kind == Kind::tuple) {
    return same_parts(a, b, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (kind == Kind::array || kind == Kind::sequence) {
    return same_each(a, b);
  } else if constexpr (kind == Kind::map && codec::Shape<T>::ordered) {
    return same_each(a, b);
  } else if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else if constexpr (kind == Kind::aggregate) {
    return same_fields(a, b, std::make_index_sequence<codec::field_count<T>>());
  } else {
    static_assert(std::equality_comparable<T>, "partage: comparing elements of this type needs an operator== for it");
    return false;
  }
}

}  // namespace partage::detail
