// Message queues whose users are killed: while they sleep, while they wake up, in the middle of sending, receiving, creating and
// removing. Nothing that was acknowledged is lost, nothing comes twice or in halves, and the others go on.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <partage/partage.hpp>
#include <random>
#include <thread>

#include "manager/registry/reap.hpp"
#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/queue_key.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/sleeping.hpp"

namespace partage::test {

using Message = MessageQueue::Message;
namespace {

using namespace std::chrono_literals;

/// Numbers that forked processes share without the library.
class Board {
 public:
  static constexpr std::size_t size = 16;
  Board() {
    void* const at = ::mmap(nullptr, sizeof(Numbers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    numbers_ = new (at) Numbers{};
  }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  ~Board() { ::munmap(numbers_, sizeof(Numbers)); }
  std::atomic<long>& operator[](std::size_t i) const { return numbers_->at[i]; }

 private:
  struct Numbers {
    std::atomic<long> at[size];
  };
  Numbers* numbers_;
};

void nap_at_most(std::mt19937_64& random, int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(random() % static_cast<unsigned>(microseconds)));
}

std::string verified(const MessageQueue& queue) {
  const auto object = engine::MessageQueue::open(queue.key()).object();
  kernel::Segment& segment = *static_cast<const engine::SharedObject*>(object.get())->segment;
  kernel::reap_all_dead(segment, kernel::Orphans::take);
  return kernel::verify_segment(segment);
}

/// A message that shows if it is whole: its number, and as many bytes as that says.
std::string numbered(long n) {
  return std::to_string(n) + ':' + std::string(static_cast<std::size_t>(n * 37 % 400), static_cast<char>('a' + n % 26));
}
/// -1: it is none.
long number_in(const std::string& bytes) {
  const long n = std::atol(bytes.c_str());
  return bytes == numbered(n) ? n : -1;
}

}  // namespace

TEST_CASE("message queue: a receiver that is killed asleep takes nothing with it") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    ChildGroup group;
    const pid_t doomed = group.start([&] { MessageQueue::open(key).receive(1); });
    const pid_t other = group.start([&] { return MessageQueue::open(key).receive(2).bytes == "two" ? 0 : 1; });
    REQUIRE(sleeps(doomed));
    REQUIRE(sleeps(other));
    group.kill(doomed);
    queue.send("one", 1);
    CHECK(queue.size() == 1);
    queue.send("two", 2);
    CHECK(group.wait(other, 20s).ok());
    CHECK(queue.receive(1, 20s).bytes == "one");
  }
  CHECK(verified(queue) == "");
}

TEST_CASE("message queue: a receiver that is killed as it wakes keeps no other from its message") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  std::mt19937_64 random(test_seed() + 1);
  PARTAGE_SHOW_SEED();
  for (long round = 0; round < repeats(40); ++round) {
    CAPTURE(round);
    ChildGroup group;
    const pid_t doomed = group.start([=] { queue.receive(1); });
    const pid_t rival = group.start([=] { return queue.receive(1).bytes.starts_with("one") ? 0 : 1; });
    const pid_t other = group.start([=] { return queue.receive(2).bytes == "two" ? 0 : 1; });
    for (const pid_t pid : {doomed, rival, other}) REQUIRE(sleeps(pid));
    queue.send("two", 2);  // wakes all three
    queue.send("one", 1);
    nap_at_most(random, 60);
    group.kill(doomed);
    CHECK(group.wait(other, 20s).ok());
    queue.send("one more", 1);  // the first may have been received by the one that is dead
    CHECK(group.wait(rival, 20s).ok());
    while (queue.try_receive()) {
    }
  }
  CHECK(verified(queue) == "");
}

TEST_CASE(
    "message queue: of senders that are killed, every message that was acknowledged is there, whole and in order") {
  const QueueKey key;
  std::mt19937_64 random(test_seed() + 2);
  PARTAGE_SHOW_SEED();
  const auto queue = MessageQueue::create(key);
  for (long round = 0; round < repeats(15); ++round) {
    CAPTURE(round);
    const Board acknowledged;
    ChildGroup group;
    std::vector<pid_t> senders;
    for (long type = 1; type <= 3; ++type) {
      senders.push_back(group.start([&, type] {
        const auto mine = MessageQueue::open(key);
        for (long n = 1;; ++n) {
          mine.send(numbered(n), type);
          acknowledged[static_cast<std::size_t>(type)] = n;
        }
      }));
    }
    REQUIRE(eventually([&] { return acknowledged[1] != 0 && acknowledged[2] != 0 && acknowledged[3] != 0; }, 20s));
    nap_at_most(random, 3000);
    for (const pid_t pid : senders) {
      group.kill(pid);
      nap_at_most(random, 300);
    }
    long last[4] = {};
    while (const auto message = queue.try_receive(random() % 8 == 0 ? 3 : 0)) {
      REQUIRE(number_in(message->bytes) == last[message->type] + 1);
      ++last[message->type];
    }
    while (const auto message = queue.try_receive()) {
      REQUIRE(number_in(message->bytes) == last[message->type] + 1);
      ++last[message->type];
    }
    for (long type = 1; type <= 3; ++type) {
      const long told = acknowledged[static_cast<std::size_t>(type)];
      CHECK(last[type] >= told);
      CHECK(last[type] <= told + 1);
    }
  }
  CHECK(verified(queue) == "");
}

TEST_CASE("message queue: receivers that are killed lose at most the one message each was receiving") {
  const QueueKey key;
  std::mt19937_64 random(test_seed() + 3);
  PARTAGE_SHOW_SEED();
  const auto queue = MessageQueue::create(key);
  for (long round = 0; round < repeats(10); ++round) {
    CAPTURE(round);
    constexpr long messages = 400;
    for (long n = 1; n <= messages; ++n) queue.send(numbered(n), 1 + n % 4);
    const Board got;  // per receiver: how many, and the last one's number
    ChildGroup group;
    std::vector<pid_t> receivers;
    for (std::size_t r = 0; r < 3; ++r) {
      // From the middle too: types 1 to 3 stand between each other and the fourth.
      receivers.push_back(group.start([&, r] {
        const auto mine = MessageQueue::open(key);
        const long type = static_cast<long>(r) + 1;
        for (;;) {
          const Message message = mine.receive(type);
          if (number_in(message.bytes) % 4 + 1 != type || number_in(message.bytes) <= got[r + 8]) return 1;
          got[r + 8] = number_in(message.bytes);
          ++got[r];
        }
      }));
    }
    REQUIRE(eventually([&] { return got[0] != 0 && got[1] != 0 && got[2] != 0; }, 20s));
    nap_at_most(random, 1500);
    for (const pid_t pid : receivers) group.kill(pid);
    const long total = got[0] + got[1] + got[2];
    long left = 0, fourth = 0, last[5] = {};
    while (const auto message = queue.try_receive()) {
      const long n = number_in(message->bytes);
      REQUIRE(n > last[message->type]);
      last[message->type] = n;
      ++left;
      fourth += message->type == 4;
    }
    CHECK(total + left <= messages);
    CHECK(total + left >= messages - 3);
    CHECK(fourth == messages / 4);
  }
  CHECK(verified(queue) == "");
}

TEST_CASE("message queue: whoever is killed while creating or removing one, the key works and nobody sleeps for ever") {
  const QueueKey key;
  std::mt19937_64 random(test_seed() + 4);
  PARTAGE_SHOW_SEED();
  for (long round = 0; round < repeats(40); ++round) {
    CAPTURE(round);
    const auto old = MessageQueue::create(key);
    ChildGroup group;
    const pid_t waiting = group.start([&] {
      try {
        old.receive(7);
      } catch (const ShutDown&) {
        return 0;
      }
      return 1;
    });
    const pid_t doomed = group.start([&] {
      for (;;) {
        try {
          const auto queue = MessageQueue::create(key);
          queue.send("x");
          queue.remove();
        } catch (const ShutDown&) {
        }
      }
    });
    nap_at_most(random, 4000);
    group.kill(doomed);
    try {
      const auto now = MessageQueue::create(key);  // what is there, or a new one
      now.send("y", 2);
      CHECK(now.receive(2, 20s).bytes == "y");
      now.remove();
    } catch (const ShutDown&) {
      FAIL("what create() returned was removed, and nobody was there to do it");
    }
    CHECK(group.wait(waiting, 20s).ok());
    CHECK_THROWS_AS(old.receive(), ShutDown);
    CHECK_FALSE(key.is_taken());
  }
}

TEST_CASE("message queue: more processes than it has places for come and are killed, and others still get in") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  for (int n = 0; n < 600; ++n) {
    const ChildResult end = run_child(
        [&] {
          MessageQueue::open(key).send("x", 1 + n);
          raise(SIGKILL);
        },
        20s);
    REQUIRE(end.code == SIGKILL);
  }
  CHECK(queue.size() == 600);
  CHECK(verified(queue) == "");
}

}  // namespace partage::test
