// How many times faster than whom Partage is to be: the table that the project set itself, and what a run found.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/runner.hpp"

namespace bench {

/// One side of a ratio.
struct Side {
  std::string_view peer;
  Workload workload;
  int processes = 1;
  int threads = 1;
};

struct Target {
  Side ours, theirs;
  double wanted = 0;  ///< theirs over ours, at least
};

const std::vector<Target>& targets();

/// Median over the rounds of the ratio of each round. nullopt: one of the rows was not measured.
std::optional<double> measured_ratio(const Target& target, const std::vector<Result>& results);

/// The row of that side; nullptr: it was not measured.
const Result* find(const std::vector<Result>& results, const Side& side);

}  // namespace bench
