// CPython's _TestPoll and TestIgnoreEINTR.
#include <signal.h>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestPoll.test_empty_string: an empty message is one") {
  in_each_way_to_start([](World& world) {
    const auto [a, b] = Pipe();
    Worker worker = world.start(
        [](const Connection& c) {
          c.send_bytes("");
          c.close();
        },
        b);
    CHECK(a.poll(60s));
    CHECK(a.poll());
    CHECK(a.recv_bytes() == "");
    b.close();
    CHECK(a.poll(60s));
    CHECK(a.poll());  // its end, which stays
    CHECK_THROWS_AS(a.recv_bytes(), EOFError);
    CHECK(worker.join() == "");
  });
}

TEST_CASE("_TestPoll.test_strings: messages keep their boundaries") {
  in_each_way_to_start([](World& world) {
    const std::vector<std::string> strings{"hello", "", "a", "b", "", "bye", "", "lop"};
    const auto [a, b] = Pipe();
    Worker worker = world.start(
        [](const Connection& c, const std::vector<std::string>& all) {
          for (const std::string& s : all) {
            std::this_thread::sleep_for(2ms);
            c.send_bytes(s);
          }
          c.close();
        },
        b, strings);
    for (const std::string& s : strings) {
      while (!a.poll(10ms)) {
      }
      CHECK(a.recv_bytes() == s);
    }
    CHECK(worker.join() == "");
  });
}

TEST_CASE("_TestPoll.test_boundaries: poll() in another process takes nothing out") {
  in_each_way_to_start([](World& world) {
    const auto [reader, writer] = Pipe(false);
    Worker worker = world.start([](const Connection& c) { expect(c.poll(60s), "a message"); }, reader);
    std::this_thread::sleep_for(moment);
    writer.send_bytes("first");
    writer.send_bytes("second");
    writer.close();
    CHECK(worker.join() == "");
    CHECK(reader.recv_bytes() == "first");
    CHECK(reader.recv_bytes() == "second");
  });
}

TEST_CASE("_TestPoll.test_dont_merge: messages are never put together") {
  in_each_way_to_start([](World& world) {
    const auto [a, b] = Pipe();
    CHECK_FALSE(a.poll(0s));
    CHECK_FALSE(b.poll(0s));
    Worker worker = world.start(
        [](const Connection& c) {
          c.send_bytes("a");
          c.send_bytes("b");
          c.send_bytes("cd");
        },
        b);
    CHECK(a.recv_bytes() == "a");
    CHECK(a.poll(60s));
    CHECK(a.poll(60s));
    CHECK(a.recv_bytes() == "b");
    for (int i = 0; i < 3; ++i) CHECK(a.poll(60s));
    CHECK(a.recv_bytes() == "cd");
    CHECK(worker.join() == "");
  });
}

TEST_CASE("TestIgnoreEINTR.test_ignore: a signal with a handler ends neither send() nor recv()") {
  with_each_start_method([](StartMethod method) {
    constexpr std::size_t size = 300'000;  // more than fits
    const auto [conn, child_conn] = Pipe();
    Child child(
        ProcessOptions{.start_method = method},
        [](const Connection& c) {
          struct sigaction action {};
          action.sa_handler = [](int) {};
          sigaction(SIGUSR1, &action, nullptr);  // without SA_RESTART
          c.send("ready");
          c.send(c.recv<int>());
          for (int i = 0; i < 5; ++i) c.send_bytes(std::string(size, 'x'));
        },
        child_conn);
    child->start();
    child_conn.close();
    REQUIRE(conn.poll(long_enough));
    CHECK(conn.recv<std::string>() == "ready");
    std::this_thread::sleep_for(moment);
    ::kill(child->pid(), SIGUSR1);
    std::this_thread::sleep_for(moment);
    conn.send(1234);
    REQUIRE(conn.poll(long_enough));
    CHECK(conn.recv<int>() == 1234);
    std::this_thread::sleep_for(moment);
    ::kill(child->pid(), SIGUSR1);
    std::this_thread::sleep_for(moment);
    for (int i = 0; i < 5; ++i) {
      REQUIRE(conn.poll(long_enough));
      CHECK(conn.recv_bytes() == std::string(size, 'x'));
    }
    CHECK(child.ends());
    CHECK(child->exitcode() == 0);
  });
}
