// Charts by gnuplot, as SVG: what a dict's get and set cost over what grows, two panels each.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "tests/bench/report.hpp"
#include "tests/bench/subprocess.hpp"
#include "tests/bench/targets.hpp"

namespace bench {
namespace {

/// A peer has its colour in every chart.
struct Style {
  std::string_view peer, colour;
};
constexpr std::array styles{Style{"Partage", "#c0392b"}, Style{"Boost unordered_map", "#2c6fbb"},
                            Style{"LMDB", "#2e8b57"},    Style{"std::unordered_map", "#7f7f7f"},
                            Style{"Redis", "#8e5ea2"},   Style{"Python Manager", "#d99a2b"}};

struct Point {
  double x, y, least, most;
};

struct Chart {
  std::string file, x_label, y_label, x_tics;
  std::vector<double> xs;
  std::function<Side(std::size_t)> side;  // without peer and operation
  std::function<double(double nanoseconds)> y;
};

std::vector<Point> points_of(const Report& report, const Chart& chart, std::string_view peer, Operation operation) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < chart.xs.size(); ++i) {
    Side side = chart.side(i);
    side.peer = peer;
    side.workload.operation = operation;
    const Result* result = find(report.results, side);
    if (result == nullptr) return {};
    const auto [least, most] = std::ranges::minmax(result->rounds);
    points.push_back({chart.xs[i], chart.y(result->median()), chart.y(least), chart.y(most)});
  }
  return points;
}

std::string panel(const Report& report, const Chart& chart, Operation operation) {
  std::ostringstream data;
  std::ostringstream plot;
  int blocks = 0;
  for (const Style& style : styles) {
    const std::vector<Point> points = points_of(report, chart, style.peer, operation);
    if (points.empty()) continue;
    data << "$data" << blocks << " << EOD\n";
    for (const Point& p : points) data << p.x << ' ' << p.y << ' ' << p.least << ' ' << p.most << '\n';
    data << "EOD\n";
    plot << (blocks == 0 ? "plot " : ", ") << "$data" << blocks << " using 1:2 with linespoints title '" << style.peer
         << "' lc rgb '" << style.colour << "' lw 2 pt 7 ps 0.6, $data" << blocks
         << " using 1:2:3:4 with yerrorbars notitle lc rgb '" << style.colour << "' lw 1 pt 0";
    ++blocks;
  }
  if (blocks == 0) return {};
  return data.str() + "set title '" + std::string(info(operation).name) + "'\n" + plot.str() + "\n";
}

void draw(const std::string& script) {
  const std::unique_ptr<FILE, int (*)(FILE*)> gnuplot(::popen("gnuplot", "w"), ::pclose);
  if (!gnuplot || std::fputs(script.c_str(), gnuplot.get()) < 0) throw std::runtime_error("gnuplot does not run");
}

/// False: the run has no such rows.
bool write_chart(const Report& report, const Chart& chart, const std::filesystem::path& directory) {
  const std::string left = panel(report, chart, Operation::dict_get);
  const std::string right = panel(report, chart, Operation::dict_set);
  if (left.empty() || right.empty()) return false;
  std::ostringstream script;
  script << "set terminal svg size 960,420 font 'sans-serif,13' background '#ffffff'\n"
         << "set output '" << (directory / chart.file).string() << "'\n"
         << "set logscale xy\nset grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror out\n"
         << "set format y '%.0s%c'\nset xtics (" << chart.x_tics << ")\nset xlabel '" << chart.x_label
         << "'\nset ylabel '" << chart.y_label << "'\nset offsets graph 0.04, graph 0.04, graph 0.1, graph 0.1\n"
         << "set key top left Left reverse samplen 1.5 font ',11'\n"
         << "set multiplot layout 1,2\n"
         << left << "unset key\nset ylabel ''\n"
         << right << "unset multiplot\n";
  draw(script.str());
  return true;
}

template <class Range>
std::vector<double> as_doubles(const Range& range) {
  return {range.begin(), range.end()};
}

}  // namespace

std::string write_charts(const Report& report, const std::filesystem::path& directory) {
  if (!program_in_path("gnuplot")) return "no charts: gnuplot is not installed";
  std::filesystem::create_directories(directory);
  const auto nanoseconds = [](double ns) { return ns; };
  const std::array charts{
      Chart{"entries.svg", "entries", "ns for each operation",
            "'10^3' 1e3, '10^4' 1e4, '10^5' 1e5, '10^6' 1e6, '10^7' 1e7", as_doubles(Plan::growth_entries()),
            [](std::size_t i) {
              return Side{{}, {.entries = Plan::growth_entries()[i]}, 1};
            },
            nanoseconds},
      Chart{"processes.svg", "processes", "operations in a second, of all processes",
            "'1' 1, '2' 2, '4' 4, '8' 8, '16' 16", as_doubles(Plan::growth_processes()),
            [](std::size_t i) {
              return Side{{}, {}, Plan::growth_processes()[i]};
            },
            [](double ns) { return 1e9 / ns; }},
      Chart{"values.svg", "size of a value in bytes", "ns for each operation",
            "'8' 8, '64' 64, '512' 512, '4 Ki' 4096, '32 Ki' 32768, '256 Ki' 262144, '1 Mi' 1048576",
            as_doubles(Plan::growth_value_sizes()),
            [](std::size_t i) {
              const std::size_t size = Plan::growth_value_sizes()[i];
              return Side{{}, {.entries = Plan::entries_for_values(size), .value_size = size}, 1};
            },
            nanoseconds}};
  int written = 0;
  for (const Chart& chart : charts) written += write_chart(report, chart, directory);
  return std::to_string(written) + " charts in " + directory.string();
}

}  // namespace bench
