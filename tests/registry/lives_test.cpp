// Who lives, who is dead and who has left; and waits that end when one they depend on does.
#include <thread>

#include <partage/error.hpp>

#include "manager/segment/waiting.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using kernel::ClientId;
using kernel::Clients;
using kernel::Clock;
using kernel::Deadline;
using kernel::Life;
using kernel::Lives;
using kernel::Waiting;
using kernel::WaitWord;

/// A child that attaches, holds its life lock and waits to be killed or told to detach.
class Other {
 public:
  Other(RegistryFixture& at, ChildGroup& group) : at_(at), group_(group) {
    const std::size_t before = Clients(at.segment()).count();
    pid_ = group.start([&at] {
      at.segment().client_slot = 0;
      Clients(at.segment()).attach();
      Lives(at.segment()).self();
      for (;;) ::pause();
    });
    REQUIRE(eventually(
        [&] {
          const auto clients = Clients(at.segment()).list();
          id_ = clients.back().id;
          return clients.size() == before + 1 && Lives(at.segment()).watch(id_).has_value();
        },
        5s));
  }
  ClientId id() const { return id_; }
  void kill() { group_.kill(pid_); }

 private:
  RegistryFixture& at_;
  ChildGroup& group_;
  pid_t pid_ = 0;
  ClientId id_;
};

ClientId me(RegistryFixture& at) {
  return Lives(at.segment()).self();
}

struct Waits {
  RegistryFixture at;
  ObjectRef list = at->new_list();
  WaitWord& word = at->list(list).body().items;

  /// One sleep; how long it took.
  Clock::duration sleep(Deadline deadline, std::vector<ClientId> others) {
    const auto begin = Clock::now();
    Waiting waiting(at.segment(), deadline);
    waiting.expect(word);
    for (const ClientId id : others) waiting.depends_on(id);
    waiting.sleep();
    return Clock::now() - begin;
  }
};

}  // namespace

TEST_CASE("lives: a client is alive, dead when it is killed, ended when it was reaped") {
  RegistryFixture at;
  ChildGroup group;
  const Lives lives(at.segment());
  Other other(at, group);
  CHECK(lives.of(other.id()) == Life::alive);
  other.kill();
  CHECK(lives.of(other.id()) == Life::dead);
  CHECK_FALSE(lives.watch(other.id()));
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  CHECK(lives.of(other.id()) == Life::ended);
  CHECK(at->verify() == "");
}

TEST_CASE("lives: a slot in another use is another client") {
  RegistryFixture at;
  ChildGroup group;
  const Lives lives(at.segment());
  Other first(at, group);
  first.kill();
  kernel::reap_all_dead(at.segment());
  Other second(at, group);
  CHECK(second.id().slot == first.id().slot);
  CHECK(second.id() != first.id());
  CHECK(lives.of(first.id()) == Life::ended);
  CHECK(lives.of(second.id()) == Life::alive);
}

TEST_CASE("lives: who detaches has ended, not died") {
  RegistryFixture at;
  const ChildResult r = run_child(
      [&] {
        at.segment().client_slot = 0;
        Clients(at.segment()).attach();
        const ClientId id = me(at);
        if (Lives(at.segment()).of(id) != Life::alive) return 1;
        Clients(at.segment()).detach();
        return Lives(at.segment()).of(id) == Life::ended ? 0 : 2;
      },
      10s);
  CHECK_MESSAGE(r.ok(), r.describe());
  CHECK(Clients(at.segment()).count() == 1);
}

TEST_CASE("lives: the thread that holds the life lock ends, its process lives on") {
  RegistryFixture at;
  Lives lives(at.segment());
  ClientId id;
  lives.release();  // attaching took it, in the main thread
  std::thread([&] { id = lives.self(); }).join();
  CHECK(lives.of(id) == Life::alive);
  CHECK_FALSE(lives.watch(id));  // nothing to sleep on now
  CHECK(lives.self() == id);     // the next one to do something takes it over
  CHECK(lives.watch(id));
  CHECK(at.segment().life_thread == ::gettid());
}

TEST_CASE("lives: another thread does not take the life lock from the one that has it") {
  RegistryFixture at;
  Lives lives(at.segment());
  const ClientId id = lives.self();
  std::thread([&] {
    CHECK(lives.self() == id);
    lives.release();  // is not this thread's to give up
  }).join();
  CHECK(lives.watch(id));
  CHECK(at.segment().life_thread == ::gettid());
}

TEST_CASE("lives: a forked child has a life of its own") {
  RegistryFixture at;
  ChildGroup group;
  Lives lives(at.segment());
  const ClientId parent = lives.self();
  const ClientId child = Clients(at.segment()).reserve_for_child();
  const pid_t pid = group.start([&] {
    Clients(at.segment()).adopt(child);
    if (Lives(at.segment()).self() != child) return 1;
    for (;;) ::pause();
  });
  Clients(at.segment()).note_child(child, pid);
  REQUIRE(eventually([&] { return lives.watch(child).has_value(); }, 5s));
  CHECK(lives.of(parent) == Life::alive);
  CHECK(lives.of(child) == Life::alive);
  group.kill(pid);
  CHECK(lives.of(child) == Life::dead);
  CHECK(lives.of(parent) == Life::alive);
  CHECK(lives.self() == parent);
}

TEST_CASE("lives: how many processes sleep on a word") {
  Waits w;
  const kernel::u64 offset = w.at.segment().offset_of(&w.word);
  const Lives lives(w.at.segment());
  CHECK(lives.waiters(offset) == 0);
  ChildGroup group;
  const pid_t pid = group.start([&] {
    w.at.segment().client_slot = 0;
    Clients(w.at.segment()).attach();
    for (;;) w.sleep(std::nullopt, {});
  });
  CHECK(eventually([&] { return lives.waiters(offset) == 1; }, 5s));
  group.kill(pid);
  kernel::reap_all_dead(w.at.segment());
  CHECK(lives.waiters(offset) == 0);
}

TEST_CASE("waiting: a deadline that has passed, one to come, and none") {
  RegistryFixture at;
  CHECK(Waiting(at.segment(), Waiting::never()).expired());
  CHECK(Waiting(at.segment(), Clock::now()).expired());
  CHECK_FALSE(Waiting(at.segment(), Clock::now() + 10s).expired());
  CHECK_FALSE(Waiting(at.segment(), std::nullopt).expired());
}

TEST_CASE("waiting: who does not wait makes nobody announce") {
  Waits w;
  Waiting(w.at.segment(), Waiting::never()).expect(w.word);
  CHECK_FALSE(w.word.awaited());
  Waiting(w.at.segment(), Clock::now()).expect(w.word);
  CHECK(w.word.awaited());
}

TEST_CASE("waiting: until the deadline, or the announcement") {
  Waits w;
  CHECK(w.sleep(Clock::now() + 10ms, {}) < 5s);
  std::thread announcer([&] {
    while (!w.word.awaited()) std::this_thread::yield();
    std::this_thread::sleep_for(5ms);
    w.word.announce();
  });
  CHECK(w.sleep(std::nullopt, {}) < 5s);
  announcer.join();
}

TEST_CASE("waiting: a death wakes everybody who depends on it, long before they look by themselves") {
  Waits w;
  ChildGroup group;
  Other other(w.at, group);
  std::vector<pid_t> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(group.start([&] {
      w.at.segment().client_slot = 0;
      Clients(w.at.segment()).attach();
      const auto begin = Clock::now();
      while (Lives(w.at.segment()).of(other.id()) == Life::alive && Clock::now() < begin + 20s)
        w.sleep(std::nullopt, {other.id()});
      return Clock::now() < begin + 20s ? 0 : 1;
    }));
  }
  std::this_thread::sleep_for(30ms);
  const auto begin = Clock::now();
  other.kill();
  for (const pid_t pid : waiters) {
    const ChildResult r = group.wait(pid, 20s);
    CHECK_MESSAGE(r.ok(), r.describe());
  }
  CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("waiting: it does not depend on its own process") {
  Waits w;
  const ClientId self = me(w.at);
  Waiting waiting(w.at.segment(), Clock::now() + 20ms);
  waiting.expect(w.word);
  waiting.depends_on(self);
  waiting.sleep();
  CHECK(true);
}

TEST_CASE("waiting: beside one whose life lock nobody holds at the moment it looks again soon") {
  Waits w;
  ChildGroup group;
  const pid_t pid = group.start([&] {
    w.at.segment().client_slot = 0;
    Clients(w.at.segment()).attach();
    std::thread([&] { Lives(w.at.segment()).self(); }).join();
    for (;;) ::pause();
  });
  REQUIRE(eventually([&] { return Clients(w.at.segment()).count() == 2; }, 5s));
  const ClientId id = Clients(w.at.segment()).list().back().id;
  std::this_thread::sleep_for(20ms);
  CHECK(Lives(w.at.segment()).of(id) == Life::alive);
  CHECK(w.sleep(std::nullopt, {id}) < 5s);
  group.kill(pid);
  CHECK(w.sleep(std::nullopt, {id}) < 5s);
}

TEST_CASE("waiting: more processes to depend on than a sleep can watch") {
  // In a child: one process with many slots holds many life locks and could give up but the last, before its mapping goes.
  const ChildResult r = run_child(
      [] {
        Waits w;
        std::vector<ClientId> many;
        for (std::size_t i = 0; i < kernel::most_futex_words + 5; ++i) {
          Clients(w.at.segment()).attach();
          many.push_back(me(w.at));
        }
        ::_exit(w.sleep(std::nullopt, many) < 5s ? 0 : 1);
      },
      10s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("waiting: the end of the manager ends it") {
  Waits w;
  std::thread end([&] {
    std::this_thread::sleep_for(20ms);
    w.at.segment().shut_down();
  });
  CHECK_THROWS_AS(
      [&] {
        for (;;) w.sleep(std::nullopt, {});
      }(),
      ManagerShutdown);
  end.join();
}

}  // namespace partage::test
