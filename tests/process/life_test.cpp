// Process: what is left of it. Zombies, output, ends of programs, threads, limits.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/process/fixture.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// Not by /proc: there a process is a zombie while threads of its are still ending.
bool becomes_zombie(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0;
}
bool is_gone(pid_t pid) {
  return process_state(pid) == 0;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t times = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++times;
  return times;
}

}  // namespace

// ---- zombies ------------------------------------------------------------------------------------------------------

TEST_CASE("is_alive, exitcode, join and a later start reap; so nothing stays a zombie") {
  const auto ended = [] {
    Process p([] {});
    p.start();
    REQUIRE(becomes_zombie(p.pid()));
    return p;
  };
  {
    const Process p = ended();
    CHECK_FALSE(p.is_alive());
    CHECK(is_gone(p.pid()));
    CHECK(p.exitcode() == 0);
  }
  {
    const Process p = ended();
    CHECK(p.exitcode() == 0);
    CHECK(is_gone(p.pid()));
  }
  {
    Process p = ended();
    CHECK(p.join(0s));
    CHECK(is_gone(p.pid()));
  }
  {
    const Process kept = ended();
    pid_t forgotten = 0;
    {
      const Process p = ended();  // its start reaped `kept`
      forgotten = p.pid();
    }
    CHECK(is_gone(kept.pid()));
    CHECK_FALSE(is_gone(forgotten));
    Process next;
    next.start();
    CHECK(is_gone(forgotten));
    next.join();
    CHECK(kept.exitcode() == 0);
  }
}

TEST_CASE("children of others are left alone") {
  ChildGroup group;
  const pid_t other = group.start([] { return 3; });
  REQUIRE(becomes_zombie(other));
  Process p;
  p.start();
  p.join();
  Process q;
  q.start();
  q.join();
  CHECK(process_state(other) == 'Z');
  CHECK(group.wait(other, 1s).code == 3);
}

TEST_CASE("a destroyed Process leaves its child running, and it is joined at exit") {
  const Shared seen;
  const Printed printed = run_program([&seen] {
    {
      Process p([&seen] {
        while (seen[0] == 0) ::usleep(1000);
        ::usleep(50'000);
        seen[1] = 1;
        std::cout << "child\n";
      });
      p.start();
    }
    seen[0] = 1;
    std::cout << "end of main\n";
    std::cout.flush();
  });
  CHECK_MESSAGE(printed.end.ok(), printed.end.describe());
  CHECK(seen[1] == 1);
  CHECK(printed.text == "end of main\nchild\n");
}

TEST_CASE("a child joins its own children at its end, and not its siblings") {
  const Shared seen;
  Process sibling(wait_for_ever);
  sibling.start();
  Process p([&seen] {
    Process inner([&seen] {
      ::usleep(50'000);
      seen[0] = 1;
    });
    inner.start();
  });
  p.start();
  CHECK(p.join(20s));
  CHECK(seen[0] == 1);
  CHECK(p.exitcode() == 0);

  const ChildResult forked = run_child([] { std::exit(4); }, 20s);  // a child that is not a Process
  CHECK(forked.code == 4);
  sibling.kill();
  sibling.join();
}

// ---- output and the end of a child --------------------------------------------------------------------------------

TEST_CASE("nothing is printed twice, and nothing is lost") {
  const Printed printed = run_program([] {
    std::cout << "cout of the parent\n";
    std::printf("stdout of the parent\n");
    std::vector<Process> processes;
    for (int i = 0; i < 3; ++i) {
      std::cout << "before a start\n";
      processes.emplace_back([] {
        std::cout << "cout of a child\n";
        std::printf("stdout of a child\n");
      });
      processes.back().start();
    }
    for (Process& p : processes) p.join();
    std::cout << "end of the parent\n";
  });
  CHECK(printed.end.ok());
  CHECK(count(printed.text, "cout of the parent\n") == 1);
  CHECK(count(printed.text, "stdout of the parent\n") == 1);
  CHECK(count(printed.text, "before a start\n") == 3);
  CHECK(count(printed.text, "cout of a child\n") == 3);
  CHECK(count(printed.text, "stdout of a child\n") == 3);
  CHECK(count(printed.text, "end of the parent\n") == 1);
}

TEST_CASE("files that are open at the start are not written twice either") {
  char path[] = "/tmp/partage-process-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  std::FILE* const file = ::fdopen(fd, "a");
  std::fprintf(file, "parent\n");
  Process p([file] { std::fprintf(file, "child\n"); });  // neither flushed nor closed
  p.start();
  p.join();
  std::fclose(file);
  std::ifstream written(path);
  const std::string text{std::istreambuf_iterator<char>(written), {}};
  CHECK(text == "parent\nchild\n");
  ::unlink(path);
}

TEST_CASE("output is flushed after std::exit and after an exception too") {
  const Printed printed = run_program([] {
    Process exits([] {
      std::cout << "exits\n";
      std::exit(3);
    });
    exits.start();
    exits.join();
    Process throws(ProcessOptions{.name = "thrower"}, [] {
      std::cout << "throws\n";
      throw std::runtime_error("it");
    });
    throws.start();
    throws.join();
  });
  CHECK(printed.end.ok());
  CHECK(printed.text == "exits\nthrows\nProcess thrower: it\n");
}

namespace {
struct Noisy {
  explicit Noisy(const char* name) : text(name) {}
  ~Noisy() { std::cout << "end of " << text << '\n'; }
  const char* text;
};
}  // namespace

TEST_CASE("a child runs its own exit handlers, not those of its parent") {
  for (const bool by_exit : {false, true}) {
    const Printed printed = run_program([by_exit] {
      static const Noisy parents("the parent's static");
      std::atexit([] { std::cout << "the parent's handler\n"; });
      Process p([by_exit] {
        static const Noisy childs("the child's static");
        std::atexit([] { std::cout << "the child's handler\n"; });
        if (by_exit) std::exit(0);
      });
      p.start();
      p.join();
      std::cout << p.exitcode().value() << '\n';
    });
    CHECK(printed.end.ok());
    CHECK(printed.text ==
          "the child's handler\nend of the child's static\n0\nthe parent's handler\nend of the parent's static\n");
  }
}

TEST_CASE("objects of the starting function are not destroyed in the child") {
  const Printed printed = run_program([] {
    const Noisy local("a local of the parent");
    Process p([] { std::cout << "child\n"; });
    p.start();
    p.join();
  });
  CHECK(printed.text == "child\nend of a local of the parent\n");
}

TEST_CASE("the standard input of a child is empty, and its parent's is left alone") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "one\ntwo\n", 8) == 8);
  ::close(ends[1]);
  const ChildResult result = run_child(
      [&ends] {
        ::dup2(ends[0], STDIN_FILENO);
        char line[8];
        if (std::fgets(line, sizeof line, stdin) == nullptr) return 1;  // and buffers the second one
        Process p([] { std::exit(std::getchar() == EOF ? 0 : 1); });
        p.start();
        p.join();
        if (p.exitcode() != 0) return 2;
        return std::fgets(line, sizeof line, stdin) != nullptr && std::string(line) == "two\n" ? 0 : 3;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
  ::close(ends[0]);
}

// ---- threads ------------------------------------------------------------------------------------------------------

TEST_CASE("a child may be joined and asked by several threads at once") {
  for (int round = 0; round < 10; ++round) {
    Process p([] {
      ::usleep(10'000);
      std::exit(6);
    });
    p.start();
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&p, &right, i] {
        if (i == 0) {
          while (p.is_alive()) std::this_thread::yield();
        } else if (i == 1) {
          while (!p.join(1ms)) {
          }
        } else {
          p.join();
        }
        right += p.exitcode() == 6;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(right == 4);
  }
}

TEST_CASE("several threads start processes") {
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&right, t] {
      for (int i = 0; i < 10; ++i) {
        Process p([](int code) { std::exit(code); }, t * 10 + i);
        p.start();
        p.join();
        right += p.exitcode() == t * 10 + i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 40);
}

TEST_CASE("only one of two threads starts a Process") {
  Process p([] {});
  std::atomic<int> started{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      try {
        p.start();
        ++started;
      } catch (const ProcessError&) {
        ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(started == 1);
  CHECK(refused == 1);
  p.join();
}

TEST_CASE("a thread that waits for input does not keep processes from starting") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const ChildResult result = run_child(
      [&ends] {
        ::dup2(ends[0], STDIN_FILENO);
        std::atomic<bool> reading{false};
        std::thread reader([&reading] {
          reading = true;
          std::getchar();
        });
        while (!reading) std::this_thread::yield();
        ::usleep(20'000);
        Process p([] { std::exit(std::getchar() == EOF ? 0 : 1); });
        p.start();
        p.join();
        if (::write(ends[1], "x", 1) != 1) return 1;
        reader.join();
        return p.exitcode().value();
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a child starts processes by itself") {
  Process p([] {
    Process inner([] { std::exit(5); });
    inner.start();
    inner.join();
    std::exit(inner.exitcode() == 5 ? 0 : 1);
  });
  p.start();
  p.join();
  CHECK(p.exitcode() == 0);
}

// ---- limits and the ways of other code ----------------------------------------------------------------------------

TEST_CASE("a refused fork is a ProcessError with the reason, and start() may be tried again") {
  const ChildResult result = run_child(
      [] {
        if (::getuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 77;
        rlimit limit{};
        ::getrlimit(RLIMIT_NPROC, &limit);
        const rlimit none{0, limit.rlim_max};
        Process p([] {});
        ::setrlimit(RLIMIT_NPROC, &none);
        try {
          p.start();
          return 1;
        } catch (const ProcessError& error) {
          if (std::string(error.what()).find("Resource temporarily unavailable") == std::string::npos) return 2;
        }
        if (p.is_alive() || p.exitcode() || p.pid() != 0) return 3;
        ::setrlimit(RLIMIT_NPROC, &limit);
        p.start();
        p.join();
        return p.exitcode() == 0 ? 0 : 4;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("without a descriptor to be had, join() waits all the same") {
  const ChildResult result = run_child(
      [] {
        const rlimit none{0, 0};
        Process p([] { ::usleep(20'000); });
        p.start();
        ::setrlimit(RLIMIT_NOFILE, &none);
        if (p.join(1ms)) return 1;
        if (!p.join(10s)) return 2;
        return p.exitcode() == 0 ? 0 : 3;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("a lost exit code is 255: children reaped by others, SIGCHLD ignored") {
  CHECK(run_child(
            [] {
              Process p([] {});
              p.start();
              ::waitpid(p.pid(), nullptr, 0);
              p.join();
              return p.exitcode() == 255 && !p.is_alive() ? 0 : 1;
            },
            20s)
            .ok());
  CHECK(run_child(
            [] {
              ::signal(SIGCHLD, SIG_IGN);
              Process p([] { ::usleep(20'000); });
              p.start();
              if (!p.is_alive()) return 2;
              p.join();
              return p.exitcode() == 255 ? 0 : 1;
            },
            20s)
            .ok());
}

TEST_CASE("join() goes on after signals") {
  const ChildResult result = run_child(
      [] {
        static std::atomic<int> alarms;
        struct sigaction action {};
        action.sa_handler = [](int) { ++alarms; };
        ::sigaction(SIGUSR1, &action, nullptr);
        const pid_t parent = ::getpid();
        Process p([parent] {
          for (int i = 0; i < 5; ++i) {
            ::usleep(5'000);
            ::kill(parent, SIGUSR1);
          }
        });
        p.start();
        p.join();
        if (alarms == 0) return 1;
        return p.exitcode() == 0 ? 0 : 2;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("a stopped child is alive") {
  Process p(wait_for_ever);
  p.start();
  REQUIRE(pause_process(p.pid()));
  CHECK(p.is_alive());
  CHECK_FALSE(p.exitcode());
  CHECK_FALSE(p.join(10ms));
  p.kill();
  p.join();
  CHECK(p.exitcode() == -SIGKILL);
}
