// The heap: runs against a model, merging, pools, growth and its end.

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Draft;
using kernel::Pool;
using kernel::Runs;
using kernel::Word;

constexpr u64 head = sizeof(kernel::BlockHead);

/// Bytes of the block that a request takes.
u64 block_bytes(u64 bytes) {
  return (bytes + head + 63) / 64 * 64;
}

/// Everything of the segment but the lock of the heap, which is taken and released by a failing request too.
std::vector<std::byte> contents(KernelFixture& f) {
  kernel::Segment& s = f.segment();
  std::vector<std::byte> bytes(s.base(), s.base() + s.header().committed.load());
  std::memset(bytes.data() + kernel::heap_offset, 0, sizeof(kernel::RobustMutex));
  return bytes;
}

void fill(KernelFixture& f, u64 run, u64 bytes, u64 mark) {
  auto* w = &f.segment().at<Word>(run);
  const Draft draft(w, bytes / 8 * 8);
  for (u64 i = 0; i < bytes / 8; ++i) draft.set(w[i], mark + i);
}
bool filled(KernelFixture& f, u64 run, u64 bytes, u64 mark) {
  const auto* w = &f.segment().at<Word>(run);
  for (u64 i = 0; i < bytes / 8; ++i) {
    if (w[i].load() != mark + i) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("heap: random runs against a model") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 10);
  KernelFixture f;
  Runs runs = f.segment().runs();
  struct Owned {
    u64 run = 0, bytes = 0, mark = 0;
  };
  const auto lists = f.words(400);
  std::vector<Owned> owned(lists.size());
  std::map<u64, u64> extents;  // run -> payload of every run we have
  const u64 used_before = runs.used();
  u64 used = used_before;
  for (long i = 0, n = repeats(20'000); i < n; ++i) {
    const std::size_t k = random() % owned.size();
    Owned& o = owned[k];
    if (o.run == 0) {
      const u64 shape = random() % 10;
      o.bytes = shape < 6 ? random() % 300 : shape < 9 ? random() % 5000 : random() % 60'000;
      o.run = runs.acquire(o.bytes, lists[k]);
      o.mark = random();
      const u64 payload = runs.payload_size(o.run);
      REQUIRE(o.run % 64 == 0);
      REQUIRE(payload + head == block_bytes(o.bytes));
      REQUIRE(lists[k].load() == o.run);
      REQUIRE(runs.link(o.run).load() == 0);
      REQUIRE(runs.owner_slot(o.run) == 0);
      REQUIRE(f.segment().holds(o.run, payload));
      const auto next = extents.lower_bound(o.run);
      if (next != extents.end()) REQUIRE(o.run + payload <= next->first - head);
      if (next != extents.begin()) REQUIRE(std::prev(next)->first + std::prev(next)->second <= o.run - head);
      extents.emplace(o.run, payload);
      used += payload + head;
      fill(f, o.run, payload, o.mark);
    } else {
      const u64 payload = runs.payload_size(o.run);
      REQUIRE(filled(f, o.run, payload, o.mark));
      used -= payload + head;
      extents.erase(o.run);
      runs.release_head(lists[k]);
      REQUIRE(lists[k].load() == 0);
      o = {};
    }
    REQUIRE(runs.used() == used);
    if (i % 256 == 0) REQUIRE(runs.verify() == "");
  }
  for (const Owned& o : owned) {
    if (o.run != 0) REQUIRE(filled(f, o.run, runs.payload_size(o.run), o.mark));
  }
  for (Word& list : lists) runs.release_all(list);
  CHECK(runs.verify() == "");
  CHECK(runs.used() == used_before);
}

TEST_CASE("heap: a list hands its runs back in reverse order") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto list = f.words(1);
  const u64 used = runs.used();
  const u64 a = runs.acquire(10, list[0]), b = runs.acquire(100, list[0]), c = runs.acquire(1000, list[0]);
  CHECK(list[0].load() == c);
  CHECK(runs.link(c).load() == b);
  CHECK(runs.link(b).load() == a);
  CHECK(runs.link(a).load() == 0);
  runs.release_head(list[0]);
  CHECK(list[0].load() == b);
  runs.release_all(list[0]);
  CHECK(list[0].load() == 0);
  runs.release_head(list[0]);  // nothing there: nothing happens
  CHECK(runs.used() == used);
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: neighbours merge, in every order of release") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(4);
  const u64 top = f.heap().top.load();
  int order[] = {0, 1, 2, 3};
  do {
    u64 run[4];
    for (int i = 0; i < 4; ++i) run[i] = runs.acquire(200, lists[static_cast<std::size_t>(i)]);
    CHECK(f.heap().top.load() == top + 4 * block_bytes(200));
    for (const int i : order) {
      runs.release_head(lists[static_cast<std::size_t>(i)]);
      REQUIRE(runs.verify() == "");
    }
    CHECK(f.heap().top.load() == top);  // all of it is one piece again
    CHECK(runs.acquire(4 * block_bytes(200) - head, lists[0]) == run[0]);
    runs.release_head(lists[0]);
  } while (std::next_permutation(std::begin(order), std::end(order)));
}

TEST_CASE("heap: a hole is used again, whole or in pieces") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(4);
  const u64 hole = runs.acquire(1000, lists[0]);
  (void)runs.acquire(10, lists[1]);  // keeps the hole apart from top
  const u64 top = f.heap().top.load();
  runs.release_head(lists[0]);
  CHECK(runs.acquire(1000, lists[0]) == hole);
  runs.release_head(lists[0]);
  CHECK(runs.acquire(100, lists[0]) == hole);
  CHECK(runs.acquire(100, lists[2]) == hole + block_bytes(100));
  CHECK(runs.acquire(5000, lists[3]) > top);  // too large for what is left of it
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: every size class finds a block it fits, and no other") {
  KernelFixture f(std::size_t{256} << 20);
  Runs runs = f.segment().runs();
  const auto lists = f.words(2);
  for (u64 lines = 1; lines < 200'000; lines += lines < 300 ? 1 : lines / 7) {
    const u64 hole = runs.acquire(lines * 64 - head, lists[0]);
    (void)runs.acquire(1, lists[1]);
    runs.release_head(lists[0]);
    REQUIRE(runs.acquire(lines * 64 - head, lists[0]) == hole);  // the same size fits
    runs.release_head(lists[0]);
    REQUIRE(runs.acquire(lines * 64 - head + 1, lists[0]) != hole);  // one byte more does not
    runs.release_head(lists[0]);
    runs.release_head(lists[1]);
    REQUIRE(runs.verify() == "");
  }
}

TEST_CASE("heap: pooled runs stay what they are") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(3);
  const u64 a = runs.acquire(832, lists[0], Pool::dict_body);
  CHECK(f.segment().at<Word>(a).load() == 0);  // never used before
  fill(f, a, 832, 77);
  const u64 used = runs.used(), top = f.heap().top.load();
  runs.release_head(lists[0]);
  CHECK(lists[0].load() == 0);
  CHECK(runs.used() == used);  // it is kept
  CHECK(f.heap().top.load() == top);
  CHECK(runs.pooled() == std::vector<u64>{a});
  CHECK(filled(f, a, 832, 77));
  const u64 other = runs.acquire(320, lists[1], Pool::list_body);
  CHECK(other != a);                        // another kind
  CHECK(runs.acquire(832, lists[2]) != a);  // and no kind
  CHECK(runs.acquire(832, lists[0], Pool::dict_body) == a);
  CHECK(filled(f, a, 832, 77));  // as it was left: its locks exist
  CHECK(runs.pooled().empty());
  runs.release_head(lists[0]);
  runs.release_head(lists[1]);
  CHECK(runs.pooled().size() == 2);
  runs.for_each([&](u64 run, std::size_t, bool free, Pool pool) {
    if (run == a) CHECK(pool == Pool::dict_body);
    if (run == other) CHECK(pool == Pool::list_body);
    if (run == a || run == other) CHECK_FALSE(free);
  });
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: a fresh pooled run in recycled memory begins with 0") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(2);
  const u64 a = runs.acquire(832, lists[0]);
  (void)runs.acquire(1, lists[1]);
  fill(f, a, 832, ~u64{0} / 3);
  runs.release_head(lists[0]);
  CHECK(runs.acquire(832, lists[0], Pool::dict_body) == a);
  CHECK(f.segment().at<Word>(a).load() == 0);
}

TEST_CASE("heap: private runs carry their owner and go with it") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 11);
  const auto lists = f.words(1);
  const u64 used = runs.used();
  std::vector<void*> kept;
  u64 of_three = 0;
  for (int i = 0; i < 600; ++i) {
    f.segment().client_slot = random() % 5;  // 0: the segment's own
    const u64 bytes = random() % 500;
    void* p = f.segment().heap().allocate(bytes);
    CHECK(runs.owner_slot(f.segment().offset_of(p)) == f.segment().client_slot);
    if (f.segment().client_slot == 3) {
      ++of_three;
    } else {
      kept.push_back(p);
    }
    if (!kept.empty() && random() % 4 == 0) {
      std::swap(kept[random() % kept.size()], kept.back());
      f.segment().heap().deallocate(kept.back());
      kept.pop_back();
    }
  }
  CHECK(runs.release_owned_by(3) == of_three);
  CHECK(runs.verify() == "");
  CHECK(runs.release_owned_by(3) == 0);
  CHECK(runs.release_owned_by(511) == 0);
  for (void* p : kept) f.segment().heap().deallocate(p);
  CHECK(runs.used() == used);
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: growth is generous while there is room and exact at the end") {
  constexpr std::size_t max = 1 << 20;
  KernelFixture f(max);
  Runs runs = f.segment().runs();
  const auto lists = f.words(1);
  const auto committed = [&] { return f.segment().header().committed.load(); };
  const u64 before = committed();
  CHECK(before == 64 << 10);
  (void)runs.acquire(before, lists[0]);
  CHECK(committed() == before + (256 << 10));
  while (committed() < max) (void)runs.acquire(50'000, lists[0]);
  CHECK(committed() == max);
  CHECK(runs.verify() == "");
  // To the last line.
  const u64 rest = max - f.heap().top.load();
  const u64 last = runs.acquire(rest / 64 * 64 - head, lists[0]);
  CHECK(last + runs.payload_size(last) == f.heap().top.load());
  CHECK(max - f.heap().top.load() < 64);  // a block begins 16 bytes before a line
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: a request that needs more than the generous step gets it at once") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(1);
  (void)runs.acquire(10 << 20, lists[0]);
  const u64 committed = f.segment().header().committed.load();
  CHECK(committed >= f.heap().top.load());
  CHECK(committed < f.heap().top.load() + 4096);
}

TEST_CASE("heap: OutOfMemory at the maximum says what and changes nothing") {
  constexpr std::size_t max = 512 << 10;
  KernelFixture f(max);
  Runs runs = f.segment().runs();
  const auto lists = f.words(2);
  for (const std::size_t size : {100'000u, 5000u, 600u, 1u}) {
    for (;;) {
      const auto before = contents(f);
      const u64 used = runs.used();
      try {
        (void)runs.acquire(size, lists[0]);
      } catch (const OutOfMemory& e) {
        CHECK(e.limit() == max);
        CHECK(e.used() == used);
        CHECK(e.asked() == block_bytes(size));
        CHECK(std::string(e.what()).find("maximum") != std::string::npos);
        // Memory may have been committed for nothing, but no word has changed.
        CHECK((before == contents(f)));
        CHECK(runs.used() == used);
        break;
      }
    }
    CHECK(runs.verify() == "");
  }
  CHECK(f.segment().heap().allocate(1) == nullptr);
  CHECK_THROWS_AS((void)runs.acquire(1, lists[1], Pool::dict_body), OutOfMemory);
  CHECK(lists[1].load() == 0);
  runs.release_head(lists[0]);
  CHECK(runs.acquire(1, lists[1]) != 0);
  runs.release_all(lists[0]);
  CHECK(runs.acquire(100'000, lists[0]) != 0);
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: requests larger than any segment are refused") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(1);
  (void)runs.acquire(100'000, lists[0]);
  const auto before = contents(f);
  for (const std::size_t bytes : {std::size_t{1} << 30, std::size_t{1} << 47, std::size_t{1} << 50,
                                  std::size_t{1} << 60, ~std::size_t{0} - 100, ~std::size_t{0} - 16, ~std::size_t{0}}) {
    CAPTURE(bytes);
    CHECK_THROWS_AS((void)runs.acquire(bytes, lists[0]), OutOfMemory);
    CHECK_THROWS_AS((void)runs.acquire(bytes, lists[0], Pool::table), OutOfMemory);
    CHECK(f.segment().heap().allocate(bytes) == nullptr);
  }
  CHECK((before == contents(f)));
  CHECK(runs.verify() == "");
}

TEST_CASE("heap: a lock that stays taken is a TimeoutError that names the holder") {
  KernelFixture f;
  Runs runs = f.segment().runs();
  const auto lists = f.words(1);
  f.segment().operation_timeout = 40ms;
  ChildGroup group;
  const pid_t holder = hold(group, f.heap().mutex);
  CHECK_THROWS_AS((void)runs.acquire(1, lists[0]), TimeoutError);
  CHECK(message_of([&] { (void)runs.acquire(1, lists[0]); }).find(std::to_string(holder)) != std::string::npos);
  group.kill(holder);
  CHECK(runs.acquire(1, lists[0]) != 0);
}

TEST_CASE("heap: processes that take, give back and die leave it whole") {
  KernelFixture f;
  const auto lists = f.words(8);
  const u64 used = f.segment().runs().used();
  const auto work = [&](std::size_t k, long rounds) {
    Runs runs = f.segment().runs();
    std::mt19937_64 random(test_seed() + 100 + k);
    for (long i = 0; i < rounds; ++i) {
      (void)runs.acquire(random() % 3000, lists[k]);
      if (random() % 3 == 0) runs.release_all(lists[k]);
    }
  };
  PARTAGE_SHOW_SEED();
  ChildGroup group;
  const pid_t steady = group.start([&] { work(0, 20'000); });
  for (std::size_t i = 0; i < 30; ++i) {
    const pid_t victim = group.start([&, i] { work(1 + i % 7, 1'000'000'000); });
    ::usleep(static_cast<useconds_t>(1000 + i * 131));
    group.kill(victim);
    REQUIRE(f.segment().runs().verify() == "");
    f.segment().runs().release_all(lists[1 + i % 7]);  // what the dead one had: on its list, all of it
  }
  const ChildResult r = group.wait(steady, 20s);
  CHECK_MESSAGE(r.ok(), r.describe());
  for (Word& list : lists) f.segment().runs().release_all(list);
  CHECK(f.segment().runs().used() == used);
  CHECK(f.segment().runs().verify() == "");
}

}  // namespace partage::test
