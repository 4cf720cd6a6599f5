// What can be seen of a segment without a lock, and what the counts count.
#include "manager/registry/observation.hpp"

#include <partage/error.hpp>
#include <thread>

#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/segment/read_tally.hpp"
#include "manager/segment/waiting.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using kernel::ObjectKind;
using kernel::Observation;
using kernel::observe;
using kernel::ReadTally;
using kernel::SeenObject;
using kernel::u64;
using kernel::Waiting;

SeenObject seen(RegistryFixture& at, ObjectRef ref) {
  const Observation now = observe(at.segment());
  REQUIRE(now.find(ref) != nullptr);
  return *now.find(ref);
}

u64 changes(RegistryFixture& at, ObjectRef ref) {
  u64 n = 0;
  for (const SeenObject::Stripe& stripe : seen(at, ref).stripes) n += stripe.seq / 2;
  return n;
}

ObjectRef new_lock(RegistryFixture& at, kernel::SyncKind kind = kernel::SyncKind::lock,
                   ObjectKind object = ObjectKind::lock, u64 initial = 0) {
  return at->registry().create_sync("test", "it", {.kind = kind, .initial = initial}, object);
}
kernel::Lock lock_at(RegistryFixture& at, ObjectRef ref) {
  return {at.segment(), at->registry().facts(ref).value().body};
}

}  // namespace

TEST_CASE("observation: objects, their names, elements and bytes, and nothing internal") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(false, "prices"), dict = at->new_dict();
  at->append(list, "one");
  at->append(list, std::string(5000, 'x'));
  at->dict(dict).set(view("k"), view("v"));
  const Observation now = observe(at.segment());
  REQUIRE(now.objects.size() == 2);
  CHECK(now.internals.empty());
  CHECK(now.waits.empty());
  CHECK(now.find(list)->name == "prices");
  CHECK(now.find(list)->elements == 2);
  CHECK(now.find(list)->bytes >= 320 + 8 * 16 + 5000);
  CHECK(now.find(list)->bytes <= at->list(list).bytes_used());
  CHECK(now.find(dict)->elements == 1);
  CHECK(now.find(dict)->bytes == at->dict(dict).bytes_used());
  CHECK(now.find(list + 1) == nullptr);
  REQUIRE(now.clients.size() == 1);
  CHECK(now.clients[0].process.pid == ::getpid());
  CHECK_FALSE(now.clients[0].dead);
}

TEST_CASE("observation: every change of a list or dict is counted once, and a read is none") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict(false, "", 3);
  // The first time, tables grow, which counts as well.
  const auto set = [&] {
    for (int i = 0; i < 100; ++i) at->dict(dict).set(view("key" + std::to_string(i)), view("v"));
  };
  set();
  const u64 of_list = changes(at, list), of_dict = changes(at, dict);
  set();
  for (int i = 0; i < 100; ++i) at->append(list, "short");
  Bytes out;
  for (int i = 0; i < 50; ++i) {
    (void)at->list(list).get(i, out);
    (void)at->dict(dict).get(view("key1"), out);
  }
  CHECK(changes(at, list) - of_list == 100);
  CHECK(changes(at, dict) - of_dict == 100);
}

TEST_CASE("observation: reads are counted about, each container its own also when they are read in turns") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict();
  at->append(list, "x");
  at->dict(dict).set(view("k"), view("v"));
  Bytes out;
  constexpr u64 rounds = 100 * ReadTally::every;
  for (u64 i = 0; i < rounds; ++i) {
    (void)at->list(list).get(0, out);
    (void)at->dict(dict).get(view("k"), out);
  }
  for (const ObjectRef ref : {list, dict}) {
    const u64 reads = seen(at, ref).reads;
    CHECK(reads >= rounds - 2 * ReadTally::every);
    CHECK(reads <= rounds + 2 * ReadTally::every);
  }
}

TEST_CASE("observation: reads of words are counted like others") {
  RegistryFixture at;
  const ObjectRef ref = at->registry().create_list("list<i64>", "", {.packed_size = 8, .handles = false});
  const kernel::List list = at->list(ref);
  const u64 word = 7;
  list.append({&word, 8});
  u64 out = 0;
  for (u64 i = 0; i < 10 * ReadTally::every; ++i) REQUIRE(list.get_word(0, out));
  CHECK(seen(at, ref).reads == 0);  // get_word() is the way round for who has counted already
  Bytes bytes;
  for (u64 i = 0; i < 10 * ReadTally::every; ++i) REQUIRE(list.get(0, bytes));
  CHECK(seen(at, ref).reads == 10 * ReadTally::every);
}

TEST_CASE("observation: a lock that is met busy counts for its object and for the segment") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict(), lock = new_lock(at);
  for (const ObjectRef ref : {list, dict, lock}) {
    const auto stripes = seen(at, ref).stripes;
    REQUIRE(stripes.size() == 1);
    auto& stripe = at.segment().at<kernel::Stripe>(stripes[0].offset);
    const u64 before = seen(at, ref).contended, all_before = observe(at.segment()).contended;
    lock_stripe(at.segment(), stripe);
    std::thread other([&] { kernel::StripeLock(at.segment(), stripe).unlock(); });
    REQUIRE(eventually([&] { return seen(at, ref).contended == before + 1; }, 10s));
    // It is said who has it, and who waits once it sleeps.
    REQUIRE(eventually([&] { return observe(at.segment()).waits.size() == 1; }, 10s));
    const Observation now = observe(at.segment());
    CHECK(now.waits[0].object == ref);
    CHECK(std::string(now.waits[0].reason) == "internal lock");
    CHECK(now.waits[0].thread != ::gettid());
    REQUIRE(now.internals.size() == 1);
    CHECK(now.internals[0].object == ref);
    CHECK(now.internals[0].thread == ::gettid());
    unlock_stripe(stripe);
    other.join();
    CHECK(observe(at.segment()).contended == all_before + 1);
    CHECK(observe(at.segment()).waits.empty());
  }
  CHECK(at->verify() == "");
}

TEST_CASE("observation: holders, permits, and who sleeps where and since when") {
  RegistryFixture at;
  const ObjectRef rlock = new_lock(at, kernel::SyncKind::rlock, ObjectKind::rlock);
  const ObjectRef semaphore = new_lock(at, kernel::SyncKind::semaphore, ObjectKind::semaphore, 3);
  for (int i = 0; i < 2; ++i) REQUIRE(lock_at(at, rlock).acquire(Waiting::never()));
  const kernel::Semaphore permits(at.segment(), at->registry().facts(semaphore).value().body);
  for (int i = 0; i < 2; ++i) REQUIRE(permits.acquire(Waiting::never()));
  REQUIRE(seen(at, rlock).holders.size() == 1);
  CHECK(seen(at, rlock).holders[0].pid == ::getpid());
  CHECK(seen(at, rlock).holders[0].thread == ::gettid());
  CHECK(seen(at, rlock).holders[0].count == 2);
  REQUIRE(seen(at, semaphore).holders.size() == 1);
  CHECK(seen(at, semaphore).holders[0].count == 2);
  CHECK(seen(at, semaphore).permits == 1);

  const auto begin = kernel::Clock::now();
  const u64 sleeps = observe(at.segment()).sleeps;
  std::thread waiter([&] { CHECK_FALSE(lock_at(at, rlock).acquire(kernel::Clock::now() + 300ms)); });
  REQUIRE(eventually([&] { return observe(at.segment()).waits.size() == 1; }, 10s));
  const Observation now = observe(at.segment());
  CHECK(now.waits[0].object == rlock);
  CHECK(now.waits[0].pid == ::getpid());
  CHECK(now.waits[0].timed);
  REQUIRE(now.waits[0].since);
  CHECK(*now.waits[0].since >= begin);
  CHECK(*now.waits[0].since <= kernel::Clock::now());
  waiter.join();
  CHECK(observe(at.segment()).waits.empty());
  CHECK(observe(at.segment()).sleeps > sleeps);
  CHECK(seen(at, rlock).sleeps > 0);
}

TEST_CASE(
    "observation: a wait is as old as the call, also when it has looked again at the process that it depends on") {
  RegistryFixture at;
  const ObjectRef ref = new_lock(at);
  ChildGroup group;
  const pid_t holder = group.start([&] {
    at.segment().client_slot = 0;
    kernel::Clients(at.segment()).attach();
    lock_at(at, ref).acquire(Waiting::never());
    for (;;) ::pause();
  });
  REQUIRE(eventually([&] { return lock_at(at, ref).locked(); }, 10s));
  const auto begin = kernel::Clock::now();
  std::thread waiter([&] { CHECK(lock_at(at, ref).acquire(std::nullopt)); });
  std::optional<kernel::Clock::time_point> first;
  const u64 sleeps = observe(at.segment()).sleeps;
  CHECK(eventually(
      [&] {
        const Observation now = observe(at.segment());
        if (now.waits.size() != 1 || !now.waits[0].since) return false;
        if (!first) first = now.waits[0].since;
        CHECK(*now.waits[0].since == *first);
        return now.sleeps >= sleeps + 2;
      },
      20s));
  CHECK((first && *first >= begin));
  group.kill(holder);
  waiter.join();
}

TEST_CASE("observation: what a process that was killed asleep has left is its own, and is taken by the next sleeper") {
  RegistryFixture at;
  const ObjectRef ref = new_lock(at);
  REQUIRE(lock_at(at, ref).acquire(Waiting::never()));
  ChildGroup group;
  const pid_t pid = group.start([&] {
    at.segment().client_slot = 0;
    kernel::Clients(at.segment()).attach();
    lock_at(at, ref).acquire(std::nullopt);
  });
  REQUIRE(eventually([&] { return observe(at.segment()).waits.size() == 1; }, 10s));
  CHECK(observe(at.segment()).waits[0].pid == pid);
  group.kill(pid);
  const Observation after = observe(at.segment());
  CHECK(std::ranges::count_if(after.clients, [&](const auto& c) { return c.dead && c.process.pid == pid; }) == 1);
  kernel::reap_all_dead(at.segment());
  CHECK(observe(at.segment()).waits.empty());
  CHECK(observe(at.segment()).clients.size() == 1);
  CHECK(at->verify() == "");
}

TEST_CASE("observation: more sleepers than the table has places for are still known by their process") {
  RegistryFixture at;
  const ObjectRef ref = new_lock(at);
  REQUIRE(lock_at(at, ref).acquire(Waiting::never()));
  std::vector<std::unique_ptr<kernel::ShownWait>> places;
  for (std::size_t i = 0; i < kernel::wait_entries; ++i) {
    places.push_back(
        std::make_unique<kernel::ShownWait>(at.segment(), 64, false, kernel::Clock::now()));  // which is no wait word
  }
  ChildGroup group;
  const pid_t pid = group.start([&] {
    at.segment().client_slot = 0;
    kernel::Clients(at.segment()).attach();
    lock_at(at, ref).acquire(std::nullopt);
  });
  REQUIRE(eventually([&] { return observe(at.segment()).waits.size() == 1; }, 10s));
  const Observation now = observe(at.segment());
  CHECK(now.waits[0].pid == pid);
  CHECK(now.waits[0].object == ref);
  CHECK(now.waits[0].thread == 0);
  CHECK_FALSE(now.waits[0].since);
}

TEST_CASE("observation: nothing is waited for, whoever holds whatever") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  auto& heap = at.segment().at<kernel::HeapState>(kernel::heap_offset).mutex;
  auto& control = kernel::control_table(at.segment());
  auto& stripe = at->list(list).body().stripe;
  (void)heap.acquire();
  lock_stripe(at.segment(), stripe);
  lock_stripe(at.segment(), control.stripe);
  const Observation now = observe(at.segment());
  CHECK(now.internals.size() == 3);
  CHECK(now.objects.size() == 1);
  unlock_stripe(control.stripe);
  unlock_stripe(stripe);
  heap.release();
}

}  // namespace partage::test
