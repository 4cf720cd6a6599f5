#include "manager/platform/cpu.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
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

// What is found out once is kept in atomics, not in static locals with a guard: forked while another thread makes one, a child would
// wait for it for ever. Two threads that both look find the same.

void relax_cpu_for(unsigned nanoseconds) noexcept {
  static constinit std::atomic<unsigned> in_1024_ns{0};
  unsigned hints = in_1024_ns.load(std::memory_order_relaxed);
  if (hints == 0) in_1024_ns.store(hints = measure(), std::memory_order_relaxed);
  for (unsigned n = nanoseconds * hints / 1024;; --n) {
    relax_cpu();
    if (n <= 1) return;
  }
}

bool several_cpus() noexcept {
  enum Answer { unknown, yes, no };
  static constinit std::atomic<Answer> answer{unknown};
  Answer known = answer.load(std::memory_order_relaxed);
  if (known == unknown) {
    cpu_set_t set;
    const bool several =
        ::sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;  // failed: more than 1024
    answer.store(known = several ? yes : no, std::memory_order_relaxed);
  }
  return known == yes;
}

}  // namespace partage::kernel
