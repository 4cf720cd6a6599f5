// Times of single operations, counted in buckets of at most 1.6 % width (64 for each power of two). A plain value of 32
// KiB that can lie in shared memory; each worker has its own, and they are added up afterwards.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tests/bench/peer.hpp"

namespace bench {

class Histogram {
  static constexpr int precision = 6;  // bits below the leading one
  static constexpr std::uint64_t steps = 1 << precision;

 public:
  void add(std::uint64_t nanoseconds) { ++counts_[bucket(nanoseconds)]; }

  Histogram& operator+=(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    return *this;
  }

  /// The value that `share` of all do not exceed.
  double quantile(double share) const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen > 0) return middle(i);
    }
    return 0;
  }
  Latency latency() const { return {quantile(0.5), quantile(0.99), quantile(0.999)}; }

 private:
  /// Values below 2 * steps have a bucket each; above, the leading bits choose.
  static std::size_t bucket(std::uint64_t value) {
    if (value < 2 * steps) return static_cast<std::size_t>(value);
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - precision;
    return static_cast<std::size_t>(static_cast<std::uint64_t>(shift) * steps + (value >> shift));
  }
  static double middle(std::size_t bucket) {
    if (bucket < 2 * steps) return static_cast<double>(bucket);
    const int shift = static_cast<int>(bucket / steps) - 1;
    return std::ldexp(static_cast<double>(bucket % steps + steps) + 0.5, shift);
  }

  std::array<std::uint64_t, (64 - precision + 1) * steps> counts_{};
};

}  // namespace bench
