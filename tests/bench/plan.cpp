#include "tests/bench/plan.hpp"

#include <algorithm>
#include <thread>

#include "tests/bench/targets.hpp"

namespace bench {
namespace {

using enum Operation;

/// Without a server that answers, whose round trip is all one sees.
constexpr std::array local_dicts{"Partage", "Boost unordered_map", "LMDB", "std::unordered_map"};
constexpr std::array all_dicts{"Partage", "Boost unordered_map", "LMDB", "Redis", "Python Manager"};

}  // namespace

Plan::Plan(Peers& peers, const std::vector<std::string>& named) {
  for (const auto& peer : peers) {
    if (!named.empty() && std::ranges::find(named, peer->name()) == named.end()) continue;
    if (std::string reason = peer->missing(); !reason.empty()) {
      missing_.push_back({std::string(peer->name()), std::move(reason)});
    } else {
      present_.push_back(peer.get());
    }
  }
}

Peer* Plan::present(std::string_view name) const {
  const auto found = std::ranges::find(present_, name, [](const Peer* peer) { return peer->name(); });
  return found == present_.end() ? nullptr : *found;
}

void Plan::add(Peer& peer, const Workload& workload, const Crew& crew, bool brief) {
  if (!peer.offers(workload)) return;
  const auto known = std::ranges::find_if(
      rows_, [&](const Row& row) { return row.peer == &peer && row.workload == workload && row.crew == crew; });
  if (known == rows_.end()) {
    rows_.push_back({&peer, workload, crew, brief});
  } else {
    known->brief = known->brief && brief;
  }
}

void Plan::add(const Workload& workload, const Crew& crew) {
  for (Peer* peer : present_) add(*peer, workload, crew, false);
}

void Plan::add_targets() {
  for (const Target& target : targets()) {
    for (const Side& side : {target.ours, target.theirs}) {
      if (Peer* peer = present(side.peer)) add(*peer, side.workload, {side.processes, 1}, false);
    }
  }
}

void Plan::add_table() {
  const auto add_each = [&](std::initializer_list<Operation> all, std::initializer_list<int> processes,
                            std::size_t value_size = 8) {
    for (const Operation operation : all)
      for (const int p : processes) add({.operation = operation, .value_size = value_size}, {p, 1});
  };
  add_each({process_start, manager_start, object_create}, {1});
  add_each({pool_map_one, pool_map}, {2});
  add_each({dict_get, dict_set, dict_mixed, dict_insert}, {1, 2, 4});
  add_each({dict_get, dict_set}, {1, 2}, 100);
  add_each({dict_add, value_add}, {1, 2, 4, 8});
  add_each({list_get, list_set, list_append}, {1, 2});
  add_each({list_fifo, list_snapshot}, {1});
  add_each({queue_one_way, queue_ping_pong}, {2});
  add_each({queue_one_way}, {2}, 1024);
  add({.operation = dict_memory, .entries = 1'000'000}, {1, 1});
}

void Plan::add_growth() {
  const auto add_named = [&](const auto& names, Workload workload, int processes) {
    for (const Operation operation : {dict_get, dict_set}) {
      workload.operation = operation;
      for (const char* name : names)
        if (Peer* peer = present(name)) add(*peer, workload, {processes, 1}, true);
    }
  };
  for (const std::size_t entries : growth_entries()) add_named(local_dicts, {.entries = entries}, 1);
  for (const int processes : growth_processes()) add_named(local_dicts, {}, processes);
  for (const std::size_t size : growth_value_sizes())
    add_named(all_dicts, {.entries = entries_for_values(size), .value_size = size}, 1);
}

void Plan::add_scaling() {
  const int cores = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  for (const Operation operation : {dict_get, dict_set})
    for (const int processes : {1, cores}) add({.operation = operation}, {processes, 1});
}

void Plan::add_smoke() {
  for (const OperationInfo& each : operations) {
    const bool pair = each.operation == queue_one_way || each.operation == queue_ping_pong ||
                      each.operation == pool_map_one || each.operation == pool_map;
    add({.operation = each.operation, .entries = 1'000}, {pair ? 2 : 1, 1});
  }
  add({.operation = dict_get, .entries = 1'000, .value_size = 100}, {2, 1});
  add({.operation = queue_one_way, .entries = 1'000, .value_size = 1024}, {2, 1});
}

const std::vector<std::size_t>& Plan::growth_entries() {
  static const std::vector<std::size_t> entries{1'000, 10'000, 100'000, 1'000'000, 10'000'000};
  return entries;
}
const std::vector<int>& Plan::growth_processes() {
  static const std::vector<int> processes{1, 2, 4, 8, 16};
  return processes;
}
const std::vector<std::size_t>& Plan::growth_value_sizes() {
  static const std::vector<std::size_t> sizes{8, 64, 512, 4096, 32'768, 262'144, 1'048'576};
  return sizes;
}
std::size_t Plan::entries_for_values(std::size_t value_size) {
  return std::min<std::size_t>(10'000, (std::size_t{64} << 20) / value_size);
}

}  // namespace bench
