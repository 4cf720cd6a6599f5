// All elements of a list, or of a slice, as they were at one moment.
//
// A list of small numbers is copied straight into the vector; others come as a snapshot, whose elements are decoded when
// they are asked for.
// Thread safety: a local variable's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <partage/detail/encoded.hpp>
#include <partage/detail/word.hpp>
#include <partage/engine/list.hpp>

namespace partage::detail {

/// What read_list() fills with the least work.
template <class T>
using Elements = std::conditional_t<is_word<T>, std::vector<T>, engine::Snapshot>;

template <class T>
T element_of(const std::vector<T>& elements, std::size_t i) {
  return elements[i];
}
template <class T>
T element_of(const engine::Snapshot& elements, std::size_t i) {
  return decode<T>(elements[i]);
}

template <class T>
auto appending_to(std::vector<T>& out) {
  return [&out](std::span<const std::uint64_t> words, std::size_t rest) {
    out.reserve(out.size() + words.size() + rest);
    append_words(out, words);
  };
}

/// Into an empty `out`. Returns the version.
template <class T>
std::uint64_t read_list(const engine::List& list, Elements<T>& out) {
  if constexpr (is_word<T>) {
    return list.snapshot_words(appending_to(out));
  } else {
    return list.snapshot(out);
  }
}

template <class T>
std::vector<T> copy_of(const engine::List& list) {
  Elements<T> elements;
  read_list<T>(list, elements);
  if constexpr (is_word<T>) {
    return elements;
  } else {
    return decode_each<T>(elements);
  }
}
template <class T>
std::vector<T> slice_of(const engine::List& list, const engine::Slice& slice) {
  if constexpr (is_word<T>) {
    std::vector<T> out;
    list.slice_words(slice, appending_to(out));
    return out;
  } else {
    engine::Snapshot snapshot;
    list.slice(slice, snapshot);
    return decode_each<T>(snapshot);
  }
}

}  // namespace partage::detail
