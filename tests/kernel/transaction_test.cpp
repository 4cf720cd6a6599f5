// Transactions: one commit over many stripes, whoever dies when.

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Change;
using kernel::most_participants;
using kernel::OptimisticRead;
using kernel::Stripe;
using kernel::StripeLock;
using kernel::Transaction;
using kernel::transaction_records;
using kernel::TransactionRecord;
using kernel::Window;

TransactionRecord& record(KernelFixture& f, std::size_t i) {
  return (&f.segment().at<TransactionRecord>(f.segment().header().records))[i];
}
/// The record this thread has.
std::size_t my_record(KernelFixture& f) {
  for (std::size_t i = 0; i < transaction_records; ++i) {
    if (record(f, i).mutex.owner() == ::gettid()) return i;
  }
  throw std::runtime_error("this thread has no record");
}

std::vector<Stripe*> all(std::span<Stripe> stripes) {
  std::vector<Stripe*> list;
  for (Stripe& s : stripes) list.push_back(&s);
  return list;
}

/// Word 1 of each stripe becomes `value`, in one step.
void set_all(KernelFixture& f, std::span<Stripe> stripes, u64 value) {
  Transaction t(f.segment());
  t.lock(all(stripes));
  for (Stripe& s : stripes) t.change(s).put(s.body[1], value);
  t.commit();
}

[[noreturn]] void die() {
  ::raise(SIGKILL);
  ::_exit(1);
}

/// How far a transaction over stripes comes before its process dies.
enum class Death { locked, planned, opened, laid_first, laid, decided, applied_first, applied };

void die_in(KernelFixture& f, std::span<Stripe> stripes, u64 value, Death when, bool long_plans = false) {
  die_after([&] {
    Transaction t(f.segment());
    t.lock(all(stripes));
    if (when == Death::locked) die();
    for (Stripe& s : stripes) {
      t.change(s).put(s.body[1], value);
      t.change(s).put(s.body[2], value);
      if (!long_plans) continue;
      const Change::Run run = t.change(s).take_run(800);
      auto* words = &f.segment().at<kernel::Word>(run.offset);
      run.draft.zero(words, 100);
      for (int i = 0; i < 100; ++i) t.change(s).put(words[i], value);
      t.change(s).put(s.body[3], run.offset);
      t.change(s).put(f.segment().runs().link(run.offset), 0);
    }
    t.prepare();
    if (when == Death::planned) die();
    t.open();
    if (when == Death::opened) die();
    const std::size_t r = my_record(f);
    for (Stripe& s : stripes) {
      t.change(s).lay(r + 1);
      if (when == Death::laid_first) die();
    }
    if (when == Death::laid) die();
    kernel::Log::decide(record(f, r).decision, 1);
    if (when == Death::decided) die();
    for (Stripe& s : stripes) {
      t.change(s).apply();
      if (when == Death::applied_first) die();
    }
    die();
  });
}

u64 value_of(KernelFixture& f, Stripe& s) {
  const StripeLock lock(f.segment(), s);
  REQUIRE(s.body[1].load() == s.body[2].load());
  REQUIRE(s.commit.load() == 0);
  REQUIRE_FALSE(Window::is_open(s));
  REQUIRE(s.pend.load() == 0);
  REQUIRE(s.spill.load() == 0);
  return s.body[1].load();
}

/// The other records are taken, so that a transaction must take record r.
class OnlyRecord {
 public:
  OnlyRecord(KernelFixture& f, std::size_t r) {
    const pid_t pid = children_.start([&f, r] {
      for (std::size_t i = 0; i < transaction_records; ++i) {
        if (i != r) (void)record(f, i).mutex.acquire();
      }
      for (;;) ::pause();
    });
    const std::size_t last = r == transaction_records - 1 ? r - 1 : transaction_records - 1;
    REQUIRE(eventually([&] { return record(f, last).mutex.owner() == pid; }, 5s));
  }

 private:
  ChildGroup children_;
};

}  // namespace

#if !defined(__SANITIZE_THREAD__)  // its deadlock detector ends the program at the 64th lock that a thread holds
TEST_CASE("transaction: two stripes, and as many as there may be") {
  KernelFixture f;
  const auto stripes = f.stripes(most_participants);
  set_all(f, stripes.first(2), 5);
  CHECK(stripes[0].body[1].load() == 5);
  CHECK(stripes[1].body[1].load() == 5);
  CHECK(stripes[2].body[1].load() == 0);
  set_all(f, stripes, 6);
  for (Stripe& s : stripes) {
    REQUIRE(s.body[1].load() == 6);
    REQUIRE(s.commit.load() == 0);
    REQUIRE_FALSE(Window::is_open(s));
    REQUIRE(s.mutex.owner() == 0);
  }
  for (std::size_t i = 0; i < transaction_records; ++i) CHECK(record(f, i).mutex.owner() == 0);
}

TEST_CASE("transaction: too many participants are refused, and it can go on with fewer") {
  KernelFixture f;
  const auto stripes = f.stripes(most_participants + 1);
  Transaction t(f.segment());
  CHECK_THROWS_AS(t.lock(all(stripes)), ValueError);
  for (const Stripe& s : stripes) REQUIRE(s.mutex.owner() == 0);
  t.lock(all(stripes.first(100)));
  CHECK_THROWS_AS(t.lock(all(stripes.subspan(100))), ValueError);
  t.lock(all(stripes.subspan(50, most_participants - 50)));  // some of them are locked already
  CHECK(t.has(stripes[0]));
  CHECK(t.has(stripes[most_participants - 1]));
  CHECK_FALSE(t.has(stripes[most_participants]));
  t.change(stripes[3]).put(stripes[3].body[1], 1);
  CHECK_THROWS_AS((void)t.change(stripes[most_participants]), Corrupt);
  t.commit();
  CHECK(stripes[3].body[1].load() == 1);
}

#endif

TEST_CASE("transaction: locks in ascending order without duplicates, whatever the order given") {
  KernelFixture f;
  const auto stripes = f.stripes(4);
  Transaction t(f.segment());
  t.lock({&stripes[3], &stripes[0], &stripes[3], &stripes[2], &stripes[0]});
  const TransactionRecord& r = record(f, my_record(f));
  REQUIRE(r.count.load() == 3);
  CHECK(r.list[0].load() == f.segment().offset_of(&stripes[0]));
  CHECK(r.list[1].load() == f.segment().offset_of(&stripes[2]));
  CHECK(r.list[2].load() == f.segment().offset_of(&stripes[3]));
  CHECK(stripes[1].mutex.owner() == 0);
}

TEST_CASE("transaction: left without commit, nothing happened") {
  KernelFixture f;
  const auto stripes = f.stripes(3);
  const u64 used = f.segment().runs().used();
  {
    Transaction t(f.segment());
    t.lock(all(stripes));
    for (Stripe& s : stripes) {
      t.change(s).put(s.body[1], 9);
      (void)t.change(s).take_run(100);
    }
    t.prepare();
    t.open();
    CHECK(Window::is_open(stripes[1]));
  }
  for (Stripe& s : stripes) CHECK(value_of(f, s) == 0);
  CHECK(f.segment().runs().used() == used);
}

TEST_CASE("transaction: a participant without changes stays as it is") {
  KernelFixture f;
  const auto stripes = f.stripes(3);
  const u64 seq = stripes[2].seq.load();
  Transaction t(f.segment());
  t.lock(all(stripes));
  t.change(stripes[0]).put(stripes[0].body[1], 1);
  (void)t.change(stripes[2]);
  t.commit();
  CHECK(stripes[0].body[1].load() == 1);
  CHECK(stripes[2].seq.load() == seq);
  CHECK(stripes[1].mutex.owner() == 0);
}

TEST_CASE("transaction: start_over unlocks and keeps the record") {
  KernelFixture f;
  const auto stripes = f.stripes(3);
  Transaction t(f.segment());
  t.lock(all(stripes));
  t.change(stripes[0]).put(stripes[0].body[1], 1);
  const std::size_t r = my_record(f);
  t.start_over();
  CHECK(my_record(f) == r);
  CHECK(record(f, r).count.load() == 0);
  for (const Stripe& s : stripes) CHECK(s.mutex.owner() == 0);
  t.lock({&stripes[1], &stripes[2]});
  t.change(stripes[1]).put(stripes[1].body[1], 2);
  t.change(stripes[2]).put(stripes[2].body[1], 3);
  t.commit();
  CHECK(stripes[0].body[1].load() == 0);
  CHECK(stripes[1].body[1].load() == 2);
  CHECK(stripes[2].body[1].load() == 3);
}

TEST_CASE("transaction: death at every step is all or nothing, in every order of repair") {
  for (const bool long_plans : {false, true}) {
    for (int step = 0; step <= static_cast<int>(Death::applied); ++step) {
      for (int order = 0; order < 3; ++order) {
        CAPTURE(long_plans);
        CAPTURE(step);
        CAPTURE(order);
        KernelFixture f;
        const auto stripes = f.stripes(3);
        for (Stripe& s : stripes) {
          const StripeLock lock(f.segment(), s);
          Change c(f.segment(), s);
          c.put(s.body[1], 7);
          c.put(s.body[2], 7);
          c.commit();
        }
        const u64 used = f.segment().runs().used();
        const auto when = static_cast<Death>(step);
        die_in(f, stripes, 8, when, long_plans);
        const u64 expected = when >= Death::decided ? 8 : 7;
        if (when >= Death::opened && when <= Death::decided) {
          CHECK_FALSE(OptimisticRead(stripes[1]).begun());  // a reader takes the lock, which repairs
        }
        if (order == 2) kernel::repair_transactions(f.segment());
        for (std::size_t i = 0; i < 3; ++i) CHECK(value_of(f, stripes[order == 1 ? 2 - i : i]) == expected);
        if (expected == 7) CHECK(f.segment().runs().used() == used);
        set_all(f, stripes, 10);
        for (const Stripe& s : stripes) CHECK(s.body[1].load() == 10);
        CHECK(f.segment().runs().verify() == "");
      }
    }
  }
}

TEST_CASE("transaction: the record of a dead one is not taken again before its stripes are repaired") {
  for (const Death when : {Death::laid, Death::decided, Death::applied_first}) {
    KernelFixture f;
    const auto stripes = f.stripes(5);
    die_in(f, stripes.first(3), 4, when);
    std::size_t r = 0;
    while (r < transaction_records && !record(f, r).mutex.owner_dead()) ++r;
    REQUIRE(r < transaction_records);
    const OnlyRecord only(f, r);
    set_all(f, stripes.subspan(3), 6);  // takes r, and decides
    CHECK_FALSE(stripes[0].mutex.owner_dead());
    for (Stripe& s : stripes.first(3)) CHECK(value_of(f, s) == (when == Death::laid ? 0 : 4));
    for (Stripe& s : stripes.subspan(3)) CHECK(s.body[1].load() == 6);
  }
}

TEST_CASE("transaction: repairers of a transaction die as well") {
  KernelFixture f;
  const auto stripes = f.stripes(3);
  die_in(f, stripes, 4, Death::decided);
  std::size_t r = 0;
  while (!record(f, r).mutex.owner_dead()) ++r;
  die_after([&] {
    (void)record(f, r).mutex.acquire();
    (void)stripes[0].mutex.acquire();  // both owner-dead once more
  });
  CHECK(record(f, r).mutex.owner_dead());
  CHECK(stripes[0].mutex.owner_dead());
  kernel::repair_transactions(f.segment());
  CHECK_FALSE(record(f, r).mutex.owner_dead());
  for (Stripe& s : stripes) CHECK(value_of(f, s) == 4);
}

TEST_CASE("transaction: all records held by a stopped process are a TimeoutError") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  f.segment().operation_timeout = 60ms;
  ChildGroup group;
  const pid_t holder = group.start([&] {
    for (std::size_t i = 0; i < transaction_records; ++i) (void)record(f, i).mutex.acquire();
    for (;;) ::pause();
  });
  REQUIRE(eventually([&] { return record(f, transaction_records - 1).mutex.owner() == holder; }, 5s));
  REQUIRE(pause_process(holder));
  const auto begin = kernel::Clock::now();
  CHECK_THROWS_AS(set_all(f, stripes, 1), TimeoutError);
  CHECK(kernel::Clock::now() - begin >= 60ms);
  CHECK(message_of([&] { set_all(f, stripes, 1); }).find("transaction records") != std::string::npos);
  CHECK(stripes[0].body[1].load() == 0);
  group.kill(holder);  // SIGKILL ends a stopped process too
  set_all(f, stripes, 2);
  CHECK(stripes[1].body[1].load() == 2);
}

TEST_CASE("transaction: whoever waits for a record takes the first that gets free") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  f.segment().operation_timeout = 3s;
  ChildGroup group;
  const auto hold_records = [&](std::size_t from, std::size_t to) {
    const pid_t pid = group.start([&f, from, to] {
      for (std::size_t i = from; i < to; ++i) (void)record(f, i).mutex.acquire();
      for (;;) ::pause();
    });
    REQUIRE(eventually([&] { return record(f, to - 1).mutex.owner() == pid; }, 5s));
    return pid;
  };
  // Wherever the search begins, most of the records never get free.
  (void)hold_records(0, 7);
  const pid_t one = hold_records(7, 8);
  (void)hold_records(8, transaction_records);
  std::string problem = "not run";
  std::thread waiter([&] { problem = message_of([&] { set_all(f, stripes, 3); }); });
  std::this_thread::sleep_for(50ms);
  const auto begin = kernel::Clock::now();
  group.kill(one);
  waiter.join();
  CHECK(problem == "");
  CHECK(kernel::Clock::now() - begin < 2s);
  CHECK(stripes[0].body[1].load() == 3);
}

TEST_CASE("transaction: a participant that stays locked is a TimeoutError with nothing changed") {
  KernelFixture f;
  const auto stripes = f.stripes(3);
  f.segment().operation_timeout = 40ms;
  ChildGroup group;
  const pid_t holder = hold(group, stripes[1].mutex);
  const std::string text = message_of([&] { set_all(f, stripes, 1); });
  CHECK(text.find(std::to_string(holder)) != std::string::npos);
  CHECK(stripes[0].mutex.owner() == 0);
  CHECK(stripes[2].mutex.owner() == 0);
  CHECK(stripes[0].body[1].load() == 0);
  group.kill(holder);
  set_all(f, stripes, 2);
  CHECK(stripes[0].body[1].load() == 2);
}

TEST_CASE("a repair waits longer than operation_timeout: it cannot be left half done") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  kernel::set_repair_hooks(stripes[0].kind(), {.settle = [](kernel::Segment& segment, Stripe& s) {
                             (void)segment.runs().acquire(
                                 100, s.pend);  // as the list does that frees a blob when it finishes a shift
                           }});
  die_holding(stripes[0].mutex);
  f.segment().operation_timeout = 20ms;
  ChildGroup group;
  const pid_t holder = hold(group, f.segment().at<kernel::HeapState>(kernel::heap_offset).mutex);
  std::string problem = "not run";
  std::atomic<bool> ended{false};
  std::thread repairer([&] {
    problem = message_of([&] { StripeLock(f.segment(), stripes[0]).unlock(); });
    ended = true;
  });
  std::this_thread::sleep_for(100ms);
  CHECK_FALSE(ended);
  group.kill(holder);
  repairer.join();
  kernel::set_repair_hooks(stripes[0].kind(), {});
  CHECK(problem == "");
  CHECK(stripes[0].mutex.owner() == 0);
  CHECK(stripes[0].pend.load() == 0);
}

TEST_CASE("transaction: sums stay the same while processes move units between stripes and die") {
  KernelFixture f;
  const auto stripes = f.stripes(6);
  set_all(f, stripes, 1000);
  PARTAGE_SHOW_SEED();
  const auto work = [&](u64 stream, long rounds) {
    std::mt19937_64 random(test_seed() + stream);
    for (long i = 0; i < rounds; ++i) {
      Stripe& a = stripes[random() % 6];
      Stripe& b = stripes[random() % 6];
      if (&a == &b) continue;
      Transaction t(f.segment());
      t.lock({&a, &b});
      t.change(a).put(a.body[1], a.body[1].load() - 1);
      t.change(b).put(b.body[1], b.body[1].load() + 1);
      t.commit();
    }
  };
  const auto sum = [&] {
    Transaction t(f.segment());
    t.lock(all(stripes));
    u64 total = 0;
    for (const Stripe& s : stripes) total += s.body[1].load();
    return total;
  };
  ChildGroup group;
  const pid_t steady = group.start([&] { work(50, 20'000); });
  for (u64 i = 0; i < 30; ++i) {
    const pid_t victim = group.start([&] { work(60 + i, 1'000'000'000); });
    ::usleep(static_cast<useconds_t>(500 + i * 113));
    group.kill(victim);
    REQUIRE(sum() == 6000);
  }
  const ChildResult r = group.wait(steady, 30s);
  CHECK_MESSAGE(r.ok(), r.describe());
  CHECK(sum() == 6000);
}

}  // namespace partage::test
