// What a run found, in its forms: tables that people read and Markdown understands, JSON, charts, and parts of a
// document.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/memory_latency.hpp"
#include "tests/bench/plan.hpp"
#include "tests/bench/runner.hpp"

namespace bench {

struct Report {
  Settings settings;
  std::vector<Result> results;
  std::vector<Plan::Missing> missing;
  double clock_cost = 0;     ///< nanoseconds
  std::vector<MemoryLatency> memory;
  double seconds = 0;        ///< that the run took
  bool all_targets = false;  ///< the run was to measure all of them: one that is missing is shown
};

/// CPU, cores, kernel, compiler, date.
struct Machine {
  std::string cpu, kernel, compiler, build, date;
  unsigned cores = 0;
};
Machine this_machine();

// Each is a Markdown text; empty when the run has nothing of the kind.
std::string machine_text(const Report& report);
std::string rows_table(const Report& report);
std::string targets_table(const Report& report);
/// Throughput of several processes over that of one.
std::string scaling_table(const Report& report);
std::string growth_tables(const Report& report);

/// Everything, one line.
std::string to_json(const Report& report);

/// Writes SVG files; returns what was done: "3 charts in docs/performance", "no charts: gnuplot is not installed".
std::string write_charts(const Report& report, const std::filesystem::path& directory);

/// Replaces what stands between <!-- generated: NAME --> and <!-- end --> by the texts of those names that are not
/// empty. Throws when the file has no such part.
void rewrite_document(const std::filesystem::path& file, const std::map<std::string, std::string>& parts);

/// For people: "23.4", "1,234", "5,640,000".
std::string number(double value);

}  // namespace bench
