// Connections: messages of every kind and size, handles and Connections inside them, directions, ends, errors.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <set>
#include <thread>

#include "manager/platform/descriptors.hpp"
#include "tests/proxy/support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

std::string bytes_of(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 131 + n);
  return text;
}

struct Order {
  int number = 0;
  std::vector<std::string> what;
  std::optional<double> price;
  bool operator==(const Order&) const = default;
};

/// A handle inside a type with serialize().
struct Crate {
  ListProxy<int> list;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& list;
  }
};

/// The objects of a manager when the last parcels are gone.
bool come_down_to(const Manager& manager, std::size_t n) {
  return eventually([&] { return manager.objects().size() == n; }, 10s);
}

}  // namespace

TEST_CASE("connection: values of any type arrive in their order") {
  const auto [a, b] = Pipe();
  a.send(7);
  a.send("text");
  a.send(Order{3, {"x", "y"}, 2.5});
  a.send(std::map<std::string, std::vector<int>>{{"k", {1, 2}}});
  a.send(Object(boost::json::object{{"n", nullptr}}));
  a.send(std::vector<bool>{});
  CHECK(b.recv<int>() == 7);
  CHECK(b.recv<std::string>() == "text");
  CHECK(b.recv<Order>() == Order{3, {"x", "y"}, 2.5});
  CHECK(b.recv<std::map<std::string, std::vector<int>>>().at("k") == Ints{1, 2});
  CHECK(b.recv<Object>() == Object(boost::json::object{{"n", nullptr}}));
  CHECK(b.recv<std::vector<bool>>().empty());
  b.send(1.5);
  CHECK(a.recv<double>() == 1.5);
}

TEST_CASE("connection: messages of every size, as values and as bytes") {
  const auto [a, b] = Pipe();
  for (const std::size_t n : {0, 1, 100, 65'000, 65'535, 65'536, 65'537, 70'000, 300'000, 5'000'000}) {
    const std::string text = bytes_of(n);
    a.send_bytes(text);
    CHECK(b.recv_bytes() == text);
    a.send(text);
    CHECK(b.recv<std::string>() == text);
  }
}

TEST_CASE("connection: a socket with small buffers still carries long messages whole") {
  const auto [a, b] = Pipe();
  const int small = 4096;
  REQUIRE(setsockopt(a.fileno(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  const std::string text = bytes_of(60'000);
  a.send_bytes(text);
  CHECK(b.recv_bytes() == text);
}

TEST_CASE("connection: what bytes are, and what text") {
  const auto [a, b] = Pipe();
  a.send_bytes("abc");
  const std::string text = b.recv_bytes();
  CHECK(text == "abc");
  a.send_bytes(std::vector<std::byte>{std::byte{1}, std::byte{0}});
  const std::vector<std::byte> raw = b.recv_bytes();
  CHECK(raw == std::vector<std::byte>{std::byte{1}, std::byte{0}});
  a.send_bytes(std::vector<char>{'x', 'y'});
  CHECK(b.recv_bytes() == "xy");
  a.send_bytes(std::string_view("0123456789"), 2, 3);
  CHECK(b.recv_bytes() == "234");
}

TEST_CASE("connection: another type than was sent is a TypeError, and the next message is intact") {
  const auto [a, end] = Pipe();
  const auto& b = end;  // Clang 14 captures no bindings
  a.send(5);
  a.send(6);
  const std::string other = message_of<TypeError>([&] { b.recv<std::string>(); });
  CHECK_MESSAGE((has(other, "i32") && has(other, "str") && has(other, "taken out")), other);
  CHECK(b.recv<int>() == 6);
  a.send_bytes("abc");
  CHECK(has(message_of<TypeError>([&] { b.recv<int>(); }), "send_bytes"));
  a.send(5);
  CHECK(has(message_of<TypeError>([&] { b.recv_bytes(); }), "i32"));
  CHECK_FALSE(b.poll());
}

TEST_CASE("connection: a closed one, an empty one, and the wrong direction are ValueErrors") {
  const auto [reader, writer] = Pipe(false);
  CHECK(reader.readable());
  CHECK_FALSE(reader.writable());
  CHECK_FALSE(writer.readable());
  CHECK(writer.writable());
  CHECK(has(message_of<ValueError>([&, r = reader] { r.send(1); }), "read-only"));
  CHECK(has(message_of<ValueError>([&, w = writer] { w.recv<int>(); }), "write-only"));
  CHECK_THROWS_AS((void)writer.poll(), ValueError);
  const Connection copy = reader;
  CHECK(copy == reader);
  copy.close();
  copy.close();
  CHECK(reader.closed());
  CHECK(has(message_of<ValueError>([&, r = reader] { r.recv<int>(); }), "closed"));
  CHECK_THROWS_AS((void)reader.fileno(), ValueError);
  CHECK(text(reader) == "<Connection(closed)>");
  const Connection nothing;
  CHECK(nothing.closed());
  nothing.close();
  CHECK_THROWS_AS(nothing.send(1), ValueError);
}

TEST_CASE("connection: the end of the other end") {
  const auto [a, b] = Pipe();
  a.send(1);
  b.send("never read");  // a closes with this in it: the kernel calls that a reset
  a.close();
  CHECK(b.poll());
  CHECK(b.recv<int>() == 1);
  CHECK(b.poll());
  CHECK_THROWS_AS(b.recv<int>(), EOFError);
  CHECK_THROWS_AS(b.recv_bytes(), EOFError);
  CHECK(has(message_of<ConnectionError>([&, b = b] { b.send(1); }), "closed"));
}

TEST_CASE("connection: send() waits while the pipe is full, and for the end of the other end no longer") {
  const auto [a, b] = Pipe();
  std::atomic<int> sent = 0;
  std::thread sender([&, a = a] {
    try {
      for (;; ++sent) a.send_bytes(std::string(200'000, 'x'));
    } catch (const ConnectionError&) {
    }
  });
  CHECK(eventually([&] { return sent.load() != 0; }, 10s));
  std::this_thread::sleep_for(20ms);
  int room = 0;
  socklen_t size = sizeof room;
  REQUIRE(getsockopt(a.fileno(), SOL_SOCKET, SO_SNDBUF, &room, &size) == 0);
  CHECK(sent.load() <= room / 65'536 + 1);  // the rest of a long message is outside the socket
  b.close();
  sender.join();
}

TEST_CASE("connection: several writers and readers at the same ends") {
  const auto [a, b] = Pipe();
  std::vector<std::thread> threads;
  std::atomic<long> sum = 0;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([a = a] {
      for (int i = 1; i <= 300; ++i) a.send(i);
    });
    threads.emplace_back([&sum, b = b] {
      for (int i = 1; i <= 300; ++i) sum += b.recv<int>();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sum.load() == 3 * 300 * 301 / 2);
}

TEST_CASE("connection: bytes that are too long") {
  const auto [a, b] = Pipe();
  a.send_bytes("0123456789");
  a.send_bytes("abc");
  std::byte buffer[5]{};
  try {
    b.recv_bytes_into(buffer);
    FAIL("it fits");
  } catch (const BufferTooShort& e) {
    CHECK(e.bytes() == "0123456789");
  }
  CHECK(b.recv_bytes_into(buffer, 2) == 3);
  CHECK(buffer[2] == std::byte{'a'});
  CHECK_THROWS_AS(b.recv_bytes_into(buffer, 6), ValueError);
  a.send_bytes("0123456789");
  CHECK(b.recv_bytes(10) == "0123456789");
  a.send_bytes("0123456789");
  CHECK_THROWS_AS(b.recv_bytes(9), ValueError);
  CHECK_FALSE(b.readable());
  CHECK(has(message_of<ValueError>([&, c = b] { c.recv_bytes(); }), "longer than allowed"));
  b.send(1);
  CHECK(a.recv<int>() == 1);
  const auto [reader, writer] = Pipe(false);
  writer.send_bytes("0123456789");
  CHECK_THROWS_AS(reader.recv_bytes(9), ValueError);
  CHECK(reader.closed());
}

TEST_CASE("connection: the children are at the other end") {
  const auto [a, b] = Pipe();
  Process child([b = b, a = a] {
    a.close();
    try {
      for (;;) b.send(b.recv<int>() * 2);
    } catch (const EOFError&) {
    }
  });
  child.start();
  b.close();
  for (int i = 0; i < 100; ++i) {
    a.send(i);
    CHECK(a.recv<int>() == 2 * i);
  }
  a.close();
  child.join();
  CHECK(child.exitcode() == 0);
}

// ---- handles ---------------------------------------------------------------------------------------------------------

TEST_CASE("connection: a handle is held on the way") {
  const Manager manager;
  const auto [a, b] = Pipe();
  a.send(manager.list<int>({1, 2, 3}));
  CHECK(manager.objects().size() == 2);  // the list, and the parcel it is in
  CHECK(text(b.recv<ListProxy<int>>()) == "[1, 2, 3]");
  CHECK(come_down_to(manager, 0));

  const auto list = manager.list<int>({4});
  a.send(std::vector{list, list});
  const auto both = b.recv<std::vector<ListProxy<int>>>();
  CHECK(both[0].is(list));
  CHECK(both[1].is(list));
  a.send(Crate{list});
  CHECK(b.recv<Crate>().list.is(list));
  CHECK(come_down_to(manager, 1));
  const auto outer = manager.list<ListProxy<int>>({list});
  a.send(outer[0]);
  CHECK(b.recv<ListProxy<int>>().is(list));
}

TEST_CASE("connection: an object in a message that nobody reads is let go of when both ends are closed") {
  const Manager manager;
  {
    const auto [a, b] = Pipe();
    a.send(manager.list<int>({1}));
    b.close();
    CHECK(manager.objects().size() == 2);
  }
  CHECK(come_down_to(manager, 0));
  const auto [a, b] = Pipe();
  a.send(manager.list<int>({1}));
  b.close();
  CHECK_THROWS_AS(a.send(manager.list<int>({1})), ConnectionError);  // tells that nobody reads the first one
  CHECK(come_down_to(manager, 0));
}

TEST_CASE("connection: handles of several segments in one message, to a process that has none of them") {
  const auto [a, b] = Pipe();
  ChildGroup group;
  const pid_t receiver = group.start([b = b, a = a] {
    a.close();
    using Job = std::tuple<ListProxy<int>, Queue<std::string>, ListProxy<int>, Event>;
    const auto [one, two, three, event] = b.recv<Job>();
    if (one.size() != 1 || three.size() != 2 || two.get() != "job") return 1;
    one.append(10);
    three.append(30);
    event.set();
    (void)b.recv<int>();
    return 0;
  });
  b.close();
  const Manager first, second;
  const auto one = first.list<int>({1}), three = second.list<int>({1, 2});
  const Queue<std::string> two;
  const auto event = second.Event();
  two.put("job");
  a.send(std::make_tuple(one, two, three, event));
  REQUIRE(event.wait(20s));
  CHECK(text(one) == "[1, 10]");
  CHECK(text(three) == "[1, 2, 30]");
  a.send(0);
  const ChildResult end = group.wait(receiver, 20s);
  CHECK_MESSAGE(end.ok(), end.describe());
}

TEST_CASE("connection: handles travel when the manager is dead") {
  Manager manager;
  const auto list = manager.list<int>({1});
  const auto [a, b] = Pipe();
  ::kill(manager.pid(), SIGKILL);
  REQUIRE(eventually([&] { return !manager.is_alive(); }, 10s));
  a.send(list);
  const auto received = b.recv<ListProxy<int>>();
  received.append(2);
  a.close();
  CHECK(text(list) == "[1, 2]");
  manager.restart();
  CHECK(come_down_to(manager, 1));
}

TEST_CASE("connection: inside modify() handles are received, and not sent") {
  const Manager manager;
  const auto list = manager.list<int>({1}), other = manager.list<int>({5});
  const auto [a, b] = Pipe();
  const std::string why = message_of<UsageError>([&, a = a] { list.modify(0, [&](int&) { a.send(list); }); });
  CHECK_MESSAGE(has(why, "sending a handle"), why);
  CHECK_FALSE(b.poll());
  b.send(other);
  list.modify(0, [a = a](int& x) { x += a.recv<ListProxy<int>>().at(0); });
  CHECK(text(list) == "[6]");
  other.append(1);  // collects what was received in there
  CHECK(manager.objects().size() == 2);
}

TEST_CASE("connection: after the shutdown of their manager handles are refused") {
  Manager manager;
  const auto list = manager.list<int>({1});
  const auto [a, b] = Pipe();
  a.send(list);
  manager.shutdown();
  CHECK_THROWS_AS(b.recv<ListProxy<int>>(), ManagerShutdown);
  CHECK_THROWS_AS(a.send(list), ManagerShutdown);
  a.send(1);
  CHECK(b.recv<int>() == 1);
}

// ---- Connections as messages -----------------------------------------------------------------------------------------

TEST_CASE("connection: a Connection through a Connection") {
  const auto [a, b] = Pipe();
  {
    const auto [reader, writer] = Pipe(false);
    a.send(std::make_pair(std::string("speak here"), writer));
    a.send(std::vector<Connection>{reader});
  }
  const auto [what, writer] = b.recv<std::pair<std::string, Connection>>();
  const Connection reader = b.recv<std::vector<Connection>>().at(0);
  CHECK(what == "speak here");
  CHECK_FALSE(writer.readable());
  CHECK_FALSE(reader.writable());
  writer.send(5);
  CHECK(reader.recv<int>() == 5);
  writer.close();
  CHECK_THROWS_AS(reader.recv<int>(), EOFError);
  CHECK_THROWS_AS(a.send(writer), ValueError);
}

TEST_CASE("connection: nothing is left open") {
  const auto count = [] {
    std::size_t n = 0;
    for (int fd = 0; fd < 1024; ++fd) n += ::fcntl(fd, F_GETFD) >= 0;
    return n;
  };
  const Manager manager;
  const auto list = manager.list<int>();
  const std::size_t before = count();
  {
    const auto [a, b] = Pipe();
    a.send(list);
    a.send(std::make_pair(a, list));
    a.send_bytes(std::string(100'000, 'x'));
    (void)b.recv<ListProxy<int>>();
    (void)b.recv<std::pair<Connection, ListProxy<int>>>();
    a.send(b);
  }
  CHECK(count() == before);
}

// UBSan looks at types through a pipe of its own, and takes an object for none when it cannot open one.
#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("connection: without descriptors the message is lost with an error, and the rest goes on") {
  const ChildResult result = run_child(
      [] {
        const auto [a, b] = Pipe();
        a.send(a);
        a.send(1);
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 3;
        setrlimit(RLIMIT_NOFILE, &limit);
        try {
          (void)b.recv<Connection>();
          return 1;
        } catch (const ConnectionError& e) {
          if (!has(static_cast<const Error&>(e).what(), "ulimit -n")) return 2;
        }
        return b.recv<int>() == 1 ? 0 : 3;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}
#endif

TEST_CASE("connection: a message that lies about the size of its rest is refused, and the next one arrives") {
  const auto [a, b] = Pipe();
  struct Header {  // as in partage/engine/channel.hpp
    std::uint32_t magic = 0x314d4750;
    std::uint16_t version = 1, kind = 2;
    std::uint64_t in_file = 0;
  };
  const kernel::OwnedDescriptor small = kernel::make_sealed_file(std::as_bytes(std::span("0123456789", 10)));
  const kernel::OwnedDescriptor holes(::memfd_create("holes", MFD_CLOEXEC));
  REQUIRE(::ftruncate(holes.get(), off_t{1} << 50) == 0);
  const auto receive = [&, &from = b, &to = a](std::uint64_t in_file, int descriptor) {
    Header header;
    header.in_file = in_file;
    std::string near(100, 'x');
    const iovec pieces[] = {{&header, sizeof header}, {near.data(), near.size()}};
    REQUIRE(kernel::send_packet(to.fileno(), pieces, {&descriptor, 1}) == 0);
    return from.recv_bytes().size();
  };
  CHECK(receive(10, small.get()) == 110);
  CHECK_THROWS_AS(receive(11, small.get()), Corrupt);
  CHECK_THROWS_AS(receive(std::uint64_t{0} - 50, small.get()), Corrupt);  // with the 100 that are there: 50
  CHECK_THROWS_AS(receive(std::uint64_t{1} << 50, holes.get()), Corrupt);
  const kernel::OwnedDescriptor device(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  CHECK_THROWS_AS(receive(10, device.get()), Corrupt);
  a.send("well");
  CHECK(b.recv<std::string>() == "well");
}
