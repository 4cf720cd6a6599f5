#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "tests/bench/report.hpp"
#include "tests/bench/targets.hpp"
#include "tests/bench/text_table.hpp"

namespace bench {
namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string ratio_text(double ratio) {
  return ratio >= 100 ? number(ratio) : format("%.2f", ratio);
}

std::string size_text(std::size_t bytes) {
  if (bytes >= 1 << 20) return std::to_string(bytes >> 20) + " MiB";
  if (bytes >= 1 << 10) return std::to_string(bytes >> 10) + " KiB";
  return std::to_string(bytes) + " B";
}

/// The operation, and of the container what is not as usual.
std::string workload_text(const Workload& workload) {
  std::string text(info(workload.operation).name);
  const bool message = workload.operation == Operation::queue_one_way;
  if (workload.value_size != 8 || message) text += ", " + size_text(workload.value_size);
  if (workload.entries != 100'000) text += ", " + number(static_cast<double>(workload.entries)) + " entries";
  if (workload.key_size != 16) text += ", keys of " + std::to_string(workload.key_size) + " B";
  return text;
}

std::string crew_text(const Crew& crew) {
  return std::to_string(crew.processes) + (crew.threads > 1 ? " x " + std::to_string(crew.threads) : "");
}

/// A growth row is shown in the tables of growth only.
bool is_growth_only(const Row& row) {
  const bool usual_crew = row.crew.processes <= 4 || !(row.workload.operation == Operation::dict_get ||
                                                       row.workload.operation == Operation::dict_set);
  const bool usual_size = row.workload.entries == 100'000 || row.workload.operation == Operation::dict_memory;
  return !usual_crew || !usual_size;
}

bool has_growth(const std::vector<Result>& results) {
  return std::ranges::any_of(
      results, [](const Result& result) { return result.row.workload.entries == Plan::growth_entries().back(); });
}

/// Rows: the peers; columns: what grows. `workload_at(i)` and `crew_at(i)` say what stands in column i.
template <class WorkloadAt, class CrewAt>
std::string growth_table(const Report& report, const std::vector<std::string>& columns, const WorkloadAt& workload_at,
                         const CrewAt& crew_at) {
  std::vector<std::string> headings{"operation", "peer"};
  for (const std::string& column : columns) headings.push_back('>' + column);
  TextTable table(std::move(headings));
  for (const Operation operation : {Operation::dict_get, Operation::dict_set}) {
    std::vector<std::string_view> peers;
    for (const Result& result : report.results)
      if (std::ranges::find(peers, result.row.peer->name()) == peers.end()) peers.push_back(result.row.peer->name());
    for (const std::string_view peer : peers) {
      std::vector<std::string> cells{std::string(info(operation).name), std::string(peer)};
      std::size_t found = 0;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        Workload workload = workload_at(i);
        workload.operation = operation;
        const Result* result = find(report.results, {peer, workload, crew_at(i)});
        cells.push_back(result != nullptr ? number(result->median()) : "");
        found += result != nullptr;
      }
      if (2 * found > columns.size()) table.add(std::move(cells));
    }
  }
  return table.empty() ? "" : table.text();
}

}  // namespace

std::string number(double value) {
  if (value < 100) return format(value < 10 ? "%.2f" : "%.1f", value);
  std::string digits = format("%.0f", value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string machine_text(const Report& report) {
  const Machine machine = this_machine();
  std::string text = machine.cpu + ", " + std::to_string(machine.cores) + " cores; Linux " + machine.kernel + "; " +
                     machine.compiler + ", " + machine.build + "; " + machine.date + ".\n" +
                     std::to_string(report.settings.rounds) + " rounds of " +
                     std::to_string(report.settings.window.count()) + " ms for each row; reading the clock costs " +
                     number(report.clock_cost) + " ns, which is part of every latency.\n";
  for (const MemoryLatency& latency : report.memory) {
    text += (&latency == report.memory.data() ? "A read that waits for the one before costs " : ", ") +
            number(latency.nanoseconds) + " ns within " + std::to_string(latency.bytes >> 20) + " MiB";
  }
  if (!report.memory.empty()) text += ".\n";
  std::size_t disturbed = 0;
  for (const Result& result : report.results) disturbed += result.disturbed();
  if (disturbed != 0)
    text += "Others used the CPU while " + std::to_string(disturbed) + " of " + std::to_string(report.results.size()) +
            " rows were measured (marked *): their numbers, and contention above all, are not to be trusted.\n";
  for (const auto& [peer, reason] : report.missing) text += "Not measured: " + peer + " (" + reason + ").\n";
  return text;
}

std::string rows_table(const Report& report) {
  TextTable table(
      {"operation", ">processes", "peer", ">ns", ">min", ">max", ">p50", ">p99", ">p99.9", ">Partage is faster by"});
  std::vector<const Result*> shown;
  for (const Result& result : report.results)
    if (!has_growth(report.results) || !is_growth_only(result.row)) shown.push_back(&result);
  std::ranges::stable_sort(shown, {},
                           [](const Result* result) { return std::pair(result->row.workload, result->row.crew); });
  for (const Result* result : shown) {
    const Row& row = result->row;
    std::vector<std::string> cells{workload_text(row.workload), crew_text(row.crew), std::string(row.peer->name())};
    if (!result->failure.empty()) {
      cells.push_back("failed: " + result->failure);
      table.add(std::move(cells));
      continue;
    }
    const auto [least, most] = std::ranges::minmax(result->rounds);
    const bool bytes = info(row.workload.operation).unit == Unit::bytes;
    cells.push_back(number(result->median()) + (bytes ? " bytes" : "") + (result->disturbed() ? " *" : ""));
    cells.insert(cells.end(), {number(least), number(most)});
    if (result->latency) {
      cells.insert(cells.end(),
                   {number(result->latency->p50), number(result->latency->p99), number(result->latency->p999)});
    } else {
      cells.resize(cells.size() + 3);
    }
    const auto side = [&](std::string_view peer) {
      return Side{peer, row.workload, row.crew.processes, row.crew.threads};
    };
    const Target against{side("Partage"), side(row.peer->name())};
    const std::optional<double> ratio =
        row.peer->name() == "Partage" ? std::nullopt : measured_ratio(against, report.results);
    cells.push_back(ratio ? ratio_text(*ratio) : "");
    table.add(std::move(cells));
  }
  return table.empty() ? "" : table.text();
}

std::string targets_table(const Report& report) {
  TextTable table({"operation", ">processes", "against", ">wanted", ">measured", ""});
  int met = 0;
  int measured = 0;
  for (const Target& target : targets()) {
    const std::optional<double> ratio = measured_ratio(target, report.results);
    std::string against(target.theirs.peer);
    if (target.theirs.peer == target.ours.peer)
      against = "itself, " + std::to_string(target.theirs.processes) + " process";
    if (target.theirs.workload.operation != target.ours.workload.operation)
      against += ", " + std::string(info(target.theirs.workload.operation).name);
    if (!ratio && !report.all_targets) continue;
    std::string verdict = "not measured";
    if (ratio) {
      verdict = *ratio >= target.wanted ? "met" : "**short**";
      const bool disturbed =
          find(report.results, target.ours)->disturbed() || find(report.results, target.theirs)->disturbed();
      if (disturbed) verdict += " *";
      met += *ratio >= target.wanted;
      ++measured;
    }
    table.add({workload_text(target.ours.workload), std::to_string(target.ours.processes), against,
               ratio_text(target.wanted), ratio ? ratio_text(*ratio) : "", verdict});
  }
  if (measured == 0) return "";
  return table.text() + '\n' + std::to_string(met) + " of " + std::to_string(measured) + " measured targets met, of " +
         std::to_string(targets().size()) + " in all.\n";
}

std::string scaling_table(const Report& report) {
  std::set<int> counts;
  for (const Result& result : report.results)
    if (result.row.workload == Workload{.operation = Operation::dict_get}) counts.insert(result.row.crew.processes);
  counts.erase(1);
  if (counts.empty()) return "";
  std::vector<std::string> headings{"operation", "peer"};
  for (const int count : counts) headings.push_back('>' + std::to_string(count) + " processes");
  TextTable table(std::move(headings));
  for (const Result& one : report.results) {
    const Workload& workload = one.row.workload;
    const bool dict = workload.operation == Operation::dict_get || workload.operation == Operation::dict_set;
    if (!dict || workload != Workload{.operation = workload.operation} || one.row.crew != Crew{1, 1}) continue;
    std::vector<std::string> cells{std::string(info(workload.operation).name), std::string(one.row.peer->name())};
    bool any = false;
    for (const int count : counts) {
      const auto ratio = measured_ratio({{one.row.peer->name(), workload, count}, {one.row.peer->name(), workload, 1}},
                                        report.results);
      cells.push_back(ratio ? ratio_text(*ratio) : "");
      any = any || ratio;
    }
    if (any) table.add(std::move(cells));
  }
  return table.empty() ? "" : table.text();
}

std::string growth_tables(const Report& report) {
  if (!has_growth(report.results)) return "";
  std::vector<std::string> columns;
  for (const std::size_t entries : Plan::growth_entries()) columns.push_back(number(static_cast<double>(entries)));
  std::string text = "Nanoseconds over the number of entries, one process:\n\n";
  text += growth_table(
      report, columns, [](std::size_t i) { return Workload{.entries = Plan::growth_entries()[i]}; },
      [](std::size_t) { return 1; });

  columns.clear();
  for (const int processes : Plan::growth_processes()) columns.push_back(std::to_string(processes));
  text += "\nNanoseconds over the number of processes, wall time over the operations of all:\n\n";
  text += growth_table(
      report, columns, [](std::size_t) { return Workload{}; },
      [](std::size_t i) { return Plan::growth_processes()[i]; });

  columns.clear();
  for (const std::size_t size : Plan::growth_value_sizes()) columns.push_back(size_text(size));
  text += "\nNanoseconds over the size of values, one process:\n\n";
  text += growth_table(
      report, columns,
      [](std::size_t i) {
        const std::size_t size = Plan::growth_value_sizes()[i];
        return Workload{.entries = Plan::entries_for_values(size), .value_size = size};
      },
      [](std::size_t) { return 1; });
  return text;
}

}  // namespace bench
