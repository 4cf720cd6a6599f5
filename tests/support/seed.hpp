// The seed of random tests, and how long they run.
//
//   std::mt19937_64 random(test_seed() + 3);     // +n: another stream per test
//   PARTAGE_SHOW_SEED();                         // "seed N" stands beside every CHECK that fails in this scope
//   for (long i = 0; i < repeats(20'000); ++i) ...
//
// PARTAGE_SEED=N repeats a run; else it is drawn anew once per process and inherited by forked children (main() prints
// it first). PARTAGE_LONG=10 multiplies every repeats().
// Not covered: programs started by exec draw their own seed unless PARTAGE_SEED is set.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <random>

namespace partage::test {

inline std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    if (const char* text = std::getenv("PARTAGE_SEED"); text != nullptr && *text != '\0')
      return static_cast<std::uint64_t>(std::strtoull(text, nullptr, 10));
    std::random_device device;
    return static_cast<std::uint64_t>(device()) % 1'000'000'000;  // short enough to be typed
  }();
  return seed;
}

inline long long_factor() {
  const char* text = std::getenv("PARTAGE_LONG");
  const long factor = text != nullptr ? std::atol(text) : 1;
  return factor > 0 ? factor : 1;
}

inline long repeats(long count) {
  return count * long_factor();
}

}  // namespace partage::test

#define PARTAGE_SHOW_SEED() INFO("seed ", ::partage::test::test_seed(), " (PARTAGE_SEED repeats it)")
