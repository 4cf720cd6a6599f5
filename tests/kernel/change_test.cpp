// One commit on one stripe: plans, runs in transit, and what happens when the heap cannot be had.

#include <thread>

#include "tests/container/fixture.hpp"
#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Change;
using kernel::OptimisticRead;
using kernel::Runs;
using kernel::Stripe;
using kernel::StripeLock;
using kernel::Window;
using kernel::Word;

void commit_word(KernelFixture& f, Stripe& s, std::size_t word, u64 value) {
  const StripeLock lock(f.segment(), s);
  Change c(f.segment(), s);
  c.put(s.body[word], value);
  c.commit();
}

/// A run that hangs on word 3 of the stripe.
u64 hang_run(KernelFixture& f, Stripe& s, std::size_t bytes) {
  const StripeLock lock(f.segment(), s);
  Change c(f.segment(), s);
  const Change::Run run = c.take_run(bytes);
  c.put(f.segment().runs().link(run.offset), 0);
  c.put(s.body[3], run.offset);
  if (const u64 old = s.body[3].load(); old != 0) c.retire_run(old);
  c.commit();
  return run.offset;
}

}  // namespace

TEST_CASE("change: one word, eight words, hundreds of words") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const auto words = f.words(500);
  const u64 used = f.segment().runs().used();
  u64 seq = 0;
  for (const std::size_t n : {0u, 1u, 2u, 7u, 8u, 9u, 24u, 25u, 500u}) {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    for (std::size_t i = 0; i < n; ++i) c.put(words[i], n * 1000 + i);
    CHECK(c.empty() == (n == 0));
    c.commit();
    for (std::size_t i = 0; i < n; ++i) REQUIRE(words[i].load() == n * 1000 + i);
    CHECK(s.seq.load() == seq + (n == 0 ? 0 : 2));
    seq = s.seq.load();
    CHECK(s.commit.load() == 0);
    CHECK(s.spill.load() == 0);
    CHECK(f.segment().runs().used() == used);
  }
}

TEST_CASE("change: a window closes what a reader began before it") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const OptimisticRead before(s);
  CHECK(before.begun());
  CHECK(before.valid());
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    c.put(s.body[1], 1);
    c.prepare();
    CHECK(before.valid());  // nothing but the plan
    c.open();
    CHECK_FALSE(before.valid());
    CHECK_FALSE(OptimisticRead(s).begun());
    c.commit();
  }
  CHECK_FALSE(before.valid());
  CHECK(OptimisticRead(s).begun());
}

TEST_CASE("change: left without commit, runs and blobs go back") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const u64 used = f.segment().runs().used();
  for (const bool prepared : {false, true}) {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    (void)c.take_run(100);
    (void)c.make_blob({"0123456789", 10});
    (void)c.take_run(832, kernel::Pool::dict_body);
    for (std::size_t i = 1; i < 6; ++i) c.put(s.body[i], 1);
    if (prepared) c.prepare();
    CHECK(s.pend.load() != 0);
  }
  for (const Word& w : s.body) CHECK(w.load() == 0);
  CHECK(s.pend.load() == 0);
  CHECK(s.spill.load() == 0);
  CHECK(f.segment().runs().pooled().size() == 1);
  CHECK(f.segment().runs().used() == used + 896);  // what is pooled stays
  CHECK(f.segment().runs().verify() == "");
}

TEST_CASE("change: runs retired alone, in chains, and taken and retired at once") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  Runs runs = f.segment().runs();
  const u64 used = runs.used();
  u64 first = 0;
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    for (int i = 0; i < 5; ++i) {
      const u64 run = c.take_run(100 + static_cast<std::size_t>(i)).offset;
      c.put(runs.link(run), first);
      first = run;
    }
    const u64 unwanted = c.take_run(5000).offset;
    c.retire_run(unwanted);
    c.put(s.body[3], first);
    c.commit();
    CHECK(s.pend.load() == 0);
  }
  CHECK(runs.used() == used + 5 * 128);
  u64 alone[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    alone[i] = c.take_run(300).offset;
    c.put(s.body[4], alone[i]);
    c.commit();
  }
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    c.retire_chain(first);
    c.retire_chain(0);
    for (const u64 run : alone) c.retire_run(run);
    c.put(s.body[3], 0);
    c.put(s.body[4], 0);
    c.commit();
  }
  CHECK(runs.used() == used);
  CHECK(runs.verify() == "");
}

TEST_CASE("change: giving back works in a full segment") {
  KernelFixture f(256 << 10);
  Stripe& s = f.stripes(1)[0];
  const u64 run = hang_run(f, s, 20'000);
  const auto filler = f.words(1);
  for (const std::size_t bytes : {5000u, 500u, 1u}) {
    try {
      for (;;) (void)f.segment().runs().acquire(bytes, filler[0]);
    } catch (const OutOfMemory&) {
    }
  }
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    CHECK_THROWS_AS((void)c.take_run(1), OutOfMemory);
    CHECK_THROWS_AS((void)c.make_blob({"x", 1}), OutOfMemory);
    c.put(s.body[3], 0);
    c.retire_run(run);
    c.commit();
  }
  CHECK(s.pend.load() == 0);
  CHECK(hang_run(f, s, 20'000) == run);
}

TEST_CASE(
    "change: no heap within the timeout, before the commit: nothing happened, and the next change gives the runs "
    "back") {
  for (const bool next_takes : {false, true}) {
    KernelFixture f;
    Stripe& s = f.stripes(1)[0];
    const u64 used = f.segment().runs().used();
    f.segment().operation_timeout = 30ms;
    {
      ChildGroup group;
      const StripeLock lock(f.segment(), s);
      Change c(f.segment(), s);
      (void)c.take_run(100);
      (void)c.take_run(200);
      c.put(s.body[2], 1);
      (void)hold(group, f.heap().mutex);
      CHECK_THROWS_AS((void)c.take_run(100), TimeoutError);
    }
    CHECK(s.body[2].load() == 0);
    CHECK(s.pend.load() != 0);
    if (next_takes) {
      (void)hang_run(f, s, 100);
      CHECK(f.segment().runs().used() == used + 128);
    } else {
      commit_word(f, s, 1, 5);
      CHECK(s.body[1].load() == 5);
      CHECK(f.segment().runs().used() == used);
    }
    CHECK(s.pend.load() == 0);
    CHECK(f.segment().runs().verify() == "");
  }
}

TEST_CASE("change: no heap within the timeout, after the commit: it is committed") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const u64 used = f.segment().runs().used();
  const u64 run = hang_run(f, s, 100);
  f.segment().operation_timeout = 30ms;
  {
    ChildGroup group;
    (void)hold(group, f.heap().mutex);
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    c.put(s.body[3], 0);
    c.put(s.body[1], 6);
    c.retire_run(run);
    CHECK_NOTHROW(c.commit());
  }
  CHECK(s.body[1].load() == 6);
  CHECK(s.pend.load() == run);
  (void)hang_run(f, s, 300);
  CHECK(s.pend.load() == 0);
  CHECK(f.segment().runs().used() == used + 320);
  CHECK(f.segment().runs().verify() == "");
}

TEST_CASE("change: a repair waits for the heap beyond the timeout, because it cannot turn back") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  Stripe& s = stripes[0];
  die_after([&] {
    kernel::lock_stripe(f.segment(), s);
    Change c(f.segment(), s);
    (void)c.take_run(100);
    ::raise(SIGKILL);
  });
  f.segment().operation_timeout = 20ms;
  ChildGroup group;
  const pid_t holder = hold(group, f.heap().mutex);
  std::string problem = "not run";
  std::thread repairer([&] { problem = message_of([&] { const StripeLock lock(f.segment(), s); }); });
  std::this_thread::sleep_for(100ms);
  group.kill(holder);
  repairer.join();
  CHECK(problem == "");
  commit_word(f, s, 1, 2);
  CHECK(s.body[1].load() == 2);
  CHECK(s.pend.load() == 0);
}

TEST_CASE("change: a stripe is a Boost Mutex that repairs") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  Stripe& s = stripes[0];
  die_after([&] {
    kernel::lock_stripe(f.segment(), s);
    Change c(f.segment(), s);
    (void)c.take_run(100);
    c.open();
    ::raise(SIGKILL);
  });
  kernel::GuardedStripe guarded(f.segment(), s);
  auto mutex = guarded.mutex();
  mutex.lock();
  CHECK_FALSE(Window::is_open(s));
  CHECK(s.pend.load() == 0);
  mutex.unlock();
  CHECK(kernel::try_lock_stripe(f.segment(), s));
  kernel::unlock_stripe(s);
}

}  // namespace partage::test
