// Real SIGKILLs, at random moments, of processes that wait, wake up, or have just got what they waited for, while another
// process keeps giving. Afterwards no wake-up is lost: everybody who is left proceeds; and nothing is lost or doubled that was
// not in the hands of one that was killed.

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_items = 200'000;
constexpr auto bound = 20s;  // for a wake-up, on a machine that has other things to do

/// What the processes tell in memory that survives them.
struct Board {
  std::atomic<bool> stop{false};
  std::atomic<long> steps[8]{};
  std::atomic<long> given{0};
  std::atomic<long> wrong{0};
  std::atomic<long> inside{0};
  std::atomic<long> tokens{0};
  std::atomic<std::uint8_t> seen[most_items]{};
};

class SharedBoard {
 public:
  SharedBoard() : board_(map()) {}
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  ~SharedBoard() { munmap(board_, sizeof(Board)); }
  Board* operator->() const { return board_; }
  Board& operator*() const { return *board_; }

 private:
  static Board* map() {
    void* p = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED);
    return new (p) Board;
  }
  Board* board_;
};

/// Processes that do the same step for ever, and are replaced when they are killed.
class Storm {
 public:
  using Step = std::function<void(Board&)>;

  Storm(std::size_t count, Step step) : step_(std::move(step)), random_(test_seed()) {
    for (std::size_t i = 0; i < count; ++i) pids_.push_back(start(i));
  }

  Board& board() { return *board_; }
  /// Somebody who is not killed.
  void giver(Step give) {
    giver_ = group_.start([this, give] {
      while (!board_->stop) give(*board_);
    });
  }
  void stop_giver() {
    board_->stop = true;
    const ChildResult end = group_.wait(giver_, std::chrono::milliseconds(bound));
    CHECK_MESSAGE(end.ok(), end.describe());
  }

  void kill_some(long kills) {
    for (long n = 0; n < kills; ++n) {
      usleep(static_cast<useconds_t>(random_() % 3'000));
      const std::size_t i = random_() % pids_.size();
      group_.kill(pids_[i]);
      pids_[i] = start(i);
    }
    CHECK(board_->wrong == 0);
  }
  void kill_all() {
    for (const pid_t pid : pids_) group_.kill(pid);
  }
  /// Each of them finishes another step.
  bool all_proceed() {
    std::vector<long> before;
    for (std::size_t i = 0; i < pids_.size(); ++i) before.push_back(board_->steps[i]);
    return eventually(
        [&] {
          for (std::size_t i = 0; i < pids_.size(); ++i) {
            if (board_->steps[i] < before[i] + 1) return false;
          }
          return true;
        },
        bound);
  }

 private:
  pid_t start(std::size_t i) {
    return group_.start([this, i] {
      for (;;) {
        step_(*board_);
        ++board_->steps[i];
      }
    });
  }

  SharedBoard board_;
  Step step_;
  std::mt19937_64 random_;
  ChildGroup group_;
  std::vector<pid_t> pids_;
  pid_t giver_ = 0;
};

// ---- locks and permits ----------------------------------------------------------------------------------------------

template <class L>
void lock_storm(const L& lock, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) {
    lock.acquire();
    const bool died = lock.owner_died();
    // Who finds somebody inside has got the lock from one that died there.
    if (b.inside.exchange(getpid()) != 0 && !died) ++b.wrong;
    if (lock.owner_died()) ++b.wrong;
    b.inside = 0;
    lock.release();
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  CHECK(lock.acquire(bound));
  lock.release();
  CHECK(!lock.locked());
}

void semaphore_storm(const BoundedSemaphore& semaphore, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(5, [=](Board& b) {
    semaphore.acquire();
    if (semaphore.get_value() > 1) ++b.wrong;
    semaphore.release();
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  CHECK(semaphore.get_value() == 2);
  for (int i = 0; i < 2; ++i) CHECK(semaphore.acquire(bound));
  CHECK(!semaphore.try_acquire());
}

void hand_over_storm(const Semaphore& ready, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) {
    ready.acquire();
    ++b.tokens;
  });
  storm.giver([=](Board& b) {
    ready.release();
    ++b.given;
    if (ready.get_value() > 20) usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  // What was given has been taken; only those that were killed may have taken one and not said so.
  CHECK(eventually([&] { return ready.get_value() == 0; }, bound));
  CHECK(eventually([&] { return storm.board().tokens >= storm.board().given - kills; }, bound));
  CHECK(storm.board().tokens <= storm.board().given);
}

// ---- conditions, events, barriers -----------------------------------------------------------------------------------

void condition_storm(const Condition& ready, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) {
    ready.acquire();
    while (b.tokens == 0) ready.wait();
    --b.tokens;
    ready.release();
  });
  storm.giver([=](Board& b) {
    ready.acquire();
    if (b.tokens < 3) {
      ++b.tokens;
      ++b.given;
      ready.notify();
    }
    ready.release();
    usleep(100);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  // One notification for each token: were one lost with a waiter that died, a token would lie there while all sleep.
  CHECK(eventually([&] { return storm.board().tokens == 0; }, bound));
  CHECK(storm.board().given > 0);
}

void event_storm(const Event& event, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board&) { event.wait(); });
  storm.giver([=](Board&) {
    event.set();
    usleep(100);
    event.clear();
    usleep(300);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  event.clear();
  usleep(20'000);
  event.set();
  CHECK(storm.all_proceed());
}

void barrier_storm(const Barrier& barrier, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(3, [=](Board&) {
    try {
      barrier.wait();
    } catch (const BrokenBarrierError&) {
      if (barrier.broken()) barrier.reset();
    }
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  CHECK(eventually([&] { return barrier.broken() || barrier.n_waiting() == 0; }, bound));
  barrier.reset();
  CHECK(!barrier.broken());
  CHECK(barrier.n_waiting() == 0);
}

// ---- queues, lists, dicts -------------------------------------------------------------------------------------------

/// Each item at most once; missing only what a killed process had got.
void check_seen(Board& b, long kills) {
  long missing = 0, doubled = 0;
  for (long i = 0; i < b.given; ++i) {
    missing += b.seen[i] == 0;
    doubled += b.seen[i] > 1;
  }
  CHECK(doubled == 0);
  CHECK(missing <= kills);
}

/// The next number to give, or -1 when there are enough.
long next_number(Board& b) {
  if (b.given == static_cast<long>(most_items)) {
    usleep(1000);
    return -1;
  }
  return b.given++;
}

std::string item_text(long n) {
  return std::string(static_cast<std::size_t>(n % 90), 'x') + std::to_string(1'000'000 + n);
}
long item_number(const std::string& text) {
  return std::stol(text.substr(text.size() - 6));
}

void queue_storm(const Queue<std::string>& queue, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) { ++b.seen[item_number(queue.get())]; });
  storm.giver([=](Board& b) {
    if (const long n = next_number(b); n >= 0) queue.put(item_text(n));
    if (b.given % 7 == 0) usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  CHECK(eventually([&] { return queue.empty(); }, bound));
  usleep(20'000);  // for the last ones to be noted
  check_seen(storm.board(), kills);
}

void putters_storm(const Queue<long>& queue, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) {
    const long n = next_number(b);
    if (n < 0) return;
    queue.put(n);
  });
  storm.giver([=](Board& b) {
    if (const auto n = queue.get(1ms * 50); ++b.seen[n] > 1) ++b.wrong;
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  // A killed putter drew a number and may not have put it; all that are there are got.
  CHECK(eventually([&] { return queue.empty(); }, bound));
  storm.board().stop = true;
  usleep(20'000);
  check_seen(storm.board(), kills + 4);
}

void joinable_storm(const JoinableQueue<std::string>& queue, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](Board& b) {
    ++b.seen[item_number(queue.get())];
    queue.task_done();
  });
  storm.giver([=](Board& b) {
    if (const long n = next_number(b); n >= 0) queue.put(item_text(n));
    if (b.given % 7 == 0) usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  CHECK(queue.join(bound));
  CHECK(queue.empty());
  Board& b = storm.board();
  long missing = 0, more = 0;
  for (long i = 0; i < b.given; ++i) {
    missing += b.seen[i] == 0;
    more += std::max(0, b.seen[i] - 1);
  }
  CHECK(missing == 0);
  CHECK(more <= static_cast<long>(queue.redeliveries()));
  CHECK(static_cast<long>(queue.redeliveries()) <= kills);
}

void list_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto list = manager.list<std::string>();
  Storm storm(4, [=](Board& b) {
    if (const auto item = list.pop_wait(10s)) ++b.seen[item_number(*item)];
  });
  storm.giver([=](Board& b) {
    if (list.size() > 20) {
      usleep(100);
    } else if (const long n = next_number(b); n >= 0) {
      list.append(item_text(n));
    }
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  CHECK(eventually([&] { return list.empty(); }, bound));
  usleep(20'000);
  check_seen(storm.board(), kills);
}

void dict_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto dict = manager.dict<std::string, long>();
  Storm storm(4, [=](Board& b) {
    // The number that is given next.
    const long n = b.given;
    const auto found = dict.wait(std::to_string(n), 10s);
    if (found && *found != n) ++b.wrong;
  });
  storm.giver([=](Board& b) {
    const long n = b.given;
    dict.set(std::to_string(n), n);
    ++b.given;
    if (n >= 1000) dict.erase(std::to_string(n - 1000));
    usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
}

constexpr long few = 120, many = 2'000;

}  // namespace

// With a manager, which reaps the dead at once; and in the process tree, where nobody does until a slot is wanted.
TEST_CASE("waiters for a Lock are killed") {
  lock_storm(Manager().Lock(), repeats(few));
  lock_storm(Lock(), repeats(few));
}
TEST_CASE("waiters for an RLock are killed") {
  lock_storm(Manager().RLock(), repeats(few));
  lock_storm(RLock(), repeats(few));
}
TEST_CASE("waiters for a Semaphore are killed") {
  semaphore_storm(Manager().BoundedSemaphore(2), repeats(few));
  semaphore_storm(BoundedSemaphore(2), repeats(few));
}
TEST_CASE("waiters for permits that are handed over are killed") {
  hand_over_storm(Manager().Semaphore(0, {.signal = true}), repeats(few));
  hand_over_storm(Semaphore(0, {.signal = true}), repeats(few));
}
TEST_CASE("waiters for a Condition are killed") {
  condition_storm(Manager().Condition(), repeats(few));
  condition_storm(Condition(), repeats(few));
}
TEST_CASE("waiters for an Event are killed") {
  event_storm(Manager().Event(), repeats(few));
  event_storm(Event(), repeats(few));
}
TEST_CASE("waiters in a Barrier are killed") {
  barrier_storm(Manager().Barrier(3), repeats(few));
  barrier_storm(Barrier(3), repeats(few));
}
TEST_CASE("waiters for an item of a Queue are killed") {
  queue_storm(Manager().Queue<std::string>(8), repeats(few));
  queue_storm(Queue<std::string>(8), repeats(few));
}
TEST_CASE("waiters for room in a Queue are killed") {
  putters_storm(Manager().Queue<long>(3), repeats(few));
  putters_storm(Queue<long>(3), repeats(few));
}
TEST_CASE("consumers of a JoinableQueue are killed") {
  joinable_storm(Manager().JoinableQueue<std::string>(8), repeats(few));
  joinable_storm(JoinableQueue<std::string>(8), repeats(few));
}
TEST_CASE("waiters for an element of a list are killed") {
  Manager manager;
  list_storm(manager, repeats(2 * few));
}
TEST_CASE("waiters for a key of a dict are killed") {
  Manager manager;
  dict_storm(manager, repeats(2 * few));
}

TEST_SUITE("serial:waiters") {
  TEST_CASE("a death in a Barrier reaches those who stand in it within 100 ms") {
    Manager manager;
    for (const Barrier& barrier : {manager.Barrier(4), Barrier(4)}) {
      std::vector<std::chrono::steady_clock::duration> times;
      for (int round = 0; round < 7; ++round) {
        ChildGroup group;
        const auto party = [&] {
          try {
            barrier.wait();
            return 1;
          } catch (const BrokenBarrierError&) {
            return 0;
          }
        };
        const pid_t victim = group.start(party);
        const pid_t others[] = {group.start(party), group.start(party)};
        REQUIRE(eventually([&] { return barrier.n_waiting() == 3; }, bound));
        const auto begin = std::chrono::steady_clock::now();
        group.kill(victim);
        for (const pid_t pid : others) {
          const ChildResult end = group.wait(pid, std::chrono::milliseconds(bound));
          CHECK_MESSAGE(end.ok(), end.describe());
        }
        times.push_back(std::chrono::steady_clock::now() - begin);
        CHECK(barrier.broken());
        barrier.reset();
      }
      std::ranges::sort(times);
      CHECK(times[times.size() / 2] < 100ms);
    }
  }
}

TEST_SUITE("full:storm") {
  TEST_CASE("waiters of every kind are killed thousands of times") {
    Manager manager;
    lock_storm(manager.Lock(), many);
    lock_storm(Lock(), many);
    lock_storm(manager.RLock(), many);
    lock_storm(RLock(), many);
    semaphore_storm(manager.BoundedSemaphore(2), many);
    semaphore_storm(BoundedSemaphore(2), many);
    hand_over_storm(manager.Semaphore(0, {.signal = true}), many);
    hand_over_storm(Semaphore(0, {.signal = true}), many);
    condition_storm(manager.Condition(), many);
    condition_storm(Condition(), many);
    event_storm(manager.Event(), many);
    event_storm(Event(), many);
    barrier_storm(manager.Barrier(3), many);
    barrier_storm(Barrier(3), many);
    queue_storm(manager.Queue<std::string>(8), many);
    queue_storm(Queue<std::string>(8), many);
    putters_storm(manager.Queue<long>(3), many);
    putters_storm(Queue<long>(3), many);
    joinable_storm(manager.JoinableQueue<std::string>(8), many);
    joinable_storm(JoinableQueue<std::string>(8), many);
    list_storm(manager, many);
    dict_storm(manager, many);
  }
}

}  // namespace partage::test
