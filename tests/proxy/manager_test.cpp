// Manager: names, types, objects(), shutdown, restart, connect.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <numeric>
#include <thread>

#include <boost/interprocess/containers/vector.hpp>

#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {
std::string unique_name(const char* what) {
  return std::string("partage-test-") + what + '-' + std::to_string(getpid());
}
}  // namespace

TEST_SUITE("manager") {
  TEST_CASE("manager: a named object is opened or created") {
    Manager m;
    auto a = m.dict<std::string, int>(named("stock"), {{"x", 1}});
    auto b = m.dict<std::string, int>(named("stock"), {{"y", 2}});
    CHECK(a.is(b));
    CHECK(text(b) == "{'x': 1}");
    auto l = m.list<int>(named("list"), std::vector{1, 2});
    CHECK(m.list<int>(named("list")).is(l));
    CHECK(m.list<int>(named("list"), std::vector{9}).copy() == Ints{1, 2});
    CHECK_THROWS_AS(m.list<int>(named("")), ValueError);
    CHECK_THROWS_AS(m.list<int>(named(std::string(300, 'x'))), ValueError);
  }

  TEST_CASE("manager: another type is a TypeError that names both") {
    Manager m;
    auto d = m.dict<std::string, int>(named("stock"));
    const std::string what = message_of<TypeError>([&] { m.dict<std::string, double>(named("stock")); });
    CHECK(has(what, "dict 'stock'"));
    CHECK(has(what, "dict<str,i32>"));
    CHECK(has(what, "dict<str,f64>"));
    CHECK(has(message_of<TypeError>([&] { m.list<int>(named("stock")); }), "list<i32>"));
    CHECK_THROWS_AS(m.list<int>(named("stock")), std::invalid_argument);
    auto longs = m.list<long>(named("longs"));
    CHECK(m.list<long long>(named("longs")).size() == 0);  // one type, two spellings
    CHECK(d.size() == 0);
  }

  TEST_CASE("manager: a named object lives until remove") {
    Manager m;
    m.list<int>(named("keep"), {1});
    CHECK(m.objects().size() == 1);
    auto l = m.list<int>(named("keep"));
    m.remove("keep");
    CHECK(l.copy() == Ints{1});  // the handle goes on
    CHECK(has(message_of<KeyError>([&] { m.remove("keep"); }), "'keep'"));
    CHECK_FALSE(m.list<int>(named("keep")).is(l));
    m.remove("keep");
    l = {};
    CHECK(m.objects().empty());
  }

  TEST_CASE("manager: objects") {
    Manager m;
    auto l = m.list<int>(named("numbers"), {1, 2, 3});
    auto d = m.dict<std::string, ListProxy<int>>({{"k", l}});
    const auto all = m.objects();
    REQUIRE(all.size() == 2);
    const ObjectInfo& numbers = all[0].kind == "list" ? all[0] : all[1];
    CHECK(numbers.name == "numbers");
    CHECK(numbers.types == "list<i32>");
    CHECK(numbers.size == 3);
    CHECK(numbers.bytes > 0);
    CHECK(numbers.references == 3);  // name, container, this process
    CHECK(numbers.owner_pid == getpid());
  }

  TEST_CASE("manager: after shutdown every call throws") {
    Manager m;
    auto l = m.list<int>({1});
    auto d = m.dict<int, ListProxy<int>>({{1, l}});
    const pid_t pid = m.pid();
    CHECK(m.is_alive());
    CHECK(pid > 0);
    m.shutdown();
    m.shutdown();
    CHECK_FALSE(m.is_alive());
    CHECK(eventually([&] { return process_state(pid) == 0; }, 5s));
    CHECK_THROWS_AS(l.append(1), ManagerShutdown);
    CHECK_THROWS_AS(l.size(), ManagerShutdown);
    CHECK_THROWS_AS(d.at(1), ManagerShutdown);
    CHECK_THROWS_AS(m.list<int>(), ManagerShutdown);
    CHECK_THROWS_AS(m.objects(), ManagerShutdown);
    CHECK_THROWS_AS(m.address(), ManagerShutdown);
    CHECK_THROWS_AS(m.restart(), ManagerShutdown);
    CHECK(has(message_of<ManagerShutdown>([&] { l.append(1); }), "list #"));
    Manager moved = std::move(m);
    CHECK_THROWS_AS(m.list<int>(), ManagerShutdown);  // NOLINT(bugprone-use-after-move): what is left there
    CHECK_THROWS_AS(moved.list<int>(), ManagerShutdown);
  }

  TEST_CASE("manager: two in one process do not meet") {
    Manager a;
    auto x = a.list<int>({1});
    {
      Manager b;
      auto y = b.list<int>({2});
      CHECK(a.objects().size() == 1);
      CHECK(b.objects().size() == 1);
      CHECK_FALSE(x.is(y));
      CHECK(a.pid() != b.pid());
    }
    x.append(3);
    CHECK(x.size() == 2);
    a = Manager();
    CHECK_THROWS_AS(x.append(4), ManagerShutdown);
    CHECK(a.list<int>({1}).size() == 1);
  }

  TEST_CASE("manager: a handle of another manager cannot be stored") {
    Manager a, b;
    auto outer = a.list<ListProxy<int>>();
    auto inner = b.list<int>({1});
    CHECK_THROWS_AS(outer.append(inner), ValueError);
    CHECK(outer.empty());
    auto d = a.dict<int, ListProxy<int>>();
    CHECK_THROWS_AS(d[1] = inner, ValueError);
    CHECK_THROWS_AS(d.update({{1, inner}}), ValueError);
    CHECK_THROWS_AS(a.list<ListProxy<int>>({inner}), ValueError);
  }

  TEST_CASE("manager: connect") {
    const std::string name = unique_name("connect");
    Manager m({.name = name});
    CHECK(m.address() == "shm://" + name);
    auto stock = m.dict<std::string, int>(named("stock"), {{"x", 1}});
    {
      Manager again = Manager::connect(name);
      CHECK(again.pid() == m.pid());
      auto opened = again.dict<std::string, int>(named("stock"));
      CHECK(opened.is(stock));  // one session for one segment
      again.shutdown();         // detaches
      CHECK_THROWS_AS(again.list<int>(), ManagerShutdown);
      opened["x"] += 1;
    }
    CHECK(m.is_alive());
    CHECK(stock["x"] == 2);
    const ChildResult other = run_child(
        [&] {
          Manager hub = Manager::connect("shm://" + name);
          hub.dict<std::string, int>(named("stock"))["x"] += 10;
        },
        10s);
    CHECK_MESSAGE(other.ok(), other.describe());
    CHECK(stock["x"] == 12);
    CHECK_THROWS_AS(Manager({.name = name}), ConnectionError);
    CHECK_THROWS_AS(Manager::connect(unique_name("nobody")), ConnectionError);
    m.shutdown();
    CHECK_THROWS_AS(Manager::connect(name), ConnectionError);
  }

  TEST_CASE("manager: a process that was not forked connects") {
    const std::string name = unique_name("exec");
    int to_child[2], to_parent[2];
    REQUIRE(pipe(to_child) == 0);
    REQUIRE(pipe(to_parent) == 0);
    const pid_t child = fork();  // before there is any manager
    if (child == 0) {
      char go = 0;
      int code = 1;
      if (read(to_child[0], &go, 1) == 1) {
        Manager hub = Manager::connect(name);
        auto l = hub.list<int>(named("l"));
        l.append(2);
        code = l.size() == 2 ? 0 : 2;
      }
      _exit(code);
    }
    Manager m({.name = name});
    auto l = m.list<int>(named("l"), {1});
    REQUIRE(write(to_child[1], "x", 1) == 1);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(l.copy() == Ints{1, 2});
    for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) close(fd);
  }

  TEST_CASE("manager: its death; data operations go on; restart") {
    Manager m;
    auto l = m.list<int>({1});
    auto d = m.dict<std::string, ListProxy<int>>({{"l", l}});
    const pid_t first = m.pid();
    kill(first, SIGKILL);
    CHECK(eventually([&] { return !m.is_alive(); }, 5s));
    l.append(2);
    d["l"].append(3);
    CHECK(l.copy() == Ints{1, 2, 3});
    CHECK_THROWS_AS(m.list<int>(), ManagerLost);
    CHECK_THROWS_AS(m.objects(), ManagerLost);
    CHECK_THROWS_AS(m.remove("x"), ManagerLost);
    const ChildResult child = run_child([&] { l.append(4); }, 10s);  // forked while it is dead
    CHECK_MESSAGE(child.ok(), child.describe());
    m.restart();
    CHECK(m.is_alive());
    CHECK(m.pid() != first);
    CHECK(l.copy() == Ints{1, 2, 3, 4});
    CHECK(m.list<int>({5}).at(0) == 5);
    CHECK_THROWS_AS(m.restart(), ConnectionError);  // one serves already
  }

  TEST_CASE("manager: an orphaned segment of the name is adopted") {
    const std::string name = unique_name("orphan");
    const ChildResult owner = run_child(
        [&] {
          auto* m = new Manager({.name = name});
          m->list<int>(named("l"), {1, 2});
          kill(m->pid(), SIGKILL);
          eventually([&] { return !m->is_alive(); }, 5s);
        },
        10s);
    REQUIRE_MESSAGE(owner.ok(), owner.describe());
    Manager m({.name = name});
    CHECK(m.list<int>(named("l")).copy() == Ints{1, 2});
  }

  TEST_CASE("manager: limits") {
    CHECK_THROWS_AS(Manager({.max_size = 1000}), ValueError);
    Manager m({.max_size = 8 << 20});
    auto l = m.list<std::string>();
    CHECK_THROWS_AS(
        [&] {
          for (;;) l.append(std::string(100'000, 'x'));
        }(),
        OutOfMemory);
    const std::size_t n = l.size();
    CHECK(n > 10);
    CHECK(l[-1] == std::string(100'000, 'x'));
    l.clear();
    for (std::size_t i = 0; i < n; ++i) l.append(std::string(100'000, 'y'));
    CHECK(l.size() == n);
  }

  TEST_CASE("manager: operation_timeout") {
    Manager m({.operation_timeout = 100ms});
    auto l = m.list<int>({1});
    std::thread holder([&] { l.modify(0, [](int&) { std::this_thread::sleep_for(1s); }); });
    std::this_thread::sleep_for(300ms);
    CHECK_THROWS_AS(l.append(2), TimeoutError);
    CHECK(l[0] == 1);  // reads do not wait
    holder.join();
    l.append(2);
    CHECK(l.size() == 2);
  }

  TEST_CASE(
      "manager: the message of a TimeoutError names the process that holds the object, and says if it is stopped") {
    Manager m({.operation_timeout = 100ms});
    const auto l = m.list<int>({1});
    Process holder([=] {
      l.modify(0, [&](int& x) {
        x = 2;
        raise(SIGSTOP);
      });
    });
    holder.start();
    const auto message = [&] {
      try {
        l.append(2);
      } catch (const TimeoutError& e) {
        return std::string(e.what());
      }
      return std::string();
    };
    REQUIRE(eventually([&] { return process_state(holder.pid()) == 'T'; }, 10s));
    const std::string said = message();
    CHECK(said.find("process " + std::to_string(holder.pid()) + ", which is stopped") != std::string::npos);
    CHECK(l[0] == 1);
    kill(holder.pid(), SIGCONT);
    holder.join();
    CHECK(l[0] == 2);
    CHECK(message().empty());
  }

  TEST_CASE("manager: one that is shut down takes its mapping along") {
    const auto address_space = [] {
      std::size_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    };
    constexpr std::size_t each = std::size_t{1} << 30;
    const std::size_t before = address_space();
    for (int i = 0; i < 6; ++i) {
      Manager m({.max_size = each});
      m.Lock().acquire();
    }
    CHECK(address_space() < before + 2 * each);
  }

  TEST_CASE("manager: a Boost container for private use") {
    namespace ip = boost::interprocess;
    Manager m;
    ip::vector<int, private_allocator<int>> v(m.segment_manager());
    for (int i = 0; i < 10'000; ++i) v.push_back(i);
    CHECK(std::accumulate(v.begin(), v.end(), 0L) == 49'995'000);
  }
}
