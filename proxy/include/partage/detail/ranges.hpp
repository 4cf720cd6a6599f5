// Ranges as arguments: anything whose elements convert to T; of a dict proxy, its keys, as in Python.
//
// Thread safety: compile time only.
#pragma once

#include <concepts>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

namespace partage::detail {

template <class R>
concept DictHandle = requires(const std::remove_cvref_t<R>& r) {
  r.dict_engine();
};
template <class R, class T>
concept ListHandleOf = requires(const std::remove_cvref_t<R>& r) {
  r.list_engine();
  requires std::same_as<typename std::remove_cvref_t<R>::value_type, T>;
};

template <class R, class T>
concept KeysOf = DictHandle<R> && std::convertible_to<typename std::remove_cvref_t<R>::key_type, T>;

template <class R, class T>
concept RangeOf = KeysOf<R, T> ||
    (std::ranges::input_range<R>&& std::convertible_to<std::ranges::range_reference_t<R>, T>);

template <class T, class R>
decltype(auto) elements_of(R&& range) {
  if constexpr (DictHandle<R> && KeysOf<R, T>)
    return range.keys();
  else
    return std::forward<R>(range);
}

/// Elements are pairs whose parts convert to K and V.
template <class R, class K, class V>
concept PairsOf = std::ranges::input_range<R> && requires(std::ranges::range_reference_t<R> item) {
  { std::get<0>(item) } -> std::convertible_to<K>;
  { std::get<1>(item) } -> std::convertible_to<V>;
};

}  // namespace partage::detail
