// Which rows a run measures.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/peers/peers.hpp"
#include "tests/bench/runner.hpp"

namespace bench {

class Plan {
 public:
  /// Of peers that are named, or of all; those that are missing here are left out.
  Plan(Peers& peers, const std::vector<std::string>& named);

  /// What the table of targets needs.
  void add_targets();
  /// Every operation, by one process and by several.
  void add_table();
  /// Costs over the number of entries, of processes, and the size of values.
  void add_growth();
  /// Get and set by one process and by as many as there are cores.
  void add_scaling();
  /// Each operation once on small containers.
  void add_smoke();
  /// One workload on every peer that has it; each row once.
  void add(const Workload& workload, const Crew& crew);

  const std::vector<Row>& rows() const { return rows_; }
  struct Missing {
    std::string peer, reason;
  };
  const std::vector<Missing>& missing() const { return missing_; }

  static const std::vector<std::size_t>& growth_entries();
  static const std::vector<int>& growth_processes();
  static const std::vector<std::size_t>& growth_value_sizes();
  /// Few enough that large values fit into memory.
  static std::size_t entries_for_values(std::size_t value_size);

 private:
  void add(Peer& peer, const Workload& workload, const Crew& crew, bool brief);
  Peer* present(std::string_view name) const;

  std::vector<Peer*> present_;
  std::vector<Row> rows_;
  std::vector<Missing> missing_;
};

}  // namespace bench
