// The word that waiters sleep on: nobody sleeps through an announcement, and who announces to nobody pays nothing.

#include "manager/journal/wait_word.hpp"

#include <atomic>
#include <thread>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Clock;
using kernel::FutexWord;
using kernel::WaitWord;

struct Words {
  KernelFixture at;
  WaitWord& word = reinterpret_cast<WaitWord&>(at.words(1)[0]);
  u64 value() const { return reinterpret_cast<const kernel::Word&>(word).load(); }
};

bool announced(const FutexWord& seen) {
  return __atomic_load_n(seen.word, __ATOMIC_RELAXED) != seen.value;
}
void sleep_until_announced(const FutexWord& seen, Clock::duration most) {
  kernel::sleep_on({&seen, 1}, Clock::now() + most);
}

}  // namespace

TEST_CASE("wait word: an announcement to nobody changes nothing") {
  Words w;
  CHECK_FALSE(w.word.awaited());
  w.word.announce();
  CHECK(w.value() == 0);
}

TEST_CASE("wait word: an announcement between looking and sleeping is not slept through") {
  Words w;
  const FutexWord seen = w.word.expect();
  CHECK(w.word.awaited());
  CHECK(seen.value == 1);
  w.word.announce();
  CHECK_FALSE(w.word.awaited());
  CHECK(w.value() == 2);
  const auto begin = Clock::now();
  sleep_until_announced(seen, 10s);
  CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("wait word: sleeps are counted beside it") {
  Words w;
  const FutexWord seen = w.word.expect();
  w.word.count_sleep();
  w.word.count_sleep();
  CHECK(w.word.sleeps() == 2);
  CHECK_FALSE(announced(seen));
  CHECK(w.word.expect().value == seen.value);
  w.word.announce();
  CHECK(announced(seen));
  CHECK_FALSE(w.word.awaited());
  CHECK(w.value() == (kernel::u64{2} << 32 | 2));
}

TEST_CASE("wait word: with no announcement the sleep lasts until the deadline") {
  Words w;
  const FutexWord seen = w.word.expect();
  const auto until = Clock::now() + 30ms;
  while (Clock::now() < until) kernel::sleep_on({&seen, 1}, until);  // it may return early
  CHECK_FALSE(announced(seen));
  CHECK(w.word.expect().value == seen.value);  // who looks again waits for the same announcement
}

TEST_CASE("wait word: one announcement wakes all sleepers, of all processes") {
  Words w;
  ChildGroup group;
  std::vector<pid_t> sleepers;
  const FutexWord seen = w.word.expect();
  for (int i = 0; i < 4; ++i) {
    sleepers.push_back(group.start([&] {
      const auto until = Clock::now() + 20s;
      while (!announced(seen) && Clock::now() < until) kernel::sleep_on({&seen, 1}, until);
      return announced(seen) ? 0 : 1;
    }));
    REQUIRE(eventually([&] { return process_state(sleepers.back()) == 'S'; }, 5s));
  }
  w.word.announce();
  for (const pid_t pid : sleepers) {
    const ChildResult r = group.wait(pid, 10s);
    CHECK_MESSAGE(r.ok(), r.describe());
  }
}

TEST_CASE("wait word: a sleeper that is killed takes no wake-up from the others") {
  Words w;
  ChildGroup group;
  const FutexWord seen = w.word.expect();
  const auto sleeper = [&] {
    const auto until = Clock::now() + 20s;
    while (!announced(seen) && Clock::now() < until) kernel::sleep_on({&seen, 1}, until);
    return Clock::now() < until ? 0 : 1;
  };
  const pid_t killed = group.start(sleeper), left = group.start(sleeper);
  for (const pid_t pid : {killed, left}) REQUIRE(eventually([&] { return process_state(pid) == 'S'; }, 5s));
  group.kill(killed);
  CHECK(w.word.awaited());
  w.word.announce();
  const ChildResult r = group.wait(left, 10s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("wait word: a bit that a dead waiter left costs one announcement and no more") {
  Words w;
  die_after([&] { (void)w.word.expect(); });
  CHECK(w.word.awaited());
  w.word.announce();
  CHECK_FALSE(w.word.awaited());
  const u64 value = w.value();
  w.word.announce();
  CHECK(w.value() == value);
}

TEST_CASE("wait word: waiters and announcers at full speed") {
  Words w;
  kernel::RobustMutex& mutex = w.at.stripes(1)[0].mutex;
  std::atomic<long> items{0}, taken{0};
  constexpr long all = 20'000;
  const auto take = [&] {
    while (taken < all) {
      FutexWord seen{};
      {
        (void)mutex.acquire();
        if (items > 0) {
          --items, ++taken;
          if (taken >= all) w.word.announce();  // the other one may go
          mutex.release();
          continue;
        }
        seen = w.word.expect();
        mutex.release();
      }
      if (taken < all) kernel::sleep_on({&seen, 1}, Clock::now() + 10s);
    }
  };
  std::thread a(take), b(take);
  for (long i = 0; i < all; ++i) {
    (void)mutex.acquire();
    w.word.announce();
    ++items;
    mutex.release();
  }
  const auto begin = Clock::now();
  a.join();
  b.join();
  CHECK(taken == all);
  CHECK(Clock::now() - begin < 8s);  // nobody slept to the end of his time
}

}  // namespace partage::test
