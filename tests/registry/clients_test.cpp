// Client slots: taken, shared over a fork, given back, and reaped when their processes die.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <partage/error.hpp>
#include <thread>

#include "manager/container/lock.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/registry/signal_line.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
using namespace std::chrono_literals;
using kernel::ClientId;
using kernel::Clients;
using kernel::ClientState;

namespace {

/// In a forked child: it has no slot of its own yet.
void join(RegistryFixture& at) {
  at.segment().client_slot = 0;
  kernel::join_segment(at.segment());
}

/// Starts a child that runs `work` and then waits to be killed; returns when it is that far.
template <class Work>
pid_t start_and_wait(ChildGroup& group, Work work) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t pid = group.start([&] {
    work();
    const bool told = write(ends[1], "x", 1) == 1;
    while (told) pause();  // NOLINT(bugprone-infinite-loop): until the test kills it
    return 1;
  });
  close(ends[1]);
  char c = 0;
  REQUIRE(read(ends[0], &c, 1) == 1);
  close(ends[0]);
  return pid;
}

}  // namespace

TEST_CASE("attach and detach") {
  RegistryFixture at;
  Clients clients(at.segment());
  REQUIRE(clients.list().size() == 1);
  const auto me = clients.list()[0];
  CHECK(me.id.slot == at.segment().client_slot);
  CHECK(me.state == ClientState::live);
  CHECK(me.process.pid == getpid());
  CHECK(me.process.start_time == kernel::own_identity().start_time);
  CHECK(me.process.image == kernel::own_identity().image);
  CHECK(me.process.image != 0);
  CHECK_FALSE(clients.is_dead(me));
  const ObjectRef list = at->new_list();
  clients.detach();
  CHECK(at.segment().client_slot == 0);
  CHECK(clients.list().empty());
  CHECK_FALSE(at->registry().facts(list));
  CHECK(at->verify() == "");
  CHECK_THROWS_AS(at->new_list(), ConnectionError);
  clients.attach();
  CHECK(clients.list()[0].id.generation == me.id.generation + 1);
  CHECK(at->verify() == "");
}

TEST_CASE("a child adopts what its parent held, whoever lets go first") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  for (const bool parent_first : {false, true}) {
    Clients clients(at.segment());
    const ClientId child = clients.reserve_for_child();
    CHECK(clients.info(child.slot).state == ClientState::reserved);
    const ObjectRef mine = parent_first ? list : at->new_list();
    int go[2];
    REQUIRE(pipe(go) == 0);
    ChildGroup group;
    const pid_t pid = group.start([&] {
      Clients(at.segment()).adopt(child);
      char c;
      if (read(go[0], &c, 1) != 1) return 2;
      at->append(list, "from the child");
      at->release(list);
      kernel::leave_segment(at.segment());
      return 0;
    });
    clients.note_child(child, pid);
    REQUIRE(eventually([&] { return clients.info(child.slot).state == ClientState::live; }, 10s));
    CHECK(clients.info(child.slot).process.pid == pid);
    if (parent_first) {
      at->release(list);
      CHECK(at->registry().facts(list));
    }
    REQUIRE(write(go[1], "x", 1) == 1);
    CHECK(group.wait(pid, 5s).ok());
    CHECK(bool(at->registry().facts(list)) == !parent_first);
    if (!parent_first) at->release(mine);
    CHECK(at->verify() == "");
  }
  CHECK(at->count() == 0);
}

TEST_CASE("a failed fork is cancelled; a reservation is adopted once") {
  RegistryFixture at;
  Clients clients(at.segment());
  const ObjectRef list = at->new_list();
  const ClientId child = clients.reserve_for_child();
  clients.cancel(child);
  clients.cancel(child);
  CHECK(clients.list().size() == 1);
  CHECK_THROWS_AS(clients.adopt(child), ConnectionError);
  const ClientId other = clients.reserve_for_child();
  CHECK(other.slot == child.slot);
  CHECK_THROWS_AS(clients.adopt(child), ConnectionError);
  clients.cancel(child);  // another use of the slot: no effect
  CHECK(clients.list().size() == 2);
  clients.note_child(other, 1);
  CHECK_THROWS_AS(clients.adopt(other), ConnectionError);  // noted for somebody else
  clients.cancel(other);
  at->release(list);
  CHECK(at->verify() == "");
}

TEST_CASE("processes make their objects in different stripes of the table, and so do threads") {
  RegistryFixture at;
  const auto stripe_of_new = [&] { return kernel::index_of(at->new_list()) % kernel::ObjectTable::stripe_count; };
  const auto here = stripe_of_new();
  CHECK(stripe_of_new() == here);
  const ChildResult child = run_child(
      [&] {
        join(at);
        return stripe_of_new() != here ? 0 : 1;
      },
      10s);
  CHECK_MESSAGE(child.ok(), child.describe());
  auto in_thread = here;
  std::thread([&] { in_thread = stripe_of_new(); }).join();
  CHECK(in_thread != here);
}

TEST_CASE("the table of objects grows when all its places are taken, whoever took or left them, and not before") {
  RegistryFixture at;
  const auto grown = [&] { return at->objects().find(kernel::ObjectTable::first_chunk_slots) != nullptr; };
  std::vector<ObjectRef> held;
  const auto make = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) held.push_back(at->new_list());
  };
  std::size_t used = 0;
  at->objects().for_each([&](kernel::u32, kernel::ObjectSlot&) { ++used; });
  make(kernel::ObjectTable::first_chunk_slots - used);
  CHECK_FALSE(grown());
  CHECK(at->verify() == "");
  for (std::size_t i = 0; i < held.size(); i += 7) at->release(std::exchange(held[i], 0));
  std::thread([&] { make((held.size() + 6) / 7); }).join();
  CHECK_FALSE(grown());
  CHECK(at->verify() == "");
  make(1);
  CHECK(grown());
  CHECK(at->verify() == "");
  for (const ObjectRef ref : held) {
    if (ref != 0) at->release(ref);
  }
  CHECK(at->verify() == "");
}

TEST_CASE("a dead client's references, private memory and slot come back") {
  RegistryFixture at;
  const ObjectRef kept = at->new_list();
  const auto used = at->used();
  ChildGroup group;
  const pid_t pid = start_and_wait(group, [&] {
    join(at);
    at->registry().acquire(kept);
    const ObjectRef outer = at->new_list(true);
    for (int i = 0; i < 10; ++i) at->append_handle(outer, at->new_dict());
    at->append_handle(outer, kept);
    if (at.segment().heap().allocate(5000) == nullptr) _exit(3);
    if (at.segment().heap().allocate(100) == nullptr) _exit(3);
  });
  CHECK(at->count() == 12);
  CHECK(at->verify() == "");
  Clients clients(at.segment());
  REQUIRE(clients.list().size() == 2);
  const auto child = clients.list()[1];
  CHECK_FALSE(reap(at.segment(), child.id));
  CHECK(kernel::reap_all_dead(at.segment()) == 0);
  group.kill(pid);
  CHECK(clients.is_dead(child));
  CHECK(reap(at.segment(), child.id));
  CHECK_FALSE(reap(at.segment(), child.id));
  CHECK(clients.list().size() == 1);
  CHECK(at->count() == 1);
  CHECK(at->verify() == "");
  CHECK(at->used() - used <= 11 * 1024);  // pooled bodies stay
  at->release(kept);
  CHECK(at->verify() == "");
}

TEST_CASE("a zombie is dead") {
  RegistryFixture at;
  const pid_t pid = fork();
  if (pid == 0) {
    join(at);
    _exit(0);
  }
  Clients clients(at.segment());
  REQUIRE(eventually([&] { return process_state(pid) == 'Z'; }, 10s));
  CHECK(eventually([&] { return clients.is_dead(clients.list().at(1)); },
                   1s));  // it may have had threads (a sanitizer's)
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  waitpid(pid, nullptr, 0);
  CHECK(at->verify() == "");
}

TEST_CASE(
    "a client that has ended, in exit(), keeps everything until it is gone, and leaves it as one that has detached") {
  for (const bool ends : {true, false}) {
    CAPTURE(ends);
    RegistryFixture at;
    Clients clients(at.segment());
    const ObjectRef kept = at->new_list();
    const ObjectRef lock_ref = at->registry().create_sync(kernel::name_of(kernel::ObjectKind::lock), "",
                                                          {.kind = kernel::SyncKind::lock}, kernel::ObjectKind::lock);
    const kernel::Lock lock(at.segment(), at->registry().facts(lock_ref).value().body);
    ChildGroup group;
    const pid_t pid = start_and_wait(group, [&] {
      join(at);
      at->registry().acquire(kept);
      at->registry().acquire(lock_ref);
      (void)at->new_list();
      lock.acquire(kernel::Waiting::never());
      if (ends) {
        Clients(at.segment()).end();
        Clients(at.segment()).end();  // again: no effect
        at->append(kept, "by a thread that works on");
      } else {
        Clients(at.segment()).detach();
      }
    });
    if (ends) {
      REQUIRE(clients.list().size() == 2);
      const auto child = clients.list()[1];
      CHECK(child.ended);
      CHECK(child.state == ClientState::live);
      CHECK_FALSE(clients.is_dead(child));
      CHECK(kernel::reap_all_dead(at.segment()) == 0);
      CHECK(at->count() == 3);
      CHECK(lock.holder() == child.id);
      CHECK(at->verify() == "");
      group.kill(pid);
      CHECK(kernel::reap_all_dead(at.segment()) == 1);
    }
    CHECK(clients.list().size() == 1);
    CHECK(at->count() == 2);
    CHECK(lock.locked());
    CHECK_FALSE(lock.acquire(kernel::Waiting::never()));
    CHECK(lock.release());
    CHECK(lock.acquire(kernel::Waiting::never()));
    CHECK_FALSE(lock.owner_died());
    CHECK(at->verify() == "");
    // The slot's next use has not ended.
    const pid_t next = start_and_wait(group, [&] { join(at); });
    CHECK_FALSE(clients.list().at(1).ended);
    group.kill(next);
    CHECK(kernel::reap_all_dead(at.segment()) == 1);
  }
}

TEST_CASE("a process knows whether it has other threads") {
  ChildGroup group;
  const pid_t pid = group.start([] {
    const bool at_first = kernel::has_other_threads();
    std::atomic<bool> go = false;
    std::thread other([&] {
      while (!go) std::this_thread::yield();
    });
    const bool then = kernel::has_other_threads();
    go = true;
    other.join();
    // The kernel takes a thread that was joined out of its list a moment later.
    const bool afterwards = !eventually([] { return !kernel::has_other_threads(); }, 10s);
    return (at_first ? 1 : 0) + (then ? 0 : 2) + (afterwards ? 4 : 0);
  });
  CHECK(group.wait(pid, 20s).ok());
}

TEST_CASE("a process that has become another program is dead") {
  RegistryFixture at;
  const pid_t pid = fork();
  if (pid == 0) {
    join(at);
    (void)at->new_list();
    execl("/bin/sleep", "sleep", "100", nullptr);
    _exit(1);
  }
  Clients clients(at.segment());
  CHECK(eventually([&] { return kernel::reap_all_dead(at.segment()) == 1; }, 10s));
  CHECK(process_state(pid) != 0);
  CHECK(at->count() == 0);
  sigkill_and_reap(pid);
  CHECK(at->verify() == "");
}

TEST_CASE("another process with the same pid is not taken for the client") {
  kernel::ProcessIdentity me = kernel::own_identity();
  CHECK(kernel::is_alive(me));
  const kernel::ProcessIdentity parent = kernel::identity_of(getppid());
  CHECK(kernel::is_alive(parent));
  CHECK_FALSE(kernel::is_alive({parent.pid, parent.start_time + 1, parent.image}));
  CHECK(kernel::is_alive({parent.pid, 0, 0}));
  CHECK_FALSE(kernel::is_alive({0, 0, 0}));
  CHECK_FALSE(kernel::Pidfd({parent.pid, parent.start_time + 1, 0}).valid());
  CHECK(kernel::Pidfd({parent.pid, parent.start_time, 0}).valid());
}

TEST_CASE("a process of another PID namespace is refused, as a client and as a manager") {
  RegistryFixture at;
  SignalLine told;
  ChildGroup group;
  const pid_t pid = group.start([&] {
    if (unshare(CLONE_NEWPID) != 0) told.send('s');
    if (fork() == 0) {
      const auto refused = [&](const auto& call) {
        try {
          call();
          return false;
        } catch (const ConnectionError& e) {
          return std::string(e.what()).find("PID namespace") != std::string::npos;
        }
      };
      at.segment().client_slot = 0;
      const bool good = refused([&] { kernel::join_segment(at.segment()); }) &&
                        refused([&] { kernel::start_manager(at.segment(), {}); });
      told.send(good ? 'g' : 'b');
      _exit(0);
    }
    wait(nullptr);
  });
  const char verdict = told.receive<char>();
  if (verdict == 's') {
    MESSAGE("skipped: no PID namespace can be made here");
  } else {
    CHECK(verdict == 'g');
  }
  CHECK(group.wait(pid, 5s).ok());
  CHECK(Clients(at.segment()).count() == 1);
}

TEST_CASE("a reservation whose reserver died is taken back, but an adopted or noted one is not") {
  RegistryFixture at;
  ClientId forgotten, noted;
  pid_t grandchild = 0;
  int told[2];
  REQUIRE(pipe(told) == 0);
  ChildGroup group;
  const pid_t pid = start_and_wait(group, [&] {
    join(at);
    const ObjectRef held = at->new_list();
    Clients clients(at.segment());
    forgotten = clients.reserve_for_child();
    noted = clients.reserve_for_child();
    grandchild = fork();
    if (grandchild == 0) {
      for (;;) pause();
    }
    clients.note_child(noted, grandchild);
    at->release(held);
    struct {
      ClientId forgotten, noted;
      pid_t pid;
    } all{forgotten, noted, grandchild};
    if (write(told[1], &all, sizeof all) != sizeof all) _exit(1);
  });
  struct {
    ClientId forgotten, noted;
    pid_t pid;
  } all;
  REQUIRE(read(told[0], &all, sizeof all) == sizeof all);
  Clients clients(at.segment());
  CHECK(clients.list().size() == 4);
  CHECK(at->count() == 1);
  group.kill(pid);
  CHECK(clients.is_orphan(clients.info(all.forgotten.slot)));
  CHECK_FALSE(clients.is_orphan(clients.info(all.noted.slot)));
  CHECK(kernel::reap_all_dead(at.segment(), kernel::Orphans::leave) == 1);
  CHECK(clients.list().size() == 3);
  CHECK(kernel::reap_all_dead(at.segment(), kernel::Orphans::take) == 1);
  CHECK(clients.list().size() == 2);
  CHECK(at->count() == 1);
  kill(all.pid, SIGKILL);
  CHECK(eventually([&] { return kernel::reap_all_dead(at.segment()) == 1; }, 10s));
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("512 slots: the error says so, and dead ones make room") {
  RegistryFixture at;
  Clients clients(at.segment());
  std::vector<ClientId> reserved;
  for (std::size_t i = 2; i < kernel::client_slots; ++i) reserved.push_back(clients.reserve_for_child());
  CHECK(clients.count() == kernel::client_slots - 1);
  CHECK_THROWS_WITH_AS(clients.reserve_for_child(), doctest::Contains("511 processes are attached"), ConnectionError);
  clients.cancel(reserved.back());
  const pid_t pid = fork();
  if (pid == 0) {
    join(at);
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  CHECK(clients.count() == kernel::client_slots - 1);
  reserved.back() = clients.reserve_for_child();  // reaps the dead one
  for (const ClientId id : reserved) clients.cancel(id);
  CHECK(at->verify() == "");
}

TEST_CASE("killed while it works: what it was doing is finished or undone, and nothing leaks") {
  RegistryFixture at(std::size_t{512} << 20);  // the list takes what a quick machine makes in all the rounds
  const ObjectRef shared = at->new_list(true), dict = at->new_dict(false, "", 3);
  for (int round = 0; round < 40; ++round) {
    ChildGroup group;
    std::vector<pid_t> pids;
    for (int p = 0; p < 3; ++p) {
      pids.push_back(group.start([&, p] {
        join(at);
        for (int i = 0;; ++i) {
          const ObjectRef mine = at->new_list(true, "mine");
          at->append_handle(shared, mine);
          at->registry().publish("n" + std::to_string(p), mine);
          at->dict(dict).set(view(std::to_string(i % 100)), view(std::string(static_cast<std::size_t>(i % 300), 'v')));
          if (i % 3 == 0) at->list(shared).erase(0);
          at->registry().remove("n" + std::to_string(p));
          at->release(mine);
        }
      }));
    }
    usleep(3000 + round * 200);
    for (const pid_t pid : pids) group.kill(pid);
    kernel::reap_all_dead(at.segment());
    REQUIRE(Clients(at.segment()).count() == 1);
    kernel::sweep(at.segment());
    REQUIRE(at->verify() == "");
  }
  at->list(shared).clear();
  kernel::collect(at.segment());
  for (int p = 0; p < 3; ++p) at->registry().remove("n" + std::to_string(p));
  CHECK(at->count() == 2);
  CHECK(at->verify() == "");
}

TEST_CASE("collectors of several processes share the work and leave nothing") {
  RegistryFixture at;
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int p = 0; p < 4; ++p) {
    pids.push_back(group.start([&] {
      join(at);
      for (int i = 0; i < 300; ++i) {
        const ObjectRef outer = at->new_list(true);
        for (int k = 0; k < 5; ++k) {
          const ObjectRef inner = at->new_dict();
          at->append_handle(outer, inner);
          at->release(inner);
        }
        at->release(outer);
      }
      kernel::leave_segment(at.segment());
    }));
  }
  for (const pid_t pid : pids) {
    const ChildResult r = group.wait(pid, 30s);
    CHECK_MESSAGE(r.ok(), r.describe());
  }
  CHECK(at->count() == 0);
  CHECK_FALSE(kernel::any_dying(at.segment()));
  CHECK(at->verify() == "");
}

}  // namespace partage::test
