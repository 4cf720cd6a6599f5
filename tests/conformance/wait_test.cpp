// CPython's TestWait.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>

#include "tests/support/seed.hpp"
#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Message = std::pair<int, int>;  // which of the ten, and of which child

void pause_if(bool slow) {
  static std::mt19937_64 random(test_seed());
  if (slow) std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
}

void wait_for_connections(bool slow) {
  PARTAGE_SHOW_SEED();
  std::vector<Connection> readers;
  std::list<Worker> children;
  for (int child = 0; child < 4; ++child) {
    const auto [reader, writer] = Pipe(false);
    children.emplace_back(Worker::Kind::process, [=, writer = writer] {
      for (int i = 0; i < 10; ++i) {
        pause_if(slow);
        writer.send(Message(i, child));
      }
      writer.close();
    });
    readers.push_back(reader);
    writer.close();
  }
  std::vector<Message> messages;
  while (!readers.empty()) {
    for (const Waitable& ready : partage::wait(readers)) {
      try {
        messages.push_back(ready.connection()->recv<Message>());
      } catch (const EOFError&) {
        std::erase(readers, *ready.connection());
        ready.connection()->close();
      }
    }
  }
  std::vector<Message> expected;
  for (int i = 0; i < 10; ++i) {
    for (int child = 0; child < 4; ++child) expected.emplace_back(i, child);
  }
  std::ranges::sort(messages);
  CHECK(messages == expected);
  for (Worker& child : children) CHECK(child.join() == "");
}

void wait_for_sockets(bool slow) {
  PARTAGE_SHOW_SEED();
  std::vector<int> readers;
  std::list<Worker> children;
  for (int child = 0; child < 4; ++child) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    children.emplace_back(Worker::Kind::process, [=] {
      for (int i = 0; i < 10; ++i) {
        pause_if(slow);
        const std::string text = std::to_string(i) + '\n';
        expect(::send(ends[1], text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "it is sent");
      }
    });
    readers.push_back(ends[0]);
    ::close(ends[1]);
  }
  std::map<int, std::string> text;
  while (!readers.empty()) {
    for (const Waitable& ready : partage::wait(readers)) {
      CHECK(ready.connection() == nullptr);
      char buffer[32];
      const ssize_t n = ::recv(ready.fileno(), buffer, sizeof buffer, 0);
      if (n > 0) {
        text[ready.fileno()].append(buffer, static_cast<std::size_t>(n));
      } else {
        std::erase(readers, ready.fileno());
        ::close(ready.fileno());
      }
    }
  }
  CHECK(text.size() == 4);
  for (const auto& [fd, all] : text) CHECK(all == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  for (Worker& child : children) CHECK(child.join() == "");
}

}  // namespace

TEST_CASE("TestWait.test_wait: four writers; who is at the end is taken out") {
  wait_for_connections(false);
}
TEST_CASE("TestWait.test_wait_slow: the same with pauses") {
  wait_for_connections(true);
}
TEST_CASE("TestWait.test_wait_socket: descriptors of sockets") {
  wait_for_sockets(false);
}
TEST_CASE("TestWait.test_wait_socket_slow: the same with pauses") {
  wait_for_sockets(true);
}

TEST_CASE("TestWait.test_wait_timeout: nothing after the timeout, else what is ready") {
  const auto [a, b] = Pipe();
  CHECK(takes(timeout, [a = a, b = b] { CHECK(partage::wait({a, b}, timeout).empty()); }));
  b.send(Object(nullptr));
  const auto ready = partage::wait({a, b}, 60s);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0] == a);
}

// A sentinel is a descriptor that becomes readable when the process ends.
TEST_CASE("TestWait.test_wait_integer: the end of a process among Connections") {
  const Semaphore started(0);
  const auto [a, b] = Pipe();
  Process child([=] {
    started.release();
    std::this_thread::sleep_for(timeout);
  });
  child.start();
  const int sentinel = static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0));
  REQUIRE(sentinel >= 0);
  started.acquire();
  using All = std::vector<Waitable>;
  CHECK(partage::wait({a, sentinel, b}, 60s) == All{sentinel});
  a.send(1);
  CHECK(partage::wait({a, sentinel, b}, 60s) == All{sentinel, b});
  b.send(1);
  CHECK(partage::wait({a, sentinel, b}, 60s) == All{a, sentinel, b});
  child.join();
  ::close(sentinel);
}

TEST_CASE("TestWait.test_neg_timeout: a negative timeout is none") {
  const auto [a, b] = Pipe();
  CHECK(partage::wait({a}, -1s).empty());
}
