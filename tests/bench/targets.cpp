#include "tests/bench/targets.hpp"

#include <algorithm>
#include <initializer_list>

#include "tests/bench/statistics.hpp"

namespace bench {
namespace {

using enum Operation;

constexpr std::string_view partage = "Partage", manager = "Python Manager", boost_map = "Boost unordered_map",
                           boost_vector = "Boost vector", std_map = "std::unordered_map";

Workload of_size(Operation operation, std::size_t value_size) {
  return {.operation = operation, .value_size = value_size};
}

class Table {
 public:
  /// The same operation on both sides, by so many processes each.
  void add(Operation operation, std::string_view peer, std::initializer_list<std::pair<int, double>> wanted,
           std::size_t value_size = 8) {
    const Workload workload = of_size(operation, value_size);
    for (const auto& [processes, ratio] : wanted)
      targets_.push_back({{partage, workload, processes}, {peer, workload, processes}, ratio});
  }
  void add(const Target& target) { targets_.push_back(target); }
  std::vector<Target> take() { return std::move(targets_); }

 private:
  std::vector<Target> targets_;
};

std::vector<Target> make() {
  Table table;
  table.add(dict_get, manager, {{1, 700}, {2, 1000}});
  table.add(dict_get, "Redis", {{1, 300}});
  table.add(dict_get, "LMDB", {{1, 8}});
  table.add(dict_get, boost_map, {{1, 6}, {2, 25}, {4, 20}});
  table.add(dict_get, std_map, {{1, 4}, {2, 18}});

  table.add(dict_set, manager, {{1, 300}});
  table.add(dict_set, boost_map, {{1, 2.5}, {2, 5}, {4, 5}});
  table.add(dict_set, "LMDB", {{1, 8}, {2, 20}});
  const Workload set = of_size(dict_set, 8);
  table.add({{partage, set, 2}, {partage, set, 1}, 1});  // two together are never slower than one

  table.add(dict_mixed, boost_map, {{1, 5}, {2, 14}, {4, 12}});
  table.add(dict_mixed, manager, {{1, 600}});

  table.add(dict_get, boost_map, {{1, 6}, {2, 18}}, 100);
  table.add(dict_set, boost_map, {{1, 2}, {2, 6}}, 100);

  table.add(dict_insert, boost_map, {{1, 3.5}, {2, 7}, {4, 5}});
  table.add(dict_insert, manager, {{1, 180}});

  table.add(dict_add, boost_map, {{1, 1.7}, {2, 1.7}, {4, 1.7}, {8, 1.7}});
  // Python's own spelling of it: with lock: value += 1
  table.add({{partage, of_size(dict_add, 8), 1}, {manager, of_size(value_add, 8), 1}, 1000});

  table.add(value_add, "mp.Value", {{1, 100}, {2, 70}, {4, 70}, {8, 70}});
  table.add(value_add, manager, {{1, 4000}});

  table.add(list_get, boost_vector, {{1, 4}, {2, 20}});
  table.add(list_get, manager, {{1, 4000}});
  table.add(list_set, boost_vector, {{1, 0.95}});
  table.add(list_set, manager, {{1, 800}});
  table.add(list_append, boost_vector, {{1, 0.95}});
  table.add(list_append, manager, {{1, 800}});

  table.add(list_fifo, manager, {{1, 1200}});
  table.add(list_fifo, "Redis", {{1, 400}});
  table.add(list_fifo, boost_vector, {{1, 250}});
  table.add(list_fifo, "Boost deque", {{1, 0.95}});
  table.add(list_snapshot, boost_vector, {{1, 3.5}});
  table.add(list_snapshot, manager, {{1, 130}});

  table.add(queue_one_way, "Boost message_queue", {{2, 2.3}});
  table.add(queue_one_way, "pipe(2)", {{2, 3.5}});
  table.add(queue_one_way, "mp.Queue", {{2, 45}});
  table.add(queue_one_way, manager, {{2, 700}});
  table.add(queue_one_way, "Boost message_queue", {{2, 1.8}}, 1024);
  table.add(queue_one_way, "mp.Queue", {{2, 15}}, 1024);
  table.add(queue_ping_pong, "pipe(2)", {{2, 9}});
  table.add(queue_ping_pong, "Boost message_queue", {{2, 10}});
  table.add(queue_ping_pong, "mp.Queue", {{2, 50}});

  table.add(pool_map_one, "mp.Pool", {{2, 200}});
  table.add(pool_map, "mp.Pool", {{2, 15}});
  table.add(process_start, "mp.Process", {{1, 9}});
  table.add(manager_start, manager, {{1, 8}});
  table.add(object_create, manager, {{1, 200}});

  const Workload memory{.operation = dict_memory, .entries = 1'000'000};
  table.add({{partage, memory, 1}, {"CPython dict", memory, 1}, 1});
  return table.take();
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all = make();
  return all;
}

const Result* find(const std::vector<Result>& results, const Side& side) {
  const auto found = std::ranges::find_if(results, [&](const Result& result) {
    return result.row.peer->name() == side.peer && result.row.workload == side.workload &&
           result.row.crew == Crew{side.processes, side.threads};
  });
  return found == results.end() || !found->failure.empty() || found->rounds.empty() ? nullptr : &*found;
}

std::optional<double> measured_ratio(const Target& target, const std::vector<Result>& results) {
  const Result* ours = find(results, target.ours);
  const Result* theirs = find(results, target.theirs);
  if (ours == nullptr || theirs == nullptr) return std::nullopt;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(ours->rounds.size(), theirs->rounds.size()); ++i)
    ratios.push_back(theirs->rounds[i] / ours->rounds[i]);
  return median(ratios);
}

}  // namespace bench
