// Threads of one process on one message queue, and on the table of what the process has open: for ThreadSanitizer.

#include <doctest/doctest.h>

#include <atomic>
#include <partage/partage.hpp>
#include <thread>

#include "tests/support/queue_key.hpp"

namespace partage::test {

using Message = MessageQueue::Message;

TEST_CASE("message queue: threads send, receive by type, open, and create under one key") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  constexpr int each = 400;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (long type = 1; type <= 3; ++type) {
    threads.emplace_back([&, type] {
      for (int n = 0; n < each; ++n) queue.send(std::string(static_cast<std::size_t>(n % 90), 'x'), type);
    });
    threads.emplace_back([&, type] {
      for (int n = 0; n < each; ++n)
        right += queue.receive(type) == Message{std::string(static_cast<std::size_t>(n % 90), 'x'), type};
    });
  }
  threads.emplace_back([&] {
    for (int n = 0; n < 50; ++n)
      right += MessageQueue::open(key).is(queue) && MessageQueue::create(key).size() <= 3 * each;
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 3 * each + 50);
  std::thread waiting([&] { CHECK_THROWS_AS(queue.receive(), ShutDown); });
  queue.remove();
  waiting.join();
}

}  // namespace partage::test
