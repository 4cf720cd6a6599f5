// Built-in arithmetic on a value of one word: adding an integer is one locked instruction, anything else is tried until
// nobody was faster.
//
// Thread and process safety: full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <partage/detail/compound.hpp>
#include <partage/detail/word.hpp>
#include <partage/engine/cell.hpp>

namespace partage::detail {

/// It runs no code of the user, so nobody has to be kept from anything meanwhile.
template <class T, class By>
concept Computed = std::is_arithmetic_v<T> && std::is_arithmetic_v<By> && is_word<T>;

template <std::size_t size>
using UnsignedOf = std::conditional_t<
    size == 1, std::uint8_t,
    std::conditional_t<size == 2, std::uint16_t, std::conditional_t<size == 4, std::uint32_t, std::uint64_t>>>;

/// Makes a step of compound.hpp; returns the value as it was.
template <class T, class Step, class By>
requires Computed<T, By> T step_cell(const engine::Cell& cell, By by) {
  constexpr bool integers = std::is_integral_v<T> && std::is_integral_v<By> && !std::is_same_v<T, bool>;
  using U = UnsignedOf<sizeof(T)>;  // modulo its size, sums of signed and of unsigned numbers are the same
  if constexpr (integers && std::is_same_v<Step, Plus>) {
    return static_cast<T>(cell.add(static_cast<U>(by)));
  } else if constexpr (integers && std::is_same_v<Step, Minus>) {
    return static_cast<T>(cell.add(static_cast<U>(U{0} - static_cast<U>(by))));
  } else {
    for (std::uint64_t before = cell.get_word();;) {
      T x = from_word<T>(before);
      Step::apply(x, by);
      if (cell.exchange_word(before, to_word(x))) return from_word<T>(before);
    }
  }
}

}  // namespace partage::detail
