// top: the screen of top_screen.hpp on a terminal, looked at again each second.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

// Without them ncurses has `timeout`, `erase` and others as macros.
#define NCURSES_NOMACROS
#include <curses.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <optional>

#include "manager/registry/service.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/shell_word.hpp"
#include "manager/tool/top_screen.hpp"

namespace partage::tool {
namespace {

constexpr int between_looks = 1000;  // ms

/// Signals that would end the program wait in a descriptor, so that the terminal can be put in order first.
class EndingSignals {
 public:
  EndingSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set, number);
    }
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;
  ~EndingSignals() {
    if (fd_ >= 0) ::close(fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  int fd() const noexcept { return fd_; }
  /// 0: none has come.
  int take() const noexcept {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_;
  int fd_ = -1;
};

/// The terminal as ncurses wants it, and as it was before when this ends.
class Terminal {
 public:
  Terminal() {
    screen_ = ::newterm(nullptr, stdout, stdin);
    if (screen_ == nullptr) {
      const char* type = std::getenv("TERM");
      throw Failure{Exit::misused, std::string("partage: top cannot use this terminal, TERM=") +
                                       (type != nullptr ? type : "") + "; `partage stat` prints the same without one"};
    }
    ::cbreak();
    ::noecho();
    ::keypad(stdscr, TRUE);
    ::curs_set(0);
    ::timeout(0);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    ::endwin();
    ::delscreen(screen_);
  }

  static std::size_t width() { return static_cast<std::size_t>(std::max(COLS, 1)); }
  static std::size_t height() { return static_cast<std::size_t>(std::max(LINES, 1)); }

  /// The next key; ERR when none comes for so long, or something comes from `other`. nullopt: the terminal has gone.
  static std::optional<int> key(int other) {
    if (const int key = ::getch(); key != ERR) return key;
    pollfd entries[] = {{STDIN_FILENO, POLLIN, 0}, {other, POLLIN, 0}};
    if (::poll(entries, 2, between_looks) == 0) return ERR;
    if ((entries[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return std::nullopt;
    return ::getch();  // also when a new size has woken it
  }

  void paint(const TopScreen& screen) {
    ::erase();
    for (std::size_t i = 0; i < screen.lines.size(); ++i) {
      const TopScreen::Line& line = screen.lines[i];
      const auto attribute = line.style == TopScreen::Line::Style::bold      ? A_BOLD
                             : line.style == TopScreen::Line::Style::warning ? A_REVERSE
                                                                             : A_NORMAL;
      ::attrset(static_cast<int>(attribute));
      ::mvaddstr(static_cast<int>(i), 0, line.text.c_str());
    }
    ::refresh();
  }

 private:
  SCREEN* screen_;
};

/// Of a key. False: the user has seen enough.
bool obey(int key, TopState& state, const TopScreen& screen) {
  state.first = screen.first;
  switch (key) {
    case 'q':
    case 'Q':
      return false;
    case 's':
      state.sort = static_cast<TopSort>((static_cast<std::size_t>(state.sort) + 1) % top_sorts);
      state.first = 0;
      break;
    case KEY_UP:
      state.first -= std::min<std::size_t>(state.first, 1);
      break;
    case KEY_DOWN:
      ++state.first;  // render() knows the end
      break;
    case KEY_PPAGE:
      state.first -= std::min(state.first, screen.page);
      break;
    case KEY_NPAGE:
      state.first += screen.page;
      break;
    default:  // nothing came in time; or the size of the terminal has changed
      break;
  }
  return true;
}

/// Why it shows no more.
struct End {
  bool manager = false;  // it has ended
  int signal = 0;        // that came
};

End show(kernel::Segment& segment, TopState& state) {
  const EndingSignals signals;
  Terminal terminal;
  Watch before = watch(segment), now = before;
  for (;;) {
    if (!segment.live()) return {.manager = true};
    state.manager_pid = kernel::manager_pid(segment);
    state.rates = rates(before, now);
    const TopScreen screen = render(state, Terminal::width(), Terminal::height());
    terminal.paint(screen);
    const std::optional<int> key = Terminal::key(signals.fd());
    if (const int signal = signals.take(); signal != 0) return {.signal = signal};
    if (!key || !obey(*key, state, screen)) return {};
    Watch next = watch(segment);
    // After a key the same look is shown in another way, unless it is old.
    if (*key != ERR && next.at - now.at < std::chrono::milliseconds(between_looks) && before.at != now.at) continue;
    before = std::move(now);
    now = std::move(next);
  }
}

}  // namespace

void top(const std::string& given) {
  const std::string name = name_in(given);
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    throw Failure{Exit::misused, "partage: top needs a terminal; `partage stat " + shell_word(name) +
                                     " --every 1s` prints the same without one"};
  }
  const auto segment = look_at_live(name);
  std::setlocale(LC_ALL, "");
  TopState state;
  state.manager = name;
  const End end = show(*segment, state);
  if (end.signal != 0 && end.signal != SIGINT) {  // Ctrl-C is a way of saying q
    ::signal(end.signal, SIG_DFL);                // ncurses has handlers of its own
    ::raise(end.signal);
  }
  if (end.manager) {
    throw Failure{Exit::not_found,
                  "partage: the manager '" + name + "' has ended while top showed it; its objects are gone"};
  }
}

}  // namespace partage::tool
