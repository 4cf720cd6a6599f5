#include "manager/tool/top_screen.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <tuple>

#include "manager/tool/byte_size.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

using Style = TopScreen::Line::Style;

/// At most `width` characters, not in the middle of one.
std::string cut(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text;
  std::size_t characters = 0, at = 0;
  const auto begins = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80; };
  for (; at < text.size(); ++at) {
    if (begins(at) && characters++ == width) break;
  }
  return text.substr(0, at);
}

std::vector<std::string> lines_of(const Table& table) {
  std::ostringstream out;
  out << table;
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "; ") + word;
  return text.empty() ? "-" : text;
}

std::string percent(double share) {
  return std::to_string(std::lround(share * 100)) + '%';
}

/// Those that hold or wait first, then those that work.
std::vector<std::string> process_lines(std::vector<ProcessRates> processes) {
  std::ranges::stable_sort(processes, [](const ProcessRates& a, const ProcessRates& b) {
    const auto rank = [](const ProcessRates& p) { return std::tuple(p.holds.empty() && p.waits.empty(), -p.cpu); };
    return rank(a) < rank(b);
  });
  using enum Table::Align;
  Table table({{"PID", right}, {"NAME"}, {"STATE"}, {"CPU", right}, {"HOLDS"}, {"WAITS FOR"}});
  for (const ProcessRates& p : processes) {
    table.add({std::to_string(p.pid), p.name, p.state, percent(p.cpu), joined(p.holds), joined(p.waits)});
  }
  return lines_of(table);
}

void sort_objects(std::vector<ObjectRates>& objects, TopSort sort) {
  const auto by = [&](auto key) {
    std::ranges::stable_sort(objects, [&](const ObjectRates& a, const ObjectRates& b) { return key(a) > key(b); });
  };
  switch (sort) {
    case TopSort::changes:
      return by([](const ObjectRates& o) { return o.changes; });
    case TopSort::reads:
      return by([](const ObjectRates& o) { return o.reads; });
    case TopSort::busy:
      return by([](const ObjectRates& o) { return o.busy; });
    case TopSort::waiting:
      return by([](const ObjectRates& o) { return o.waiters; });
    case TopSort::bytes:
      return by([](const ObjectRates& o) { return o.bytes; });
    case TopSort::name:  // the anonymous ones last
      std::ranges::stable_sort(objects, {}, [](const ObjectRates& o) { return std::pair(o.name.empty(), o.name); });
  }
}

std::vector<std::string> object_lines(std::vector<ObjectRates> objects, TopSort sort) {
  sort_objects(objects, sort);
  using enum Table::Align;
  Table table({{"NAME"},
               {"KIND"},
               {"CHANGES/S", right},
               {"READS/S", right},
               {"BUSY/S", right},
               {"HELD BY", right},
               {"WAITING", right},
               {"SIZE", right},
               {"BYTES", right}});
  for (const ObjectRates& o : objects) {
    table.add({o.name.empty() ? '#' + std::to_string(o.ref) : o.name, o.kind, rate_text(o.changes), rate_text(o.reads),
               rate_text(o.busy), std::to_string(o.holders), std::to_string(o.waiters), std::to_string(o.elements),
               size_text(o.bytes)});
  }
  return lines_of(table);
}

std::string growth(double bytes) {
  const auto whole = static_cast<std::size_t>(std::abs(bytes));
  return whole == 0 ? "not growing" : (bytes < 0 ? "shrinking by " : "growing by ") + size_text(whole) + "/s";
}

std::vector<TopScreen::Line> head(const TopState& state) {
  const Rates& r = state.rates;
  const std::string count = std::to_string(r.processes.size()) + (r.processes.size() == 1 ? " process" : " processes");
  const std::string serves =
      state.manager_pid != 0 ? "process " + std::to_string(state.manager_pid) + " serves it, " : "nobody serves it, ";
  std::vector<TopScreen::Line> lines{
      {"partage top: " + harmless(state.manager) + "    " + serves + count, Style::bold},
      {size_text(r.used) + " in use, " + growth(r.growth) + ", " + size_text(r.committed) +
       " from the system, at most " + size_text(r.max)},
      {"per second: " + rate_text(r.changes) + " changes, about " + rate_text(r.reads) + " reads, " +
       rate_text(r.busy) + " times a lock was busy, " + rate_text(r.sleeps) + " sleeps; " + std::to_string(r.repairs) +
       (r.repairs == 1 ? " repair" : " repairs")}};
  for (const std::string& sentence : r.deadlocks) lines.push_back({harmless(sentence), Style::warning});
  lines.push_back({});
  return lines;
}

}  // namespace

const char* word_for(TopSort sort) noexcept {
  constexpr const char* words[top_sorts] = {"changes", "reads", "busy", "waiting", "bytes", "name"};
  return words[static_cast<std::size_t>(sort)];
}

TopScreen render(const TopState& state, std::size_t width, std::size_t height) {
  TopScreen screen;
  screen.lines = head(state);
  const auto processes = process_lines(state.rates.processes), objects = object_lines(state.rates.objects, state.sort);
  // The rest, but for two empty lines, the titles of the objects, and the keys.
  const std::size_t used = screen.lines.size() + 4, rest = height > used ? height - used : 0;
  const std::size_t wanted_by_objects = objects.size() - 1;
  const std::size_t for_processes =
      std::min(processes.size(), std::max(rest / 3, rest - std::min(rest, wanted_by_objects)));
  screen.page = std::max<std::size_t>(rest - for_processes, 1);
  const std::size_t last = wanted_by_objects - std::min(wanted_by_objects, screen.page);
  screen.first = std::min(state.first, last);

  for (std::size_t i = 0; i < for_processes; ++i)
    screen.lines.push_back({processes[i], i == 0 ? Style::bold : Style::plain});
  screen.lines.push_back({});
  screen.lines.push_back({objects[0], Style::bold});
  const std::size_t end = std::min(screen.first + screen.page, wanted_by_objects);
  for (std::size_t i = screen.first; i < end; ++i) screen.lines.push_back({objects[i + 1]});
  if (wanted_by_objects == 0) screen.lines.push_back({"no objects"});

  const std::string shown = wanted_by_objects == 0 ? ""
                                                   : std::to_string(screen.first + 1) + '-' + std::to_string(end) +
                                                         " of " + std::to_string(wanted_by_objects) + "   ";
  const TopScreen::Line keys{shown + "by " + word_for(state.sort) + "   q quit, s sort, arrows, PageUp, PageDown",
                             Style::bold};
  if (height == 0) {
    screen.lines.clear();
  } else {
    screen.lines.resize(height - 1);
    screen.lines.push_back(keys);
  }
  for (TopScreen::Line& line : screen.lines) line.text = cut(line.text, width);
  return screen;
}

}  // namespace partage::tool
