// CPython's _TestRemoteManager and _TestManagerRestart: managers that others find by their address.
//
// There the address is one of TCP and a key opens it; here it is a name on this machine, and the user id decides. What
// cannot be sent does not compile: tests/compile_fail.
#include <unistd.h>

#include <cstddef>
#include <tuple>
#include <vector>

#include "tests/support/shm_litter.hpp"
#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Bytes = std::vector<std::byte>;
using Sent = std::tuple<std::vector<Object>, Bytes>;

std::string name_for(const std::string& what) {
  return "conformance-" + what + '-' + std::to_string(::getpid());
}
Sent message() {
  Bytes bytes;
  for (const char c : std::string("hall\xe5 v\xe4rlden")) bytes.push_back(static_cast<std::byte>(c));
  return {{"hello world", nullptr, true, 2.25, "hall\u00e5 v\u00e4rlden",
           "\u043f\u0440\u0438\u0432\u0456\u0442 \u0441\u0432\u0456\u0442"},
          bytes};
}

}  // namespace

TEST_CASE("_TestRemoteManager.test_remote: two clients meet at an address") {
  const NoLitter clean;
  const Manager manager({.name = name_for("remote")});
  // A process that has nothing of this manager but its address.
  Worker putter(Worker::Kind::process, [address = manager.address()] {
    const Manager mine = Manager::connect(address);
    mine.Queue<Sent>(named("queue")).put(message());
  });
  const Manager second = Manager::connect(manager.address());
  const auto queue = second.Queue<Sent>(named("queue"));
  CHECK(queue.get(60s) == message());
  CHECK(putter.join() == "");
  CHECK_THROWS_AS((void)second.Queue<int>(named("queue")), TypeError);
}

TEST_CASE("_TestManagerRestart.test_rapid_restart: the address can be used again at once") {
  const NoLitter clean;
  const std::string name = name_for("restart");
  {
    Manager manager({.name = name});
    Worker putter(Worker::Kind::process, [address = manager.address()] {
      Manager::connect(address).Queue<std::string>(named("queue")).put("hello world");
    });
    CHECK(putter.join() == "");
    CHECK(manager.Queue<std::string>(named("queue")).get(60s) == "hello world");
    manager.shutdown();
  }
  const Manager manager({.name = name});
  CHECK(manager.is_alive());
  CHECK(manager.Queue<std::string>(named("queue")).empty());
}
