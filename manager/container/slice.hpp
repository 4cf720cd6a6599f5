// Python's slices: [start:stop:step] with absent ends, negative indexes and steps, resolved against a length.
//
// Complexity: O(1). Thread safety: plain values.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <partage/error.hpp>

namespace partage::kernel {

/// What a slice selects from a sequence of a known length: `count` indexes start, start + step, ...; always in bounds.
struct Selection {
  std::ptrdiff_t start = 0;
  std::ptrdiff_t step = 1;
  std::size_t count = 0;

  std::size_t operator[](std::size_t k) const noexcept {
    return static_cast<std::size_t>(start + static_cast<std::ptrdiff_t>(k) * step);
  }
  /// The same indexes in ascending order.
  Selection ascending() const noexcept {
    if (step > 0 || count == 0) return *this;
    return {start + static_cast<std::ptrdiff_t>(count - 1) * step, -step, count};
  }
};

struct Slice {
  std::optional<std::ptrdiff_t> start{};
  std::optional<std::ptrdiff_t> stop{};
  std::ptrdiff_t step = 1;

  /// As CPython's PySlice_AdjustIndices. With step 1 and stop before start, the selection is empty and stands at start.
  Selection resolve(std::size_t length) const {
    if (step == 0) throw ValueError("slice step cannot be zero");
    const auto n = static_cast<std::ptrdiff_t>(length);
    const bool up = step > 0;
    const auto adjust = [&](std::ptrdiff_t i) {
      if (i < 0) i = i < -n ? -1 : i + n;
      if (i < 0) return up ? std::ptrdiff_t{0} : std::ptrdiff_t{-1};
      return i >= n ? (up ? n : n - 1) : i;
    };
    const std::ptrdiff_t from = start ? adjust(*start) : (up ? 0 : n - 1);
    const std::ptrdiff_t to = stop ? adjust(*stop) : (up ? n : -1);
    std::size_t count = 0;
    if (up && from < to) count = (static_cast<std::size_t>(to - from) - 1) / static_cast<std::size_t>(step) + 1;
    if (!up && to < from) count = (static_cast<std::size_t>(from - to) - 1) / (std::size_t{0} - static_cast<std::size_t>(step)) + 1;
    return {from, step, count};
  }
};

}  // namespace partage::kernel
