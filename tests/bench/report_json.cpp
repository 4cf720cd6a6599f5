#include <algorithm>
#include <boost/json.hpp>

#include "tests/bench/report.hpp"
#include "tests/bench/targets.hpp"

namespace bench {
namespace {

namespace json = boost::json;

json::object side(const Side& side) {
  return {{"peer", side.peer}, {"operation", info(side.workload.operation).name}, {"processes", side.processes}};
}

json::object row(const Result& result) {
  const Workload& workload = result.row.workload;
  json::object out{
      {"peer", result.row.peer->name()},    {"operation", info(workload.operation).name},
      {"entries", workload.entries},        {"key_size", workload.key_size},
      {"value_size", workload.value_size},  {"processes", result.row.crew.processes},
      {"threads", result.row.crew.threads}, {"unit", info(workload.operation).unit == Unit::bytes ? "bytes" : "ns"}};
  if (!result.failure.empty()) {
    out["failure"] = result.failure;
    return out;
  }
  const auto [least, most] = std::ranges::minmax(result.rounds);
  out["median"] = result.median();
  out["min"] = least;
  out["max"] = most;
  out["rounds"] = json::value_from(result.rounds);
  out["foreign_cpu"] = result.foreign;
  out["disturbed"] = result.disturbed();
  if (result.latency)
    out["latency"] = {{"p50", result.latency->p50}, {"p99", result.latency->p99}, {"p99.9", result.latency->p999}};
  return out;
}

}  // namespace

std::string to_json(const Report& report) {
  const Machine machine = this_machine();
  json::array rows;
  for (const Result& result : report.results) rows.push_back(row(result));
  json::array ratios;
  for (const Target& target : targets()) {
    const std::optional<double> ratio = measured_ratio(target, report.results);
    if (!ratio) continue;
    ratios.push_back({{"ours", side(target.ours)},
                      {"theirs", side(target.theirs)},
                      {"value_size", target.ours.workload.value_size},
                      {"wanted", target.wanted},
                      {"measured", *ratio},
                      {"met", *ratio >= target.wanted}});
  }
  json::array missing;
  for (const auto& [peer, reason] : report.missing) missing.push_back({{"peer", peer}, {"reason", reason}});
  json::array memory;
  for (const MemoryLatency& latency : report.memory) {
    memory.push_back(json::object{{"bytes", latency.bytes}, {"nanoseconds", latency.nanoseconds}});
  }
  return json::serialize(json::object{{"machine",
                                       {{"cpu", machine.cpu},
                                        {"cores", machine.cores},
                                        {"kernel", machine.kernel},
                                        {"compiler", machine.compiler},
                                        {"build", machine.build},
                                        {"date", machine.date}}},
                                      {"rounds", report.settings.rounds},
                                      {"window_ms", report.settings.window.count()},
                                      {"clock_cost", report.clock_cost},
                                      {"dependent_read", std::move(memory)},
                                      {"seconds", report.seconds},
                                      {"rows", std::move(rows)},
                                      {"targets", std::move(ratios)},
                                      {"missing", std::move(missing)}});
}

}  // namespace bench
