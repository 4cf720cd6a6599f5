// Locks, semaphores, conditions, events and barriers through their handles: what each call returns and refuses, names and types,
// and handles inside containers. What deaths do is in tests/faults, what CPython asserts in tests/conformance.

#include <doctest/doctest.h>

#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <mutex>
#include <partage/partage.hpp>
#include <sstream>
#include <thread>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/proxy/support.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

bool says(const std::string& whole, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (!has(whole, part)) return false;
  }
  return true;
}

/// "" as soon as nothing is wrong: the manager may be at work on the segment.
std::string verified(const Manager& manager) {
  std::string problem;
  eventually(
      [&] {
        problem = kernel::verify_segment(kernel::Segment::containing(manager.segment_manager()));
        return problem.empty();
      },
      10s);
  return problem;
}

struct Job {
  int number = 0;
  Lock lock;
  std::vector<Event> events;
};

}  // namespace

// ---- locks -----------------------------------------------------------------------------------------------------------

TEST_CASE("Lock: is taken once, and released by anybody") {
  const Lock lock;
  CHECK_FALSE(lock.locked());
  CHECK(lock.acquire());
  CHECK(lock.locked());
  CHECK_FALSE(lock.try_acquire());
  CHECK_FALSE(lock.acquire(10ms));
  CHECK_FALSE(lock.acquire(-1s));
  CHECK_FALSE(lock.try_lock_until(std::chrono::system_clock::now() + 10ms));
  std::thread([&] { lock.release(); }).join();
  CHECK_FALSE(lock.locked());
  CHECK_FALSE(lock.owner_died());
  CHECK(lock.try_lock_for(1s));
  CHECK_FALSE(lock.owner_died());
  lock.unlock();
}

TEST_CASE("Lock: release() of one that is not locked is a ValueError that says so") {
  const Manager manager;
  const Lock lock = manager.Lock(named("door"));
  CHECK(says(message_of<ValueError>([&] { lock.release(); }), {"lock 'door'", "release", "not locked", "acquire"}));
  CHECK_THROWS_AS(lock.unlock(), ValueError);
  CHECK_FALSE(lock.locked());
}

TEST_CASE("Lock: works with the guards of the standard library") {
  const Lock a, b;
  {
    const std::scoped_lock both(a, b);
    CHECK(a.locked());
    CHECK(b.locked());
  }
  CHECK_FALSE(a.locked());
  std::unique_lock<const Lock> guard(a, std::defer_lock);
  CHECK(guard.try_lock_for(10ms));
  const std::lock_guard other(b);
}

TEST_CASE("RLock: is taken again by the thread that has it, and released as often") {
  const RLock lock;
  for (int i = 0; i < 3; ++i) CHECK(lock.try_acquire());
  CHECK(says(text(lock), {"RLock", "count=3"}));
  std::thread([&] {
    CHECK_FALSE(lock.try_acquire());
    CHECK(says(message_of<ValueError>([&] { lock.release(); }), {"rlock", "another thread"}));
  }).join();
  lock.release();
  lock.release();
  CHECK(lock.locked());
  lock.release();
  CHECK_FALSE(lock.locked());
  CHECK_THROWS_AS(lock.release(), ValueError);
}

TEST_CASE("Lock: of several processes one at a time has it") {
  const Lock lock;
  const Value<long> inside(0), most(0), rounds(0);
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int i = 0; i < 3; ++i) {
    pids.push_back(group.start([=] {
      for (int k = 0; k < 300; ++k) {
        const std::scoped_lock guard(lock);
        inside += 1;
        if (inside.get() > most.get()) most = inside.get();
        rounds.set(rounds.get() + 1);
        inside -= 1;
      }
    }));
  }
  for (const pid_t pid : pids) REQUIRE(group.wait(pid, 60s).ok());
  CHECK(most.get() == 1);
  CHECK(rounds.get() == 900);
}

// ---- semaphores ------------------------------------------------------------------------------------------------------

TEST_CASE("Semaphore: counts up and down, bounded or not") {
  const Semaphore semaphore(2);
  CHECK(semaphore.get_value() == 2);
  CHECK(semaphore.acquire());
  CHECK(semaphore.acquire());
  CHECK(semaphore.locked());
  CHECK_FALSE(semaphore.acquire(5ms));
  for (int i = 0; i < 3; ++i) semaphore.release();
  CHECK(semaphore.get_value() == 3);

  const BoundedSemaphore bounded(2);
  bounded.acquire();
  bounded.release();
  CHECK(says(message_of<ValueError>([&] { bounded.release(); }),
             {"bounded_semaphore", "release", "all of its 2 permits"}));
  CHECK(bounded.get_value() == 2);
  CHECK_THROWS_AS(Semaphore(-1), ValueError);
  CHECK_THROWS_AS(BoundedSemaphore(-1), ValueError);
  CHECK(Semaphore(0).try_acquire() == false);
}

TEST_CASE("Semaphore: many acquisitions are remembered and forgotten") {
  const Semaphore semaphore(1000);
  for (int i = 0; i < 1000; ++i) REQUIRE(semaphore.try_acquire());
  CHECK_FALSE(semaphore.try_acquire());
  for (int i = 0; i < 1000; ++i) semaphore.release();
  CHECK(semaphore.get_value() == 1000);
}

// ---- conditions ------------------------------------------------------------------------------------------------------

TEST_CASE("Condition: wait and notify need the lock") {
  for (const Condition& condition : {Condition(), Condition(Lock()), Condition(RLock())}) {
    CHECK(says(message_of<ValueError>([&] { condition.wait(); }), {"condition", "wait", "not held", "acquire"}));
    CHECK(says(message_of<ValueError>([&] { condition.notify(); }), {"condition", "notify", "not held"}));
    CHECK_THROWS_AS(condition.release(), ValueError);
  }
}

TEST_CASE("Condition: a wait that times out gives the lock back as it was, however often it was taken") {
  const Condition condition;
  condition.acquire();
  condition.acquire();
  CHECK_FALSE(condition.wait(10ms));
  CHECK_FALSE(condition.wait(-1s));
  std::thread([&] { CHECK_FALSE(condition.try_acquire()); }).join();
  condition.release();
  CHECK(condition.locked());
  condition.release();
  CHECK_FALSE(condition.locked());
}

TEST_CASE("Condition: notify(n) wakes the n that wait longest") {
  const Condition condition;
  const JoinableQueue<int> woken;
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int i = 0; i < 5; ++i) {
    pids.push_back(group.start([=] {
      const std::scoped_lock guard(condition);
      condition.wait();
      woken.put(i);
    }));
    REQUIRE(eventually([&] { return says(text(condition), {(", " + std::to_string(i + 1) + ")").c_str()}); }, 20s));
  }
  const auto notify = [&](std::uint64_t n) {
    const std::scoped_lock guard(condition);
    condition.notify(n);
  };
  notify(0);
  notify(2);
  CHECK(woken.get(20s) + woken.get(20s) == 0 + 1);
  CHECK_THROWS_AS(woken.get(50ms), Empty);
  notify(1);
  CHECK(woken.get(20s) == 2);
  CHECK_THROWS_AS(woken.get(50ms), Empty);
  notify(7);
  CHECK(woken.get(20s) + woken.get(20s) == 3 + 4);
  for (const pid_t pid : pids) CHECK(group.wait(pid, 20s).ok());
}

TEST_CASE("Condition: wait_for returns what the predicate returned last") {
  const Condition condition;
  const Value<int> n(0);
  ChildGroup group;
  const std::scoped_lock guard(condition);
  CHECK_FALSE(condition.wait_for([&] { return n.get() > 2; }, 10ms));
  const pid_t pid = group.start([=] {
    for (int i = 0; i < 3; ++i) {
      const std::scoped_lock inner(condition);
      n += 1;
      condition.notify_all();
    }
  });
  CHECK(condition.wait_for([&] { return n.get() > 2 ? 7 : 0; }) == 7);
  CHECK(group.wait(pid, 20s).ok());
}

TEST_CASE("Condition: of a lock of its own manager, which it keeps alive") {
  const Manager manager, other;
  Condition condition = [&] {
    const RLock lock = manager.RLock();
    return manager.Condition(lock);
  }();
  CHECK(manager.objects().size() == 2);
  {
    const std::scoped_lock guard(condition);
    CHECK_FALSE(condition.wait(1ms));
  }
  CHECK(says(message_of<ValueError>([&] { static_cast<void>(manager.Condition(other.Lock())); }), {"another manager"}));
  CHECK(verified(manager) == "");
  condition = Condition();
  CHECK(manager.objects().empty());
  CHECK(verified(manager) == "");
}

// ---- events ----------------------------------------------------------------------------------------------------------

TEST_CASE("Event: a waiter sees a set() that a clear() follows at once") {
  const Event event;
  ChildGroup group;
  const pid_t waiter = group.start([=] { return event.wait() ? 0 : 1; });
  REQUIRE(eventually([&] { return process_state(waiter) == 'S'; }, 20s));
  std::this_thread::sleep_for(20ms);
  REQUIRE(pause_process(waiter));
  event.set();
  event.clear();
  resume_process(waiter);
  CHECK(group.wait(waiter, 20s).ok());
  CHECK_FALSE(event.is_set());
  CHECK_FALSE(event.wait(1ms));
  CHECK(text(event) == "<Event: unset>");
  event.set();
  event.set();
  CHECK(event.wait(-1s));
  CHECK(text(event) == "<Event: set>");
}

// ---- barriers --------------------------------------------------------------------------------------------------------

TEST_CASE("Barrier: the action runs once a round, in the last to come, before anybody goes on") {
  const Value<int> acted(0), seen_too_early(0);
  const Barrier barrier(3, [=] { acted += 1; });
  ChildGroup group;
  const auto party = [=] {
    for (int round = 1; round <= 50; ++round) {
      barrier.wait();
      if (acted.get() < round) seen_too_early += 1;
    }
  };
  const pid_t a = group.start(party), b = group.start(party);
  party();
  CHECK(group.wait(a, 60s).ok());
  CHECK(group.wait(b, 60s).ok());
  CHECK(acted.get() == 50);
  CHECK(seen_too_early.get() == 0);
}

TEST_CASE("Barrier: an action that throws breaks it and arrives in the last one") {
  const Barrier barrier(1, [] { throw std::runtime_error("no"); });
  CHECK_THROWS_WITH(barrier.wait(), "no");
  CHECK(barrier.broken());
  CHECK(says(message_of<BrokenBarrierError>([&] { barrier.wait(); }), {"barrier", "wait", "broken", "reset()"}));
}

TEST_CASE("Barrier: a timeout breaks it, its own or that of the call, until reset") {
  const Barrier own(2, 10ms), call(2);
  CHECK_THROWS_AS(own.wait(), BrokenBarrierError);
  CHECK_THROWS_AS(call.wait(10ms), BrokenBarrierError);
  CHECK(call.broken());
  CHECK_THROWS_AS(call.wait(1h), BrokenBarrierError);
  call.reset();
  CHECK_FALSE(call.broken());
  CHECK(call.n_waiting() == 0);
  CHECK(call.parties() == 2);
  CHECK_THROWS_AS(Barrier(0), ValueError);
  CHECK(Barrier(1).wait() == 0);
}

TEST_CASE("Barrier: a handle that does not know the action says so and waits for nobody") {
  const Manager manager;
  const auto list = manager.list<Barrier>();
  const Barrier barrier = manager.Barrier(1, [] {});
  list.append(barrier);
  CHECK(barrier.wait() == 0);
  CHECK(says(message_of<UsageError>([&] { list[0].wait(); }), {"barrier", "action", "container"}));
  CHECK_FALSE(barrier.broken());
}

// ---- names, types, containers ----------------------------------------------------------------------------------------

TEST_CASE("sync: objects are opened by name, as what they were made") {
  const Manager manager;
  const Semaphore made = manager.Semaphore(named("slots"), 3);
  const Semaphore opened = manager.Semaphore(named("slots"), 9);
  CHECK(opened.is(made));
  CHECK(opened == made);
  CHECK(opened.get_value() == 3);
  CHECK(says(message_of<TypeError>([&] { manager.BoundedSemaphore(named("slots")); }),
             {"semaphore", "bounded_semaphore"}));
  CHECK(says(message_of<TypeError>([&] { manager.list<int>(named("slots")); }), {"semaphore", "list<i32>"}));
  CHECK(says(message_of<TypeError>([&] { manager.Queue<int>(named("slots")); }), {"semaphore", "queue<i32>"}));
  manager.remove("slots");
}

TEST_CASE("sync: handles of every kind live in containers, and their members work through them") {
  const Manager manager;
  {
    const auto locks = manager.list<Lock>({manager.Lock()});
    const auto events = manager.dict<std::string, Event>({{"go", manager.Event()}});
    const auto jobs = manager.list<Job>();
    CHECK(manager.objects().size() == 5);
    locks[0].acquire();
    CHECK(locks[0].locked());
    CHECK(locks.at(0).locked());
    events["go"].set();
    CHECK(events["go"].is_set());
    jobs.append(Job{1, locks.at(0), {events.at("go")}});
    CHECK(jobs.at(0).lock.is(locks.at(0)));
    CHECK(jobs.at(0).events.at(0).is_set());
    const auto queue = manager.Queue<Condition>();
    queue.put(manager.Condition());
    CHECK(manager.objects().size() == 8);
    const Condition condition = queue.get();
    CHECK(condition.try_acquire());
    condition.release();
    const auto barriers = manager.list<Barrier>({manager.Barrier(1)});
    CHECK(barriers[0].wait() == 0);
    const auto semaphores = manager.list<Semaphore>({manager.Semaphore(2)});
    CHECK(semaphores[0].get_value() == 2);
    const auto rlocks = manager.list<RLock>({manager.RLock()});
    rlocks[0].acquire();
    rlocks[0].release();
    CHECK(verified(manager) == "");
  }
  CHECK(manager.objects().empty());
  CHECK(verified(manager) == "");
}

TEST_CASE("sync: reading a struct with handles makes no objects") {
  const Manager manager;
  const auto jobs = manager.list<Job>({Job{1, manager.Lock(), {}}});
  const Lock here;  // the process tree exists
  const auto references = [&] { return manager.objects().size(); };
  const std::size_t before = references();
  for (int i = 0; i < 10; ++i) CHECK_FALSE(jobs.at(0).lock.locked());
  CHECK(references() == before);
}

TEST_CASE("sync: a handle travels through an archive") {
  const Lock lock;
  lock.acquire();
  std::stringstream stream;
  boost::archive::text_oarchive(stream) << lock;
  Lock other;
  boost::archive::text_iarchive(stream) >> other;
  CHECK(other.is(lock));
  CHECK(other.locked());
  lock.release();
}

TEST_CASE("sync: nothing is acquired, set or put inside modify()") {
  const Manager manager;
  const auto list = manager.list<int>({1});
  const Lock lock = manager.Lock();
  const Event event = manager.Event();
  const Queue<int> queue = manager.Queue<int>();
  const auto refused = [&](auto fn) { CHECK_THROWS_AS(list.modify(0, [&](int&) { fn(); }), UsageError); };
  refused([&] { lock.acquire(); });
  refused([&] { lock.release(); });
  refused([&] { event.set(); });
  refused([&] { event.wait(); });
  refused([&] { queue.put(1); });
  refused([&] { queue.get(); });
  refused([&] { manager.Barrier(1).wait(); });
  CHECK(list.at(0) == 1);
  list.modify(0, [&](int& x) { x = lock.locked() || event.is_set() || !queue.empty() ? 0 : 2; });
  CHECK(list.at(0) == 2);
}

TEST_CASE("sync: objects() tells who waits") {
  const Manager manager;
  const Event event = manager.Event(named("go"));
  ChildGroup group;
  const pid_t waiter = group.start([=] { event.wait(); });
  const auto waiters = [&] { return manager.objects().at(0).waiters; };
  CHECK(eventually([&] { return waiters() == 1; }, 20s));
  event.set();
  CHECK(group.wait(waiter, 20s).ok());
  CHECK(waiters() == 0);
}

TEST_CASE("sync: an empty handle says so") {
  const Lock empty{engine::ObjectPtr()};
  CHECK(says(message_of<ValueError>([&] { empty.acquire(); }), {"empty handle", "acquire"}));
}

}  // namespace partage::test
