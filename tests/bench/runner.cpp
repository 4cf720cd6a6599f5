#include "tests/bench/runner.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <tuple>

#include "tests/bench/cpu_watch.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/interrupt.hpp"
#include "tests/bench/statistics.hpp"

namespace bench {
namespace {

/// Rows of one family and size are measured side by side.
auto group_of(const Workload& workload) {
  // Processes and managers first, each before anybody else has made anything: a fork costs what its parent has.
  static constexpr std::array families{Operation::process_start, Operation::manager_start, Operation::object_create,
                                       Operation::dict_get,      Operation::dict_insert,   Operation::dict_add,
                                       Operation::list_get,      Operation::list_fifo,     Operation::queue_one_way,
                                       Operation::dict_memory};
  const auto next = std::ranges::upper_bound(families, workload.operation);
  // The sizes of messages are no sizes of a container.
  const std::size_t value_size = workload.operation == Operation::queue_one_way ? 8 : workload.value_size;
  return std::tuple(next - families.begin(), workload.entries, value_size);
}

class GroupRun {
 public:
  GroupRun(std::vector<Row> rows, const Settings& settings, std::chrono::nanoseconds& patience)
      : settings_(settings), patience_(patience) {
    for (Row& row : rows) results_.push_back({std::move(row), {}, 0, {}, {}});
    cases_.resize(results_.size());
  }

  std::vector<Result> run() {
    for (std::size_t i = 0; i < results_.size(); ++i) {
      attempt(i, [&](Result& result) { cases_[i] = result.row.peer->open(result.row.workload); });
    }
    // What does not vary is measured once.
    const int rounds = info(results_[0].row.workload.operation).unit == Unit::bytes ? 1 : settings_.rounds;
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < results_.size(); ++i) attempt(i, [&](Result& result) { measure(i, result); });
    }
    for (std::size_t i = 0; i < results_.size() && settings_.latency_window.count() != 0; ++i) {
      attempt(i,
              [&](Result& result) { result.latency = cases_[i]->latency(result.row.crew, settings_.latency_window); });
    }
    return std::move(results_);
  }

 private:
  /// A row that failed once is left alone.
  template <class Fn>
  void attempt(std::size_t i, const Fn& fn) {
    Result& result = results_[i];
    if (!result.failure.empty()) return;
    throw_if_interrupted();
    try {
      fn(result);
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& e) {
      result.failure = e.what();
      std::cerr << result.row.peer->name() << ": " << info(result.row.workload.operation).name << ": " << e.what()
                << '\n';
    }
  }

  void measure(std::size_t i, Result& result) {
    for (int tries = 0;; ++tries) {
      const auto begin = Clock::now();
      const CpuWatch watch;
      const double value = cases_[i]->measure(result.row.crew, settings_.window / (result.row.brief ? 2 : 1));
      const double foreign = watch.foreign_share();
      if (!std::isfinite(value) || value <= 0) throw std::runtime_error("measured nothing: " + std::to_string(value));
      if (foreign <= 0.15 || tries == 2 || patience_.count() <= 0) {
        result.rounds.push_back(value);
        result.foreign = std::max(result.foreign, foreign);
        return;
      }
      patience_ -= Clock::now() - begin;
    }
  }

  const Settings& settings_;
  std::chrono::nanoseconds& patience_;
  std::vector<Result> results_;
  std::vector<std::unique_ptr<Case>> cases_;
};

/// One line for each group that is done.
void report_progress(const Row& row, std::size_t done, std::size_t all, std::chrono::duration<double> taken) {
  std::cerr << done << " of " << all << " rows; " << info(row.workload.operation).name << " and its like, "
            << row.workload.entries << " entries, values of " << row.workload.value_size << " bytes: " << taken.count()
            << " s\n";
}

}  // namespace

double Result::median() const {
  return rounds.empty() ? 0 : bench::median(rounds);
}

std::vector<Result> run(std::vector<Row> rows, const Settings& settings) {
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return group_of(row.workload); });
  std::chrono::nanoseconds patience = settings.patience;
  std::vector<Result> results;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last = std::find_if(first, rows.end(),
                                   [&](const Row& row) { return group_of(row.workload) != group_of(first->workload); });
    const auto begin = Clock::now();
    for (Result& result : GroupRun({first, last}, settings, patience).run()) results.push_back(std::move(result));
    if (settings.progress) report_progress(*first, results.size(), rows.size(), Clock::now() - begin);
    first = last;
  }
  return results;
}

double clock_cost() {
  constexpr int times = 100'000;
  const auto begin = Clock::now();
  for (int i = 0; i < times; ++i) keep(Clock::now().time_since_epoch().count());
  return static_cast<double>((Clock::now() - begin).count()) / times;
}

}  // namespace bench
