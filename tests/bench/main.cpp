// partage-bench: measures Partage and its peers side by side, in one run.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iostream>

#include "tests/bench/harness.hpp"
#include "tests/bench/instructions.hpp"
#include "tests/bench/interrupt.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {

constexpr const char* footer =
    R"(Without an option it measures everything, in about three minutes. On a machine that does something else
meanwhile the numbers say little: rows that were disturbed are marked.

Exit codes: 0 measured; 1 a workload failed; 2 wrong arguments. A peer that is not installed is no failure.)";

struct Arguments {
  bool list = false, targets = false, growth = false, scaling = false, smoke = false, quick = false;
  std::vector<std::string> operations, peers;
  std::size_t entries = 100'000, key_size = 16, value_size = 8;
  std::vector<int> processes{1};
  int threads = 1;
  Settings settings;
  int window = 100;
  std::string json, charts, document;
};

void list() {
  for (const OperationInfo& each : operations) std::cout << each.name << ": " << each.meaning << '\n';
  std::cout << '\n';
  for (const auto& peer : all_peers()) {
    const std::string missing = peer->missing();
    std::cout << peer->name() << (missing.empty() ? "" : " (" + missing + ")") << '\n';
  }
}

/// What must hold of every output that is no failure.
void check_json(const std::string& text) {
  const boost::json::value parsed = boost::json::parse(text);
  const boost::json::array& rows = parsed.at("rows").as_array();
  if (rows.empty()) throw std::runtime_error("no rows");
  for (const boost::json::value& row : rows) {
    if (row.as_object().contains("failure")) continue;
    const double median = row.at("median").to_number<double>();
    if (!std::isfinite(median) || median <= 0) throw std::runtime_error("a row has no positive number");
  }
}

void write_file(const std::string& file, const std::string& text) {
  if (std::ofstream out(file); !(out << text << '\n').flush()) throw std::runtime_error("cannot write " + file);
}

void write(const Report& report, const Arguments& arguments) {
  const std::string json = to_json(report);
  check_json(json);
  std::cout << machine_text(report);
  for (const std::string& text :
       {rows_table(report), scaling_table(report), growth_tables(report), targets_table(report)})
    if (!text.empty()) std::cout << '\n' << text;
  if (!arguments.json.empty()) write_file(arguments.json, json);
  if (!arguments.charts.empty()) std::cout << '\n' << write_charts(report, arguments.charts) << '\n';
  if (!arguments.document.empty()) {
    rewrite_document(arguments.document, {{"machine", machine_text(report)},
                                          {"rows", rows_table(report)},
                                          {"scaling", scaling_table(report)},
                                          {"growth", growth_tables(report)},
                                          {"targets", targets_table(report)}});
  }
}

/// Without a choice of one's own, everything.
bool is_everything(const Arguments& a) {
  return !a.targets && !a.growth && !a.scaling && !a.smoke && a.operations.empty();
}

void fill(Plan& plan, const Arguments& arguments) {
  if (arguments.targets) plan.add_targets();
  if (arguments.growth) plan.add_growth();
  if (arguments.scaling) plan.add_scaling();
  if (arguments.smoke) plan.add_smoke();
  for (const std::string& name : arguments.operations) {
    for (const int processes : arguments.processes) {
      plan.add({operation_named(name)->operation, arguments.entries, arguments.key_size, arguments.value_size},
               {processes, arguments.threads});
    }
  }
  if (!is_everything(arguments)) return;
  plan.add_table();
  plan.add_targets();
  plan.add_growth();
}

int measure(Arguments& arguments) {
  const auto begin = Clock::now();
  arguments.settings.window = std::chrono::milliseconds(arguments.window);
  if (arguments.quick) {
    arguments.settings.window = std::chrono::milliseconds(20);
    arguments.settings.latency_window = std::chrono::milliseconds(5);
  }
  if (arguments.smoke) {
    arguments.settings = {.rounds = 1,
                          .window = std::chrono::milliseconds(2),
                          .latency_window = std::chrono::milliseconds(1),
                          .patience = {},
                          .progress = false};
  }
  catch_interrupts();
  Peers peers = all_peers();
  Plan plan(peers, arguments.peers);
  fill(plan, arguments);
  if (plan.rows().empty()) throw std::runtime_error("no peer that is installed does that");

  Report report{arguments.settings,
                run(plan.rows(), arguments.settings),
                plan.missing(),
                clock_cost(),
                memory_latencies(),
                0,
                arguments.targets || is_everything(arguments)};
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  write(report, arguments);
  std::cout << "\nmeasured in " << number(report.seconds) << " s\n";
  for (const Result& result : report.results)
    if (!result.failure.empty()) return 1;
  return 0;
}

int count_instructions(const Arguments& arguments) {
  const std::string table = instructions_table();
  std::cout << table;
  if (!arguments.document.empty()) rewrite_document(arguments.document, {{"instructions", table}});
  return 0;
}

void add_options(CLI::App& app, Arguments& a) {
  const CLI::Validator is_operation(
      [](std::string& text) {
        return operation_named(text) != nullptr ? "" : "no workload '" + text + "'; see --list";
      },
      "WORKLOAD");
  app.footer(footer);
  app.add_flag("--list", a.list, "What can be measured, and against whom");
  app.add_flag("--targets", a.targets, "What the table of targets needs");
  app.add_flag("--growth", a.growth, "Costs over entries, processes, and the size of values");
  app.add_flag("--scaling", a.scaling, "Get and set by one process and by one on each core");
  app.add_flag("--smoke", a.smoke, "Everything once, for a moment, on small containers: is it all there?");
  app.add_option("--workload", a.operations, "Only these, as --list has them")->check(is_operation);
  app.add_option("--peer", a.peers, "Only these, as --list has them");
  app.add_option("--entries", a.entries, "Of the containers, for --workload")->check(CLI::Range(1, 100'000'000));
  app.add_option("--key-size", a.key_size, "Bytes")->check(CLI::Range(9, 500));
  app.add_option("--value-size", a.value_size, "Bytes; 8 are an integer, else strings")->check(CLI::Range(1, 1 << 24));
  app.add_option("--processes", a.processes, "Forked, at the same time; several numbers for --workload")
      ->check(CLI::Range(1, 64))
      ->delimiter(',');
  app.add_option("--threads", a.threads, "Of each process")->check(CLI::Range(1, 64));
  app.add_option("--rounds", a.settings.rounds, "Of each row")->check(CLI::Range(1, 1000));
  app.add_option("--window", a.window, "Milliseconds of each row")->check(CLI::Range(1, 60'000));
  app.add_flag("--quick", a.quick, "Short windows");
  app.add_option("--json", a.json, "Write all that was found to this file");
  app.add_option("--charts", a.charts, "Write charts to this directory");
  app.add_option("--document", a.document, "Rewrite the generated parts of this Markdown file");
}

int run_program(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Measures Partage and its peers side by side", "partage-bench");
  add_options(app, arguments);
  CLI::App* instructions = app.add_subcommand("instructions", "Count the instructions of each operation");
  instructions->add_option("--document", arguments.document, "Rewrite the part `instructions` of this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (arguments.list) return list(), 0;
  return instructions->parsed() ? count_instructions(arguments) : measure(arguments);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "partage-bench: " << e.what() << '\n';
    return 1;
  }
}
