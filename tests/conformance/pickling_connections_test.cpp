// CPython's _TestPicklingConnections.
#include <cctype>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

// CPython sends connections of listeners and sockets; here there are pipes.
TEST_CASE("_TestPicklingConnections.test_pickling: Connections go to a child, which passes them on") {
  in_each_way_to_start([](World& world) {
    const auto [lconn, lconn_child] = Pipe();
    const auto [rconn, rconn_child] = Pipe();
    // One gives out ends of new pipes; the other one answers at the other ends, which it is sent.
    Worker listener = world.start(
        [](const Connection& conn) {
          for (int i = 0; i < 3; ++i) {
            const auto [here, there] = Pipe();
            conn.send(std::make_pair(here, there));
          }
          conn.close();
        },
        lconn_child);
    Worker remote = world.start(
        [](const Connection& conn) {
          for (;;) {
            const auto [message, there] = conn.recv<std::pair<std::string, std::optional<Connection>>>();
            if (!there) break;
            std::string upper = message;
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            there->send(upper);
            there->close();
          }
          conn.close();
        },
        rconn_child);
    for (const std::string message : {"hello", "this connection", "came through a connection"}) {
      const auto [here, there] = lconn.recv<std::pair<Connection, Connection>>();
      rconn.send(std::make_pair(message, std::optional(there)));
      there.close();
      const auto answer = here.recv<std::string>();
      CHECK(answer.size() == message.size());
      CHECK(answer != message);
      CHECK(std::tolower(answer[0]) == message[0]);
      CHECK_THROWS_AS(here.recv<std::string>(), EOFError);
    }
    rconn.send(std::make_pair(std::string(), std::optional<Connection>()));
    CHECK(listener.join() == "");
    CHECK(remote.join() == "");
  });
}

TEST_CASE("_TestPicklingConnections.test_access: read-only and write-only ends go to a child") {
  in_each_way_to_start([](World& world) {
    const auto [conn, child_conn] = Pipe();
    Worker worker = world.start(
        [](const Connection& c) {
          const auto writer = c.recv<Connection>();
          expect(!writer.readable() && writer.writable(), "a write-only end");
          writer.send("all is well");
          writer.close();
          const auto reader = c.recv<Connection>();
          expect(reader.readable() && !reader.writable(), "a read-only end");
          const auto message = reader.recv<std::string>();
          c.send(message + message);
          c.close();
        },
        child_conn);
    {
      const auto [reader, writer] = Pipe(false);
      conn.send(writer);
      writer.close();
      CHECK(reader.recv<std::string>() == "all is well");
    }
    const auto [reader, writer] = Pipe(false);
    conn.send(reader);
    reader.close();
    writer.send("foobar");
    writer.close();
    CHECK(conn.recv<std::string>() == "foobarfoobar");
    CHECK(worker.join() == "");
  });
}
