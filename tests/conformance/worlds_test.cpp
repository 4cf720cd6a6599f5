// The worlds themselves: a worker's failure reaches the test, and all four are run.
#include <unistd.h>

#include <set>
#include <string>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("worlds: what a worker expects in vain is a failure of its join()") {
  in_each_world([](World& world) {
    Worker good = world.start([] { expect(true, "nothing"); });
    CHECK(good.join() == "");
    Worker bad = world.start([] { expect(false, "the impossible"); });
    CHECK(bad.join() == (world.forks() ? "exit code 1" : "expected: the impossible"));
  });
}

TEST_CASE("worlds: workers are where they should be, and so are objects") {
  in_each_world([](World& world) {
    const auto pid = world.Value<pid_t>(0);
    Worker worker = world.start([=] { pid = ::getpid(); });
    CHECK(worker.join() == "");
    CHECK((pid == ::getpid()) == !world.forks());
    if (world.managed()) CHECK(world.manager().objects().size() == 1);
  });
}

TEST_CASE("worlds: a worker that is given up does not outlive its Worker") {
  const Event never;
  const Value<pid_t> pid(0);
  {
    Worker stuck(Worker::Kind::process, [=] {
      pid = ::getpid();
      never.wait();
    });
    CHECK(eventually([&] { return pid != 0; }, 60s));
    CHECK(stuck.is_running());
  }
  CHECK(process_state(pid) == 0);
}
