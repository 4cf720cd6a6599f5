// CPython's _TestConnection.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// Sends back what it receives: a value, bytes until there are none, and a value.
void echo(const Connection& connection) {
  connection.send(connection.recv<Object>());
  for (ReceivedBytes bytes = connection.recv_bytes(); !bytes.empty(); bytes = connection.recv_bytes()) {
    connection.send_bytes(bytes);
  }
  connection.send(connection.recv<Object>());
  connection.close();
}

}  // namespace

TEST_CASE("_TestConnection.test_connection: every way to send and to receive") {
  in_each_way_to_start([](World& world) {
    const auto [conn, child_conn] = Pipe();
    Worker worker = world.start([](const Connection& c) { echo(c); }, child_conn);

    const Object sequence = boost::json::array{1, 2.25, nullptr};
    conn.send(sequence);
    CHECK(conn.recv<Object>() == sequence);

    const std::string message = "hello world";
    conn.send_bytes(message);
    CHECK(conn.recv_bytes() == message);

    const std::array<int, 4> numbers{0, 1, 2, 3};
    const auto bytes = std::as_bytes(std::span(numbers));
    std::array<int, 10> buffer{};
    conn.send_bytes(bytes);
    CHECK(conn.recv_bytes_into(std::as_writable_bytes(std::span(buffer))) == sizeof numbers);
    CHECK(buffer == std::array<int, 10>{0, 1, 2, 3});
    buffer = {};
    conn.send_bytes(bytes);
    CHECK(conn.recv_bytes_into(std::as_writable_bytes(std::span(buffer)), 3 * sizeof(int)) == sizeof numbers);
    CHECK(buffer == std::array<int, 10>{0, 0, 0, 0, 1, 2, 3});

    std::string long_message;
    for (int i = 0; i < 10; ++i) long_message += message;
    std::array<std::byte, 40> small{};
    conn.send_bytes(long_message);
    try {
      (void)conn.recv_bytes_into(small);
      FAIL("it fits into 40 bytes");
    } catch (const BufferTooShort& e) {
      CHECK(e.bytes() == long_message);
    }

    CHECK_FALSE(conn.poll());
    CHECK_FALSE(conn.poll(-1s));
    CHECK(takes(timeout, [&, c = conn] { CHECK_FALSE(c.poll(timeout)); }));

    const std::string really_big(16 * 1024 * 1024, 'X');
    conn.send_bytes(really_big);
    CHECK(conn.poll(60s));
    CHECK(conn.recv_bytes() == really_big);

    conn.send_bytes("");
    conn.send(Object(nullptr));
    CHECK(conn.poll(60s));
    CHECK(conn.recv<Object>() == Object(nullptr));
    child_conn.close();
    CHECK(conn.readable());
    CHECK(conn.writable());
    CHECK_THROWS_AS(conn.recv<Object>(), EOFError);
    CHECK_THROWS_AS(conn.recv_bytes(), EOFError);
    CHECK(worker.join() == "");
  });
}

TEST_CASE("_TestConnection.test_duplex_false: one end reads, one writes") {
  in_each_unmanaged_world([](World&) {
    const auto [reader, writer] = Pipe(false);
    writer.send(1);
    CHECK(reader.recv<int>() == 1);
    CHECK(reader.readable());
    CHECK_FALSE(reader.writable());
    CHECK_FALSE(writer.readable());
    CHECK(writer.writable());
    CHECK_THROWS_AS(reader.send(2), ValueError);
    CHECK_THROWS_AS(writer.recv<int>(), ValueError);
    CHECK_THROWS_AS((void)writer.poll(), ValueError);
  });
}

// Only with processes: a thread's copy of a Connection is closed with the others.
TEST_CASE("_TestConnection.test_spawn_close: the child's end is closed in the parent as soon as the child is started") {
  with_each_start_method([](StartMethod method) {
    const auto [conn, child_conn] = Pipe();
    Worker worker(
        method,
        [](const Connection& c) {
          const std::string bytes = c.recv_bytes();
          c.send_bytes(bytes);
          c.close();
        },
        child_conn);
    child_conn.close();
    conn.send_bytes("hello");
    REQUIRE(conn.poll(long_enough));
    CHECK(conn.recv_bytes() == "hello");
    conn.close();
    CHECK(worker.join() == "");
  });
}

TEST_CASE("_TestConnection.test_sendbytes: a part of the bytes") {
  in_each_unmanaged_world([](World&) {
    const std::string all = "abcdefghijklmnopqrstuvwxyz";
    const auto [a, b] = Pipe();
    a.send_bytes(all);
    CHECK(b.recv_bytes() == all);
    a.send_bytes(all, 5);
    CHECK(b.recv_bytes() == all.substr(5));
    a.send_bytes(all, 7, 8);
    CHECK(b.recv_bytes() == all.substr(7, 8));
    a.send_bytes(all, 26);
    CHECK(b.recv_bytes() == "");
    a.send_bytes(all, 26, 0);
    CHECK(b.recv_bytes() == "");
    CHECK_THROWS_AS(a.send_bytes(all, 27), ValueError);
    CHECK_THROWS_AS(a.send_bytes(all, 22, 5), ValueError);
    CHECK_THROWS_AS(a.send_bytes(all, 26, 1), ValueError);
    CHECK_THROWS_AS(a.send_bytes(all, -1), ValueError);
    CHECK_THROWS_AS(a.send_bytes(all, 4, -1), ValueError);
  });
}

// CPython sends any descriptor, to a process by its pid; here it is a Connection that is sent.
TEST_CASE("_TestConnection.test_fd_transfer: a descriptor goes to a child, and the child writes to it") {
  with_each_start_method([](StartMethod method) {
    const auto [conn, child_conn] = Pipe();
    Worker worker(
        method, [](const Connection& c) { c.recv<Connection>().send_bytes("foo"); }, child_conn);
    const auto [reader, writer] = Pipe(false);
    conn.send(writer);
    writer.close();
    CHECK(worker.join() == "");
    CHECK(reader.recv_bytes() == "foo");
    CHECK_THROWS_AS(reader.recv_bytes(), EOFError);
  });
}

TEST_CASE("_TestConnection.test_large_fd_transfer: the descriptor has a number above 256") {
  with_each_start_method([](StartMethod method) {
    const auto [conn, child_conn] = Pipe();
    Worker worker(
        method,
        [](const Connection& c) {
          std::vector<int> open;
          while (open.empty() || open.back() < 300) open.push_back(::dup(0));
          const auto received = c.recv<Connection>();
          expect(received.fileno() > 256, "a descriptor above 256");
          received.send_bytes("bar");
        },
        child_conn);
    const auto [reader, writer] = Pipe(false);
    const int large = ::fcntl(writer.fileno(), F_DUPFD_CLOEXEC, 257);
    REQUIRE(large > 256);
    const auto descriptor = std::make_shared<const engine::Descriptor>(large);
    conn.send(Connection(std::make_shared<engine::Channel>(descriptor, false, true)));
    CHECK(worker.join() == "");
    CHECK(reader.recv_bytes() == "bar");
  });
}

TEST_CASE("_TestConnection.test_missing_fd_transfer: the message came, the descriptor did not") {
  const auto [a, b] = engine::Channel::pair(true);
  engine::Parcel parcel = engine::pack(Connection(a));
  parcel.descriptors.clear();
  a->send(std::move(parcel));
  CHECK_THROWS_WITH_AS(Connection(b).recv<Connection>(), doctest::Contains("without its descriptor"), Corrupt);
}

TEST_CASE("_TestConnection.test_context: the scope of the Connections closes them") {
  Connection outlives;
  std::optional<std::pair<Connection, Connection>> pipe = Pipe();
  outlives = pipe->second;
  {
    const auto [a, b] = std::move(*pipe);
    pipe.reset();
    a.send(1729);
    CHECK(b.recv<int>() == 1729);
    CHECK_FALSE(a.closed());
  }
  CHECK_THROWS_AS(outlives.recv<int>(), EOFError);
  outlives.close();
  CHECK(outlives.closed());
  CHECK_THROWS_AS(outlives.recv<int>(), ValueError);
}
