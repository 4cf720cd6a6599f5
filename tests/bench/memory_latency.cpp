#include "tests/bench/memory_latency.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <stdexcept>

#include "tests/bench/harness.hpp"

namespace bench {
namespace {

constexpr std::size_t line = 64;

/// One ring through all lines, in random order, so that nothing can be fetched ahead.
double latency_within(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to measure");
  auto* const base = static_cast<std::byte*>(memory);
  const auto next_of = [&](std::size_t number) -> std::uint64_t& {
    return *reinterpret_cast<std::uint64_t*>(base + number * line);
  };
  std::vector<std::size_t> order(bytes / line);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(bytes));
  for (std::size_t i = 0; i < order.size(); ++i) next_of(order[i]) = order[(i + 1) % order.size()];

  constexpr std::size_t steps = 200'000;
  std::uint64_t at = 0;
  double best = 0;
  for (int round = 0; round < 4; ++round) {  // the first one warms up
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < steps; ++i) at = next_of(at);
    keep(at);
    const double each = std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / steps;
    if (round == 1 || (round > 1 && each < best)) best = each;
  }
  ::munmap(memory, bytes);
  return best;
}

}  // namespace

std::vector<MemoryLatency> memory_latencies() {
  std::vector<MemoryLatency> all;
  for (const std::size_t mebibytes : {1, 8, 64}) {
    const std::size_t bytes = mebibytes << 20;
    all.push_back({bytes, latency_within(bytes)});
  }
  return all;
}

}  // namespace bench
