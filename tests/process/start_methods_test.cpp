// Process under each start method: what is called, what travels, how it ends, who is who.
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <map>
#include <partage/partage.hpp>
#include <thread>

#include "tests/process/fixture.hpp"

namespace partage::test {
namespace {

const StartMethod methods[] = {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver};

struct Point {
  int x = 0;
  std::string label;
};

void fill(const Queue<std::string>& queue, int n, const std::string& text, const Point& point) {
  queue.put(std::to_string(n) + text + point.label + std::to_string(point.x));
}

void end_with(int code) {
  std::exit(code);
}

void throw_an_error() {
  throw ValueError("from the child");
}

void sleep_long() {
  wait_for_ever();
}

struct Adder {
  int n = 0;
  void operator()(const Value<int>& sum) const { sum += n; }
};

class Reader : public Process {
 public:
  Reader() = default;
  Reader(ProcessOptions options, Queue<int> queue, int n) : Process(std::move(options)), queue_(queue), n_(n) {}
  void run() override { queue_->put(n_ * 2); }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& queue_& n_;
  }

 private:
  std::optional<Queue<int>> queue_;
  int n_ = 0;
};
PARTAGE_PROCESS(Reader);

class Unknown : public Process {
 public:
  using Process::Process;
  void run() override {}
};

class Stateless : public Process {
 public:
  using Process::Process;
  void run() override { std::exit(7); }
};
PARTAGE_PROCESS(Stateless);

double half(double x) {
  return x / 2;
}
PARTAGE_FUNCTION(half);
double unregistered(double x) {
  return x;
}

int exit_code_of(Process& process) {
  process.start();
  process.join();
  return process.exitcode().value();
}

bool is_running(pid_t pid) {
  // A zombie that nobody has reaped yet has ended.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  stat >> word >> word >> word;
  return stat && word != "Z" && word != "X";
}

}  // namespace

TEST_SUITE("start_methods") {
  TEST_CASE("start methods: a function and its arguments") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Queue<std::string> queue;
      Process process(ProcessOptions{.start_method = method}, fill, queue, 7, "text", Point{3, "p"});
      CHECK(exit_code_of(process) == 0);
      CHECK(queue.get(20s) == "7textp3");
    }
  }

  TEST_CASE("start methods: a lambda without captures, and a function object with a value") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Value<int> sum(1);
      Process lambda(
          ProcessOptions{.start_method = method}, [](const Value<int>& v) { v += 10; }, sum);
      CHECK(exit_code_of(lambda) == 0);
      Process object(ProcessOptions{.start_method = method}, Adder{100}, sum);
      CHECK(exit_code_of(object) == 0);
      CHECK(sum == 111);
    }
  }

  TEST_CASE("start methods: handles of managers, of the process tree, and in containers of the arguments") {
    Manager one, other;
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const auto list = one.list<int>({1});
      const auto dict = other.dict<std::string, ListProxy<int>>();
      const Queue<int> queue;
      const Lock lock;
      Process process(
          ProcessOptions{.start_method = method},
          [](ListProxy<int> l, std::map<std::string, DictProxy<std::string, ListProxy<int>>> dicts, Queue<int> q,
             const Lock& lk) {
            const std::scoped_lock guard(lk);
            l.append(2);
            q.put(static_cast<int>(dicts.at("d").size()));
          },
          list, std::map<std::string, DictProxy<std::string, ListProxy<int>>>{{"d", dict}}, queue, lock);
      CHECK(exit_code_of(process) == 0);
      CHECK(list.copy() == std::vector{1, 2});
      CHECK(queue.get(20s) == 0);
    }
  }

  TEST_CASE("start methods: a handle that cannot be made without its object") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Barrier barrier(2);
      Process process(
          ProcessOptions{.start_method = method},
          [](const Barrier& b, const std::pair<int, Barrier>& p) { std::exit(b.is(p.second) ? p.first : 1); }, barrier,
          std::pair(4, barrier));
      CHECK(exit_code_of(process) == 4);
    }
  }

  TEST_CASE("start methods: a spawned child makes objects in the same process tree") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Queue<Queue<int>> out;
      Process process(
          ProcessOptions{.start_method = method},
          [](const Queue<Queue<int>>& to) {
            const Queue<int> mine;
            mine.put(5);
            to.put(mine);
          },
          out);
      CHECK(exit_code_of(process) == 0);
      CHECK(out.get(20s).get() == 5);
    }
  }

  TEST_CASE("start methods: a derived class") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Queue<int> queue;
      Reader reader(ProcessOptions{.name = "reader", .start_method = method}, queue, 21);
      CHECK(exit_code_of(reader) == 0);
      CHECK(queue.get(20s) == 42);
      Stateless stateless(ProcessOptions{.start_method = method});
      CHECK(exit_code_of(stateless) == 7);
    }
  }

  TEST_CASE("start methods: exit codes, exceptions, signals") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      for (const int code : {0, 1, 77, 255}) {
        Process process(ProcessOptions{.start_method = method}, end_with, code);
        CHECK(exit_code_of(process) == code);
      }
      const Printed printed = run_program([&] {
        Process process(ProcessOptions{.name = "thrower", .start_method = method}, throw_an_error);
        std::exit(exit_code_of(process) == 1 ? 0 : 3);
      });
      CHECK(printed.end.code == 0);
      CHECK(printed.text == "Process thrower: from the child\n");

      const DefaultSigterm guard;
      Process terminated(ProcessOptions{.start_method = method}, sleep_long);
      terminated.start();
      CHECK(terminated.is_alive());
      CHECK_FALSE(terminated.join(10ms));
      terminated.terminate();
      terminated.join();
      CHECK(terminated.exitcode() == -SIGTERM);
      Process killed(ProcessOptions{.start_method = method}, sleep_long);
      killed.start();
      killed.kill();
      killed.join();
      CHECK(killed.exitcode() == -SIGKILL);
      CHECK_FALSE(killed.is_alive());
    }
  }

  TEST_CASE("start methods: who is who") {
    CHECK(current_process().name() == "MainProcess");
    CHECK(current_process().pid() == ::getpid());
    CHECK(current_process().is_alive());
    CHECK_FALSE(parent_process().has_value());
    CHECK_THROWS_AS(current_process().join(), ProcessError);
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Queue<std::pair<std::string, int>> queue;
      Process process(
          ProcessOptions{.name = "middle", .start_method = method},
          [](const Queue<std::pair<std::string, int>>& q) {
            q.put({current_process().name(), current_process().pid()});
            q.put({parent_process()->name(), parent_process()->pid()});
            q.put({name_of(get_start_method()), parent_process()->is_alive()});
            Process child(ProcessOptions{.start_method = StartMethod::fork}, [=] {
              q.put({parent_process()->name() + '/' + current_process().name(), 0});
            });
            child.start();
            child.join();
          },
          queue);
      process.start();
      using Said = std::pair<std::string, int>;
      CHECK(queue.get(20s) == Said{"middle", process.pid()});
      CHECK(queue.get(20s) == Said{"MainProcess", ::getpid()});
      CHECK(queue.get(20s) == Said{"fork", 1});
      const std::string names = queue.get(20s).first;
      CHECK(names.starts_with("middle/Process-"));
      CHECK(names.ends_with(":1"));
      process.join();
    }
  }

  TEST_CASE("start methods: a child learns of the end of its parent") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Queue<std::string> queue;
      const ChildResult result = run_child(
          [&] {
            Process child(
                ProcessOptions{.start_method = method},
                [](const Queue<std::string>& q) {
                  q.put("started");
                  parent_process()->join();
                  q.put(parent_process()->is_alive() ? "alive" : "gone");
                },
                queue);
            child.start();
            queue.get(20s);
            ::raise(SIGKILL);
          },
          10s);
      CHECK(result.code == SIGKILL);
      CHECK(queue.get(10s) == "gone");
    }
  }

  TEST_CASE("start methods: daemons end with their parent, killed or not, and have no children") {
    for (const StartMethod method : methods) {
      for (const bool is_killed : {false, true}) {
        CAPTURE(name_of(method));
        CAPTURE(is_killed);
        const Queue<int> pids;
        const ChildResult result = run_child(
            [&] {
              ::signal(SIGTERM, SIG_DFL);
              std::thread starter([&] {  // it ends long before the daemon
                Process daemon(
                    ProcessOptions{.daemon = true, .start_method = method},
                    [](const Queue<int>& q) {
                      q.put(::getpid());
                      wait_for_ever();
                    },
                    pids);
                daemon.start();
              });
              starter.join();
              const int pid = pids.get(20s);
              pids.put(pid);
              std::this_thread::sleep_for(50ms);
              if (!is_running(pid)) return 9;
              if (is_killed) ::raise(SIGKILL);
              std::exit(0);
              return 8;
            },
            20s);
        CHECK(result.code == (is_killed ? SIGKILL : 0));
        const int pid = pids.get(10s);
        CHECK(eventually([&] { return !is_running(pid); }, 10s));
      }
    }
    Process parent(ProcessOptions{.daemon = true}, [] {
      Process child([] {});
      try {
        child.start();
      } catch (const ProcessError&) {
        std::exit(5);
      }
    });
    CHECK(parent.daemon());
    CHECK(exit_code_of(parent) == 5);
  }

  TEST_CASE("start methods: a daemon that ignores SIGTERM is killed when its parent ends") {
    const Queue<int> pids;
    const ChildResult result = run_child(
        [&] {
          Process daemon(ProcessOptions{.daemon = true}, [=] {
            ::signal(SIGTERM, SIG_IGN);
            pids.put(::getpid());
            wait_for_ever();
          });
          daemon.start();
          pids.put(pids.get(20s));
          std::exit(0);
        },
        20s);
    CHECK(result.code == 0);
    CHECK_FALSE(is_running(pids.get(20s)));
  }

  TEST_CASE("start methods: sentinels, active_children, close") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Event go;
      Process process(
          ProcessOptions{.start_method = method}, [](const Event& e) { e.wait(); }, go);
      CHECK_THROWS_AS(process.sentinel(), ProcessError);
      process.start();
      pollfd ended{process.sentinel(), POLLIN, 0};
      CHECK(::poll(&ended, 1, 0) == 0);
      CHECK_THROWS_AS(process.close(), ValueError);
      const auto children = active_children();
      REQUIRE(children.size() == 1);
      CHECK(children[0].pid() == process.pid());
      CHECK(children[0].name() == process.name());
      go.set();
      CHECK(::poll(&ended, 1, 20'000) == 1);
      children[0].join();
      CHECK(active_children().empty());
      CHECK(children[0].exitcode() == 0);
      process.close();
      process.close();
      CHECK_THROWS_AS(process.exitcode(), ValueError);
      CHECK_THROWS_AS(process.is_alive(), ValueError);
      CHECK(process.name().starts_with("Process-"));
      // A sentinel that is asked for after the end is ready.
      Process late(ProcessOptions{.start_method = method}, [] {});
      CHECK(exit_code_of(late) == 0);
      ended.fd = late.sentinel();
      CHECK(::poll(&ended, 1, 0) == 1);
    }
  }

  TEST_CASE("start methods: what cannot be sent is a ProcessError that names it, and nothing is started") {
    const int captured = 3;
    for (const StartMethod method : {StartMethod::spawn, StartMethod::forkserver}) {
      CAPTURE(name_of(method));
      const auto refusal = [&](Process process) {
        try {
          process.start();
        } catch (const ProcessError& error) {
          CHECK_FALSE(process.is_alive());
          return std::string(error.what());
        }
        return std::string("started");
      };
      const ProcessOptions options{.start_method = method};
      CHECK(refusal(Process(options, [=] { return captured; })).find("captures") != std::string::npos);
      int local = 0;
      CHECK(refusal(Process(
                        options, [](int* p) { ++*p; }, &local))
                .find("argument of type int") != std::string::npos);
      Unknown unknown(options);
      CHECK_THROWS_WITH_AS(unknown.start(), doctest::Contains("PARTAGE_PROCESS"), ProcessError);
    }
    CHECK(active_children().empty());
  }

  TEST_CASE("start methods: from several threads at once") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      const Value<int> sum(0);
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          Process process(
              ProcessOptions{.start_method = method}, [](const Value<int>& v) { v += 1; }, sum);
          process.start();
          process.join();
        });
      }
      for (std::thread& thread : threads) thread.join();
      CHECK(sum == 4);
    }
  }

  TEST_CASE("start methods: the fork server is started again when it was killed; its children are given 255") {
    Process first(ProcessOptions{.start_method = StartMethod::forkserver}, [] { wait_for_ever(); });
    first.start();
    std::ifstream stat("/proc/" + std::to_string(first.pid()) + "/stat");
    std::string word;
    pid_t server = 0;
    stat >> word >> word >> word >> server;
    REQUIRE(server != ::getpid());
    REQUIRE(::kill(server, SIGKILL) == 0);
    Process second(ProcessOptions{.start_method = StartMethod::forkserver}, end_with, 4);
    CHECK(exit_code_of(second) == 4);
    CHECK(first.is_alive());
    first.kill();
    first.join();
    CHECK(first.exitcode() == 255);
  }

  TEST_CASE("set_start_method: once, unless it is forced") {
    const ChildResult result = run_child(
        [] {
          if (get_start_method() != StartMethod::fork) return 1;
          set_start_method(StartMethod::spawn);
          try {
            set_start_method(StartMethod::fork);
            return 2;
          } catch (const ProcessError&) {
          }
          set_start_method(StartMethod::forkserver, true);
          Process process(ProcessOptions{}, [] { std::exit(get_start_method() == StartMethod::forkserver ? 6 : 3); });
          process.start();
          process.join();
          return process.exitcode() == 6 ? 0 : 4;
        },
        20s);
    CHECK_MESSAGE(result.ok(), result.describe());
  }

  TEST_CASE("FunctionRef: functions travel through queues by name") {
    const Queue<FunctionRef<double(double)>> tasks;
    tasks.put(half);
    const Queue<double> results;
    for (const StartMethod method : methods) {
      tasks.put(half);
      Process process(
          ProcessOptions{.start_method = method},
          [](const Queue<FunctionRef<double(double)>>& t, const Queue<double>& r) { r.put(t.get(20s)(9)); }, tasks,
          results);
      CHECK(exit_code_of(process) == 0);
      CHECK(results.get(20s) == 4.5);
    }
    CHECK_THROWS_WITH_AS(FunctionRef<double(double)>{unregistered}, doctest::Contains("PARTAGE_FUNCTION"), ValueError);
    CHECK_THROWS_AS(FunctionRef<double(double)>()(1), ValueError);
    CHECK(FunctionRef<double(double)>(half).name() == "half");
  }

// UBSan looks at types through a pipe of its own, and takes an object for none when it cannot open one.
#if !defined(__SANITIZE_ADDRESS__)
  TEST_CASE("start methods: without a descriptor to be had, start() is a ProcessError") {
    const ChildResult result = run_child(
        [] {
          rlimit limit{3, 3};
          ::setrlimit(RLIMIT_NOFILE, &limit);
          Process process(ProcessOptions{.start_method = StartMethod::spawn}, end_with, 0);
          try {
            process.start();
            return 1;
          } catch (const ProcessError&) {
            return 0;
          }
        },
        20s);
    CHECK_MESSAGE(result.ok(), result.describe());
  }
#endif
}

}  // namespace partage::test
