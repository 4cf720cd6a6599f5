// Real SIGKILLs, at random moments, of processes that wait, wake up, or have just got what they waited for, while another
// process keeps giving. Afterwards no wake-up is lost: everybody who is left proceeds; and nothing is lost or doubled that was
// not in the hands of one that was killed.

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

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
class Victims {
 public:
  Victims(std::size_t count, std::function<void(std::size_t)> step) : step_(std::move(step)), random_(test_seed()) {
    for (std::size_t i = 0; i < count; ++i) pids_.push_back(start(i));
  }

  Board& board() { return *board_; }
  /// Somebody who is not killed.
  void giver(std::function<void()> give) {
    giver_ = group_.start([this, give] {
      while (!board_->stop) give();
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
        step_(i);
        ++board_->steps[i];
      }
    });
  }

  SharedBoard board_;
  std::function<void(std::size_t)> step_;
  std::mt19937_64 random_;
  ChildGroup group_;
  std::vector<pid_t> pids_;
  pid_t giver_ = 0;
};

// The steps are made before the board they write on; this is how they find it.
Board* board = nullptr;

struct Storm : Victims {
  Storm(std::size_t count, std::function<void(std::size_t)> step)
      : Victims(count, [this, step = std::move(step)](std::size_t i) {
          board = &this->board();
          step(i);
        }) {
    board = &this->board();
  }
};

// ---- locks and permits ----------------------------------------------------------------------------------------------

template <class L>
void lock_storm(const L& lock, long kills) {
  PARTAGE_SHOW_SEED();
  Storm storm(4, [=](std::size_t) {
    lock.acquire();
    const bool died = lock.owner_died();
    // Who finds somebody inside has got the lock from one that died there.
    if (board->inside.exchange(getpid()) != 0 && !died) ++board->wrong;
    if (lock.owner_died()) ++board->wrong;
    board->inside = 0;
    lock.release();
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  CHECK(lock.acquire(bound));
  lock.release();
  CHECK(!lock.locked());
}

void semaphore_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto semaphore = manager.BoundedSemaphore(2);
  Storm storm(5, [=](std::size_t) {
    semaphore.acquire();
    if (semaphore.get_value() > 1) ++board->wrong;
    semaphore.release();
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.kill_all();
  CHECK(semaphore.get_value() == 2);
  for (int i = 0; i < 2; ++i) CHECK(semaphore.acquire(bound));
  CHECK(!semaphore.try_acquire());
}

void hand_over_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto ready = manager.Semaphore(0, {.signal = true});
  Storm storm(4, [=](std::size_t) {
    ready.acquire();
    ++board->tokens;
  });
  storm.giver([=] {
    ready.release();
    ++board->given;
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

void condition_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto ready = manager.Condition();
  Storm storm(4, [=](std::size_t) {
    ready.acquire();
    while (board->tokens == 0) ready.wait();
    --board->tokens;
    ready.release();
  });
  storm.giver([=] {
    ready.acquire();
    if (board->tokens < 3) {
      ++board->tokens;
      ++board->given;
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

void event_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto event = manager.Event();
  Storm storm(4, [=](std::size_t) { event.wait(); });
  storm.giver([=] {
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

void barrier_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto barrier = manager.Barrier(3);
  Storm storm(3, [=](std::size_t) {
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
long next_number() {
  if (board->given == static_cast<long>(most_items)) {
    usleep(1000);
    return -1;
  }
  return board->given++;
}

std::string item_text(long n) {
  return std::string(static_cast<std::size_t>(n % 90), 'x') + std::to_string(1'000'000 + n);
}
long item_number(const std::string& text) {
  return std::stol(text.substr(text.size() - 6));
}

void queue_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto queue = manager.Queue<std::string>(8);
  Storm storm(4, [=](std::size_t) { ++board->seen[item_number(queue.get())]; });
  storm.giver([=] {
    if (const long n = next_number(); n >= 0) queue.put(item_text(n));
    if (board->given % 7 == 0) usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
  CHECK(eventually([&] { return queue.empty(); }, bound));
  usleep(20'000);  // for the last ones to be noted
  check_seen(storm.board(), kills);
}

void putters_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto queue = manager.Queue<long>(3);
  Storm storm(4, [=](std::size_t) {
    const long n = next_number();
    if (n < 0) return;
    queue.put(n);
  });
  storm.giver([=] {
    if (const auto n = queue.get(1ms * 50); ++board->seen[n] > 1) ++board->wrong;
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

void joinable_storm(Manager& manager, long kills) {
  PARTAGE_SHOW_SEED();
  const auto queue = manager.JoinableQueue<std::string>(8);
  Storm storm(4, [=](std::size_t) {
    ++board->seen[item_number(queue.get())];
    queue.task_done();
  });
  storm.giver([=] {
    if (const long n = next_number(); n >= 0) queue.put(item_text(n));
    if (board->given % 7 == 0) usleep(200);
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
  Storm storm(4, [=](std::size_t) {
    if (const auto item = list.pop_wait(10s)) ++board->seen[item_number(*item)];
  });
  storm.giver([=] {
    if (list.size() > 20) {
      usleep(100);
    } else if (const long n = next_number(); n >= 0) {
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
  Storm storm(4, [=](std::size_t) {
    // The number that is given next.
    const long n = board->given;
    const auto found = dict.wait(std::to_string(n), 10s);
    if (found && *found != n) ++board->wrong;
  });
  storm.giver([=] {
    const long n = board->given;
    dict.set(std::to_string(n), n);
    ++board->given;
    if (n >= 1000) dict.erase(std::to_string(n - 1000));
    usleep(200);
  });
  storm.kill_some(kills);
  CHECK(storm.all_proceed());
  storm.stop_giver();
}

constexpr long few = 250, many = 3'000;

}  // namespace

TEST_CASE("waiters for a Lock are killed") {
  Manager manager;
  lock_storm(manager.Lock(), repeats(few));
}
TEST_CASE("waiters for an RLock are killed") {
  Manager manager;
  lock_storm(manager.RLock(), repeats(few));
}
TEST_CASE("waiters for a Semaphore are killed") {
  Manager manager;
  semaphore_storm(manager, repeats(few));
}
TEST_CASE("waiters for permits that are handed over are killed") {
  Manager manager;
  hand_over_storm(manager, repeats(few));
}
TEST_CASE("waiters for a Condition are killed") {
  Manager manager;
  condition_storm(manager, repeats(few));
}
TEST_CASE("waiters for an Event are killed") {
  Manager manager;
  event_storm(manager, repeats(few));
}
TEST_CASE("waiters in a Barrier are killed") {
  Manager manager;
  barrier_storm(manager, repeats(few));
}
TEST_CASE("waiters for an item of a Queue are killed") {
  Manager manager;
  queue_storm(manager, repeats(few));
}
TEST_CASE("waiters for room in a Queue are killed") {
  Manager manager;
  putters_storm(manager, repeats(few));
}
TEST_CASE("consumers of a JoinableQueue are killed") {
  Manager manager;
  joinable_storm(manager, repeats(few));
}
TEST_CASE("waiters for an element of a list are killed") {
  Manager manager;
  list_storm(manager, repeats(few));
}
TEST_CASE("waiters for a key of a dict are killed") {
  Manager manager;
  dict_storm(manager, repeats(few));
}

TEST_SUITE("full:storm") {
  TEST_CASE("waiters of every kind are killed thousands of times") {
    Manager manager;
    lock_storm(manager.Lock(), many);
    lock_storm(manager.RLock(), many);
    semaphore_storm(manager, many);
    hand_over_storm(manager, many);
    condition_storm(manager, many);
    event_storm(manager, many);
    barrier_storm(manager, many);
    queue_storm(manager, many);
    putters_storm(manager, many);
    joinable_storm(manager, many);
    list_storm(manager, many);
    dict_storm(manager, many);
  }
}

}  // namespace partage::test
