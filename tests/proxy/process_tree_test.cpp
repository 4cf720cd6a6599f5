// The segment of the process tree: made once, inherited by fork, cleaned by the living, gone with the last process.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <partage/engine/create.hpp>
#include <partage/engine/process_tree.hpp>
#include <thread>

#include "manager/registry/reap.hpp"
#include "manager/registry/registry.hpp"
#include "manager/registry/verify.hpp"
#include "proxy/engine/sessions.hpp"
#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

ListProxy<int> make_numbers(std::initializer_list<int> contents = {}) {
  const engine::SessionPtr tree = engine::process_tree();
  const partage::detail::EncodedRange<int> encoded(contents, tree);
  return ListProxy<int>(
      engine::create_list(tree, {engine::TypeOf<ListProxy<int>>::text(), sizeof(int), false}, {}, encoded.views()));
}

kernel::Segment& segment() {
  return engine::process_tree()->segment();
}
std::vector<ObjectInfo> objects() {
  return kernel::Registry(segment()).objects();
}
std::size_t references() {
  std::size_t n = 0;
  for (const ObjectInfo& o : objects()) n += o.references;
  return n;
}
std::size_t clients() {
  return kernel::Clients(segment()).count();
}
/// Cases before this one have left nothing.
void start_clean() {
  kernel::reap_all_dead(segment());
  REQUIRE(clients() == 1);
  REQUIRE(objects().empty());
}
/// "" or what is wrong after the dead were taken care of.
std::string leak() {
  kernel::reap_all_dead(segment());
  kernel::repair_everything(segment());
  kernel::sweep(segment());
  return kernel::verify_segment(segment());
}

/// A process without a process tree, whatever other cases have made here: this program again, with one case.
ChildResult in_fresh_process(const char* test_case) {
  return run_child(
      [&] {
        const std::string only = std::string("--test-case=") + test_case;
        ::setenv("PARTAGE_FRESH", "1", 1);
        ::execl("/proc/self/exe", "partage-test-proxy", only.c_str(), "--no-skip", nullptr);
        return 1;
      },
      60s);
}
bool fresh() {
  return ::getenv("PARTAGE_FRESH") != nullptr;
}

}  // namespace

TEST_SUITE("process tree") {
  TEST_CASE("process tree: objects work without a Manager, in parent and child") {
    const auto numbers = make_numbers({1, 2});
    Process child([=] {
      numbers.append(3);
      make_numbers({9}).append(10);
    });
    child.start();
    child.join();
    CHECK(child.exitcode() == 0);
    CHECK(numbers.copy() == Ints{1, 2, 3});
    CHECK(objects().size() == 1);
    CHECK(leak() == "");
  }

  TEST_CASE("process tree: one session, no manager, no name, no timeout") {
    CHECK(engine::process_tree() == engine::process_tree());
    CHECK(segment().unmanaged());
    CHECK(segment().header().name[0] == 0);
    CHECK_FALSE(segment().operation_timeout.has_value());
    struct stat facts {};
    REQUIRE(::fstat(segment().object().fd(), &facts) == 0);
    CHECK(facts.st_nlink == 0);  // nothing to be left in /dev/shm
    CHECK((::fcntl(segment().object().fd(), F_GETFD) & FD_CLOEXEC) != 0);
  }

  TEST_CASE("process tree: made by racing threads once" * doctest::skip(!fresh())) {
    std::atomic<bool> go{false};
    std::vector<ListProxy<int>> made(8);
    std::vector<std::thread> threads;
    for (auto& list : made) {
      threads.emplace_back([&] {
        while (!go) {
        }
        list = make_numbers({1});
      });
    }
    go = true;
    for (std::thread& t : threads) t.join();
    CHECK(objects().size() == made.size());
    CHECK(clients() == 1);
    CHECK(leak() == "");
  }
  TEST_CASE("process tree: racing threads make one, in a fresh process") {
    const ChildResult child = in_fresh_process("process tree: made by racing threads once");
    CHECK_MESSAGE(child.ok(), child.describe());
  }

  TEST_CASE("process tree: forks while another thread makes it" * doctest::skip(!fresh())) {
    std::thread maker([] { make_numbers({1}); });
    std::vector<pid_t> children;
    for (int i = 0; i < 40; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        const auto mine = make_numbers({1, 2});
        _exit(mine.size() == 2 ? 0 : 1);
      }
      children.push_back(child);
    }
    maker.join();
    for (const pid_t child : children) {
      int status = -1;
      ::waitpid(child, &status, 0);
      CHECK(status == 0);
    }
    CHECK(leak() == "");
  }
  TEST_CASE("process tree: forks while another thread makes it, in a fresh process") {
    for (int i = 0; i < 5; ++i) {
      const ChildResult child = in_fresh_process("process tree: forks while another thread makes it");
      CHECK_MESSAGE(child.ok(), child.describe());
    }
  }

  TEST_CASE("process tree: made by a child alone" * doctest::skip(!fresh())) {
    const ChildResult child = run_child(
        [] {
          const auto numbers = make_numbers({1});
          const ChildResult grandchild = run_child([&] { numbers.append(2); }, 10s);
          return grandchild.ok() && numbers.size() == 2 ? 0 : 1;
        },
        20s);
    CHECK_MESSAGE(child.ok(), child.describe());
    CHECK(engine::Sessions::all().empty());  // the parent has none because of that
    CHECK(make_numbers({1}).size() == 1);
  }
  TEST_CASE("process tree: a child whose parent had none makes its own, in a fresh process") {
    const ChildResult child = in_fresh_process("process tree: made by a child alone");
    CHECK_MESSAGE(child.ok(), child.describe());
  }

  TEST_CASE("process tree: join() takes back what a killed child held") {
    start_clean();
    const auto outer = make_numbers({1});
    Process child([=] {
      const auto mine = make_numbers({1, 2, 3});
      outer.append(2);
      ::raise(SIGKILL);
    });
    child.start();
    child.join();
    CHECK(child.exitcode() == -SIGKILL);
    CHECK(objects().size() == 1);
    CHECK(references() == 1);
    CHECK(clients() == 1);
    CHECK(outer.copy() == Ints{1, 2});
    CHECK(kernel::verify_segment(segment()) == "");
  }

  TEST_CASE("process tree: is_alive() and the next start() do so as well") {
    start_clean();
    Process first([] {
      const auto mine = make_numbers({1});
      ::raise(SIGKILL);
    });
    const auto keep = make_numbers();
    first.start();
    CHECK(eventually([&] { return !first.is_alive(); }, 5s));
    CHECK(clients() == 1);
    CHECK(objects().size() == 1);

    Process second([] { ::raise(SIGKILL); });
    second.start();
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(second.pid()), &info, WEXITED | WNOWAIT) == 0);
    Process third([] {});
    third.start();
    third.join();
    CHECK(clients() == 1);
    CHECK(kernel::verify_segment(segment()) == "");
  }

  TEST_CASE("process tree: a forked child without Process is taken care of by the next forks") {
    const auto numbers = make_numbers({1});
    const pid_t child = fork();
    if (child == 0) {
      const auto mine = make_numbers({1});
      ::raise(SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    CHECK(eventually(
        [&] {
          const pid_t next = fork();
          if (next == 0) std::exit(0);
          ::waitpid(next, nullptr, 0);
          return objects().size() == 1 && references() == 1;
        },
        10s));
  }

  TEST_CASE("process tree: 600 killed children do not use up the places") {
    const auto numbers = make_numbers({1});
    for (int i = 0; i < 600; ++i) {
      const pid_t child = ::_Fork();  // no handler takes part: only the need for a place makes room
      if (child == 0) {
        const auto mine = make_numbers({i});
        ::kill(::getpid(), mine.size() == 1 && numbers.size() == 1 ? SIGKILL : SIGABRT);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK(WTERMSIG(status) == SIGKILL);
    }
    CHECK(leak() == "");
    CHECK(objects().size() == 1);
    CHECK(clients() == 1);
  }

  TEST_CASE("process tree: places of children that never came are free again") {
    kernel::Clients attached(segment());
    const ChildResult child = run_child(
        [] {
          kernel::Clients mine(segment());
          try {
            for (;;) mine.reserve_for_child();
          } catch (const ConnectionError&) {
            ::raise(SIGKILL);  // nobody has adopted any
          }
        },
        60s);
    CHECK(child.end == ChildResult::End::signaled);
    CHECK(attached.count() > 500);
    CHECK(eventually(
        [&] {  // orphans are given their time
          const ChildResult next = run_child([] { make_numbers({1}).append(2); }, 20s);
          return next.ok() && attached.count() < 10;
        },
        10s));
    CHECK(leak() == "");
  }

  TEST_CASE("process tree: outlives the process that made it" * doctest::timeout(30)) {
    int answer[2];
    REQUIRE(::pipe(answer) == 0);
    const pid_t parent = fork();
    if (parent == 0) {
      const auto numbers = make_numbers({1});
      if (fork() == 0) {
        while (::kill(::getppid(), 0) == 0 && ::getppid() != 1) ::usleep(1000);
        numbers.append(2);
        const char size = static_cast<char>(numbers.size());
        (void)!::write(answer[1], &size, 1);
        _exit(0);
      }
      ::raise(SIGKILL);
    }
    ::close(answer[1]);
    ::waitpid(parent, nullptr, 0);
    char size = 0;
    CHECK(::read(answer[0], &size, 1) == 1);
    CHECK(size == 2);
    ::close(answer[0]);
  }

  TEST_CASE("process tree: a handle in static storage is released after everything") {
    const ChildResult child = run_child(
        []() -> int {
          static ListProxy<int> forever = make_numbers({1});
          forever.append(2);
          std::exit(forever.size() == 2 ? 0 : 1);
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
  }
}
