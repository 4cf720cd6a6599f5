// A damaged object, found by the check: out of use, with its waiters, its handles and its memory; the others go on.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "manager/container/condition.hpp"
#include "manager/registry/check.hpp"
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

std::string sentence_of(const CheckReport& report, ObjectRef ref) {
  for (const Finding& f : report.findings) {
    if (f.object == ref) return f.sentence;
  }
  return "";
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("check: a segment at work is whole, and nothing in it changes") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(true), inner = at->new_list(), dict = at->new_dict(false, "d", 3);
  at->append_handle(list, inner);
  at->dict(dict).set(view("k"), view(std::string(100, 'v')));
  const u64 used = at->used();
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  CHECK(report.whole());
  CHECK(report.judged_all);
  CHECK(report.objects == 3);
  CHECK(at->used() == used);
  CHECK(at->verify() == "");
}

TEST_CASE("check: finds nothing wrong while others write") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict(false, "", 2);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; !done; ++i) {
      at->append(list, std::string(static_cast<std::size_t>(i % 3000), 'x'));
      at->dict(dict).set(view("k" + std::to_string(i % 5000)),
                         view(std::string(static_cast<std::size_t>(i % 100), 'v')));
      if (i % 500 == 0) at->list(list).clear();
      at->release(at->new_list());
    }
  });
  for (int i = 0; i < 20; ++i) {
    const CheckReport report = kernel::check_segment(at.segment(), Damaged::leave);
    const std::string first = report.whole() ? "" : report.findings.front().sentence;
    CHECK(first == "");
  }
  done = true;
  writer.join();
  CHECK(at->verify() == "");
}

TEST_CASE("check: a table with something half done in it, though nobody has its lock, is damaged") {
  RegistryFixture at;
  auto& table = at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  auto& control = kernel::control_table(at.segment());
  const std::pair<kernel::Stripe*, const char*> stripes[] = {{&table.stripes[3], "registry stripe 3: "},
                                                             {&table.directory, "object directory: "},
                                                             {&control.stripe, "client table: "}};
  for (const auto& [stripe, name] : stripes) {
    const char* where = name;  // Clang 14 captures no bindings
    CAPTURE(where);
    for (kernel::Word* word : {&stripe->pend, &stripe->spill, &stripe->commit}) {
      const u64 before = word->load();
      put(*word, 4096);
      CHECK(says(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), 0), where));
      put(*word, before);
    }
    CHECK(kernel::check_segment(at.segment(), Damaged::leave).whole());
  }
  CHECK(at->verify() == "");
}

TEST_CASE(
    "a table of objects that leads astray is not followed: no crash, no endless loop, nothing is made over another") {
  RegistryFixture at;
  const ObjectRef outer = at->new_list(true), inner = at->new_list(), gone = at->new_list();
  at->append_handle(outer, inner);
  const kernel::List opened = at->list(outer);
  const auto index = kernel::index_of(gone);
  at->release(gone);
  auto& table = at.segment().at<kernel::ObjectTable>(at.segment().header().registry);
  auto& stripe = table.stripes[index % kernel::ObjectTable::stripe_count];
  const auto damaged = [&](kernel::Word& word, u64 value, const auto& then) {
    const u64 before = word.load();
    put(word, value);
    CHECK(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), 0) != "");
    CHECK_THROWS_AS(at->new_list(), Corrupt);
    then();
    put(word, before);
    CHECK(at->verify() == "");
  };
  for (const u64 chunk : {u64{1} << 52, at.segment().header().max - 64, table.chunks[0].load() + 8}) {
    damaged(table.chunks[0], chunk, [&] {
      CHECK_THROWS_AS(opened.append(BytesView("", 0, {&inner, 1})), ValueError);
      CHECK_FALSE(at->registry().facts(outer));
    });
  }
  REQUIRE(stripe.body[kernel::ObjectTable::free_list].load() == index + 1);
  for (const u64 link : {u64{kernel::index_of(outer)} + 1, u64{kernel::index_of(inner)} + 1, u64{index} + 2,
                         u64{index} + 1 + kernel::ObjectTable::stripe_count}) {
    damaged(stripe.body[kernel::ObjectTable::free_list], link, [] {});
  }
  auto& home = table.stripes[kernel::index_of(outer) % kernel::ObjectTable::stripe_count];
  put(home.body[kernel::ObjectTable::dying_list], u64{kernel::index_of(outer)} + 1);
  CHECK(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), 0) != "");
  CHECK_FALSE(kernel::sweep(at.segment()));
  put(home.body[kernel::ObjectTable::dying_list], 0);
  CHECK(at->list(outer).size() == 1);
  at->append(inner, "x");
  at->release(at->new_list());
  CHECK(at->verify() == "");
}

TEST_CASE("check: a chunk of slots that is none, and that nobody uses, keeps no damaged object from being found") {
  RegistryFixture at;
  const ObjectRef bad = at->new_list(), good = at->new_list();
  put(at.segment().at<kernel::ObjectTable>(at.segment().header().registry).chunks[21], 0xFF0000);
  put(stripe_of(at, bad).body[kernel::ListBody::ring], u64{1} << 40 | 5);
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  CHECK(says(sentence_of(report, 0), "chunk"));
  CHECK(sentence_of(report, bad) != "");
  CHECK(sentence_of(report, good) == "");
  CHECK(kernel::is_quarantined(at.segment(), bad));
  at->append(good, "x");
}

TEST_CASE("a description or a name that has no end is not read, whether the check came to it or not") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(false, "named");
  const kernel::ObjectSlot& slot = *at->objects().find(kernel::index_of(list));
  for (const kernel::Word* word : {&slot.schema, &slot.name}) {
    auto& length = at.segment().at<kernel::Word>(word->load());
    const u64 before = length.load();
    for (const u64 wrong : {~u64{0}, before | u64{255} << 56, u64{1} << 20}) {
      put(length, wrong);
      const bool is_name = word == &slot.name;
      CHECK_THROWS_AS((void)(is_name ? at->registry().name(list) : at->registry().schema(list)), Corrupt);
      CHECK(at->registry().sound_name(list).empty() == is_name);
      if (!is_name) CHECK(at->registry().objects()[0].quarantined);
      CHECK(says(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), list), is_name ? "name" : "descr"));
    }
    put(length, before);
  }
  CHECK(at->verify() == "");
}

TEST_CASE("quarantine: the object throws Corrupt, the others go on, and it is said again") {
  RegistryFixture at;
  const ObjectRef bad = at->new_list(), good = at->new_list();
  for (int i = 0; i < 20; ++i) at->append(bad, "some text that lies in a blob"), at->append(good, "some text");
  put(stripe_of(at, bad).body[kernel::ListBody::ring], u64{1} << 40 | 5);
  CHECK(says(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), bad), "out of bounds"));
  CHECK_FALSE(kernel::is_quarantined(at.segment(), bad));

  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].verdict == Finding::Verdict::damaged);
  CHECK(says(report.findings[0].sentence, "quarantined"));
  CHECK(kernel::is_quarantined(at.segment(), bad));
  Bytes out;
  CHECK_THROWS_AS(at->list(bad).get(0, out), Corrupt);
  CHECK_THROWS_AS(at->append(bad, "x"), Corrupt);
  CHECK_THROWS_AS(at->list(bad).clear(), Corrupt);
  CHECK_THROWS_AS((void)at->registry().acquire(bad), Corrupt);
  at->append(good, "more");
  CHECK(at->list(good).size() == 21);

  const CheckReport again = kernel::check_segment(at.segment(), Damaged::quarantine);
  REQUIRE(again.findings.size() == 1);
  CHECK(again.findings[0].verdict == Finding::Verdict::quarantined);
  CHECK(again.judged_all);
  const auto all = at->registry().objects();
  CHECK(std::ranges::any_of(all, [&](const ObjectInfo& o) { return o.id == bad && o.quarantined; }));
  CHECK(std::ranges::any_of(all, [&](const ObjectInfo& o) { return o.id == good && !o.quarantined && o.size == 21; }));
}

TEST_CASE("quarantine: nobody takes the object apart, whoever lets go of it") {
  RegistryFixture at;
  const ObjectRef outer = at->new_list(true), bad = at->new_list();
  at->append_handle(outer, bad);
  at->append(bad, std::string(3000, 'x'));
  put(stripe_of(at, bad).body[kernel::ListBody::ends], ~u64{0});
  (void)kernel::check_segment(at.segment(), Damaged::quarantine);
  at->release(bad);
  at->list(outer).clear();
  kernel::sweep(at.segment());
  CHECK_FALSE(kernel::any_dying(at.segment()));
  CHECK(kernel::is_quarantined(at.segment(), bad));
  CHECK(at->count() == 2);
  const ObjectRef fresh = at->new_list();
  at->append(fresh, "x");
  CHECK(at->list(fresh).size() == 1);
}

TEST_CASE("quarantine: who waits in it gets Corrupt") {
  RegistryFixture at;
  const ObjectRef queue = at->registry().create_queue("queue<str>", "", {.queue = true}, 0, kernel::ObjectKind::queue);
  const u64 body = at->registry().facts(queue).value().body;
  ChildGroup group;
  const pid_t waiter = group.start([&]() -> int {
    at.segment().client_slot = 0;
    kernel::Clients(at.segment()).attach();
    Bytes out;
    try {
      kernel::Queue(at.segment(), body).get(out, std::nullopt);
    } catch (const Corrupt&) {
      return 7;
    }
    return 1;
  });
  const kernel::Queue here(at.segment(), body);
  REQUIRE(eventually([&] { return here.body().items.awaited(); }, 10s));
  put(here.body().stripe.body[kernel::ListBody::ring], 7);
  CHECK_FALSE(kernel::check_segment(at.segment(), Damaged::quarantine).whole());
  const ChildResult result = group.wait(waiter, 10s);
  CHECK(result.end == ChildResult::End::exited);
  CHECK(result.code == 7);
}

TEST_CASE("check: configurations that cannot be, and a ring that begins within a word") {
  RegistryFixture at;
  const ObjectRef dict = at->new_dict(), striped = at->new_dict(false, "", 3), list = at->new_list();
  const auto config_of = [&](ObjectRef ref) -> kernel::Word& {
    return at.segment().at<kernel::DictBody>(at->registry().facts(ref).value().body).config;
  };
  at->append(list, "an element");
  put(config_of(dict), u64{255} << kernel::split_shift);
  put(config_of(striped), config_of(striped).load() | u64{1} << 40);
  kernel::Word& ring = stripe_of(at, list).body[kernel::ListBody::ring];
  put(ring, ring.load() + (1 << 8));
  at->dict(dict).set(view("key"), view("v"));  // it would split now if the number meant anything
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::leave);
  CHECK(report.findings.size() == 3);
  for (const ObjectRef ref : {dict, striped}) CHECK(says(sentence_of(report, ref), "a configuration that cannot be"));
  CHECK(says(sentence_of(report, list), "the ring is out of bounds"));
}

TEST_CASE("a configuration of a list that cannot be leads nobody out of bounds") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  at->append(list, "an element");
  kernel::Word& config = at.segment().at<kernel::ListBody>(at->registry().facts(list).value().body).config;
  const u64 cell_of_none = 1 << 16 | 1 << 9, cell_of_15_bytes = cell_of_none | 15;
  for (const u64 damage : {cell_of_none, cell_of_15_bytes}) {
    CAPTURE(damage);
    put(config, damage);
    CHECK(
        says(sentence_of(kernel::check_segment(at.segment(), Damaged::leave), list), "a configuration that cannot be"));
    kernel::ByteTable all;
    at->list(list).snapshot(all);
    CHECK(all.size() == 1);
    CHECK(all[0].size == (damage == cell_of_none ? 10 : 8));
  }
}

TEST_CASE("quarantine: a dict with several stripes, a lock, and an object whose body is nowhere") {
  RegistryFixture at;
  const ObjectRef dict = at->new_dict(false, "", 3);
  for (int i = 0; i < 50; ++i) at->dict(dict).set(view("k" + std::to_string(i)), view("v"));
  const ObjectRef lock =
      at->registry().create_sync("lock", "", {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
  const ObjectRef nowhere = at->new_list();
  auto& body = at.segment().at<kernel::DictBody>(at->registry().facts(dict).value().body);
  put(at.segment().at<kernel::Stripe>(body.root.load() >> 8).body[kernel::dict_count], ~u64{0});
  put(kernel::Sync(at.segment(), at->registry().facts(lock).value().body).body().config, 0x10063);
  put(at->objects().find(kernel::index_of(nowhere))->body, 12345);
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  CHECK(report.findings.size() == 3);
  for (const ObjectRef ref : {dict, lock, nowhere}) CHECK(says(sentence_of(report, ref), "quarantined"));
  Bytes out;
  CHECK_THROWS_AS(at->dict(dict).get(view("k1"), out), Corrupt);
  for (int i = 0; i < 50; ++i) CHECK_THROWS_AS(at->dict(dict).set(view("k" + std::to_string(i)), view("v")), Corrupt);
  CHECK_THROWS_AS((void)at->registry().acquire(nowhere), Corrupt);
}

TEST_CASE(
    "records of waiters that cannot be are not walked over, whether the check found a body to take out of use or not") {
  RegistryFixture at;
  const ObjectRef ref =
      at->registry().create_sync("condition", "", {.kind = kernel::SyncKind::condition}, kernel::ObjectKind::condition);
  const u64 offset = at->registry().facts(ref).value().body;
  const kernel::Sync condition(at.segment(), offset);
  auto& body = at.segment().at<kernel::SyncBody>(offset);
  put(at.segment().at<kernel::Word>(offset - 16),
      0);  // the run says that it has no length, so that this is nobody's body
  const u64 most = ~u64{0} >> 32;
  struct Damage {
    u64 roster, ends;
  };
  for (const Damage& damage : {Damage{0, 0xFF000000}, Damage{offset << 8 | 3, most}, Damage{offset << 8 | 255, 1},
                               Damage{offset << 8 | 30, 1}}) {
    CAPTURE(damage.roster);
    put(body.stripe.body[kernel::SyncBody::roster], damage.roster);
    put(body.stripe.body[kernel::SyncBody::ends], damage.ends);
    CHECK_THROWS_AS((void)condition.size(), Corrupt);
    CHECK_THROWS_AS(kernel::Condition(at.segment(), offset).notify(1), Corrupt);
    CHECK_THROWS_AS((void)kernel::Condition(at.segment(), offset).enlist(), Corrupt);
  }
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  CHECK(says(sentence_of(report, ref), "its body is no run of its kind"));
}

TEST_CASE("quarantine: a damaged heap gives and takes nothing; what needs no memory goes on") {
  RegistryFixture at;
  const ObjectRef dict = at->new_dict(), list = at->new_list();
  at->dict(dict).set(view("key"), view("v"));
  at->append(list, "some text that lies in a blob");
  const auto& heap = at.segment().at<kernel::HeapState>(kernel::heap_offset);
  put(const_cast<kernel::Word&>(heap.used), 1);
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  REQUIRE_FALSE(report.whole());
  CHECK(report.findings[0].heap);
  CHECK(says(report.findings[0].sentence, "wrong count of used bytes"));
  Bytes out;
  CHECK(at->dict(dict).get(view("key"), out));
  at->dict(dict).set(view("key"), view("w"));
  CHECK(at->list(list).get(0, out));
  CHECK_THROWS_AS(at->append(list, std::string(5000, 'x')), Corrupt);
  CHECK_THROWS_AS((void)at->new_list(), Corrupt);
  CHECK(at->list(list).size() == 1);
}

TEST_CASE("repair: what a dead holder left is not followed when it cannot be an operation's") {
  for (int what = 0; what < 4; ++what) {
    CAPTURE(what);
    RegistryFixture at;
    const ObjectRef bad = at->new_list(), good = at->new_list();
    for (int i = 0; i < 20; ++i) at->append(bad, "text");
    kernel::Stripe& stripe = stripe_of(at, bad);
    ChildGroup group;
    const pid_t holder = group.start([&] {
      (void)stripe.mutex.acquire();
      ::_exit(0);
    });
    (void)group.wait(holder, 10s);
    REQUIRE(eventually([&] { return stripe.mutex.owner_dead(); }, 10s));
    switch (what) {
      case 0:
        put(stripe.commit, 7777);  // more words than a log has
        break;
      case 1:
        put(stripe.pend, 12345);
        break;
      case 2:
        put(stripe.commit, kernel::CommitWord::make(3, true, 0));  // a log in a run that is not there
        break;
      default:
        put(stripe.body[kernel::ListBody::shift], u64{1} << 40 | 1);
    }
    CHECK_THROWS_AS(at->append(bad, "x"), Corrupt);
    CHECK_THROWS_AS(at->append(bad, "x"), Corrupt);
    at->append(good, "x");
    CHECK(at->list(good).size() == 1);
    CHECK_FALSE(kernel::check_segment(at.segment(), Damaged::quarantine).whole());
    CHECK(kernel::is_quarantined(at.segment(), bad));
  }
}

TEST_CASE("check: a lock held by nobody is not waited for again") {
  RegistryFixture at;
  at.segment().operation_timeout = 100ms;
  const ObjectRef bad = at->new_list();
  auto* word = reinterpret_cast<kernel::u32*>(&stripe_of(at, bad).mutex);
  __atomic_store_n(word, 0x3ffffff0u, __ATOMIC_RELEASE);  // a thread that cannot be
  CHECK_THROWS_AS(at->append(bad, "x"), TimeoutError);
  const CheckReport report = kernel::check_segment(at.segment(), Damaged::quarantine);
  CHECK(says(sentence_of(report, bad), "quarantined"));
  CHECK_THROWS_AS(at->append(bad, "x"), Corrupt);
}

}  // namespace partage::test
