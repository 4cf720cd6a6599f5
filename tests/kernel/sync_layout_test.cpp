// The format of what processes wait for, pinned as in layout_test.cpp: bodies of locks and their kin, rosters, queues, lives,
// wait words; and a small segment with them, decoded by hand as docs/format.md describes it.

#include "tests/kernel/bare.hpp"
#include "tests/registry/fixture.hpp"

#include <unistd.h>

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/segment/wait_table.hpp"

namespace partage::test {
namespace {

using namespace kernel;

u64 made(RegistryFixture& at, ObjectKind kind, SyncConfig config) {
  return at->registry().facts(at->registry().create_sync("test", "", config, kind)).value().body;
}

template <class Body>
Body& at_body(RegistryFixture& at, ObjectRef ref) {
  return at.segment().at<Body>(at->registry().facts(ref).value().body);
}

u64 me(RegistryFixture& at) {
  return Lives(at.segment()).self().word();
}

}  // namespace

TEST_CASE("layout: lives and wait words") {
  CHECK(sizeof(WaitWord) == 8);
  CHECK(sizeof(ClientLife) == 64);
  PARTAGE_CHECK_OFFSET(ClientLife, mutex, 0);
  PARTAGE_CHECK_OFFSET(ClientLife, client, 40);
  PARTAGE_CHECK_OFFSET(ClientLife, waits_at, 48);
  PARTAGE_CHECK_OFFSET(ClientLife, thread, 56);
  CHECK(ClientId{5, 9}.word() == (u64{9} << 32 | 5));
}

TEST_CASE("layout: waits, and the tallies of busy locks") {
  CHECK(wait_entries == 256);
  CHECK(sizeof(WaitEntry) == 32);
  PARTAGE_CHECK_OFFSET(WaitEntry, client, 0);
  PARTAGE_CHECK_OFFSET(WaitEntry, at, 8);
  PARTAGE_CHECK_OFFSET(WaitEntry, since, 16);
  PARTAGE_CHECK_OFFSET(WaitEntry, thread, 24);
  CHECK(WaitEntry::timed == u64{1} << 63);
  RegistryFixture f;
  auto& list = at_body<ListBody>(f, f->new_list());
  auto& dict = at_body<DictBody>(f, f->new_dict());
  auto& lock = f.segment().at<SyncBody>(made(f, ObjectKind::lock, {.kind = SyncKind::lock}));
  CHECK(list.stripe.contended() == &list.stripe.body[5]);
  CHECK(dict.first.contended() == &dict.first.body[5]);
  CHECK(lock.stripe.contended() == &lock.stripe.body[0]);
  CHECK(control_table(f.segment()).stripe.contended() == nullptr);  // of no object
}

TEST_CASE("layout: bodies of synchronisation") {
  CHECK(sizeof(SyncBody) == 320);
  PARTAGE_CHECK_OFFSET(SyncBody, config, 0);
  PARTAGE_CHECK_OFFSET(SyncBody, initial, 8);
  PARTAGE_CHECK_OFFSET(SyncBody, companion, 16);
  PARTAGE_CHECK_OFFSET(SyncBody, patience, 24);
  PARTAGE_CHECK_OFFSET(SyncBody, changed, 32);
  PARTAGE_CHECK_OFFSET(SyncBody, stripe, 64);
  CHECK((SyncBody::roster == 1 && SyncBody::ends == 2 && SyncBody::state == 3));
  CHECK((SyncBody::detail == 4 && SyncBody::ticket == 5));
  CHECK(static_cast<u64>(SyncKind::lock) == 1);
  CHECK(static_cast<u64>(SyncKind::rlock) == 2);
  CHECK(static_cast<u64>(SyncKind::semaphore) == 3);
  CHECK(static_cast<u64>(SyncKind::condition) == 4);
  CHECK(static_cast<u64>(SyncKind::event) == 5);
  CHECK(static_cast<u64>(SyncKind::barrier) == 6);
  CHECK((sync_flag::bounded == 1 && sync_flag::signal == 2 && sync_flag::action == 4));
  CHECK(static_cast<u64>(BarrierState::filling) == 0);
  CHECK(static_cast<u64>(BarrierState::acting) == 1);
  CHECK(static_cast<u64>(BarrierState::draining) == 2);
  CHECK(static_cast<u64>(BarrierState::resetting) == 3);
  CHECK(static_cast<u64>(BarrierState::broken) == 4);
  CHECK(SyncConfig{.kind = SyncKind::semaphore, .flags = 3}.word() == 0x10303);
  CHECK(Queue::finished == 0xFFFFFFFFFFFFFF);
}

TEST_CASE("layout: kinds of objects") {
  CHECK(static_cast<u64>(ObjectKind::list) == 1);
  CHECK(static_cast<u64>(ObjectKind::dict) == 2);
  CHECK(static_cast<u64>(ObjectKind::set) == 3);
  CHECK(static_cast<u64>(ObjectKind::value) == 4);
  CHECK(static_cast<u64>(ObjectKind::array) == 5);
  CHECK(static_cast<u64>(ObjectKind::name_space) == 6);
  CHECK(static_cast<u64>(ObjectKind::queue) == 7);
  CHECK(static_cast<u64>(ObjectKind::joinable_queue) == 8);
  CHECK(static_cast<u64>(ObjectKind::simple_queue) == 9);
  CHECK(static_cast<u64>(ObjectKind::lock) == 10);
  CHECK(static_cast<u64>(ObjectKind::rlock) == 11);
  CHECK(static_cast<u64>(ObjectKind::semaphore) == 12);
  CHECK(static_cast<u64>(ObjectKind::bounded_semaphore) == 13);
  CHECK(static_cast<u64>(ObjectKind::condition) == 14);
  CHECK(static_cast<u64>(ObjectKind::event) == 15);
  CHECK(static_cast<u64>(ObjectKind::barrier) == 16);
}

TEST_CASE("layout: locks, permits, waiters and parties, decoded by hand") {
  RegistryFixture at;
  const u64 self = me(at);
  const u64 lock = made(at, ObjectKind::lock, {.kind = SyncKind::lock});
  const u64 rlock = made(at, ObjectKind::rlock, {.kind = SyncKind::rlock});
  const u64 semaphore =
      made(at, ObjectKind::bounded_semaphore, {.kind = SyncKind::semaphore, .flags = sync_flag::bounded, .initial = 5});
  const u64 event = made(at, ObjectKind::event, {.kind = SyncKind::event});
  const u64 barrier = made(at, ObjectKind::barrier,
                           {.kind = SyncKind::barrier, .flags = sync_flag::action, .initial = 3, .patience = 1001});
  const ObjectRef inner = at->registry().create_sync("test", "", {.kind = SyncKind::rlock}, ObjectKind::rlock);
  const u64 condition = made(at, ObjectKind::condition, {.kind = SyncKind::condition, .companion = inner});
  kernel::Segment& segment = at.segment();

  REQUIRE(Lock(segment, lock).acquire(Waiting::never()));
  for (int i = 0; i < 2; ++i) REQUIRE(Lock(segment, rlock).acquire(Waiting::never()));
  for (int i = 0; i < 3; ++i) REQUIRE(Semaphore(segment, semaphore).acquire(Waiting::never()));
  REQUIRE(Semaphore(segment, semaphore).release());
  Event(segment, event).set();
  Event(segment, event).clear();
  Event(segment, event).set();
  (void)Barrier(segment, barrier).arrive(true, Waiting::never());
  for (int i = 0; i < 3; ++i) Condition(segment, condition).enlist();
  Condition(segment, condition).notify(2);

  const Bare bare(segment);
  const auto body_word = [&](u64 body, u64 i) { return bare.word(body + 64 + 80 + 8 * i); };
  const auto record = [&](u64 body, u64 i, u64 half) {
    const u64 run = body_word(body, 1) >> 8, capacity = u64{1} << (body_word(body, 1) & 63);
    const u64 head = body_word(body, 2) >> 32;
    return bare.word(run + 16 * ((head + i) % capacity) + 8 * half);
  };
  const u64 lives = bare.word(320);
  CHECK(self == (u64{1} << 32 | 1));
  CHECK((bare.half(lives + 64) & 0x3FFFFFFF) == static_cast<u32>(::getpid()));  // the futex word of slot 1
  CHECK(bare.word(lives + 64 + 40) == self);
  CHECK(bare.word(lives + 64 + 48) == 0);

  for (const u64 body : {lock, rlock, semaphore, event, barrier, condition}) {
    INFO("body: ", bare.dump(body, 320));
    CHECK(bare.word(body + 64 + 240) == body);  // kind plain
    CHECK(bare.word(body + 64 + 40) == 0);
    CHECK(bare.word(body + 64 + 64) % 2 == 0);
    CHECK(bare.word(body + 32) == 0);  // nobody has waited
  }
  CHECK(bare.word(lock) == 0x10001);
  CHECK(body_word(lock, 3) == self);
  CHECK(body_word(lock, 4) == 0);
  CHECK(bare.word(rlock) == 0x10002);
  CHECK(body_word(rlock, 3) == self);
  CHECK(body_word(rlock, 4) == (static_cast<u64>(::gettid()) << 32 | 2));
  CHECK(bare.word(semaphore) == 0x10103);
  CHECK(bare.word(semaphore + 8) == 5);
  CHECK(body_word(semaphore, 3) == 3);
  CHECK((body_word(semaphore, 1) & 255) == 3);
  CHECK(body_word(semaphore, 2) == (u64{1} << 32 | 2));  // the first record has gone
  for (u64 i = 0; i < 2; ++i) CHECK((record(semaphore, i, 0) == self && record(semaphore, i, 1) == 0));
  CHECK(bare.word(event) == 0x10005);
  CHECK(body_word(event, 3) == (2 << 1 | 1));
  CHECK(bare.word(barrier) == 0x10406);
  CHECK(bare.word(barrier + 8) == 3);
  CHECK(bare.word(barrier + 24) == 1001);
  CHECK(body_word(barrier, 2) == 1);
  CHECK(body_word(barrier, 3) == 0);
  CHECK(body_word(barrier, 5) == 1);
  CHECK((record(barrier, 0, 0) == self && record(barrier, 0, 1) == 1));
  CHECK(bare.word(condition) == 0x10004);
  CHECK(bare.word(condition + 16) == inner);
  CHECK(body_word(condition, 2) == 3);
  CHECK(body_word(condition, 3) == 2);  // tickets 1 and 2 are notified
  CHECK(body_word(condition, 5) == 3);
  for (u64 i = 0; i < 3; ++i) CHECK((record(condition, i, 0) == self && record(condition, i, 1) == i + 1));
}

TEST_CASE("layout: queues, decoded by hand") {
  RegistryFixture at;
  const u64 self = me(at);
  const auto queue_at = [&](ObjectKind kind, ListConfig config, std::size_t limit) {
    return at->registry().facts(at->registry().create_queue("test", "", config, limit, kind)).value().body;
  };
  const u64 plain = queue_at(ObjectKind::queue, {.packed_size = 8}, 7);
  const u64 joinable = queue_at(ObjectKind::joinable_queue, {.owners = true}, 0);
  const Queue numbers(at.segment(), plain), texts(at.segment(), joinable);
  const u64 number = 42;
  numbers.put({&number, 8}, Waiting::never());
  numbers.close();
  for (const char* s : {"a", "b", "c"}) texts.put(view(s), Waiting::never());
  Bytes out;
  for (int i = 0; i < 2; ++i) REQUIRE(texts.get(out, Waiting::never()) == QueueOutcome::done);

  const Bare bare(at.segment());
  CHECK(bare.word(plain) == 0x10808);
  CHECK(bare.word(plain + 16) == (7 | u64{1} << 63));
  CHECK(bare.word(plain + 24) == 0);
  CHECK(bare.word(plain + 64 + 240) == (plain | 1));
  CHECK((bare.word(plain + 64 + 96) & 0xFFFFFFFF) == 1);

  INFO("joinable: ", bare.dump(joinable, 320));
  CHECK(bare.word(joinable) == 0x10c00);
  CHECK(bare.word(joinable + 16) == 0);
  CHECK(bare.word(joinable + 24) == 2);  // two taken, none finished
  CHECK(bare.word(joinable + 32) == 0);
  const u64 ring = bare.word(joinable + 64 + 88) >> 8, head = bare.word(joinable + 64 + 96) >> 32;
  CHECK((bare.word(joinable + 64 + 96) & 0xFFFFFFFF) == 3);
  const auto second = [&](u64 i) { return bare.word(ring + 16 * ((head + i) % 8) + 8); };
  const u64 owner = self >> 32 << 16 | (self & 0xFFFF);
  CHECK(second(0) == (owner << 8 | 16));  // a blob, also of one byte
  CHECK(second(1) == (owner << 8 | 16));
  CHECK(second(2) == 16);
}

}  // namespace partage::test
