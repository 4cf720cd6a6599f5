// Damage that no check has found, or found by half: by a repair, a quarantine that was cut short, locks of nobody. What the
// program meets says Corrupt, and everything else goes on; what only looks like damage is left alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "manager/container/lock.hpp"
#include "manager/registry/check.hpp"
#include "manager/registry/cycles.hpp"
#include "manager/registry/observation.hpp"
#include "manager/registry/quarantine.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using kernel::CheckReport;
using kernel::Damaged;
using kernel::Finding;
using kernel::u64;

/// As a wild write would.
void put(kernel::Word& word, u64 value) {
  kernel::Draft(&word, 8).set(word, value);
}

kernel::Stripe& stripe_of(RegistryFixture& at, ObjectRef ref) {
  return at->list(ref).body().stripe;
}
kernel::DictBody& dict_body(RegistryFixture& at, ObjectRef ref) {
  return at.segment().at<kernel::DictBody>(at->registry().facts(ref).value().body);
}
kernel::Stripe& nth_stripe(RegistryFixture& at, ObjectRef dict, u64 n) {
  return (&at.segment().at<kernel::Stripe>(dict_body(at, dict).root.load() >> 8))[n];
}

/// A lock word that names a thread which cannot be.
void give_to_ghost(kernel::RobustMutex& mutex) {
  __atomic_store_n(reinterpret_cast<kernel::u32*>(&mutex), 0x3ffffff0u, __ATOMIC_RELEASE);
}

void die_holding(kernel::Stripe& stripe) {
  ChildGroup group;
  const pid_t holder = group.start([&] {
    (void)stripe.mutex.acquire();
    ::_exit(0);
  });
  (void)group.wait(holder, 10s);
  REQUIRE(eventually([&] { return stripe.mutex.owner_dead(); }, 10s));
}

/// A list whose holder died and left what no operation leaves; the next one who came has condemned its lock.
ObjectRef list_condemned_by_repair(RegistryFixture& at, bool handles = false) {
  const ObjectRef list = at->new_list(handles);
  if (!handles) at->append(list, "an element that is too long to lie inline");
  die_holding(stripe_of(at, list));
  put(stripe_of(at, list).pend, 12345);
  CHECK_THROWS_AS(at->list(list).clear(), Corrupt);
  return list;
}

bool is_shown_as_damaged(RegistryFixture& at, ObjectRef ref) {
  const auto all = at->registry().objects();
  const auto it = std::ranges::find(all, ref, &ObjectInfo::id);
  return it != all.end() && it->quarantined;
}

bool finds_nothing(RegistryFixture& at) {
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  for (const Finding& f : report.findings) MESSAGE(f.sentence);
  return report.whole() && report.judged_all;
}

}  // namespace

TEST_CASE(
    "a lock condemned by a repair: nobody reads what it guards, it is shown, and a reaper completes the quarantine") {
  RegistryFixture at;
  const ObjectRef bad = list_condemned_by_repair(at), good = at->new_list();
  at->append(good, "x");
  Bytes out;
  CHECK_THROWS_AS(at->list(bad).get(0, out), Corrupt);
  CHECK(is_shown_as_damaged(at, bad));
  CHECK_FALSE(is_shown_as_damaged(at, good));
  CHECK_FALSE(kernel::is_quarantined(at.segment(), bad));
  kernel::repair_everything(at.segment());
  CHECK(kernel::is_quarantined(at.segment(), bad));
  CHECK_FALSE(kernel::is_quarantined(at.segment(), good));
}

TEST_CASE("a lock condemned by a repair is in no object that is made afterwards") {
  RegistryFixture at;
  for (const bool handles : {false, true}) at->release(list_condemned_by_repair(at, handles));
  std::vector<ObjectRef> fresh;
  for (int i = 0; i < 10; ++i) {
    fresh.push_back(at->new_list());
    at->append(fresh.back(), "x");
    CHECK(at->list(fresh.back()).size() == 1);
  }
  for (const ObjectRef ref : fresh) at->release(ref);
  kernel::sweep(at.segment());
  const ObjectRef lock =
      at->registry().create_sync("lock", "", {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
  CHECK(kernel::Lock(at.segment(), at->registry().facts(lock).value().body).acquire(kernel::Clock::now() + 1s));
}

TEST_CASE("memory that could not be given back yet is no damage, and is given back later") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict(false, "", 3);
  const ObjectRef lock =
      at->registry().create_sync("lock", "", {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
  const kernel::Sync sync(at.segment(), at->registry().facts(lock).value().body);
  auto& table = at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  kernel::Stripe* const stripes[] = {&stripe_of(at, list), &nth_stripe(at, dict, 5),
                                     &sync.body().stripe,  &table.stripes[3],
                                     &table.directory,     &kernel::control_table(at.segment()).stripe};
  const u64 used = at->used();
  for (kernel::Stripe* stripe : stripes) {
    const kernel::StripeLock locked(at.segment(), *stripe);
    kernel::Runs runs = at.segment().runs();
    runs.acquire(1000, stripe->pend);
    runs.acquire(2000, stripe->pend);
    runs.acquire(3000, stripe->spill);
  }
  CHECK(finds_nothing(at));
  for (kernel::Stripe* stripe : stripes) {
    const kernel::StripeLock locked(at.segment(), *stripe);
    kernel::Runs runs = at.segment().runs();
    runs.release_all(stripe->pend);
    runs.release_all(stripe->spill);
  }
  CHECK(at->used() == used);
  CHECK(at->verify() == "");
}

TEST_CASE("a quarantine that met a held lock is completed by the next") {
  RegistryFixture at;
  const ObjectRef bad = at->new_list();
  at->append(bad, "x");
  put(stripe_of(at, bad).body[kernel::ListBody::ring], u64{1} << 40 | 5);
  std::atomic<bool> held = false, go_on = false;
  std::thread holder([&] {
    (void)stripe_of(at, bad).mutex.acquire();
    held = true;
    while (!go_on) std::this_thread::yield();
    stripe_of(at, bad).mutex.release();
  });
  while (!held) std::this_thread::yield();
  CHECK_FALSE(kernel::quarantine(at.segment(), bad));
  CHECK(kernel::is_quarantined(at.segment(), bad));
  CHECK_FALSE(stripe_of(at, bad).mutex.condemned());
  go_on = true;
  holder.join();
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].verdict == Finding::Verdict::quarantined);
  CHECK_THROWS_AS(at->append(bad, "x"), Corrupt);
}

TEST_CASE("a lock of nobody is found, not waited for: of a dict, of the heap and of the tables") {
  const auto finds = [](const auto& damage, const char* where) {
    CAPTURE(where);
    const ChildResult result = run_child(
        [&] {
          RegistryFixture at;  // without operation_timeout
          const ObjectRef dict = at->new_dict(false, "", 3);
          at->dict(dict).set(view("k"), view("v"));
          damage(at, dict);
          const CheckReport report = kernel::check_segment(at.segment(), Damaged::leave);
          return std::ranges::any_of(report.findings,
                                     [&](const Finding& f) {
                                       return f.sentence.find(where) != std::string::npos &&
                                              f.sentence.find("a thread that does not exist") != std::string::npos;
                                     })
                     ? 0
                     : 1;
        },
        10s);
    CHECK_MESSAGE(result.ok(), result.describe());
  };
  finds([](RegistryFixture& at, ObjectRef dict) { give_to_ghost(nth_stripe(at, dict, 6).mutex); }, "dict");
  finds([](RegistryFixture& at,
           ObjectRef) { give_to_ghost(at.segment().at<kernel::HeapState>(kernel::heap_offset).mutex); },
        "heap");
  const auto table = [](RegistryFixture& at) -> kernel::ObjectTable& {
    return at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  };
  finds([&](RegistryFixture& at, ObjectRef) { give_to_ghost(table(at).stripes[15].mutex); }, "registry stripe 15");
  finds([&](RegistryFixture& at, ObjectRef) { give_to_ghost(table(at).directory.mutex); }, "directory");
  finds([](RegistryFixture& at, ObjectRef) { give_to_ghost(kernel::control_table(at.segment()).stripe.mutex); },
        "client table");
}

TEST_CASE("check: memory on its way into an object is not nobody's") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    const std::string large(std::size_t{6} << 20, 'x');
    while (!done) {
      at->append(list, large);
      at->list(list).clear();
    }
  });
  for (int i = 0; i < 30; ++i) {
    const CheckReport report = kernel::check_segment(at.segment(), Damaged::leave);
    CHECK((report.whole() ? "" : report.findings.front().sentence) == "");
  }
  done = true;
  writer.join();
  CHECK(at->verify() == "");
}

TEST_CASE("a condemned heap keeps nobody from repairing what needs no memory, nor from reaping the dead") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  at->append(list, "x");
  const ObjectRef ref =
      at->registry().create_sync("lock", "", {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
  const kernel::Lock lock(at.segment(), at->registry().facts(ref).value().body);
  REQUIRE(lock.acquire(kernel::Clock::now() + 1s));  // so that there is a record of whoever has it
  REQUIRE(lock.release());
  ChildGroup group;
  const pid_t client = group.start([&] {
    at.segment().client_slot = 0;
    kernel::join_segment(at.segment());
    (void)lock.acquire(kernel::Clock::now() + 1s);
    (void)stripe_of(at, list).mutex.acquire();
    ::_exit(0);
  });
  (void)group.wait(client, 10s);
  REQUIRE(eventually([&] { return stripe_of(at, list).mutex.owner_dead(); }, 10s));
  at.segment().runs().condemn();
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  CHECK_FALSE(lock.locked());
  CHECK_FALSE(stripe_of(at, list).mutex.condemned());
  at->list(list).set(0, view("y"));
  Bytes out;
  REQUIRE(at->list(list).get(0, out));
  CHECK(std::string_view(reinterpret_cast<const char*>(out.view().data), out.view().size) == "y");
}

TEST_CASE("a heap found damaged is quarantined once, and said to be from then on") {
  RegistryFixture at;
  const ObjectRef bad = at->new_list();
  at->append(bad, std::string(3000, 'x'));
  put(const_cast<kernel::Word&>(at.segment().at<kernel::HeapState>(kernel::heap_offset).used), 1);
  CHECK(kernel::check_segment(at.segment(), Damaged::quarantine).findings[0].heap);
  at->list(bad).clear();  // what it had cannot be given back
  const CheckReport again = kernel::check_segment(at.segment(), Damaged::quarantine);
  REQUIRE(again.findings.size() == 1);
  CHECK(again.findings[0].verdict == Finding::Verdict::quarantined);
  CHECK(again.findings[0].sentence.find("could not be") == std::string::npos);
  CHECK(again.judged_all);
  CHECK_FALSE(kernel::is_quarantined(at.segment(), bad));
}

TEST_CASE("a stripe of the table that is out of use keeps nobody from reaping what the others have") {
  RegistryFixture at;
  auto& table = at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  const ObjectRef ref =
      at->registry().create_sync("lock", "", {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
  const kernel::Lock lock(at.segment(), at->registry().facts(ref).value().body);
  const auto home = kernel::index_of(ref) % kernel::ObjectTable::stripe_count;
  ChildGroup group;
  const pid_t client = group.start([&] {
    at.segment().client_slot = 0;
    kernel::join_segment(at.segment());
    (void)at->registry().acquire(ref);
    (void)at->new_list();
    (void)lock.acquire(kernel::Clock::now() + 1s);
    ::_exit(0);
  });
  (void)group.wait(client, 10s);
  for (std::size_t s = 0; s < kernel::ObjectTable::stripe_count; ++s) {
    if (s != home) REQUIRE(kernel::condemn_stripe(table.stripes[s]));
  }
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  CHECK_FALSE(lock.locked());
  CHECK(at->objects().find(kernel::index_of(ref))->holders[0].load() == u64{1} << at.segment().client_slot);
}

TEST_CASE("a lock whose condemner died on the way is condemned all the same") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  kernel::Stripe& stripe = stripe_of(at, list);
  ChildGroup group;
  const pid_t holder = group.start([&] {
    (void)stripe.mutex.acquire();
    // The first half of RobustMutex::condemn(): glibc's __owner lies behind the lock word and the count.
    __atomic_store_n(reinterpret_cast<kernel::u32*>(&stripe.mutex) + 2, 0x7ffffffeu, __ATOMIC_RELAXED);
    ::_exit(0);
  });
  (void)group.wait(holder, 10s);
  REQUIRE(eventually([&] { return stripe.mutex.owner_dead(); }, 10s));
  for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(at->append(list, "x"), Corrupt);
  at.segment().operation_timeout = 10ms;
  for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(at->append(list, "x"), Corrupt);
}

TEST_CASE("a heap whose blocks lead nowhere is not walked for the memory of the dead") {
  RegistryFixture at;
  kernel::Runs runs = at.segment().runs();
  const ObjectRef list = at->new_list();
  REQUIRE(at.segment().heap().allocate(5000) != nullptr);
  const u64 body = at->registry().facts(list).value().body;
  auto& head = at.segment().at<kernel::Word>(body - 16);
  const u64 before = head.load();
  for (const u64 size : {u64{0}, u64{1} << 40}) {
    put(head, size);
    CHECK_THROWS_AS((void)runs.release_owned_by(at.segment().client_slot), Corrupt);
  }
  put(head, before);
  CHECK(runs.release_owned_by(at.segment().client_slot) == 1);
}

TEST_CASE("tools that look without locks refuse tables that are outside the segment") {
  RegistryFixture at;
  (void)at->new_list();
  kernel::SegmentHeader& header = at.segment().header();
  for (u64* table : {&header.registry, &header.clients, &header.lives, &header.records}) {
    const u64 before = *table;
    for (const u64 nowhere : {u64{1} << 45, header.max, u64{8}}) {
      *table = nowhere;
      CHECK_THROWS_AS((void)kernel::observe(at.segment()), Corrupt);
    }
    *table = before;
  }
  CHECK(kernel::observe(at.segment()).objects.size() == 1);
}

TEST_CASE("check: a table that a living process holds is not looked at, and nothing is said to be missing from it") {
  RegistryFixture at;
  at.segment().operation_timeout = 50ms;
  auto& table = at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  std::atomic<bool> held = false, go_on = false;
  std::thread holder([&] {
    for (kernel::Stripe& s : table.stripes) (void)s.mutex.acquire();
    held = true;
    while (!go_on) std::this_thread::yield();
    for (kernel::Stripe& s : table.stripes) s.mutex.release();
  });
  while (!held) std::this_thread::yield();
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::leave);
  go_on = true;
  holder.join();
  CHECK(!report.findings.empty());
  CHECK(
      std::ranges::all_of(report.findings, [](const Finding& f) { return f.verdict == Finding::Verdict::unchecked; }));
}

TEST_CASE("contents that lead nowhere are not read as a whole") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict();
  const std::string large(std::size_t{100} << 10, 'x');  // beyond what is read without the lock
  for (int i = 0; i < 5; ++i) {
    at->append(list, large);
    at->dict(dict).set(view("k" + std::to_string(i)), view(large));
  }
  kernel::ByteTable all;
  const auto throws = [&](kernel::Word& word, u64 value, const auto& read) {
    const u64 before = word.load();
    put(word, value);
    CHECK_THROWS_AS(read(), Corrupt);
    put(word, before);
    CHECK_NOTHROW(read());
  };
  const auto read_list = [&] { at->list(list).snapshot(all); };
  const auto read_dict = [&] { at->dict(dict).snapshot(nullptr, &all); };
  const kernel::ListBody& body = at->list(list).body();
  auto& slot =
      at.segment().at<kernel::Word>(kernel::RingWord::of(stripe_of(at, list).body[kernel::ListBody::ring].load()).run);
  throws(slot, u64{1} << 52, read_list);
  throws(at.segment().at<kernel::BlobHead>(slot.load()).shape, u64{1} << 39, read_list);
  throws(const_cast<kernel::Word&>(body.stripe.body[kernel::ListBody::ring]), u64{1} << 45 | 3, read_list);
  kernel::Word& table = nth_stripe(at, dict, 0).body[kernel::dict_table];
  throws(table, u64{1} << 50 | 64, read_dict);
}

TEST_CASE("a ring that cannot be is not gone through to make a larger one") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  for (int i = 0; i < 6; ++i) at->append(list, "e");  // as many as its ring has room for
  kernel::Word& ring = stripe_of(at, list).body[kernel::ListBody::ring];
  const u64 sound = ring.load();
  for (const u64 damage : {u64{0}, sound | 63, sound + (u64{1} << 60)}) {
    CAPTURE(damage);
    put(ring, damage);
    CHECK_THROWS_AS(at->list(list).reverse(), Corrupt);
    if (damage == 0) CHECK_THROWS_AS(at->append(list, "one more"), Corrupt);
  }
  put(ring, sound);
  at->append(list, "one more");
  CHECK(at->list(list).size() == 7);
}

TEST_CASE("what lists objects for people survives contents that lead nowhere") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict(false, "", 2), outer = at->new_list(true);
  const ObjectRef event =
      at->registry().create_sync("event", "", {.kind = kernel::SyncKind::event}, kernel::ObjectKind::event);
  at->append(list, "an element that is too long to lie inline");
  for (int i = 0; i < 20; ++i) at->dict(dict).set(view("k" + std::to_string(i)), view("v"));
  at->append_handle(outer, list);
  kernel::Word& arena = stripe_of(at, list).body[kernel::ListBody::arena];
  kernel::Word& ring = stripe_of(at, outer).body[kernel::ListBody::ring];
  kernel::Word& root = dict_body(at, dict).root;
  kernel::Word& roster =
      kernel::Sync(at.segment(), at->registry().facts(event).value().body).body().stripe.body[kernel::SyncBody::roster];
  struct Damage {
    kernel::Word& word;
    u64 value;
    ObjectRef ref;
  };
  for (const Damage& damage : {Damage{arena, u64{1} << 50, list}, Damage{ring, u64{1} << 60 | 200, outer},
                               Damage{root, (u64{1} << 50) | 250, dict}, Damage{roster, u64{1} << 55 | 30, event}}) {
    CAPTURE(damage.ref);
    const u64 before = damage.word.load();
    put(damage.word, damage.value);
    CHECK(is_shown_as_damaged(at, damage.ref));
    CHECK(kernel::cycles(at.segment()).empty());
    put(damage.word, before);
    CHECK_FALSE(is_shown_as_damaged(at, damage.ref));
  }
  CHECK(at->verify() == "");
}

}  // namespace partage::test
