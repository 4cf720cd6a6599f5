// The screen of `top` as lines of text: a pure function of what was seen and of how the user wants to see it.
//
//   partage top: stock    process 12 serves it, 3 processes
//   1.2M in use, not growing, 2M from the system, at most 16G
//   per second: 12k changes, about 3.1M reads, 10 times a lock was busy, 2.0 sleeps; 0 repairs
//
//       PID  NAME    STATE     CPU  HOLDS     WAITS FOR
//        12  worker  sleeping   3%  lock 'a'  queue 'jobs', 1.2 s
//
//   NAME   KIND   CHANGES/S ...
//
//   1-3 of 3   by changes   q quit, s sort, arrows, PageUp, PageDown
//
// Each line is at most `width` characters; there are never more than `height` of them. Where there is not enough room
// for all, the processes get a third of it, and the objects are scrolled through.
#pragma once

#include <string>
#include <vector>

#include "manager/tool/rates.hpp"

namespace partage::tool {

enum class TopSort { changes, reads, busy, waiting, bytes, name };
constexpr std::size_t top_sorts = 6;
const char* word_for(TopSort sort) noexcept;

struct TopState {
  std::string manager;
  pid_t manager_pid = 0;  // 0: its manager has died
  Rates rates;
  TopSort sort = TopSort::changes;
  std::size_t first = 0;  // the object on the first line of their table
};

struct TopScreen {
  struct Line {
    std::string text;
    enum class Style { plain, bold, warning } style = Style::plain;
  };
  std::vector<Line> lines;
  std::size_t first = 0;  // as TopState's, but not beyond the end
  std::size_t page = 1;   // objects that fit
};

TopScreen render(const TopState& state, std::size_t width, std::size_t height);

}  // namespace partage::tool
