// top: its screen as text, and the real one in a terminal (tmux).
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <partage/partage.hpp>

#include "manager/tool/top_screen.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

tool::TopState example() {
  tool::TopState state;
  state.manager = "stock";
  state.manager_pid = 12;
  tool::Rates& r = state.rates;
  r.changes = 12'345;
  r.reads = 3.1e6;
  r.busy = 10;
  r.sleeps = 2;
  r.repairs = 1;
  r.used = 1'258'291;
  r.committed = 2 << 20;
  r.max = std::uint64_t{16} << 30;
  r.growth = 4096;
  tool::ObjectRates prices;
  prices.ref = 1;
  prices.name = "prices";
  prices.kind = "dict";
  prices.changes = 12'000;
  prices.reads = 3.1e6;
  prices.busy = 10;
  prices.elements = 1000;
  prices.bytes = 64 << 10;
  tool::ObjectRates lock;
  lock.ref = 2;
  lock.name = "a";
  lock.kind = "lock";
  lock.changes = 345;
  lock.holders = lock.waiters = 1;
  lock.bytes = 320;
  tool::ObjectRates anonymous;
  anonymous.ref = 4294967299;
  anonymous.kind = "list";
  anonymous.bytes = 448;
  r.objects = {anonymous, lock, prices};
  tool::ProcessRates worker, writer;
  worker.pid = 101;
  worker.name = "worker";
  worker.state = "sleeping";
  worker.holds = {"lock 'a'"};
  worker.waits = {"queue 'jobs', 1.2 s"};
  writer.pid = 7;
  writer.name = "writer";
  writer.state = "running";
  writer.cpu = 0.974;
  r.processes = {writer, worker};
  return state;
}

std::string text(const tool::TopScreen& screen) {
  std::string all;
  for (const auto& line : screen.lines) all += line.text + '\n';
  return all;
}

}  // namespace

TEST_CASE("top: the whole screen") {
  CHECK(text(tool::render(example(), 100, 16)) ==
        "partage top: stock    process 12 serves it, 2 processes\n"
        "1.2M in use, growing by 4K/s, 2M from the system, at most 16G\n"
        "per second: 12k changes, about 3.1M reads, 10 times a lock was busy, 2.0 sleeps; 1 repair\n"
        "\n"
        "PID  NAME    STATE     CPU  HOLDS     WAITS FOR\n"
        "101  worker  sleeping   0%  lock 'a'  queue 'jobs', 1.2 s\n"
        "  7  writer  running   97%  -         -\n"
        "\n"
        "NAME         KIND  CHANGES/S  READS/S  BUSY/S  HELD BY  WAITING  SIZE  BYTES\n"
        "prices       dict        12k     3.1M      10        0        0  1000    64K\n"
        "a            lock        345        0       0        1        1     0    320\n"
        "#4294967299  list          0        0       0        0        0     0    448\n"
        "\n"
        "\n"
        "\n"
        "1-3 of 3   by changes   q quit, s sort, arrows, PageUp, PageDown\n");
}

TEST_CASE("top: never more lines or longer ones than there is room for") {
  for (std::size_t width : {0, 1, 7, 40, 200}) {
    for (std::size_t height : {0, 1, 2, 5, 9, 12, 50}) {
      CAPTURE(width);
      CAPTURE(height);
      const auto screen = tool::render(example(), width, height);
      CHECK(screen.lines.size() == height);
      for (const auto& line : screen.lines) CHECK(line.text.size() <= width);
    }
  }
  // A character of several bytes is not cut in two.
  auto state = example();
  state.manager = "caf\xc3\xa9s";
  CHECK(tool::render(state, 17, 10).lines[0].text == "partage top: caf\xc3\xa9");
}

TEST_CASE("top: sorted by each column") {
  auto state = example();
  const auto first = [&](tool::TopSort sort) {
    state.sort = sort;
    const std::string line = tool::render(state, 100, 30).lines.at(9).text;
    CHECK(has(text(tool::render(state, 100, 30)), std::string("   by ") + tool::word_for(sort)));
    return line.substr(0, line.find(' '));
  };
  CHECK(first(tool::TopSort::changes) == "prices");
  CHECK(first(tool::TopSort::reads) == "prices");
  CHECK(first(tool::TopSort::busy) == "prices");
  CHECK(first(tool::TopSort::waiting) == "a");
  CHECK(first(tool::TopSort::bytes) == "prices");
  CHECK(first(tool::TopSort::name) == "a");
}

TEST_CASE("top: many objects are scrolled through, and nobody scrolls beyond the end") {
  auto state = example();
  const auto one = state.rates.objects[2];
  for (int i = 0; i < 100; ++i) {
    state.rates.objects.push_back(one);
    state.rates.objects.back().name = "object" + std::to_string(100 + i);
  }
  state.sort = tool::TopSort::name;
  state.first = 2;
  auto screen = tool::render(state, 100, 24);
  CHECK(screen.first == 2);
  CHECK(has(screen.lines.at(9).text, "object101"));
  CHECK(has(screen.lines.back().text, "3-" + std::to_string(2 + screen.page) + " of 103"));
  state.first = 1000;
  screen = tool::render(state, 100, 24);
  CHECK(screen.first == 103 - screen.page);
  CHECK(has(screen.lines.back().text, " of 103"));
  CHECK(has(screen.lines.at(screen.lines.size() - 3).text, "#4294967299"));
}

TEST_CASE("top: many processes leave room for the objects, and the interesting ones come first") {
  auto state = example();
  auto idle = state.rates.processes[0];
  idle.cpu = 0;
  for (int i = 0; i < 200; ++i) state.rates.processes.push_back(idle);
  const auto screen = tool::render(state, 100, 30);
  CHECK(has(screen.lines.at(5).text, "worker"));
  CHECK(has(screen.lines.at(6).text, "97%"));
  CHECK(has(text(screen), "prices"));
  CHECK(has(text(screen), "1-3 of 3"));
}

TEST_CASE("top: deadlocks, an orphan, no objects") {
  auto state = example();
  state.manager_pid = 0;
  state.rates.deadlocks = {"Deadlock: process 7 waits for lock 'a', which it holds itself."};
  state.rates.objects.clear();
  const auto screen = tool::render(state, 100, 20);
  CHECK(has(screen.lines[0].text, "nobody serves it"));
  CHECK(screen.lines[3].text == state.rates.deadlocks[0]);
  CHECK(screen.lines[3].style == tool::TopScreen::Line::Style::warning);
  CHECK(has(text(screen), "no objects"));
}

// ---- in a terminal -----------------------------------------------------------------------------------------------------

namespace {

/// A terminal of tmux, on a server of its own.
class Terminal {
 public:
  Terminal(const std::string& command, int width, int height) : socket_(unique("tmux")) {
    tmux("-f /dev/null new-session -d -x " + std::to_string(width) + " -y " + std::to_string(height) + " \"" + command +
         "; echo ended with \\$?; sleep 1000\"");
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { tmux("kill-server"); }

  static bool exists() { return std::system("tmux -V > /dev/null 2>&1") == 0; }

  std::string screen() { return tmux("capture-pane -p"); }
  void keys(const std::string& names) { tmux("send-keys " + names); }
  void resize(int width, int height) {
    tmux("resize-window -x " + std::to_string(width) + " -y " + std::to_string(height));
  }
  bool shows(const std::string& part) {
    return eventually([&] { return has(screen(), part); }, 20s);
  }

 private:
  std::string tmux(const std::string& words) {
    const std::string command = "TERM=xterm LC_ALL=C.UTF-8 tmux -L " + socket_ + ' ' + words + " 2>&1";
    std::string out;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> buffer;
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) != 0;) out.append(buffer.data(), n);
    ::pclose(pipe);
    return out;
  }
  std::string socket_;
};

/// tmux ends at once without.
bool has_pseudo_terminals() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) return false;
  const char* name = ::grantpt(master) == 0 && ::unlockpt(master) == 0 ? ::ptsname(master) : nullptr;
  const int terminal = name != nullptr ? ::open(name, O_RDWR | O_NOCTTY) : -1;
  if (terminal >= 0) ::close(terminal);
  ::close(master);
  return terminal >= 0;
}

}  // namespace

TEST_CASE("top: in a terminal, with its keys, another size, and the end of the manager") {
  if (!Terminal::exists()) {
    MESSAGE("skipped: tmux is not installed");
    return;
  }
  if (!has_pseudo_terminals()) {
    MESSAGE("skipped: no pseudo-terminal can be opened here, as in a root without /dev/pts");
    return;
  }
  Serving shop(unique("live"));
  Client client(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("door"));
    static const auto prices = m.dict<std::string, int>(named("prices"), {{"a", 1}});
    static std::vector<ListProxy<int>> lists;
    for (int i = 0; i < 40; ++i) lists.push_back(m.list<int>(named("list" + std::to_string(100 + i))));
    lock.acquire();
    (void)prices;
  });
  {
    Terminal terminal(std::string(PARTAGE_PROGRAM) + " top " + shop.name(), 100, 30);
    INFO(terminal.screen());
    CHECK(terminal.shows("partage top: " + shop.name() + "    process " + std::to_string(shop.pid()) +
                         " serves it, 1 process"));
    CHECK(terminal.shows("lock 'door'"));
    CHECK(terminal.shows("1-20 of 42"));
    terminal.keys("NPage");
    CHECK(terminal.shows("21-40 of 42"));
    terminal.keys("Up");
    CHECK(terminal.shows("20-39 of 42"));
    terminal.keys("s");
    CHECK(terminal.shows("by reads"));
    CHECK(terminal.shows("1-20 of 42"));
    terminal.resize(60, 20);
    CHECK(terminal.shows("1-10 of 42"));
    terminal.keys("q");
    CHECK(terminal.shows("ended with 0"));
  }
  Terminal terminal(std::string(PARTAGE_PROGRAM) + " top " + shop.name(), 100, 30);
  CHECK(terminal.shows("partage top: " + shop.name()));
  CHECK(client.finish().ok());
  CHECK(terminal.shows("serves it, 0 processes"));
  CHECK(run({"stop", shop.name()}).code == 0);
  CHECK(
      terminal.shows("partage: the manager '" + shop.name() + "' has ended while top showed it; its objects are gone"));
  CHECK(terminal.shows("ended with 3"));
}

namespace {

/// `partage top` on a pseudo-terminal whose other end is `master`.
pid_t top_on_a_terminal(const std::string& name, int& master, bool ignores_hangup = false) {
  const pid_t pid = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (pid == 0) {
    reset_fatal_signals();
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (ignores_hangup) ::signal(SIGHUP, SIG_IGN);
    ::setenv("TERM", "xterm", 1);
    ::execl(PARTAGE_PROGRAM, PARTAGE_PROGRAM, "top", name.c_str(), nullptr);
    ::_exit(127);
  }
  REQUIRE(pid > 0);
  return pid;
}

/// What it writes until it says `part`, or ends.
std::string read_until(int master, const std::string& part) {
  std::string all;
  std::array<char, 4096> buffer;
  pollfd entry{master, POLLIN, 0};
  while (!has(all, part) && ::poll(&entry, 1, 10'000) == 1) {
    const ssize_t n = ::read(master, buffer.data(), buffer.size());
    if (n <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return all;
}

/// Its exit code, or minus the signal; 1000: it does not end.
int end_of(pid_t pid) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, 10s)) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return 1000;
  }
  return exit_code(status);
}

}  // namespace

TEST_CASE("top: a signal ends it when the terminal is in order again") {
  if (!has_pseudo_terminals()) return;
  Serving shop(unique("signals"));
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    CAPTURE(number);
    int master = -1;
    const pid_t pid = top_on_a_terminal(shop.name(), master);
    CHECK(has(read_until(master, "partage top"), "partage top"));
    ::kill(pid, number);
    CHECK(has(read_until(master, "\x1b[?1049l"), "\x1b[?1049l"));
    CHECK(end_of(pid) == (number == SIGINT ? 0 : -number));
    ::close(master);
  }
}

TEST_CASE("top: ends with its terminal, also when it is told to ignore that") {
  if (!has_pseudo_terminals()) return;
  Serving shop(unique("vanishes"));
  for (const bool ignores_hangup : {false, true}) {
    int master = -1;
    const pid_t pid = top_on_a_terminal(shop.name(), master, ignores_hangup);
    CHECK(has(read_until(master, "partage top"), "partage top"));
    ::close(master);
    CHECK(end_of(pid) == (ignores_hangup ? 0 : -SIGHUP));
  }
}

TEST_CASE("top: no terminal, no manager") {
  Serving shop(unique("dumb"));
  const Ran ran = run({"top", shop.name()});
  CHECK(ran.code == 2);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "`partage stat " + shop.name() + " --every 1s`"));
}
