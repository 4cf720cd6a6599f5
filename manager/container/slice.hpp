// Python's slices: [start:stop:step] with absent ends, negative indexes and steps, resolved against a length.
//
// Complexity: O(1). Thread safety: plain values.
#pragma once

#include <cstddef>
#include <optional>

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
  /// Throws ValueError for step 0.
  Selection resolve(std::size_t length) const;
};

}  // namespace partage::kernel
