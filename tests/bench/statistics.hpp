// Of a few rounds.
#pragma once

#include <algorithm>
#include <vector>

namespace bench {

/// Of a range that is not empty; of an even number the mean of the two in the middle.
inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace bench
