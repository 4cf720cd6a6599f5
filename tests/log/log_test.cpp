// set_log(): what a process says of itself, and that saying it cannot hurt.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <partage/partage.hpp>
#include <string>
#include <thread>
#include <vector>

#include "manager/platform/log.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

/// Collects what is said, as "level: message", as long as it lives.
class Ears {
 public:
  explicit Ears(LogLevel least = LogLevel::debug) {
    set_log(
        [this](LogLevel level, std::string_view message) {
          const std::lock_guard guard(mutex_);
          heard_.push_back(std::string(name_of(level)) + ": " + std::string(message));
        },
        least);
  }
  Ears(const Ears&) = delete;
  Ears& operator=(const Ears&) = delete;
  ~Ears() { set_log(nullptr); }

  std::vector<std::string> heard() {
    const std::lock_guard guard(mutex_);
    return heard_;
  }
  /// A line begins so and has the part.
  bool has(const std::string& begin, const std::string& part) {
    return std::ranges::any_of(heard(), [&](const std::string& line) {
      return line.starts_with(begin) && line.find(part) != std::string::npos;
    });
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> heard_;
};

int square(int n) {
  return n * n;
}

}  // namespace

TEST_SUITE("log") {
  TEST_CASE("log: a manager's start, adoption and end are said, by the process that does it") {
    std::string pid, successor;
    Ears ears;
    {
      Manager m;
      pid = std::to_string(m.pid());
      CHECK(ears.has("info: the manager without a name was started", "process " + pid));
      REQUIRE(::kill(m.pid(), SIGKILL) == 0);
      REQUIRE(eventually([&] { return !m.is_alive(); }, 10s));
      m.restart();
      successor = std::to_string(m.pid());
      CHECK(ears.has("warning: the manager without a name had died", "process " + successor));
    }
    CHECK(ears.has("info: the manager without a name was stopped", ""));
    CHECK(ears.heard().size() == 3);  // and nothing by the managers themselves
  }

  TEST_CASE("log: below the level that is wanted, and without a function, nothing is said") {
    Ears ears(LogLevel::warning);
    CHECK(!kernel::log::wants(LogLevel::info));
    CHECK(kernel::log::wants(LogLevel::error));
    kernel::log::note(LogLevel::info, "not wanted");
    kernel::log::note(LogLevel::warning, "three is ", 3);
    set_log(nullptr);
    CHECK(!kernel::log::wants(LogLevel::error));
    kernel::log::note(LogLevel::error, "nobody listens");
    CHECK(ears.heard() == std::vector<std::string>{"warning: three is 3"});
  }

  TEST_CASE("log: what a function throws, says or replaces") {
    set_log([](LogLevel, std::string_view) { throw std::runtime_error("from the log"); });
    { Manager m; }  // starts and stops all the same

    int calls = 0;
    set_log([&](LogLevel, std::string_view) {
      ++calls;
      kernel::log::note(LogLevel::error, "within");  // not said
    });
    kernel::log::note(LogLevel::error, "once");
    CHECK(calls == 1);

    const auto witness = std::make_shared<int>(0);
    set_log([witness](LogLevel, std::string_view) {
      const auto still_there = witness;
      set_log(nullptr);
      ++*still_there;
    });
    CHECK(witness.use_count() == 2);
    kernel::log::note(LogLevel::error, "replaces itself");
    kernel::log::note(LogLevel::error, "nobody listens");
    CHECK(*witness == 1);
    CHECK(witness.use_count() == 1);  // the function is destroyed
  }

  TEST_CASE("log: when set_log returns, nobody is in the former function") {
    std::atomic<bool> stop = false;
    std::vector<std::thread> talkers;
    for (int i = 0; i < 3; ++i) {
      talkers.emplace_back([&] {
        while (!stop) kernel::log::note(LogLevel::error, "again");
      });
    }
    std::atomic<long> said = 0, late = 0;
    for (int round = 0; round < 200; ++round) {
      const auto valid = std::make_shared<std::atomic<bool>>(true);
      set_log([&, valid](LogLevel, std::string_view) {
        ++said;
        if (!*valid) ++late;
      });
      std::this_thread::sleep_for(50us);
      set_log(nullptr);
      *valid = false;
      if (valid.use_count() != 1) ++late;
    }
    stop = true;
    for (std::thread& t : talkers) t.join();
    CHECK(said > 0);
    CHECK(late == 0);
  }

  TEST_CASE("log: a child that was forked while another thread was in the function can replace it") {
    std::atomic<bool> inside = false, leave = false;
    set_log([&](LogLevel, std::string_view) {
      inside = true;
      while (!leave) std::this_thread::sleep_for(1ms);
    });
    std::thread talker([] { kernel::log::note(LogLevel::error, "stays in it"); });
    REQUIRE(eventually([&] { return inside.load(); }, 10s));
    const ChildResult child = run_child(
        [] {
          bool heard = false;
          set_log([&](LogLevel, std::string_view) { heard = true; });
          kernel::log::note(LogLevel::error, "of the child");
          return heard ? 0 : 1;
        },
        10s);
    leave = true;
    talker.join();
    set_log(nullptr);
    CHECK_MESSAGE(child.ok(), child.describe());
  }

  TEST_CASE("log: a pool says which worker died and which one takes its place, and may be used by who hears it") {
    Ears ears;
    std::atomic<std::size_t> workers = 0;
    Pool pool(1);
    const pid_t first = pool.pids().at(0);
    REQUIRE(::kill(first, SIGKILL) == 0);
    const std::string begin = "warning: pool: worker " + std::to_string(first) + " ";
    CHECK(eventually([&] { return ears.has(begin, "takes its place"); }, 10s));
    const pid_t second = pool.pids().at(0);
    CHECK(ears.has(begin, "; worker " + std::to_string(second) + " takes its place"));

    set_log([&](LogLevel, std::string_view) { workers = pool.pids().size(); });
    REQUIRE(::kill(second, SIGKILL) == 0);
    CHECK(eventually([&] { return workers == 1; }, 10s));
    set_log(nullptr);
    CHECK(pool.map(square, std::vector{3}) == std::vector{9});
  }
}
