// CPython's TestWait.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
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
  static std::mt19937_64 random(test_seed() + static_cast<std::uint64_t>(::getpid()));  // another one in each child
  if (slow) std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
}

void write_messages(const Connection& writer, int child, bool slow) {
  for (int i = 0; i < 10; ++i) {
    pause_if(slow);
    writer.send(Message(i, child));
  }
  writer.close();
}

void wait_for_connections(StartMethod method, bool slow) {
  PARTAGE_SHOW_SEED();
  std::vector<Connection> readers;
  std::list<Child> children;
  for (int child = 0; child < 4; ++child) {
    const auto [reader, writer] = Pipe(false);
    children.emplace_back(ProcessOptions{.daemon = true, .start_method = method}, write_messages, writer, child, slow);
    children.back()->start();
    readers.push_back(reader);
    writer.close();
  }
  std::vector<Message> messages;
  while (!readers.empty()) {
    const auto all_ready = partage::wait(readers, long_enough);
    REQUIRE_FALSE(all_ready.empty());
    for (const Waitable& ready : all_ready) {
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
  for (Child& child : children) {
    CHECK(child.ends());
    CHECK(child->exitcode() == 0);
  }
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void write_lines(std::uint16_t port, bool slow) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  expect(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "somebody who listens");
  for (int i = 0; i < 10; ++i) {
    pause_if(slow);
    const std::string text = std::to_string(i) + '\n';
    expect(::send(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "it is sent");
  }
  ::close(fd);
}

void wait_for_sockets(StartMethod method, bool slow) {
  PARTAGE_SHOW_SEED();
  const engine::Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  REQUIRE(::listen(listener.fd(), 4) == 0);
  std::list<Child> children;
  std::list<engine::Descriptor> sockets;
  std::vector<int> readers;
  for (int child = 0; child < 4; ++child) {
    children.emplace_back(ProcessOptions{.daemon = true, .start_method = method}, write_lines, ntohs(address.sin_port),
                          slow);
    children.back()->start();
    REQUIRE(partage::wait({listener.fd()}, long_enough).size() == 1);
    sockets.emplace_back(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    readers.push_back(sockets.back().fd());
  }
  std::map<int, std::string> text;
  while (!readers.empty()) {
    const auto all_ready = partage::wait(readers, long_enough);
    REQUIRE_FALSE(all_ready.empty());
    for (const Waitable& ready : all_ready) {
      CHECK(ready.connection() == nullptr);
      char buffer[32];
      const ssize_t n = ::recv(ready.fileno(), buffer, sizeof buffer, 0);
      if (n > 0) {
        text[ready.fileno()].append(buffer, static_cast<std::size_t>(n));
      } else {
        std::erase(readers, ready.fileno());
      }
    }
  }
  CHECK(text.size() == 4);
  for (const auto& [fd, all] : text) CHECK(all == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  for (Child& child : children) {
    CHECK(child.ends());
    CHECK(child->exitcode() == 0);
  }
}

}  // namespace

TEST_CASE("TestWait.test_wait: four writers; who is at the end is taken out") {
  with_each_start_method([](StartMethod method) { wait_for_connections(method, false); });
}
TEST_CASE("TestWait.test_wait_slow: the same with pauses") {
  with_each_start_method([](StartMethod method) { wait_for_connections(method, true); });
}
TEST_CASE("TestWait.test_wait_socket: descriptors of sockets") {
  with_each_start_method([](StartMethod method) { wait_for_sockets(method, false); });
}
TEST_CASE("TestWait.test_wait_socket_slow: the same with pauses") {
  with_each_start_method([](StartMethod method) { wait_for_sockets(method, true); });
}

TEST_CASE("TestWait.test_wait_timeout: nothing after the timeout, else what is ready") {
  const auto [a, b] = Pipe();
  CHECK(takes(timeout, [a = a, b = b] { CHECK(partage::wait({a, b}, timeout).empty()); }));
  b.send(Object(nullptr));
  const auto ready = partage::wait({a, b}, 60s);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0] == a);
}

TEST_CASE("TestWait.test_wait_integer: the end of a process among Connections") {
  with_each_start_method([](StartMethod method) {
    const Semaphore started(0);
    const auto [a, b] = Pipe();
    Child child(
        ProcessOptions{.start_method = method},
        [](const Semaphore& s) {
          s.release();
          std::this_thread::sleep_for(timeout);
        },
        started);
    child->start();
    const int sentinel = child->sentinel();
    REQUIRE(started.acquire(long_enough));
    using All = std::vector<Waitable>;
    CHECK(partage::wait({a, sentinel, b}, long_enough) == All{sentinel});
    a.send(1);
    CHECK(partage::wait({a, sentinel, b}, long_enough) == All{sentinel, b});
    b.send(1);
    CHECK(partage::wait({a, sentinel, b}, long_enough) == All{a, sentinel, b});
    child->terminate();
    CHECK(child.ends());
  });
}

TEST_CASE("TestWait.test_neg_timeout: a negative timeout is none") {
  const auto [a, b] = Pipe();
  CHECK(partage::wait({a}, -1s).empty());
}
