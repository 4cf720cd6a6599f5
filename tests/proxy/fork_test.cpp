// Handles in forked children: they hold the objects for the child, and let go with it, however it ends.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

TEST_SUITE("fork") {
  TEST_CASE("fork: a child uses the handles it inherited") {
    Manager m;
    auto l = m.list<int>({1});
    auto d = m.dict<std::string, ListProxy<int>>({{"l", l}});
    const ChildResult child = run_child(
        [&] {
          l.append(2);
          d["l"].append(3);
          d["new"] = m.list<int>({9});
          return m.is_alive() ? 0 : 1;
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    CHECK(l.copy() == Ints{1, 2, 3});
    CHECK(d["new"].copy() == Ints{9});
  }

  TEST_CASE("fork: the child's handle keeps the object, its death gives it back") {
    Manager m;
    ChildGroup children;
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    auto l = m.list<int>({1});
    const pid_t child = children.start([&] {
      (void)!write(ready[1], "x", 1);
      for (;;) pause();
    });
    char x = 0;
    REQUIRE(read(ready[0], &x, 1) == 1);
    CHECK(references_of(m, "list<i32>") == 2);
    l = {};
    CHECK(references_of(m, "list<i32>") == 1);
    children.kill(child);
    CHECK(eventually([&] { return m.objects().empty(); }, 5s));
    close(ready[0]);
    close(ready[1]);
  }

  TEST_CASE("fork: a child that lets go of its handle") {
    Manager m;
    auto l = m.list<int>({1});
    const ChildResult child = run_child(
        [&] {
          l = {};
          return references_of(m, "list<i32>") == 1 ? 0 : 1;
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    CHECK(l.copy() == Ints{1});
  }

  TEST_CASE("fork: a child's Manager detaches only") {
    Manager m;
    auto l = m.list<int>({1});
    const ChildResult child = run_child(
        [&] {
          m.shutdown();
          l.append(2);  // handles go on
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    CHECK(m.is_alive());
    CHECK(l.size() == 2);
  }

  TEST_CASE("fork: partage::Process") {
    Manager m;
    auto numbers = m.list<int>({1, 2, 3});
    auto counter = m.dict<std::string, int>({{"valeur", 0}});
    std::vector<Process> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([=] {
        for (int i = 0; i < 500; ++i) counter["valeur"] += 1;
        numbers.append(w);
      });
    }
    for (Process& w : workers) w.start();
    for (Process& w : workers) w.join();
    CHECK(counter["valeur"] == 2000);
    CHECK(numbers.size() == 7);
  }

  TEST_CASE("fork: grandchildren") {
    Manager m;
    auto l = m.list<int>();
    const ChildResult child = run_child(
        [&] {
          const ChildResult grandchild = run_child([&] { l.append(1); }, 10s);
          return grandchild.ok() ? 0 : 1;
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    CHECK(l.size() == 1);
  }

// AddressSanitizer of GCC 12 does not take the locks of its own allocator over a fork: the child of a program with threads may wait
// for one of a thread that it does not have.
#if !defined(__SANITIZE_ADDRESS__)
  TEST_CASE("fork: while other threads take handles out") {
    Manager m;
    auto outer = m.list<ListProxy<int>>();
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (!stop) {
          outer.append(m.list<int>({1}));
          try {
            ListProxy<int> taken = outer.pop();
            ListProxy<int> read = taken;
            if (read.size() == 0) std::abort();
          } catch (const IndexError&) {
          }
        }
      });
    }
    for (int i = 0; i < 50; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        auto mine = m.list<int>({1, 2});
        outer.append(mine);
        _exit(mine.size() == 2 ? 0 : 1);
      }
      int status = 0;
      waitpid(child, &status, 0);
      CHECK(status == 0);
    }
    stop = true;
    for (std::thread& t : threads) t.join();
    outer.clear();
    CHECK(eventually([&] { return m.objects().size() == 1; }, 5s));  // nothing leaks
  }
#endif

  TEST_CASE("fork: a child made without handlers registers by itself") {
    Manager m;
    auto l = m.list<int>({1});
    auto d = m.dict<int, ListProxy<int>>({{1, l}});
    const pid_t child = _Fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ListProxy<int> mine = d[1];
      mine.append(2);
      _exit(references_of(m, "list<i32>") == 3 ? 0 : 1);  // container, parent, child
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(l.size() == 2);
    CHECK(eventually([&] { return references_of(m, "list<i32>") == 2; }, 5s));
  }

  TEST_CASE("fork: a child made without handlers is not taken for its parent by locks, permits and items") {
    Manager m;
    const Lock lock = m.Lock();
    const Semaphore semaphore = m.Semaphore(2);
    const auto queue = m.JoinableQueue<int>();
    queue.put(7);
    const pid_t child = _Fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      lock.acquire();
      semaphore.acquire();
      queue.get();
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    REQUIRE(lock.acquire(20s));
    CHECK(lock.owner_died());
    lock.release();
    CHECK(semaphore.get_value() == 2);
    CHECK(queue.get(20s) == 7);
    CHECK(queue.redeliveries() == 1);
    queue.task_done();
  }

  TEST_CASE("fork: a child that comes back out of modify writes nothing") {
    Manager m;
    auto l = m.list<int>({1});
    pid_t child = 0;
    try {
      l.modify(0, [&](int& x) {
        child = fork();
        x = child == 0 ? 99 : 2;
      });
    } catch (const Error&) {
      if (child == 0) _exit(0);
    }
    if (child == 0) _exit(1);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(l.copy() == Ints{2});
  }

  TEST_CASE("fork: exit() gives the handles back") {
    Manager m;
    auto l = m.list<int>({1});
    const pid_t child = fork();
    if (child == 0) std::exit(0);  // exit handlers of the child
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(references_of(m, "list<i32>") == 1);
    CHECK(m.is_alive());
  }
}
