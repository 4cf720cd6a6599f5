// Measures rows: each once in every round, the rounds interleaved over the peers, so that a disturbance from outside
// meets all.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/peer.hpp"

namespace bench {

struct Row {
  Peer* peer = nullptr;
  Workload workload;
  Crew crew;
  bool brief = false;  ///< half a window, and no latencies
};

struct Result {
  Row row;
  std::vector<double> rounds;      ///< in the order of the rounds
  double foreign = 0;              ///< the largest share of the CPU that others used in a round that counts
  std::optional<Latency> latency;  ///< of single operations
  std::string failure;             ///< empty: none

  double median() const;
  /// Others used so much that the numbers say little, and there was no time left to repeat it.
  bool disturbed() const { return foreign > 0.15; }
};

struct Settings {
  int rounds = 3;
  std::chrono::milliseconds window{100};
  std::chrono::milliseconds latency_window{20};  ///< 0: no latencies
  std::chrono::seconds patience{20};             ///< for repeating what others disturbed, over the whole run
  bool progress = true;                          ///< on stderr
};

/// In groups that work on the same or alike containers; of a group all containers exist at the same time.
std::vector<Result> run(std::vector<Row> rows, const Settings& settings);

/// What reading the clock costs, which is part of every latency.
double clock_cost();

}  // namespace bench
