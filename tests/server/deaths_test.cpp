// Who dies first, and what the manager makes of it, and how fast.
#include <fcntl.h>
#include <signal.h>

#include "tests/server/fixture.hpp"

namespace partage::test {

TEST_SUITE_BEGIN("serial:server");  // it measures time

TEST_CASE("a killed client's references come back at once") {
  ManagerFixture at;
  const ObjectRef list = at->new_list();
  for (int round = 0; round < 5; ++round) {
    SignalLine ready;
    ChildGroup group;
    const pid_t pid = group.start([&] {
      join(at.segment());
      at->registry().acquire(list);
      for (int i = 0; i < 20; ++i) at->append(at->new_list(false, "named for messages"), "x");
      ready.send(1);
      for (;;) pause();
    });
    ready.receive<int>();
    CHECK(at->count() == 21);
    const auto killed = std::chrono::steady_clock::now();
    group.kill(pid);
    REQUIRE(eventually([&] { return kernel::Clients(at.segment()).count() == 1 && at->count() == 1; }, 10s));
    CHECK(std::chrono::steady_clock::now() - killed < 200ms);
    // The manager may be busy with its last commits.
    REQUIRE(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
    CHECK(at->verify() == "");
  }
}

TEST_SUITE_END();

TEST_CASE("a client that never told the manager, and dies, is noticed by the tick") {
  ManagerFixture at;
  const ChildResult r = run_child(
      [&] {
        at.segment().client_slot = 0;
        kernel::Clients(at.segment()).attach();
        (void)at->new_list();
      },
      5s);
  CHECK(r.ok());
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 1 && at->count() == 0; }, 10s));
}

TEST_CASE("a client that becomes another program is noticed by the tick") {
  ManagerFixture at;
  const pid_t pid = fork();
  if (pid == 0) {
    join(at.segment());
    (void)at->new_list();
    usleep(100'000);  // the manager watches by now, and no descriptor tells it what comes
    execl("/bin/sleep", "sleep", "100", nullptr);
    _exit(1);
  }
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 2; }, 10s));
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 1 && at->count() == 0; }, 10s));
  sigkill_and_reap(pid);
}

TEST_CASE("a reservation without a child is taken back after its grace") {
  ManagerFixture at;
  SignalLine ready;
  ChildGroup group;
  const pid_t pid = group.start([&] {
    join(at.segment());
    (void)at->new_list();
    (void)kernel::Clients(at.segment()).reserve_for_child();
    ready.send(1);
    for (;;) pause();
  });
  ready.receive<int>();
  CHECK(kernel::Clients(at.segment()).count() == 3);
  group.kill(pid);
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 1; }, 10s));
  CHECK(at->count() == 0);
}

TEST_CASE("a child whose parent died between fork and adoption has its time") {
  ManagerFixture at;
  SignalLine ready, pids, done;
  ChildGroup group;
  const ObjectRef kept = at->new_list();
  const pid_t parent = group.start([&] {
    join(at.segment());
    const ObjectRef inherited = at->new_list();
    const kernel::ClientId child = kernel::Clients(at.segment()).reserve_for_child();
    if (fork() == 0) {
      ready.receive<int>();
      kernel::Clients(at.segment()).adopt(child);
      kernel::notify(at.segment(), child.slot);
      const bool whole = at->registry().facts(inherited).has_value();
      done.send(whole ? 1 : 0);
      _exit(0);
    }
    pids.send(1);
    for (;;) pause();
  });
  pids.receive<int>();
  group.kill(parent);
  usleep(20'000);
  ready.send(1);
  CHECK(done.receive<int>() == 1);
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 1 && at->count() == 1; }, 10s));
  at->release(kept);
}

TEST_CASE("the owner is killed: a private manager ends with the last client") {
  auto object_fd = -1;
  SignalLine told, go;
  ChildGroup group;
  const pid_t owner = group.start([&] {
    ManagerFixture at;
    told.send(getpid());
    told.send(at.pid());
    for (;;) pause();
  });
  CHECK(told.receive<pid_t>() == owner);
  const pid_t manager = told.receive<pid_t>();
  // A process that the owner knows nothing of gets the segment, as a forked child or over a socket would.
  for (int fd = 3; object_fd < 0 && fd < 64; ++fd) {
    const std::string path = "/proc/" + std::to_string(owner) + "/fd/" + std::to_string(fd);
    char target[200] = {};
    if (readlink(path.c_str(), target, sizeof target - 1) > 0 && std::string(target).starts_with("/dev/shm/")) {
      object_fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    }
  }
  REQUIRE(object_fd >= 0);
  auto mine = kernel::join_segment(kernel::MemoryObject(object_fd));
  Hosting hosting(*mine, kernel::Control::needs_manager);
  const ObjectRef list = hosting.new_list();
  group.kill(owner);
  CHECK(eventually([&] { return kernel::Clients(*mine).count() == 1; }, 10s));
  CHECK_FALSE(is_gone(manager));
  hosting.append(list, "still served");
  CHECK(hosting.count() == 1);
  CHECK(hosting.verify() == "");
  kernel::leave_segment(*mine);
  CHECK(eventually([&] { return is_gone(manager); }, 10s));
  CHECK_FALSE(mine->live());
  CHECK_THROWS_AS(kernel::join_segment(*mine), ManagerShutdown);
}

TEST_CASE("everybody is killed: nothing is left") {
  for (const bool named : {false, true}) {
    const auto before = shm_entries();
    SignalLine told;
    ChildGroup group;
    const std::string name = named ? name_for("all-killed") : "";
    const pid_t owner = group.start([&] {
      ManagerFixture at(name);
      (void)at->new_list();
      told.send(at.pid());
      for (;;) pause();
    });
    const pid_t manager = told.receive<pid_t>();
    if (named) {  // the manager outlives its clients by a moment, and takes the name away
      group.kill(owner);
      CHECK(eventually([&] { return is_gone(manager); }, 10s));
    } else {
      kill(manager, SIGKILL);
      group.kill(owner);
    }
    CHECK(shm_litter_since(before).empty());
  }
}

TEST_CASE("an orphan: owner and manager killed, a client goes on and finds itself a manager") {
  NoLitter no_litter;
  const std::string name = name_for("orphan");
  SignalLine told;
  ChildGroup group;
  const pid_t owner = group.start([&] {
    ManagerFixture at(name);
    const ObjectRef list = at->new_list();
    at->append(list, "kept");
    at->registry().publish("stock", list);
    told.send(at.pid());
    for (;;) pause();
  });
  const pid_t manager = told.receive<pid_t>();
  kill(manager, SIGKILL);
  REQUIRE(eventually([&] { return is_gone(manager); }, 10s));
  group.kill(owner);
  auto mine = kernel::orphaned_segment(name);
  REQUIRE(mine);
  const pid_t successor = kernel::start_manager(*mine, {});
  Hosting hosting(*mine, kernel::Control::needs_manager);
  CHECK(kernel::Clients(*mine).count() == 1);
  CHECK(hosting.count() == 1);
  CHECK(hosting.registry().lookup("stock") != 0);
  CHECK(hosting.verify() == "");
  kernel::leave_segment(*mine);
  CHECK(eventually([&] { return is_gone(successor); }, 10s));
}

TEST_CASE("a stopped client that holds a lock keeps nobody from being served") {
  ManagerFixture at;
  const ObjectRef list = at->new_list();
  SignalLine ready;
  ChildGroup group;
  const pid_t stopped = group.start([&] {
    join(at.segment());
    const kernel::StripeLock lock(at.segment(), at->objects().stripe_of(kernel::index_of(list)));
    ready.send(1);
    for (;;) pause();
  });
  ready.receive<int>();
  REQUIRE(pause_process(stopped));
  const pid_t other = group.start([&] {
    join(at.segment());
    Hosting alone(at.segment());
    alone.append(list, "x");  // needs no registry stripe
    ready.send(1);
    for (;;) pause();
  });
  ready.receive<int>();
  group.kill(other);
  usleep(50'000);
  for (int i = 0; i < 3; ++i) CHECK(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
  resume_process(stopped);
  group.kill(stopped);
  CHECK(eventually([&] { return kernel::Clients(at.segment()).count() == 1; }, 10s));
  REQUIRE(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
  CHECK(at->verify() == "");
}

TEST_CASE("clients and managers killed at random: every successor finds a sound segment") {
  ManagerFixture at;
  const ObjectRef shared = at->new_list(true), dict = at->new_dict(false, "", 3);
  for (int round = 0; round < 30; ++round) {
    ChildGroup group;
    std::vector<pid_t> pids;
    for (int p = 0; p < 3; ++p) {
      pids.push_back(group.start([&, p] {
        join(at.segment());
        Hosting alone(at.segment());
        for (unsigned i = 0;; ++i) {
          const ObjectRef mine = alone.new_list(true);
          alone.append_handle(shared, mine);
          alone.dict(dict).set(view(std::to_string(p)), view(std::to_string(i)));
          if (alone.list(shared).size() > 50) alone.list(shared).erase(0);
          kernel::collect(at.segment());
          alone.release(mine);
        }
      }));
    }
    usleep(2000 + static_cast<useconds_t>(round) * 300);
    if (round % 2 == 0) kill(at.pid(), SIGKILL);
    for (const pid_t pid : pids) group.kill(pid);
    if (round % 2 == 0) {
      REQUIRE(eventually([&] { return !kernel::is_manager_alive(at.segment()); }, 10s));
      at.restart();
    }
    const bool reaped = eventually([&] { return kernel::Clients(at.segment()).count() == 1; }, 10s);
    CAPTURE(round);
    REQUIRE(kernel::is_manager_alive(at.segment()));
    REQUIRE(reaped);
    REQUIRE(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
    REQUIRE(at->verify() == "");
  }
}

TEST_CASE("a manager killed while it adopts is followed by one that adopts") {
  ManagerFixture at;
  const ObjectRef shared = at->new_list(true);
  for (int i = 0; i < 300; ++i) {
    const ObjectRef inner = at->new_list();
    at->append_handle(shared, inner);
    at->release(inner);
  }
  for (int round = 0; round < 20; ++round) {
    ChildGroup group;
    SignalLine ready;
    const pid_t client = group.start([&] {
      join(at.segment());
      for (int i = 0; i < 200; ++i) (void)at->new_list(true);
      ready.send(1);
      for (;;) pause();
    });
    ready.receive<int>();
    at.kill_manager();
    group.kill(client);
    // An adopter in a process of its own, killed at some point of it.
    const pid_t adopter = group.start([&] { kernel::serve(at.segment(), kernel::Lifetime::until_told, {}); });
    usleep(static_cast<useconds_t>(round) * 150);
    group.kill(adopter);
    at.restart();
    CHECK(kernel::Clients(at.segment()).count() == 1);
    REQUIRE(at->verify() == "");
    CHECK(at->count() == 301);
  }
}

}  // namespace partage::test
