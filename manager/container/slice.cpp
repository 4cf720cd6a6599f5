#include "manager/container/slice.hpp"

#include <partage/error.hpp>

namespace partage::kernel {

Selection Slice::resolve(std::size_t length) const {
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
  const std::ptrdiff_t distance = up ? to - from : from - to;
  if (distance <= 0) return {from, step, 0};
  const std::size_t stride = up ? static_cast<std::size_t>(step) : std::size_t{0} - static_cast<std::size_t>(step);
  return {from, step, (static_cast<std::size_t>(distance) - 1) / stride + 1};
}

}  // namespace partage::kernel
