// CPython's _TestLock: Lock and RLock.
#include <unistd.h>

#include <mutex>
#include <sstream>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

template <class T>
std::string repr(const T& x) {
  std::ostringstream out;
  out << x;
  return out.str();
}
std::string lock_of(pid_t pid) {
  return "<Lock(owner=" + std::to_string(pid) + ")>";
}
std::string rlock_of(pid_t pid, int depth) {
  return "<RLock(owner=" + std::to_string(pid) + ", count=" + std::to_string(depth) + ")>";
}

}  // namespace

// CPython shows the name of the owner if that is who asks, else SomeOtherThread or SomeOtherProcess, and of another's
// RLock no count; here everybody sees the owner's pid and the count.
TEST_CASE("_TestLock.test_repr_lock: shows who has it") {
  in_each_world([](World& world) {
    const auto lock = world.Lock();
    CHECK(repr(lock) == "<Lock(owner=None)>");
    lock.acquire();
    CHECK(repr(lock) == lock_of(::getpid()));
    lock.release();

    std::string in_thread;
    std::thread([&] {
      lock.acquire();
      in_thread = repr(lock);
    }).join();
    CHECK(in_thread == lock_of(::getpid()));
    CHECK(repr(lock) == lock_of(::getpid()));  // its end leaves it locked
    lock.release();

    Worker p1 = world.start([=] {
      lock.acquire();
      expect(repr(lock) == lock_of(::getpid()), "the pid of the child");
    });
    CHECK(p1.join() == "");
    CHECK(lock.locked());
    CHECK(repr(lock) == (world.forks() ? "<Lock(owner=a process that has ended)>" : lock_of(::getpid())));
    lock.release();

    const auto pid = world.Queue<pid_t>();
    const auto go = world.Event();
    Worker p2 = world.start([=] {
      lock.acquire();
      pid.put(::getpid());
      go.wait();
    });
    CHECK(repr(lock) == lock_of(pid.get(60s)));
    go.set();
    CHECK(p2.join() == "");
  });
}

TEST_CASE("_TestLock.test_lock: acquire, locked, release, and a release too many") {
  in_each_world([](World& world) {
    const auto lock = world.Lock();
    CHECK(lock.acquire());
    CHECK(lock.locked());
    CHECK_FALSE(lock.try_acquire());
    CHECK_FALSE(lock.acquire(0s));
    lock.release();
    CHECK_FALSE(lock.locked());
    CHECK_THROWS_AS(lock.release(), ValueError);
  });
}

namespace {
template <class L>
void locked_by_a_child(const World& world, const L& lock) {
  const auto event = world.Event();
  const auto seen = world.Value<bool>(false);
  const auto go = world.Event();
  Worker child = world.start([=] {
    lock.acquire();
    seen = lock.locked();
    event.set();
    go.wait();
    lock.release();
  });
  REQUIRE(event.wait(60s));
  CHECK(lock.locked());
  CHECK(seen);
  go.set();
  CHECK(child.join() == "");
  CHECK_FALSE(lock.locked());
}
}  // namespace

TEST_CASE("_TestLock.test_lock_locked_2processes: locked() is seen by others") {
  in_each_world([](World& world) { locked_by_a_child(world, world.Lock()); });
}

TEST_CASE("_TestLock.test_repr_rlock: shows who has it, and how often") {
  in_each_world([](World& world) {
    const auto lock = world.RLock();
    CHECK(repr(lock) == "<RLock(owner=None, count=0)>");
    for (int i = 0; i < 3; ++i) lock.acquire();
    CHECK(repr(lock) == rlock_of(::getpid(), 3));
    for (int i = 0; i < 3; ++i) lock.release();

    std::vector<Worker> workers;
    for (int depth = 1; depth <= 3; ++depth) {
      workers.push_back(world.start([=] {
        for (int i = 0; i < depth; ++i) lock.acquire();
        expect(repr(lock) == rlock_of(::getpid(), depth), "its own pid and depth");
        for (int i = 0; i < depth; ++i) lock.release();
      }));
    }
    for (Worker& w : workers) CHECK(w.join() == "");
    CHECK(repr(lock) == "<RLock(owner=None, count=0)>");

    const auto pid = world.Queue<pid_t>();
    const auto go = world.Event();
    Worker other = world.start([=] {
      lock.acquire();
      lock.acquire();
      pid.put(::getpid());
      go.wait();
      lock.release();
      lock.release();
    });
    CHECK(repr(lock) == rlock_of(pid.get(60s), 2));
    go.set();
    CHECK(other.join() == "");
  });
}

TEST_CASE("_TestLock.test_rlock: three levels, and a release too many") {
  in_each_world([](World& world) {
    const auto lock = world.RLock();
    CHECK(lock.acquire());
    CHECK(lock.locked());
    CHECK(lock.acquire());
    CHECK(lock.acquire());
    lock.release();
    CHECK(lock.locked());
    lock.release();
    CHECK(lock.locked());
    lock.release();
    CHECK_FALSE(lock.locked());
    CHECK_THROWS_AS(lock.release(), ValueError);
  });
}

TEST_CASE("_TestLock.test_rlock_locked_2processes: locked() of an RLock is seen by others") {
  in_each_world([](World& world) { locked_by_a_child(world, world.RLock()); });
}

TEST_CASE("_TestLock.test_lock_context: a guard has it, and gives it back") {
  in_each_world([](World& world) {
    const auto lock = world.Lock();
    {
      const std::unique_lock guard(lock);
      CHECK(guard.owns_lock());
      CHECK(lock.locked());
    }
    CHECK_FALSE(lock.locked());
    { const std::scoped_lock guard(lock); }
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("_TestLock.test_rlock_context: a guard has it, and gives it back") {
  in_each_world([](World& world) {
    const auto lock = world.RLock();
    {
      const std::unique_lock guard(lock);
      CHECK(guard.owns_lock());
      const std::scoped_lock again(lock);
      CHECK(lock.locked());
    }
    CHECK_FALSE(lock.locked());
  });
}
