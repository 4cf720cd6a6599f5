// Who waits for ever: the search over what was seen, without any process.
#include "manager/tool/wait_graph.hpp"

#include <doctest/doctest.h>

using namespace partage::tool;

namespace {

BlockedThread blocked(pid_t pid, const char* object, std::vector<LockHolder> holders, bool timed = false) {
  return {pid, pid, object, std::move(holders), timed};
}

std::vector<std::string> sentences(const std::vector<BlockedThread>& waits,
                                   const std::map<pid_t, std::size_t>& threads = {}) {
  std::vector<std::string> all;
  for (const Deadlock& deadlock : deadlocks(waits, threads)) all.push_back(sentence_for(deadlock, waits));
  return all;
}

}  // namespace

TEST_CASE("wait graph: nobody waits, or for somebody who is awake") {
  CHECK(sentences({}).empty());
  CHECK(sentences({blocked(1, "lock 'a'", {{2}})}).empty());
  CHECK(sentences({blocked(1, "lock 'a'", {{2}}), blocked(2, "lock 'b'", {{3}})}).empty());
}

TEST_CASE("wait graph: two locks in two orders") {
  const std::vector<std::string> all = sentences({blocked(12, "lock 'b'", {{13}}), blocked(13, "lock 'a'", {{12}})});
  REQUIRE(all.size() == 1);
  CHECK(all[0] ==
        "Deadlock: process 12 waits for lock 'b', which process 13 holds, and process 13 waits for lock 'a', which "
        "process 12 "
        "holds.");
}

TEST_CASE("wait graph: a circle of three, and one that waits for it") {
  const std::vector<BlockedThread> waits{blocked(9, "lock 'a'", {{1}}), blocked(1, "lock 'b'", {{2}}),
                                         blocked(2, "lock 'c'", {{3}}), blocked(3, "lock 'a'", {{1}})};
  const auto found = deadlocks(waits, {});
  REQUIRE(found.size() == 1);
  CHECK(found[0].circle == std::vector<std::size_t>{1, 2, 3});  // not 9, who only suffers from it
  CHECK(found[0].certain);
}

TEST_CASE("wait graph: two circles are two") {
  CHECK(sentences({blocked(1, "lock 'b'", {{2}}), blocked(2, "lock 'a'", {{1}}), blocked(3, "lock 'd'", {{4}}),
                   blocked(4, "lock 'c'", {{3}})})
            .size() == 2);
}

TEST_CASE("wait graph: a process that waits for what it holds") {
  CHECK(sentences({blocked(7, "lock 'a'", {{7}})}) ==
        std::vector<std::string>{"Deadlock: process 7 waits for lock 'a', which it holds itself."});
}

TEST_CASE("wait graph: a timeout ends it, and so does whoever may set an event") {
  CHECK(sentences({blocked(1, "lock 'b'", {{2}}, true), blocked(2, "lock 'a'", {{1}})}).empty());
  CHECK(sentences({blocked(1, "event 'e'", {}), blocked(2, "lock 'a'", {{1}})}).empty());
}

TEST_CASE("wait graph: a permit comes back from any of those who have one") {
  const BlockedThread first = blocked(1, "semaphore 's'", {{2}, {3}});
  const BlockedThread second = blocked(2, "lock 'a'", {{1}}), third = blocked(3, "lock 'a'", {{1}});
  CHECK(sentences({first, second}).empty());  // 3 is awake
  CHECK(sentences({first, second, third}).size() == 1);
}

TEST_CASE("wait graph: another thread of the holder may release a lock, and must be asleep for certainty") {
  const std::vector<BlockedThread> waits{blocked(12, "lock 'b'", {{13}}), blocked(13, "lock 'a'", {{12}})};
  const std::vector<std::string> doubtful = sentences(waits, {{12, 1}, {13, 4}});
  REQUIRE(doubtful.size() == 1);
  CHECK(doubtful[0].starts_with("Perhaps a deadlock: process 12 waits for lock 'b'"));
  CHECK(doubtful[0].ends_with(", unless another thread of process 13 releases it."));
  // All of its threads wait for each other.
  const std::vector<BlockedThread> more{waits[0], waits[1], {13, 14, "lock 'a'", {{12}}, false}};
  const std::vector<std::string> certain = sentences(more, {{12, 1}, {13, 2}});
  REQUIRE(certain.size() == 1);
  CHECK(certain[0].starts_with("Deadlock: "));
}

TEST_CASE("wait graph: an rlock is released by the thread that has it") {
  const BlockedThread waiter = blocked(12, "rlock 'r'", {{13, 14}});
  CHECK(sentences({waiter, {13, 13, "lock 'a'", {{12}}, false}}, {{13, 2}}).empty());  // thread 14 is awake
  const std::vector<std::string> all =
      sentences({waiter, {13, 14, "rlock 'q'", {{12, 12}}, false}}, {{13, 2}, {12, 3}});
  REQUIRE(all.size() == 1);
  CHECK(all[0].starts_with("Deadlock: "));
}
