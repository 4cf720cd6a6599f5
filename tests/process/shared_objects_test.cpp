// Process and shared objects: handles travel by copy and as arguments, and every end gives back what the child held.
#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <partage/partage.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/segment/segment.hpp"
#include "tests/process/fixture.hpp"

using namespace partage;
using namespace partage::test;

namespace {

void append_all(ListProxy<int> list, const std::vector<int>& numbers) {
  for (const int n : numbers) list.append(n);
}

int run(Process p) {
  p.start();
  p.join();
  return p.exitcode().value();
}

}  // namespace

TEST_CASE("a child killed before it takes over its references: they come back at once") {
  // In a process of its own: its handler runs in every child from here on, before the library's.
  const ChildResult r = run_child(
      [] {
        static bool dies = false;
        pthread_atfork(nullptr, nullptr, [] {
          if (dies) raise(SIGKILL);
        });
        const Manager manager;
        const auto list = manager.list<int>({1});
        dies = true;
        Process child([=] { list.append(2); });
        child.start();
        child.join();
        if (child.exitcode() != -SIGKILL) return 1;
        kernel::Clients clients(kernel::Segment::containing(manager.segment_manager()));
        return eventually([&] { return clients.count() == 1; }, 1s) ? 0 : 2;
      },
      20s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("handles as captures, as arguments, and as members") {
  const Manager manager;
  const auto list = manager.list<int>({1});
  const auto dict = manager.dict<std::string, int>({{"n", 0}});
  CHECK(run(Process([=] {
          list.append(2);
          dict["n"] += 1;
        })) == 0);
  CHECK(run(Process(append_all, list, std::vector<int>{3, 4})) == 0);
  class Adder : public Process {
   public:
    explicit Adder(DictProxy<std::string, int> dict) : dict_(std::move(dict)) {}
    void run() override { dict_["n"] += 10; }

   private:
    DictProxy<std::string, int> dict_;
  };
  Adder adder(dict);
  adder.start();
  adder.join();
  CHECK(adder.exitcode() == 0);
  CHECK(list.copy() == std::vector<int>{1, 2, 3, 4});
  CHECK(dict["n"] == 11);
}

TEST_CASE("what a child made and held is given back, however it ends") {
  const Manager manager;
  const auto kept = manager.list<int>();
  const auto before = manager.objects().size();
  // Held until the very end, and one that goes earlier in the same process.
  const auto hold = [&manager] {
    manager.list<int>({1}).clear();
    static const auto own = manager.list<int>({1, 2, 3});
    static const auto* const never_destroyed = new auto(manager.dict<int, int>({{1, 2}}));
    (void)never_destroyed;
  };
  const auto back = [&] { return eventually([&] { return manager.objects().size() == before; }, 5s); };
  CHECK(run(Process(hold)) == 0);
  CHECK(manager.objects().size() == before);  // orderly: at once
  CHECK(run(Process([&] {
          hold();
          std::exit(3);
        })) == 3);
  CHECK(manager.objects().size() == before);
  CHECK(run(Process([&] {
          hold();
          ::_exit(4);
        })) == 4);
  CHECK(back());
  CHECK(run(Process([&] {
          hold();
          ::raise(SIGKILL);
        })) == -SIGKILL);
  CHECK(back());
}

TEST_CASE("start() lets go of the parent's copies in the function") {
  const Manager manager;
  const auto before = manager.objects().size();
  auto list = manager.list<int>({1, 2, 3});
  int go[2];
  REQUIRE(::pipe(go) == 0);
  Process p(
      [&go](const ListProxy<int>& numbers) {
        char byte = 0;
        const bool told = ::read(go[0], &byte, 1) == 1;
        std::exit(told && numbers.size() == 3 ? 0 : 1);
      },
      std::move(list));
  p.start();
  list = manager.list<int>();  // whatever was left of it
  REQUIRE(::write(go[1], "x", 1) == 1);
  p.join();
  CHECK(p.exitcode() == 0);  // the child held it alone
  list = ListProxy<int>(manager.list<int>());
  CHECK(manager.objects().size() == before + 1);
  ::close(go[0]);
  ::close(go[1]);
}

TEST_CASE("many processes count together") {
  const Manager manager;
  const auto counter = manager.dict<std::string, int>({{"n", 0}});
  std::vector<Process> workers;
  for (int i = 0; i < 10; ++i) {
    workers.emplace_back([=] {
      for (int k = 0; k < 100; ++k) counter["n"] += 1;
    });
  }
  for (Process& w : workers) w.start();
  for (Process& w : workers) w.join();
  CHECK(std::all_of(workers.begin(), workers.end(), [](const Process& w) { return w.exitcode() == 0; }));
  CHECK(counter["n"] == 1000);
}

TEST_CASE("a worker killed at any moment does not stop the others") {
  const Manager manager;
  const auto counter = manager.dict<std::string, int>({{"victims", 0}, {"others", 0}});
  Process other([=] {
    for (int k = 0; k < 2000; ++k) counter["others"] += 1;
  });
  other.start();
  for (int i = 0; i < 20; ++i) {
    Process victim([=] {
      for (;;) counter["victims"] += 1;
    });
    const int before = counter["victims"];
    victim.start();
    while (counter["victims"] == before) std::this_thread::yield();
    victim.kill();
    victim.join();
    CHECK(victim.exitcode() == -SIGKILL);
  }
  other.join();
  CHECK(other.exitcode() == 0);
  CHECK(counter["others"] == 2000);
}

TEST_CASE("an exception of the library arrives on stderr with its text") {
  const Printed printed = run_program([] {
    const Manager manager;
    const auto dict = manager.dict<std::string, int>();
    Process p(ProcessOptions{.name = "reader"}, [=] { (void)dict.at("nothing"); });
    p.start();
    p.join();
  });
  CHECK(printed.end.ok());
  CHECK(printed.text.starts_with("Process reader: partage: "));
  CHECK(printed.text.find("'nothing'") != std::string::npos);
}
