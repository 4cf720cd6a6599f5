// The control socket: right messages are answered, everything else is dropped, and nobody can hold up the manager.
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <random>

#include "tests/server/fixture.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {

namespace {

using kernel::ControlKind;
using kernel::ControlMessage;

bool serves(ManagerFixture& at) {
  return kernel::ask(at.segment(), ControlKind::ping, 10s).has_value();
}

ControlMessage right(ManagerFixture& at, ControlKind kind) {
  ControlMessage message;
  message.kind = kind;
  message.segment = at.segment().header().id;
  return message;
}

/// The manager has closed this connection without a word.
bool is_dropped(int fd) {
  pollfd entry{fd, POLLIN, 0};
  char c[64];
  return poll(&entry, 1, 3000) == 1 && recv(fd, c, sizeof c, MSG_DONTWAIT) <= 0;
}

}  // namespace

TEST_CASE(
    "the name of the socket is a number that no two managers have in common, and that says nothing of the segment") {
  ManagerFixture at;
  const std::string name = kernel::control_name(at.segment());
  CHECK(name.size() == std::strlen("partage-") + 16);
  CHECK(name.starts_with("partage-"));
  CHECK(std::stoull(name.substr(8), nullptr, 16) != at.segment().header().id);
  at.kill_manager();
  at.restart();
  CHECK(kernel::control_name(at.segment()) != name);
  CHECK(serves(at));
}

TEST_CASE("garbage on the socket is dropped, and the manager goes on") {
  ManagerFixture at;
  std::mt19937_64 random(test_seed());
  const auto send_and_see = [&](const void* data, std::size_t size) {
    const int fd = kernel::connect_control(at.segment());
    REQUIRE(fd >= 0);
    send(fd, data, size, MSG_NOSIGNAL);
    const bool dropped = is_dropped(fd);
    close(fd);
    return dropped;
  };
  for (int i = 0; i < 200; ++i) {
    std::vector<std::uint64_t> noise(random() % 100 + 1);
    for (auto& word : noise) word = random();
    REQUIRE(send_and_see(noise.data(), random() % (noise.size() * 8) + 1));
  }
  ControlMessage m = right(at, ControlKind::ping);
  CHECK(send_and_see(&m, sizeof m - 1));
  CHECK(send_and_see(&m, 4));
  m.magic ^= 1;
  CHECK(send_and_see(&m, sizeof m));
  m = right(at, ControlKind::ping);
  m.version = 2;
  CHECK(send_and_see(&m, sizeof m));
  m = right(at, ControlKind::ping);
  m.segment ^= 1;
  CHECK(send_and_see(&m, sizeof m));
  for (const int kind : {0, 4, 5, 6, 65535}) {
    m = right(at, static_cast<ControlKind>(kind));
    CHECK(send_and_see(&m, sizeof m));
  }
  const std::vector<char> huge(100'000, 'x');
  CHECK(send_and_see(huge.data(), huge.size()));
  CHECK(serves(at));
  CHECK(at->verify() == "");
}

TEST_CASE("a thousand connections that say nothing") {
  ManagerFixture at;
  std::vector<int> open;
  for (int i = 0; i < 1000; ++i) {
    const int fd = kernel::connect_control(at.segment());
    if (fd >= 0) open.push_back(fd);
  }
  CHECK(open.size() > 64);
  CHECK(serves(at));
  CHECK(is_dropped(open[0]));
  CHECK(is_dropped(open.back()));  // after two idle seconds
  for (const int fd : open) close(fd);
  CHECK(serves(at));
}

TEST_CASE("several messages on one connection") {
  ManagerFixture at;
  const int fd = kernel::connect_control(at.segment());
  REQUIRE(fd >= 0);
  for (int i = 0; i < 50; ++i) {
    ControlMessage m = right(at, i % 2 != 0 ? ControlKind::look : ControlKind::ping);
    REQUIRE(send(fd, &m, sizeof m, MSG_NOSIGNAL) == sizeof m);
    if (i % 2 != 0) continue;
    pollfd entry{fd, POLLIN, 0};
    REQUIRE(poll(&entry, 1, 2000) == 1);
    REQUIRE(recv(fd, &m, sizeof m, 0) == sizeof m);
    CHECK(m.kind == ControlKind::pong);
  }
  close(fd);
}

TEST_CASE("peers that never stop talking do not keep the manager from the others") {
  ManagerFixture at;
  const int fd = kernel::connect_control(at.segment());
  REQUIRE(fd >= 0);
  const ControlMessage look = right(at, ControlKind::look);
  ChildGroup talkers;
  for (int i = 0; i < 3; ++i) {
    talkers.start([&] {
      while (send(fd, &look, sizeof look, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN) {
      }
    });
  }
  for (int i = 0; i < 50; ++i) CHECK(serves(at));
  close(fd);
}

TEST_CASE("another user is refused, with a sentence") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  ManagerFixture at;
  const ChildResult r = run_child(
      [&] {
        // A client checks its peer too; here it is to be the manager who refuses.
        const std::string name = kernel::control_name(at.segment());
        if (setresuid(65534, 65534, 65534) != 0) return 2;
        if (kernel::connect_control(at.segment()) >= 0) return 3;
        const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        if (connect(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) return 4;
        ControlMessage answer;
        if (recv(fd, &answer, sizeof answer, 0) != sizeof answer) return 5;
        if (answer.kind != ControlKind::refused) return 6;
        return answer.value == static_cast<kernel::u64>(kernel::RefusedReason::other_user) ? 0 : 7;
      },
      5s);
  CHECK_MESSAGE(r.ok(), r.describe());
  CHECK(serves(at));
}

TEST_CASE("who asks for the end hears whether anything was lost") {
  for (const bool kept : {true, false}) {
    CAPTURE(kept);
    auto segment = kernel::make_segment({.initial = 0, .max = std::size_t{4} << 20});
    ChildGroup group;
    const pid_t server =
        group.start([&] { kernel::serve(*segment, kernel::Lifetime::until_told, {.ended = [&] { return kept; }}); });
    REQUIRE(eventually([&] { return kernel::is_manager_alive(*segment); }, 10s));
    const kernel::EndRequest first(*segment, 10s), second(*segment, 1s);
    CHECK(first.wait(10s));
    CHECK(second.wait(10s));
    CHECK(first.lost() == !kept);
    CHECK(group.wait(server, 2s).ok());
  }
}

TEST_CASE("a manager that runs out of descriptors goes on") {
  auto segment = kernel::make_segment({.initial = 0, .max = std::size_t{4} << 20});
  ChildGroup group;
  const pid_t server = group.start([&] {
    const rlimit few{20, 20};
    for (int fd = 3; fd < 200; ++fd) {
      if (fd != segment->object().fd()) close(fd);
    }
    setrlimit(RLIMIT_NOFILE, &few);
    kernel::serve(*segment, kernel::Lifetime::until_told, {});
  });
  REQUIRE(eventually([&] { return kernel::is_manager_alive(*segment); }, 10s));
  std::vector<pid_t> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(group.start([&] {
      join(*segment);
      for (;;) pause();
    }));
  }
  CHECK(eventually([&] { return kernel::Clients(*segment).count() == 31; }, 10s));
  CHECK(kernel::ask(*segment, ControlKind::ping, 10s));
  for (const pid_t pid : clients) group.kill(pid);
  CHECK(eventually([&] { return kernel::Clients(*segment).count() == 1; }, 10s));
  kernel::stop_manager(*segment);
  CHECK(group.wait(server, 2s).ok());
}

}  // namespace partage::test
