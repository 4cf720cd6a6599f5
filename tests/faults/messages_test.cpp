// Messages and the handles in them, when their senders, receivers and manager are killed.
#include <doctest/doctest.h>
#include <signal.h>

#include <partage/partage.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "manager/registry/reap.hpp"
#include "manager/registry/registry.hpp"
#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

std::mt19937_64& random_numbers() {
  static std::mt19937_64 random(test_seed());
  return random;
}
std::chrono::microseconds some_time(int most) {
  return std::chrono::microseconds(random_numbers()() % static_cast<unsigned>(most));
}

/// Message number `i`, which tells if it is whole. Every third is long.
std::string message(int i) {
  std::string text = std::to_string(i) + ':';
  text.resize(i % 3 == 2 ? 200'000 + static_cast<std::size_t>(i) : 100 + static_cast<std::size_t>(i),
              static_cast<char>('a' + i % 26));
  return text;
}

kernel::Segment& segment_of(const ListProxy<int>& list) {
  return static_cast<engine::SharedObject*>(list.list_engine().object().get())->session->segment();
}

/// Live objects of a segment, whether or not it has a manager.
std::size_t count_in(kernel::Segment& segment) {
  return kernel::Registry(segment, kernel::Control::alone).objects().size();
}
/// Nothing is left but so many objects, and nothing is broken.
bool comes_down_to(std::size_t n, kernel::Segment& segment) {
  return eventually(
      [&] {
        if (segment.unmanaged()) kernel::reap_all_dead(segment);  // what the next fork or join would do
        return count_in(segment) == n && kernel::verify_segment(segment).empty();
      },
      20s);
}

/// A list of a manager, or of another segment: of a program that has no manager, a list is one with.
struct Home {
  Manager manager;
  ListProxy<int> list = manager.list<int>({1});
  kernel::Segment& segment = segment_of(list);
};

using Handles = std::pair<int, std::vector<ListProxy<int>>>;

[[noreturn]] void send_handles_for_ever(const Manager& manager, const ListProxy<int>& old, const Connection& to) {
  for (int i = 0;; ++i) to.send(Handles(i, {manager.list<int>({i}), old}));
}

/// Receives until the end, and looks at all. How many there were.
int receive_handles(const Connection& from) {
  for (int i = 0;; ++i) {
    try {
      const auto [number, lists] = from.recv<Handles>();
      if (number != i || lists.size() != 2 || lists[0].at(0) != i || lists[1].at(0) != 1) {
        throw std::runtime_error("message " + std::to_string(i) + " is damaged");
      }
    } catch (const EOFError&) {
      return i;
    }
  }
}

}  // namespace

TEST_CASE("messages: a sender that is killed while it sends has sent whole messages") {
  PARTAGE_SHOW_SEED();
  for (long round = 0; round < repeats(60); ++round) {
    const auto [reader, writer] = Pipe(false);
    const bool as_bytes = round % 2 == 0;
    ChildGroup group;
    const pid_t sender = group.start([=, reader = reader, writer = writer] {
      reader.close();
      for (int i = 0;; ++i) as_bytes ? writer.send_bytes(message(i)) : writer.send(message(i));
    });
    writer.close();
    std::thread killer([&, time = some_time(4000)] {
      std::this_thread::sleep_for(time);
      ::kill(sender, SIGKILL);
    });
    int i = 0;
    try {
      for (;; ++i) {
        const std::string text = as_bytes ? std::string(reader.recv_bytes()) : reader.recv<std::string>();
        if (text != message(i)) FAIL_CHECK("message " << i << " of round " << round << " is damaged");
      }
    } catch (const EOFError&) {
    }
    killer.join();
  }
}

TEST_CASE("messages: a receiver that is killed: the sender is told, and what it sent is let go of") {
  PARTAGE_SHOW_SEED();
  const Home home;
  for (long round = 0; round < repeats(8); ++round) {
    const auto [reader, writer] = Pipe(false);
    ChildGroup group;
    const pid_t receiver = group.start([=, reader = reader, writer = writer] {
      writer.close();
      receive_handles(reader);
    });
    reader.close();
    std::thread killer([&, time = some_time(5000)] {
      std::this_thread::sleep_for(time);
      group.kill(receiver);
    });
    try {
      send_handles_for_ever(home.manager, home.list, writer);
    } catch (const ConnectionError&) {
    }
    killer.join();
  }
  CHECK(comes_down_to(1, home.segment));
}

TEST_CASE("messages: a sender of handles that is killed: all that arrived work, and nothing else is left") {
  PARTAGE_SHOW_SEED();
  const Home home;
  int received = 0;
  for (long round = 0; round < repeats(10); ++round) {
    const auto [reader, writer] = Pipe(false);
    ChildGroup group;
    const pid_t sender = group.start([&home, reader = reader, writer = writer] {
      reader.close();
      send_handles_for_ever(home.manager, home.list, writer);
    });
    writer.close();
    std::thread killer([&, time = some_time(5000)] {
      std::this_thread::sleep_for(time);
      ::kill(sender, SIGKILL);
    });
    received += receive_handles(reader);
    killer.join();
  }
  MESSAGE("received ", received);
  CHECK(comes_down_to(1, home.segment));
}

TEST_CASE("messages: sender and receiver are both killed") {
  PARTAGE_SHOW_SEED();
  const Home home;
  for (long round = 0; round < repeats(10); ++round) {
    ChildGroup group;
    const auto [reader, writer] = Pipe(false);
    const pid_t sender = group.start([&home, reader = reader, writer = writer] {
      reader.close();
      send_handles_for_ever(home.manager, home.list, writer);
    });
    const pid_t receiver = group.start([reader = reader, writer = writer] {
      writer.close();
      receive_handles(reader);
    });
    reader.close();
    writer.close();
    std::this_thread::sleep_for(some_time(5000));
    const bool sender_first = random_numbers()() % 2 == 0;
    group.kill(sender_first ? sender : receiver);
    std::this_thread::sleep_for(some_time(500));
    group.kill(sender_first ? receiver : sender);
  }
  CHECK(comes_down_to(1, home.segment));
}

TEST_CASE("messages: a handle works after its sender has ended, in whatever way") {
  const Manager manager;
  for (const char* way : {"orderly", "_exit", "killed"}) {
    CAPTURE(way);
    const auto [reader, writer] = Pipe(false);
    Process sender([&manager, way, writer = writer] {
      writer.send(manager.list<std::string>({way}));
      if (*way == '_') ::_exit(0);
      if (*way == 'k') ::raise(SIGKILL);
    });
    sender.start();
    sender.join();
    writer.close();
    std::this_thread::sleep_for(20ms);  // the manager has reaped it
    const auto list = reader.recv<ListProxy<std::string>>();
    CHECK(list.copy() == std::vector<std::string>{way});
    list.append("and more");
    CHECK(list.size() == 2);
    CHECK_THROWS_AS(reader.recv<int>(), EOFError);
  }
  CHECK(eventually([&] { return manager.objects().empty(); }, 10s));
}

TEST_CASE("messages: the process tree: handles in flight without any manager") {
  const Queue<int> first;  // so that there is a tree
  auto* object = static_cast<engine::SharedObject*>(first.hosted_engine().object().get());
  kernel::Segment& segment = object->session->segment();
  const std::size_t before = count_in(segment);
  {
    const auto [reader, writer] = Pipe(false);
    Process sender([writer = writer] {
      const Queue<int> queue;
      queue.put(7);
      writer.send(queue);
      writer.send(queue);
      ::raise(SIGKILL);
    });
    sender.start();
    sender.join();
    writer.close();
    kernel::reap_all_dead(segment);
    CHECK(count_in(segment) == before + 3);  // the queue, and two parcels
    CHECK(reader.recv<Queue<int>>().get() == 7);
  }
  CHECK(comes_down_to(before, segment));
}

TEST_CASE("messages: handles of a tree that the receiver does not have") {
  const auto [a, b] = Pipe();
  const ChildResult result = run_child(
      [a = a, b = b] {  // a program that has no tree yet forks, and then both make their own
        ChildGroup group;
        const pid_t receiver = group.start([a = a, b = b] {
          a.close();
          const Queue<int> own;
          const auto other = b.recv<Queue<int>>();
          own.put(1);
          other.put(2);
          b.send(own);
          (void)b.recv<int>();
          return 0;
        });
        b.close();
        const Queue<int> mine;
        a.send(mine);
        if (mine.get() != 2) return 1;
        const auto theirs = a.recv<Queue<int>>();
        if (theirs.get() != 1) return 2;
        a.send(0);
        return group.wait(receiver, 10s).ok() ? 0 : 3;
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("messages: the manager is killed while handles are on their way") {
  PARTAGE_SHOW_SEED();
  Manager manager;
  const auto list = manager.list<int>({1});
  const auto [reader, writer] = Pipe(false);
  Process sender([&manager, list, reader = reader, writer = writer] {
    reader.close();
    for (int i = 0; i < 200; ++i) writer.send(list);
  });
  sender.start();
  writer.close();
  for (int i = 0; i < 200; ++i) {
    if (i == 50) ::kill(manager.pid(), SIGKILL);
    reader.recv<ListProxy<int>>().append(i);
  }
  CHECK_THROWS_AS(reader.recv<int>(), EOFError);
  sender.join();
  CHECK(list.size() == 201);
  REQUIRE(eventually([&] { return !manager.is_alive(); }, 10s));
  manager.restart();
  CHECK(comes_down_to(1, segment_of(list)));
}

TEST_CASE("messages: a private manager stays while a handle is on its way, and no longer") {
  const auto [reader, writer] = Pipe(false);
  pid_t manager_pid = 0;
  {
    const auto [told, tell] = Pipe(false);
    Process owner([tell = tell, writer = writer] {
      auto* manager = new Manager;
      writer.send(manager->list<int>({5}));
      tell.send(manager->pid());
      ::raise(SIGKILL);
    });
    owner.start();
    owner.join();
    manager_pid = told.recv<pid_t>();
  }
  writer.close();
  std::this_thread::sleep_for(50ms);
  CHECK(process_state(manager_pid) != 0);
  {
    const auto list = reader.recv<ListProxy<int>>();
    CHECK(list.at(0) == 5);
    list.append(6);
  }
  const auto gone = [&] { return process_state(manager_pid) == 0 || process_state(manager_pid) == 'Z'; };
  CHECK(eventually(gone, 20s));
}

}  // namespace partage::test
