// Process: life, results, errors. Cases named test_... restate CPython's tests of that name in _TestProcess and
// _TestSubclassingProcess.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/process/fixture.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("test_process: before, during and after") {
  const Shared seen;
  int go[2];
  REQUIRE(::pipe(go) == 0);
  Process p(
      [&seen, &go](int q, const std::string& text) {
        seen[0] = q;
        seen[1] = static_cast<long>(text.size());
        seen[2] = ::getpid();
        char byte;
        seen[3] = ::read(go[0], &byte, 1);
      },
      1, "hello");
  CHECK_FALSE(p.is_alive());
  CHECK(p.pid() == 0);
  CHECK_FALSE(p.exitcode());

  p.start();
  CHECK(p.is_alive());
  CHECK_FALSE(p.exitcode());
  CHECK_FALSE(p.join(0ms));
  CHECK_FALSE(p.join(-5s));
  REQUIRE(::write(go[1], "x", 1) == 1);
  p.join();
  CHECK(p.exitcode() == 0);
  CHECK_FALSE(p.is_alive());
  CHECK(seen[0] == 1);
  CHECK(seen[1] == 5);
  CHECK(seen[2] == p.pid());
  CHECK(p.pid() != ::getpid());
  p.join();  // again
  CHECK(p.join(0ms));
  ::close(go[0]);
  ::close(go[1]);
}

TEST_CASE("test_terminate and test_kill") {
  const DefaultSigterm ends;
  const auto end = [](void (Process::*how)()) {
    Process p(wait_for_ever);
    p.start();
    CHECK(p.is_alive());
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(p.join(0s));
    CHECK_FALSE(p.join(-1s));
    CHECK(std::chrono::steady_clock::now() - start < 2s);
    CHECK(p.is_alive());
    (p.*how)();
    p.join();
    CHECK_FALSE(p.is_alive());
    (p.*how)();  // after the end: no effect
    return p.exitcode();
  };
  CHECK(end(&Process::terminate) == -SIGTERM);
  CHECK(end(&Process::kill) == -SIGKILL);
}

TEST_CASE("exit codes: return, exit, exceptions, signals") {
  const auto exitcode_after = [](auto fn) {
    Process p(fn);
    p.start();
    p.join();
    return p.exitcode().value();
  };
  CHECK(exitcode_after([] {}) == 0);
  CHECK(exitcode_after([] { return 7; }) == 0);  // as in Python, what the function returns is ignored
  CHECK(exitcode_after([] { std::exit(0); }) == 0);
  CHECK(exitcode_after([] { std::exit(42); }) == 42);
  CHECK(exitcode_after([] { std::exit(-1); }) == 255);
  CHECK(exitcode_after([] { std::exit(256); }) == 0);
  CHECK(exitcode_after([] { ::_exit(9); }) == 9);
  CHECK(exitcode_after([] { ::raise(SIGKILL); }) == -SIGKILL);
  CHECK(exitcode_after([] {
          reset_fatal_signals();
          std::abort();
        }) == -SIGABRT);
}

TEST_CASE("an exception that leaves the function: exit code 1 and a line on stderr") {
  const auto run = [](auto fn) {
    return run_program([fn] {
      Process p(ProcessOptions{.name = "baker"}, fn);
      p.start();
      p.join();
      std::exit(p.exitcode() == 1 ? 0 : 3);
    });
  };
  const Printed standard = run([] { throw std::runtime_error("no flour"); });
  CHECK_MESSAGE(standard.end.ok(), standard.end.describe());
  CHECK(standard.text == "Process baker: no flour\n");
  const Printed ours = run([] { throw KeyError("no 'salt'"); });
  CHECK_MESSAGE(ours.end.ok(), ours.end.describe());
  CHECK(ours.text == "Process baker: no 'salt'\n");
  const Printed odd = run([] { throw 5; });
  CHECK_MESSAGE(odd.end.ok(), odd.end.describe());
  CHECK(odd.text == "Process baker: an exception that is no std::exception\n");
}

TEST_CASE("names") {
  const Printed printed = run_program([] {
    Process first, second([] {
      Process inner([] {
        Process innermost;
        std::cout << innermost.name() << '\n';
      });
      std::cout << inner.name() << '\n';
      inner.start();
      inner.join();
    });
    Process third(ProcessOptions{.name = "sums"}, [] {});
    Process fourth;
    std::cout << first.name() << '\n' << second.name() << '\n' << third.name() << '\n' << fourth.name() << '\n';
    second.start();
    second.join();
  });
  CHECK(printed.end.ok());
  const std::string_view text = printed.text;
  // Numbers go on from what this test program has made so far.
  const std::string n = std::to_string(std::stoi(printed.text.substr(sizeof "Process-" - 1)));
  const std::string m = std::to_string(std::stoi(n) + 1);
  const std::string o = std::to_string(std::stoi(n) + 3);
  CHECK(text ==
        "Process-" + n + "\nProcess-" + m + "\nsums\nProcess-" + o + "\nProcess-" + m + ":1\nProcess-" + m + ":1:1\n");
}

namespace {

void recurse(const Shared& seen, int depth) {
  ++seen[0];
  if (depth == 2) return;
  for (int i = 0; i < 2; ++i) {
    Process p([&seen, depth] { recurse(seen, depth + 1); });
    p.start();
    p.join();
  }
}

}  // namespace

TEST_CASE("test_recursion: children have children") {
  const Shared seen;
  recurse(seen, 0);
  CHECK(seen[0] == 7);
}

TEST_CASE("test_many_processes") {
  const DefaultSigterm ends;
  std::vector<Process> processes;
  for (int i = 0; i < 20; ++i) processes.emplace_back([](int code) { std::exit(code); }, i);
  for (Process& p : processes) p.start();
  for (int i = 0; i < 20; ++i) {
    processes[static_cast<std::size_t>(i)].join();
    CHECK(processes[static_cast<std::size_t>(i)].exitcode() == i);
  }
  processes.clear();
  for (int i = 0; i < 20; ++i) processes.emplace_back(wait_for_ever);
  for (Process& p : processes) p.start();
  for (Process& p : processes) p.terminate();
  for (Process& p : processes) {
    p.join();
    CHECK(p.exitcode() == -SIGTERM);
  }
}

TEST_CASE("test_lose_target_ref: the parent lets go of function and arguments at start") {
  auto held = std::make_shared<int>(5);
  const std::weak_ptr<int> watched = held;
  Process p([](const std::shared_ptr<int>& value) { std::exit(*value); }, std::move(held));
  CHECK_FALSE(watched.expired());
  p.start();
  CHECK(watched.expired());
  p.join();
  CHECK(p.exitcode() == 5);
}

namespace {

class Upper : public Process {
 public:
  explicit Upper(const Shared& seen) : Process(ProcessOptions{.name = "upper"}), seen_(&seen) {}
  void run() override { (*seen_)[0] = number_; }
  void give(long number) { number_ = number; }

 private:
  const Shared* seen_;
  long number_ = 0;
};

struct Counter {
  void add(const Shared& seen, long by) const { seen[0] += by + base; }
  long base;
};

void add_to(const Shared* seen, long by) {
  (*seen)[0] += by;
}

}  // namespace

TEST_CASE("test_subclassing: run() may be overridden") {
  const Shared seen;
  Upper upper(seen);
  CHECK(upper.name() == "upper");
  upper.give(17);
  upper.start();
  upper.join();
  CHECK(upper.exitcode() == 0);
  CHECK(seen[0] == 17);
}

TEST_CASE("functions, members, closures, and arguments that can only be moved") {
  const Shared seen;
  const auto run = [](Process p) {
    p.start();
    p.join();
    CHECK(p.exitcode() == 0);
  };
  run(Process(add_to, &seen, 1));
  run(Process(&add_to, &seen, 2));
  run(Process(&Counter::add, Counter{10}, std::cref(seen), 3));
  run(Process([&seen, calls = 0]() mutable { seen[0] += ++calls * 100; }));
  run(Process([&seen](std::unique_ptr<long> by) { seen[0] += *by; }, std::make_unique<long>(1000)));
  CHECK(seen[0] == 1 + 2 + 13 + 100 + 1000);

  const std::vector<int> numbers{1, 2, 3};
  run(Process(
      ProcessOptions{.name = "copy"}, [&seen](const std::vector<int>& copy) { seen[1] = copy.at(2); }, numbers));
  CHECK(seen[1] == 3);
  CHECK(numbers.size() == 3);
}

TEST_CASE("a Process without a function does nothing") {
  Process p;
  p.start();
  p.join();
  CHECK(p.exitcode() == 0);
}

TEST_CASE("out of order: ProcessError that says what to do") {
  Process p([] {});
  CHECK_THROWS_AS(p.join(), ProcessError);
  CHECK_THROWS_AS(p.join(1s), ProcessError);
  CHECK_THROWS_AS(p.terminate(), ProcessError);
  CHECK_THROWS_AS(p.kill(), ProcessError);
  CHECK_THROWS_WITH(p.join(), doctest::Contains("has not been started; call start() first"));
  p.start();
  CHECK_THROWS_AS(p.start(), ProcessError);
  p.join();
  CHECK_THROWS_AS(p.start(), std::runtime_error);
  CHECK_THROWS_WITH(p.start(), doctest::Contains("was started already"));

  Process moved = std::move(p);
  CHECK(moved.exitcode() == 0);
  CHECK_THROWS_AS(p.start(), ProcessError);       // NOLINT(bugprone-use-after-move)
  CHECK_THROWS_AS((void)p.name(), ProcessError);  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("in a child, the Processes of its parent are not its own") {
  const auto throws = [](auto fn) {
    try {
      fn();
    } catch (const ProcessError&) {
      return true;
    }
    return false;
  };
  Process sibling(wait_for_ever);
  Process unstarted([] {});
  sibling.start();
  Process p;
  p = Process([&] {
    if (!throws([&] { sibling.join(); })) std::exit(2);
    if (!throws([&] { sibling.join(0s); })) std::exit(3);
    if (!throws([&] { (void)sibling.is_alive(); })) std::exit(4);
    if (!throws([&] { (void)sibling.exitcode(); })) std::exit(5);
    if (!throws([&] { sibling.kill(); })) std::exit(6);
    if (!throws([&] { unstarted.start(); })) std::exit(7);
    if (!throws([&] { p.join(); })) std::exit(8);  // itself
    if (!throws([&] { p.start(); })) std::exit(9);
    if (!p.is_alive() || p.pid() != ::getpid() || p.exitcode()) std::exit(10);
    if (sibling.name().empty()) std::exit(11);
  });
  p.start();
  p.join();
  CHECK(p.exitcode() == 0);
  CHECK(sibling.is_alive());
  sibling.kill();
  sibling.join();
}

TEST_CASE("a running Process can be moved, and lives in a vector") {
  Process p(wait_for_ever);
  p.start();
  const pid_t pid = p.pid();
  std::vector<Process> all;
  all.push_back(std::move(p));
  CHECK(all.front().pid() == pid);
  CHECK(all.front().is_alive());
  all.front().kill();
  all.front().join();
  CHECK(all.front().exitcode() == -SIGKILL);
}

TEST_CASE("join(timeout) takes any duration") {
  Process p(wait_for_ever);
  p.start();
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(p.join(std::chrono::duration<float>(0.05F)));
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 50ms);
  CHECK(took < 10s);
  CHECK_FALSE(p.join(std::chrono::hours::min()));
  CHECK_FALSE(p.join(1us));
  p.kill();
  CHECK(p.join(std::chrono::hours::max()));
}
