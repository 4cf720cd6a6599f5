#include "manager/platform/cpu.hpp"

#include <sched.h>

#include <algorithm>
#include <chrono>

namespace partage::kernel {
namespace {

/// Hints in 1024 ns. The shortest of some measurements: in the others somebody else had the CPU.
unsigned measure() noexcept {
  constexpr unsigned hints = 32;
  using Clock = std::chrono::steady_clock;
  auto shortest = Clock::duration::max();
  for (int i = 0; i < 4; ++i) {
    const auto begin = Clock::now();
    for (unsigned n = 0; n < hints; ++n) relax_cpu();
    shortest = std::min(shortest, Clock::now() - begin);
  }
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(shortest).count();
  return std::max(1U, hints * 1024 / static_cast<unsigned>(std::clamp<long long>(ns, 1, 1 << 20)));
}

}  // namespace

void relax_cpu_for(unsigned nanoseconds) noexcept {
  static const unsigned in_1024_ns = measure();
  for (unsigned n = nanoseconds * in_1024_ns / 1024;; --n) {
    relax_cpu();
    if (n <= 1) return;
  }
}

bool several_cpus() noexcept {
  static const bool several = [] {
    cpu_set_t set;
    return ::sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;  // failed: more than 1024
  }();
  return several;
}

}  // namespace partage::kernel
