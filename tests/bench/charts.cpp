// Charts by gnuplot, as SVG: what a dict's get and set cost over what grows, two panels each.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
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
  std::string key;  // where no line runs
  std::vector<double> xs;
  std::function<Side(std::size_t)> side;  // without peer and operation
  std::function<double(double nanoseconds)> y;
};

struct Series {
  const Style* style;
  std::vector<Point> points;
};

/// The peers of which the run has enough for a line.
std::vector<Series> series_of(const Report& report, const Chart& chart, Operation operation) {
  std::vector<Series> all;
  for (const Style& style : styles) {
    Series series{&style, {}};
    for (std::size_t i = 0; i < chart.xs.size(); ++i) {
      Side side = chart.side(i);
      side.peer = style.peer;
      side.workload.operation = operation;
      const Result* result = find(report.results, side);
      if (result == nullptr) continue;
      const auto [least, most] = std::ranges::minmax(result->rounds);
      series.points.push_back({chart.xs[i], chart.y(result->median()), chart.y(least), chart.y(most)});
    }
    if (series.points.size() >= 3) all.push_back(std::move(series));
  }
  return all;
}

/// A line through the medians, and bars from the least to the most.
std::string panel(const std::vector<Series>& all, Operation operation) {
  std::ostringstream data;
  std::ostringstream plot;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [style, points] = all[i];
    data << "$data" << i << " << EOD\n";
    for (const Point& p : points) data << p.x << ' ' << p.y << ' ' << p.least << ' ' << p.most << '\n';
    data << "EOD\n";
    plot << (i == 0 ? "plot " : ", ") << "$data" << i << " using 1:3:(0):($4-$3) with vectors nohead lc rgb '"
         << style->colour << "' lw 1 notitle, $data" << i << " using 1:2 with linespoints title '" << style->peer
         << "' lc rgb '" << style->colour << "' lw 2 pt 7 ps 0.5";
  }
  return data.str() + "set title '" + std::string(info(operation).name) + "'\n" + plot.str() + "\n";
}

void draw(const std::string& script) {
  FILE* gnuplot = ::popen("gnuplot", "w");
  const bool written = gnuplot != nullptr && std::fputs(script.c_str(), gnuplot) >= 0;
  if (gnuplot == nullptr || ::pclose(gnuplot) != 0 || !written) throw std::runtime_error("gnuplot drew no chart");
}

/// False: the run has no such rows.
bool write_chart(const Report& report, const Chart& chart, const std::filesystem::path& directory) {
  const std::vector<Series> gets = series_of(report, chart, Operation::dict_get);
  const std::vector<Series> sets = series_of(report, chart, Operation::dict_set);
  if (gets.empty() || sets.empty()) return false;
  // One scale for both panels, with room for the key above the lines.
  double least = gets[0].points[0].y;
  double most = least;
  for (const auto* panel_series : {&gets, &sets}) {
    for (const Series& series : *panel_series) {
      for (const Point& p : series.points) {
        least = std::min({least, p.least, p.most});
        most = std::max({most, p.least, p.most});
      }
    }
  }
  std::ostringstream script;
  script << "set terminal svg size 960,420 font 'sans-serif,13' background '#ffffff'\n"
         << "set termoption noenhanced\nset output '" << (directory / chart.file).string() << "'\n"
         << "set logscale xy\nset grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror out\n"
         << "set format y '%.0s%c'\nset xtics (" << chart.x_tics << ")\nset xlabel '" << chart.x_label
         << "'\nset ylabel '" << chart.y_label << "'\nset xrange [" << chart.xs.front() / 1.3 << ':'
         << chart.xs.back() * 1.3 << "]\nset yrange [" << least / 1.5 << ':' << most * 20 << "]\n"
         << "set key " << chart.key << " Left reverse samplen 1.5 font ',11'\n"
         << "set multiplot layout 1,2\n"
         << panel(gets, Operation::dict_get) << "unset key\nset ylabel ''\n"
         << panel(sets, Operation::dict_set) << "unset multiplot\n";
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
      Chart{"entries.svg", "entries", "ns for each operation", "'1k' 1e3, '10k' 1e4, '100k' 1e5, '1M' 1e6, '10M' 1e7",
            "top left", as_doubles(Plan::growth_entries()),
            [](std::size_t i) {
              return Side{{}, {.entries = Plan::growth_entries()[i]}, 1};
            },
            nanoseconds},
      Chart{"processes.svg", "processes", "operations in a second, of all processes",
            "'1' 1, '2' 2, '4' 4, '8' 8, '16' 16", "bottom right", as_doubles(Plan::growth_processes()),
            [](std::size_t i) {
              return Side{{}, {}, Plan::growth_processes()[i]};
            },
            [](double ns) { return 1e9 / ns; }},
      Chart{"values.svg", "size of a value in bytes", "ns for each operation",
            "'8' 8, '64' 64, '512' 512, '4K' 4096, '32K' 32768, '256K' 262144, '1M' 1048576", "top left",
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
