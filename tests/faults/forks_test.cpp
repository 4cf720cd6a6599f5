// Ways in which processes come into being, turn into others and end, that are none of Process' doing: fork out of threads, by other
// libraries, twice to become a daemon, without handlers, into another PID namespace; exec; every kind of exit; a pid that is
// used again. Handles work or say why not, nothing that a living process holds is taken from it, and what ended ones held comes
// back.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <partage/partage.hpp>
#include <string>
#include <thread>
#include <vector>

#include "manager/platform/process_identity.hpp"
#include "manager/registry/clients.hpp"
#include "manager/registry/registry.hpp"
#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/sleeping.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

using Ints = std::vector<int>;

kernel::Segment& segment_of(const Manager& manager) {
  return kernel::Segment::containing(manager.segment_manager());
}

bool is_whole(const Manager& manager) {
  std::string wrong;
  const bool whole = eventually([&] { return (wrong = kernel::verify_segment(segment_of(manager))).empty(); }, 20s);
  if (!whole) MESSAGE("not whole: ", wrong);
  return whole;
}

std::size_t processes(const Manager& manager) {
  return kernel::Clients(segment_of(manager)).count_processes();
}
/// This process and nobody else is attached any more, and everything in the segment is accounted for.
bool is_alone(const Manager& manager) {
  return eventually([&] { return processes(manager) == 1; }, 20s) && is_whole(manager);
}

std::size_t references_of(const Manager& manager, const std::string& types) {
  for (const ObjectInfo& o : manager.objects()) {
    if (o.types == types) return o.references;
  }
  return 0;
}

/// The exit code of a child that was not made by ChildGroup, or minus its signal; it is killed if it takes too long.
int end_of(pid_t pid) {
  REQUIRE(pid > 0);
  int status = 0;
  const bool ended = eventually([&] { return waitpid(pid, &status, WNOHANG) == pid; }, 20s);
  if (!ended) {
    sigkill_and_reap(pid);
    return -1'000;
  }
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// In a child that fork() made: does it, and ends by _exit with what it says; an exception is 99.
template <class Fn>
[[noreturn]] void end_with(Fn fn) {
  reset_fatal_signals();
  int code = 99;
  try {
    code = fn();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "in a child: %s\n", e.what());
  }
  _exit(code);
}

bool has_segment_open(pid_t pid) {
  for (int fd = 0; fd < 64; ++fd) {
    char path[64], target[256];
    std::snprintf(path, sizeof path, "/proc/%d/fd/%d", static_cast<int>(pid), fd);
    const ssize_t n = readlink(path, target, sizeof target);
    if (n > 0 && std::string(target, static_cast<std::size_t>(n)).find("/dev/shm") != std::string::npos) return true;
  }
  return false;
}

/// One of many kinds of use, for threads that are at it while others fork.
struct Work {
  Manager& manager;
  DictProxy<std::string, long> dict = manager.dict<std::string, long>({{"n", 0}});
  ListProxy<std::string> list = manager.list<std::string>();
  Queue<int> queue = manager.Queue<int>();
  Lock lock = manager.Lock();
  Condition condition = manager.Condition(manager.Lock());  // which another process may release
  ListProxy<ListProxy<int>> nested = manager.list<ListProxy<int>>();

  static constexpr int kinds = 6;

  void once(int kind) const {
    switch (kind) {
      case 0:
        dict.modify("n", [](long& n) { ++n; });
        break;
      case 1:
        list.append(std::string(3000, 'x'));
        if (list.size() > 20) list.clear();
        break;
      case 2:
        queue.put(1);
        queue.try_get();
        break;
      case 3:
        if (lock.acquire(50ms)) lock.release();
        break;
      case 4: {
        condition
            .acquire();  // no guard: when exit() has detached the process, release() throws, which its destructor may not
        condition.wait(1ms);
        condition.notify_all();
        condition.release();
        break;
      }
      case 5: {
        nested.append(manager.list<int>({1}));
        try {
          const ListProxy<int> taken = nested.pop();
          if (taken.size() != 1) std::abort();
        } catch (const IndexError&) {
        }
        break;
      }
    }
  }
};

}  // namespace

TEST_CASE("forks: out of threads that are in the middle of everything, and the children do everything too") {
  Manager manager;
  const Work work{manager};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int kind = 0; kind < Work::kinds; ++kind) {
    threads.emplace_back([&, kind] {
      while (!stop) work.once(kind);
    });
  }
  // And some that make managers and private memory, for which the library has tables of its own.
  threads.emplace_back([&] {
    while (!stop) {
      void* p = manager.segment_manager()->allocate(100);
      manager.segment_manager()->deallocate(p);
    }
  });
  threads.emplace_back([&] {
    while (!stop) Manager({.max_size = std::size_t{1} << 20}).list<int>({1});
  });
  for (int i = 0; i < 60; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      end_with([&] {
        for (int kind = 0; kind < Work::kinds; ++kind) work.once(kind);
        if (i % 4 == 0) {
          Manager own({.max_size = std::size_t{1} << 20});
          if (own.list<int>({1, 2}).size() != 2) return 1;
        }
        if (i % 4 == 1) std::exit(0);
        if (i % 4 == 2) raise(SIGKILL);
        return 0;
      });
    }
    CAPTURE(i);
    CHECK(end_of(child) == (i % 4 == 2 ? -SIGKILL : 0));
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  CHECK(is_alone(manager));
}

TEST_CASE("forks: by another library, whose child uses handles, drops them, or only ends") {
  const Manager manager;
  const auto list = manager.list<int>({1});
  const auto keep = manager.list<std::string>({"x"});
  enum { uses, drops, makes, only_ends, only_exits, is_killed, executes };
  for (const int what : {uses, drops, makes, only_ends, only_exits, is_killed, executes}) {
    CAPTURE(what);
    const std::size_t before = list.size();
    const pid_t child = fork();
    if (child == 0) {
      end_with([&] {
        if (what == uses) list.append(2);
        if (what == drops) {
          const_cast<ListProxy<int>&>(list) = {};
          const_cast<ListProxy<std::string>&>(keep) = {};
        }
        if (what == makes) list.append(manager.list<int>({7}).at(0));
        if (what == only_exits) std::exit(0);
        if (what == is_killed) raise(SIGKILL);
        if (what == executes) execl("/bin/true", "true", nullptr);
        return 0;
      });
    }
    CHECK(end_of(child) == (what == is_killed ? -SIGKILL : 0));
    CHECK(list.size() == before + (what == uses || what == makes ? 1 : 0));
    CHECK(is_alone(manager));
    CHECK(references_of(manager, "list<i32>") == 1);
    CHECK(references_of(manager, "list<str>") == 1);
  }
}

TEST_CASE("forks: more children that execute another program at once than there are places for clients") {
  const Manager manager;
  const auto hosted = manager.list<int>({1});
  const Value<int> counter(0);  // of the process tree, which no manager watches
  for (int i = 0; i < 600; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    REQUIRE(end_of(child) == 0);
  }
  const pid_t child = fork();
  if (child == 0) {
    end_with([&] {
      hosted.append(2);
      counter += 1;
      return manager.list<int>({1}).size() == 1 ? 0 : 1;
    });
  }
  CHECK(end_of(child) == 0);
  CHECK(hosted.size() == 2);
  CHECK(counter.get() == 1);
  CHECK(is_alone(manager));
}

TEST_CASE("forks: a daemon, forked twice, which closes all descriptors, holds its objects and grows the segment") {
  const Manager manager({.max_size = std::size_t{256} << 20});
  const auto list = manager.list<std::string>();
  const Event go = manager.Event();
  const pid_t between = fork();
  if (between == 0) {
    end_with([&] {
      setsid();
      if (fork() != 0) return 0;
      // As daemons do; the numbers are soon those of other files.
      closefrom(0);
      char path[] = "/tmp/partage-daemon-XXXXXX";
      const int first = mkstemp(path);
      unlink(path);
      for (int fd = first; fd >= 0 && fd < 30;) fd = dup(first);
      end_with([&] {
        for (int i = 0; i < 200; ++i) list.append(std::string(100'000, static_cast<char>('a' + i % 26)));
        // Nothing of it has become memory of ours by mistake.
        const bool untouched = lseek(first, 0, SEEK_END) == 0;
        list.append(untouched ? "done" : "the descriptors of others were used");
        go.wait(20s);
        return 0;
      });
    });
  }
  CHECK(end_of(between) == 0);
  REQUIRE(eventually([&] { return list.size() == 201; }, 20s));
  CHECK(list.at(-1) == "done");
  for (int i = 0; i < 200; ++i) REQUIRE(list.at(i) == std::string(100'000, static_cast<char>('a' + i % 26)));
  CHECK(references_of(manager, "list<str>") == 2);  // this process and the daemon; the one in between has gone
  go.set();
  CHECK(is_alone(manager));
  CHECK(references_of(manager, "list<str>") == 1);
}

TEST_CASE("forks: without handlers, by _Fork and by the system call: data, references, exits of every kind") {
  const Manager manager;
  const auto list = manager.list<int>({1});
  const auto dict = manager.dict<int, ListProxy<int>>({{1, list}});
  for (const bool by_call : {false, true}) {
    for (const int end : {0, 1, 2}) {
      CAPTURE(by_call);
      CAPTURE(end);
      const std::size_t before = list.size();
      const auto child =
          by_call ? static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)) : _Fork();
      if (child == 0) {
        end_with([&] {
          list.append(2);  // data alone, no reference changes
          if (end == 0) return 0;
          ListProxy<int> mine = dict[1];
          mine.append(3);
          if (end == 1) std::exit(0);
          const_cast<ListProxy<int>&>(list) = {};
          raise(SIGKILL);
          return 1;
        });
      }
      CHECK(end_of(child) == (end == 2 ? -SIGKILL : 0));
      CHECK(list.size() == before + (end == 0 ? 1 : 2));
      CHECK(is_alone(manager));
      CHECK(references_of(manager, "list<i32>") == 2);  // this process, and the dict
    }
  }
}

TEST_CASE("forks: exec with handles open: the client is gone for everybody, though its pid lives on") {
  for (const bool managed : {true, false}) {
    CAPTURE(managed);
    std::optional<Manager> manager;
    if (managed) manager.emplace();
    const Lock lock = managed ? manager->Lock() : Lock();
    const Semaphore semaphore = managed ? manager->Semaphore(2) : Semaphore(2);
    const auto tasks = managed ? manager->JoinableQueue<int>() : JoinableQueue<int>();
    tasks.put(7);
    const Event taken = managed ? manager->Event() : Event();
    ChildGroup group;
    const pid_t child = group.start([&] {
      lock.acquire();
      semaphore.acquire();
      tasks.get();
      std::optional<ListProxy<int>> held;
      if (managed) held = manager->list<int>({1, 2, 3});
      taken.set();
      execl("/bin/sleep", "sleep", "60", nullptr);
    });
    REQUIRE(taken.wait(20s));
    REQUIRE(lock.acquire(20s));
    CHECK(lock.owner_died());
    lock.release();
    CHECK(eventually([&] { return semaphore.get_value() == 2; }, 20s));
    CHECK(tasks.get(20s) == 7);
    tasks.task_done();
    if (managed) {
      CHECK(eventually([&] { return references_of(*manager, "list<i32>") == 0; }, 20s));
      CHECK(is_alone(*manager));
    }
    CHECK_FALSE(has_segment_open(child));
    CHECK(sleeps(child));  // the other program is at work: it has begun a sleep of its own
    group.kill(child);
  }
}

TEST_CASE(
    "forks: a child in another PID namespace is refused with a sentence, and nothing of its parent's is taken away") {
  for (int round = 0; round < 3; ++round) {
    const Manager manager;
    const auto list = manager.list<int>({1});
    const Lock lock = manager.Lock();
    int told[2];
    REQUIRE(pipe(told) == 0);
    const auto in_namespace = [&] {
      std::string said;
      const auto refused = [&](const std::function<void()>& call) {
        try {
          call();
          said += "nothing was thrown; ";
        } catch (const ConnectionError& e) {
          if (std::string(e.what()).find("PID namespace") == std::string::npos) said += std::string(e.what()) + "; ";
        }
      };
      refused([&] { list.append(2); });
      refused([&] { lock.acquire(); });
      refused([&] { manager.list<int>({1}); });
      refused([&] { (void)ListProxy<int>(list).at(0); });
      // What it makes for itself is its own.
      Manager own;
      if (own.list<int>({1, 2}).size() != 2) said += "a manager of its own; ";
      said.push_back('.');
      return write(told[1], said.data(), said.size()) > 0 ? 0 : 1;
    };
    const pid_t child = fork();
    if (child == 0) {
      end_with([&] {
        if (unshare(CLONE_NEWPID) != 0) return 2;
        const pid_t inner = fork();
        if (inner == 0) end_with(in_namespace);
        int status = 0;
        waitpid(inner, &status, 0);
        return status == 0 ? 0 : 1;
      });
    }
    const int code = end_of(child);
    if (code == 2) {
      MESSAGE("skipped: no PID namespace can be made here");
      return;
    }
    CHECK(code == 0);
    char text[2000];
    const ssize_t n = read(told[0], text, sizeof text);
    CHECK(std::string(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0))) == ".");
    close(told[0]);
    close(told[1]);
    CHECK(list.copy() == Ints{1});
    CHECK(lock.acquire(20s));
    CHECK_FALSE(lock.owner_died());
    lock.release();
    CHECK(is_alone(manager));
  }
}

namespace {

/// Forks a child with that very pid, which is free; -1: it may not.
pid_t fork_as(pid_t pid) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
  arguments.set_tid_size = 1;
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace

TEST_CASE("forks: another process gets the pid of a client that died unseen, and is not taken for it") {
  Manager manager;
  const Lock lock = manager.Lock();
  const Semaphore semaphore = manager.Semaphore(1);
  const auto tasks = manager.JoinableQueue<int>();
  tasks.put(7);
  kill(manager.pid(), SIGKILL);
  REQUIRE(eventually([&] { return !manager.is_alive(); }, 10s));
  ChildGroup group;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t client = group.start([&] {
    lock.acquire();
    semaphore.acquire();
    tasks.get();
    // References of its own, which nobody else has.
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  group.kill(client);
  std::this_thread::sleep_for(30ms);  // a start time is told in hundredths of a second
  const pid_t other = fork_as(client);
  if (other == 0) {
    for (;;) pause();
  }
  if (other < 0) {
    MESSAGE("skipped: no process can be given a chosen pid here");
    return;
  }
  REQUIRE(other == client);
  REQUIRE(kernel::identity_of(other).pid == other);
  // Nobody has seen the client die, and its pid lives.
  CHECK(lock.acquire(20s));
  CHECK(lock.owner_died());
  lock.release();
  CHECK(semaphore.acquire(20s));
  semaphore.release();
  CHECK(tasks.get(20s) == 7);
  tasks.task_done();
  manager.restart();
  CHECK(is_alone(manager));
  CHECK(process_state(other) == 'S');  // nobody has done it any harm
  sigkill_and_reap(other);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE(
    "forks: another process gets the pid of a manager that was killed: it is not taken for it, and not killed in its "
    "stead") {
  Manager manager({.name = "reused-" + std::to_string(getpid())});
  const auto list = manager.list<int>(named("l"), {1});
  const pid_t former = manager.pid();
  kill(former, SIGKILL);
  REQUIRE(eventually([&] { return !manager.is_alive() && process_state(former) == 0; }, 10s));
  const pid_t other = fork_as(former);
  if (other == 0) {
    for (;;) pause();
  }
  if (other < 0) {
    MESSAGE("skipped: no process can be given a chosen pid here");
    return;
  }
  CHECK_FALSE(manager.is_alive());
  CHECK_THROWS_AS(manager.list<int>({1}), ManagerLost);
  manager.restart();
  CHECK(manager.pid() != former);
  CHECK(list.at(0) == 1);
  kill(manager.pid(), SIGKILL);
  REQUIRE(eventually([&] { return !manager.is_alive(); }, 10s));
  manager.shutdown();
  CHECK(process_state(other) == 'S');
  sigkill_and_reap(other);
}

TEST_CASE("forks: a child ends in every way, from any of its threads, while others are in the middle of everything") {
  Manager manager;
  const Work work{manager};
  const std::vector<std::function<void()>> ends = {[] { std::exit(0); }, [] { std::quick_exit(0); }, [] { _exit(0); },
                                                   [] { raise(SIGKILL); }, [] { std::abort(); }};
  for (std::size_t end = 0; end < ends.size(); ++end) {
    for (const bool by_thread : {false, true}) {
      for (int round = 0; round < 4; ++round) {
        CAPTURE(end);
        CAPTURE(by_thread);
        const pid_t child = fork();
        if (child == 0) {
          end_with([&] {
            std::vector<std::thread> threads;
            for (int kind = 0; kind < Work::kinds; ++kind) {
              threads.emplace_back([&, kind] {
                try {
                  for (;;) work.once(kind);
                } catch (
                    const Error&) {  // exit() has detached the process: ManagerShutdown, or a lock is not its own any more
                }
              });
            }
            usleep(static_cast<useconds_t>(3'000 + round * 2'000));
            if (by_thread) {
              std::thread(ends[end]).join();
            } else {
              ends[end]();
            }
            return 1;
          });
        }
        CHECK(end_of(child) == (end == 3 ? -SIGKILL : end == 4 ? -SIGABRT : 0));
        CHECK(eventually([&] { return processes(manager) == 1; }, 20s));
        // An orderly end may leave the lock taken, as in Python; whoever knows that may release it.
        if (!work.lock.acquire(200ms))
          work.lock.release();
        else
          work.lock.release();
        if (!work.condition.acquire(200ms))
          work.condition.release();
        else
          work.condition.release();
        for (int kind = 0; kind < Work::kinds; ++kind) work.once(kind);
      }
    }
  }
  CHECK(is_alone(manager));
}

TEST_CASE("forks: what quick_exit and _exit leave behind is a death's, what exit leaves is not") {
  const Manager manager;
  const std::vector<std::function<void()>> ends = {[] { std::exit(0); }, [] { std::quick_exit(0); }, [] { _exit(0); }};
  for (std::size_t end = 0; end < ends.size(); ++end) {
    CAPTURE(end);
    const Lock lock = manager.Lock();
    const Semaphore semaphore = manager.Semaphore(1);
    const pid_t child = fork();
    if (child == 0) {
      end_with([&] {
        lock.acquire();
        semaphore.acquire();
        ends[end]();
        return 1;
      });
    }
    CHECK(end_of(child) == 0);
    const bool died = end != 0;
    CHECK(lock.acquire(died ? 20'000ms : 0ms) == died);
    CHECK(semaphore.acquire(died ? 20'000ms : 0ms) == died);
  }
}

}  // namespace partage::test
