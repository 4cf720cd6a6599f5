// The table of objects: who exists, who refers to it, and when it becomes garbage.

#include <random>
#include <set>
#include <thread>

#include "tests/container/fixture.hpp"
#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Change;
using kernel::index_of;
using kernel::ObjectKind;
using kernel::Objects;
using kernel::ObjectSlot;
using kernel::ObjectTable;
using kernel::SlotState;
using kernel::SlotWord;
using kernel::StripeLock;

ObjectRef make(KernelFixture& f, std::string_view schema = "list<i64>", std::string_view name = "", u64 holder = 1) {
  return Objects(f.segment())
      .create({ObjectKind::list, kernel::object_flag::handles, schema, name, holder,
               [](Change& c) { return c.take_run(64).offset; }});
}

std::string text_at(KernelFixture& f, u64 run) {
  const auto* words = &f.segment().at<kernel::Word>(run);
  std::string text(words[0].load(), ' ');
  kernel::copy_out(text.data(), words + 1, text.size());
  return text;
}

ObjectSlot& slot_of(KernelFixture& f, ObjectRef ref) {
  return *Objects(f.segment()).find(index_of(ref));
}
SlotWord word_of(KernelFixture& f, ObjectRef ref) {
  return SlotWord::of(slot_of(f, ref).state.load());
}

/// What the registry does with the first dying object of a stripe: one commit after which it has never been.
void bury(KernelFixture& f, ObjectRef ref) {
  kernel::Stripe& s = Objects(f.segment()).stripe_of(index_of(ref));
  const StripeLock lock(f.segment(), s);
  ObjectSlot& slot = slot_of(f, ref);
  REQUIRE(s.body[ObjectTable::dying_list].load() == u64{index_of(ref)} + 1);
  Change c(f.segment(), s);
  c.put(s.body[ObjectTable::dying_list], slot.link.load());
  c.put(slot.link, s.body[ObjectTable::free_list].load());
  c.put(s.body[ObjectTable::free_list], u64{index_of(ref)} + 1);
  SlotWord word = SlotWord::of(slot.state.load());
  word.state = SlotState::free;
  c.put(slot.state, word.word());
  for (kernel::Word* w : {&slot.body, &slot.schema, &slot.name}) {
    if (w->load() != 0) c.retire_run(w->load());
    c.put(*w, 0);
  }
  c.commit();
}

}  // namespace

TEST_CASE("objects: what create stores") {
  KernelFixture f;
  Objects objects(f.segment());
  const ObjectRef ref = make(f, "dict<str,i64>", "scores", 5);
  const ObjectSlot& slot = slot_of(f, ref);
  const SlotWord word = word_of(f, ref);
  CHECK(word.state == SlotState::live);
  CHECK(word.kind == ObjectKind::list);
  CHECK(word.flags == kernel::object_flag::handles);
  CHECK(word.generation == 1);
  CHECK(kernel::generation_of(ref) == 1);
  CHECK(text_at(f, slot.schema.load()) == "dict<str,i64>");
  CHECK(text_at(f, slot.name.load()) == "scores");
  CHECK(slot.count.load() == 0);
  CHECK(slot.holders[0].load() == 1 << 5);
  CHECK(slot.creator.load() == static_cast<u64>(::getpid()));
  CHECK(objects.is_live(ref));
  CHECK_FALSE(objects.is_live(kernel::make_ref(index_of(ref), 2)));
  CHECK_FALSE(objects.is_live(0));
  CHECK_FALSE(objects.is_live(~ObjectRef{0}));
  const ObjectRef nobody = make(f, "", "", 0);
  CHECK(slot_of(f, nobody).name.load() == 0);
  CHECK(text_at(f, slot_of(f, nobody).schema.load()).empty());
  for (const auto& w : slot_of(f, nobody).holders) CHECK(w.load() == 0);
}

TEST_CASE("objects: slot words go round") {
  for (const u32 generation : {0u, 1u, ~0u}) {
    for (const kernel::u16 flags : std::initializer_list<kernel::u16>{0, 1, 0xFFFF}) {
      for (const SlotState state : {SlotState::free, SlotState::live, SlotState::dying}) {
        const SlotWord w{generation, flags, ObjectKind::dict, state};
        const SlotWord r = SlotWord::of(w.word());
        CHECK((r.generation == generation && r.flags == flags && r.kind == ObjectKind::dict && r.state == state));
      }
    }
  }
}

TEST_CASE("objects: holders, the last one makes it garbage") {
  KernelFixture f;
  Objects objects(f.segment());
  const ObjectRef ref = make(f);
  for (const u64 holder : {2u, 63u, 64u, 511u}) {
    CHECK(objects.acquire(ref, holder));
    CHECK(objects.acquire(ref, holder));  // one bit, however often
  }
  for (const u64 holder : {1u, 63u, 511u, 2u}) {
    CHECK_FALSE(objects.release(ref, holder));
    CHECK_FALSE(objects.release(ref, holder));
    CHECK(objects.is_live(ref));
  }
  CHECK_FALSE(objects.release(ref, 400));
  CHECK(objects.release(ref, 64));
  CHECK_FALSE(objects.is_live(ref));
  CHECK_FALSE(objects.acquire(ref, 1));
  CHECK_FALSE(objects.release(ref, 64));
  CHECK(word_of(f, ref).state == SlotState::dying);
  CHECK(objects.first_dying(index_of(ref) % ObjectTable::stripe_count) == ref);
}

TEST_CASE("objects: a slot is used again with another generation") {
  KernelFixture f;
  Objects objects(f.segment());
  const u64 used = f.segment().runs().used();
  ObjectRef ref = make(f);
  const u64 with_chunk = f.segment().runs().used();
  for (u32 generation = 1; generation < 6; ++generation) {
    CHECK(kernel::generation_of(ref) == generation);
    CHECK(objects.release(ref, 1));
    bury(f, ref);
    CHECK(f.segment().runs().used() < with_chunk);
    CHECK(objects.first_dying(index_of(ref) % ObjectTable::stripe_count) == 0);
    const ObjectRef next = make(f);
    CHECK(index_of(next) == index_of(ref));
    CHECK_FALSE(objects.is_live(ref));
    CHECK_FALSE(objects.acquire(ref, 2));
    CHECK(objects.is_live(next));
    ref = next;
  }
  CHECK(f.segment().runs().used() == with_chunk);
  CHECK(with_chunk > used);
}

TEST_CASE("objects: references of containers count in the same transaction") {
  KernelFixture f;
  Objects objects(f.segment());
  const auto stripes = f.stripes(1);
  const ObjectRef a = make(f), b = make(f), gone = make(f);
  REQUIRE(objects.release(gone, 1));
  const auto change = [&](const std::function<void(kernel::ReferenceChanges&)>& fill) {
    kernel::ReferenceChanges references(f.segment());
    fill(references);
    kernel::Transaction t(f.segment());
    t.lock({&stripes[0]});
    references.lock(t);
    t.change(stripes[0]).put(stripes[0].body[1], stripes[0].body[1].load() + 1);
    references.plan(t);
    t.commit();
    references.committed();
  };
  const auto count = [&](ObjectRef r) { return slot_of(f, r).count.load(); };
  kernel::made_dying().clear();
  change([&](auto& r) {
    r.add(a);
    r.add(a);
    r.add(b);
  });
  CHECK(count(a) == 2);
  CHECK(count(b) == 1);
  CHECK_FALSE(objects.release(a, 1));  // the container still has it
  change([&](auto& r) { r.drop(a); });
  CHECK(count(a) == 1);
  CHECK(objects.is_live(a));
  // Stored and dropped in one operation: it lives on.
  change([&](auto& r) {
    r.drop(a);
    r.add(a);
  });
  CHECK(count(a) == 1);
  CHECK(objects.is_live(a));
  // Taken out by a process: it holds it from the same commit on.
  change([&](auto& r) { r.hand_over(a, 77); });
  CHECK(count(a) == 0);
  CHECK(slot_of(f, a).holders[1].load() == u64{1} << (77 - 64));
  CHECK(objects.is_live(a));
  CHECK(kernel::made_dying().empty());
  CHECK_FALSE(objects.release(b, 1));
  change([&](auto& r) { r.drop(b); });
  CHECK(kernel::made_dying() == std::vector<ObjectRef>{b});
  CHECK(word_of(f, b).state == SlotState::dying);
  const u64 before = stripes[0].body[1].load();
  CHECK_THROWS_AS(change([&](auto& r) {
                    r.add(a);
                    r.add(gone);
                  }),
                  ValueError);
  CHECK_THROWS_AS(change([&](auto& r) { r.add(12345678); }), ValueError);
  CHECK(count(a) == 0);
  CHECK(stripes[0].body[1].load() == before);
  kernel::made_dying().clear();
}

TEST_CASE("objects: a child holds what its parent held, a dead one holds nothing") {
  KernelFixture f;
  Objects objects(f.segment());
  std::vector<ObjectRef> refs;
  for (int i = 0; i < 40; ++i) refs.push_back(make(f, "x", "", i % 2 == 0 ? 1 : 2));
  objects.share_holdings(1, 65);
  for (std::size_t i = 0; i < refs.size(); ++i) {
    CHECK((slot_of(f, refs[i]).holders[1].load() == (i % 2 == 0 ? 2 : 0)));
  }
  kernel::made_dying().clear();
  objects.release_all(1);
  CHECK(kernel::made_dying().empty());
  for (const ObjectRef ref : refs) CHECK(objects.is_live(ref));
  objects.release_all(65);
  CHECK(kernel::made_dying().size() == 20);
  objects.release_all(65);
  CHECK(kernel::made_dying().size() == 20);
  for (std::size_t i = 0; i < refs.size(); ++i) CHECK(objects.is_live(refs[i]) == (i % 2 == 1));
  kernel::made_dying().clear();
}

TEST_CASE("objects: more than the first chunks hold, from many threads") {
  KernelFixture f;
  Objects objects(f.segment());
  constexpr std::size_t threads = 4, each = 1000;
  std::vector<ObjectRef> refs[threads];
  {
    std::vector<std::jthread> workers;
    for (auto& mine : refs) {
      workers.emplace_back([&] {
        for (std::size_t i = 0; i < each; ++i) mine.push_back(make(f, "s" + std::to_string(i)));
      });
    }
  }
  std::set<ObjectRef> all;
  for (const auto& mine : refs) {
    for (std::size_t i = 0; i < each; ++i) {
      REQUIRE(objects.is_live(mine[i]));
      REQUIRE(text_at(f, slot_of(f, mine[i]).schema.load()) == "s" + std::to_string(i));
    }
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == threads * each);
  std::size_t seen = 0;
  objects.for_each([&](u32 index, ObjectSlot& slot) {
    if (SlotWord::of(slot.state.load()).state != SlotState::live) return;
    ++seen;
    REQUIRE(&slot == objects.find(index));
  });
  CHECK(seen == threads * each);
  // The table grows when all stripes are full: 4000 slots end in chunk 4 (256 << 4), whoever was quicker.
  const auto& table = f.segment().at<ObjectTable>(f.segment().header().registry);
  CHECK(table.chunks[0].load() != 0);
  CHECK(table.chunks[4].load() != 0);
  CHECK(table.chunks[5].load() == 0);
  std::vector<u64> owned;
  objects.for_each([&](u32, ObjectSlot& slot) {
    if (slot.body.load() != 0) owned.push_back(slot.body.load());
  });
  CHECK(ContainerFixture::verify(f.segment(), owned) == "");
}

TEST_CASE("objects: places of slots, at the borders of chunks") {
  KernelFixture f;
  Objects objects(f.segment());
  CHECK(objects.find(0) == nullptr);
  (void)make(f);
  REQUIRE(objects.find(0) != nullptr);
  CHECK(objects.find(255) == objects.find(0) + 255);
  CHECK(objects.find(256) == nullptr);
  CHECK(objects.find(~u32{0}) == nullptr);
}

TEST_CASE("objects: create in a full segment changes nothing") {
  KernelFixture f(std::size_t{512} << 10);
  Objects objects(f.segment());
  const ObjectRef first = make(f);
  const auto filler = f.words(2);
  std::size_t failures = 0;
  for (const std::size_t bytes : {5000u, 100u}) {
    try {
      for (;;) (void)f.segment().runs().acquire(bytes, filler[0]);
    } catch (const OutOfMemory&) {
    }
  }
  // One run less each time: every place where it can fail.
  for (int released = 0; released < 40; ++released) {
    const u64 used = f.segment().runs().used();
    std::size_t slots = 0;
    objects.for_each([&](u32, ObjectSlot&) { ++slots; });
    try {
      (void)make(f, std::string(150, 's'), std::string(150, 'n'));
      break;
    } catch (const OutOfMemory&) {
      ++failures;
    }
    CHECK(f.segment().runs().used() == used);
    CHECK(f.segment().runs().verify() == "");
    std::size_t now = 0;
    objects.for_each([&](u32, ObjectSlot&) { ++now; });
    CHECK(now == slots);
    CHECK(objects.first_dying(index_of(first) % ObjectTable::stripe_count) == 0);
    f.segment().runs().release_head(filler[0]);
  }
  CHECK(failures > 3);
  CHECK(failures < 40);
  // Memory for the object, but none for a further chunk of slots.
  for (std::size_t i = 0; i < ObjectTable::stripe_count; ++i) {
    const StripeLock lock(f.segment(), objects.stripe(i));
    Change c(f.segment(), objects.stripe(i));
    c.put(objects.stripe(i).body[ObjectTable::slots_used], 16);
    c.commit();
  }
  const u64 used = f.segment().runs().used();
  CHECK_THROWS_AS((void)make(f), OutOfMemory);
  CHECK(f.segment().runs().used() == used);
  CHECK(objects.find(256) == nullptr);
}

TEST_CASE("objects: killed makers and holders leave a whole table") {
  KernelFixture f;
  Objects objects(f.segment());
  const ObjectRef shared = make(f);
  ChildGroup group;
  for (u64 i = 0; i < 20; ++i) {
    const pid_t victim = group.start([&] {
      for (;;) {
        const ObjectRef mine = make(f, "theirs", "n", 8);
        must(objects.acquire(shared, 8), "the shared object has gone");
        must(!objects.release(shared, 8), "the shared object died");
        must(objects.release(mine, 8), "it lives on");
      }
    });
    ::usleep(static_cast<useconds_t>(500 + i * 90));
    group.kill(victim);
    for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
      while (const ObjectRef dying = objects.first_dying(s)) bury(f, dying);
    }
    objects.release_all(8);
    kernel::made_dying().clear();
    for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
      while (const ObjectRef dying = objects.first_dying(s)) bury(f, dying);
    }
    StripeLock(f.segment(), f.segment().at<ObjectTable>(f.segment().header().registry).directory).unlock();
    std::vector<u64> owned{slot_of(f, shared).body.load()};
    REQUIRE(ContainerFixture::verify(f.segment(), owned) == "");
  }
  CHECK(objects.is_live(shared));
}

}  // namespace partage::test
