// Message queues through their handles: what each call returns and refuses, and who finds what under a key. What deaths do is in
// tests/faults, random operations against a model in tests/model.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <cstdlib>
#include <limits>
#include <partage/partage.hpp>
#include <set>
#include <thread>

#include "manager/container/queue.hpp"
#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "proxy/engine/session.hpp"
#include "tests/proxy/support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/queue_key.hpp"
#include "tests/support/sleeping.hpp"

namespace partage::test {

using Message = MessageQueue::Message;
namespace {

using namespace std::chrono_literals;

constexpr const char* other_program = "PARTAGE_TEST_MESSAGE_QUEUE";

bool says(const std::string& whole, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    if (!has(whole, part)) return false;
  }
  return true;
}

/// The kernel's view of the queue that has this key now.
kernel::Queue kernel_queue(const std::string& key) {
  static engine::ObjectPtr kept;
  kept = engine::MessageQueue::open(key).object();
  const auto& o = *static_cast<const engine::SharedObject*>(kept.get());
  return {*o.segment, o.body};
}

std::string verified(const std::string& key) {
  const auto object = engine::MessageQueue::open(key).object();
  return kernel::verify_segment(*static_cast<const engine::SharedObject*>(object.get())->segment);
}

}  // namespace

TEST_CASE("MessageQueue: receive takes the first of a type, of any, or of the lowest types") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  CHECK(queue.empty());
  const std::pair<const char*, long> messages[] = {{"a", 3}, {"b", 1}, {"c", 3}, {"d", 2}, {"e", 1}, {"f", 9}};
  for (const auto& [bytes, type] : messages) queue.send(bytes, type);
  CHECK(queue.size() == 6);
  CHECK(queue.receive(1) == Message{"b", 1});
  CHECK(queue.receive(3) == Message{"a", 3});
  CHECK(queue.receive(-8) == Message{"e", 1});
  CHECK(queue.receive(-8) == Message{"d", 2});
  CHECK_FALSE(queue.try_receive(-2).has_value());
  CHECK_FALSE(queue.try_receive(7).has_value());
  const auto [bytes, type] = queue.receive();
  CHECK(bytes == "c");
  CHECK(type == 3);
  CHECK(queue.try_receive(std::numeric_limits<long>::min()) == Message{"f", 9});
  CHECK_FALSE(queue.try_receive().has_value());
  CHECK(queue.empty());
  CHECK(verified(key) == "");
}

TEST_CASE("MessageQueue: messages of the greatest type, and of one type in their order") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  constexpr long greatest = std::numeric_limits<long>::max();
  queue.send("last", greatest);
  CHECK(queue.try_receive(-greatest) == Message{"last", greatest});
  queue.send("last", greatest);
  CHECK(queue.try_receive(std::numeric_limits<long>::min()) == Message{"last", greatest});
  for (int i = 0; i < 100; ++i) queue.send(std::to_string(i), 1 + i % 3);
  for (int i = 1; i < 100; i += 3) REQUIRE(queue.receive(2).bytes == std::to_string(i));
  for (int i = 0; i < 100; i += 3) REQUIRE(queue.receive(-1).bytes == std::to_string(i));
  for (int i = 2; i < 100; i += 3) REQUIRE(queue.receive().bytes == std::to_string(i));
}

TEST_CASE("MessageQueue: any bytes of any length arrive as they were sent") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  for (const unsigned n :
       {0u, 1u, 5u, 6u, 7u, 8u, 15u, 16u, 50u, 127u, 128u, 1000u, 2030u, 2048u, 5000u, 70'000u, 1'000'000u}) {
    CAPTURE(n);
    std::string bytes(n, '\0');
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 7);
    queue.send(bytes, 2);
    queue.send(std::as_bytes(std::span(bytes)), 1);
    const Message by_type = queue.receive(1);
    CHECK(by_type == Message{bytes, 1});
    CHECK(queue.receive() == Message{bytes, 2});
  }
  queue.send(std::string_view("a\0b", 3));
  CHECK(queue.receive() == Message{std::string("a\0b", 3), 1});
  CHECK(verified(key) == "");
}

TEST_CASE("MessageQueue: a timeout that passes is Empty, and says what did not come") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  queue.send("other", 5);
  CHECK_THROWS_AS(queue.receive(1, 5ms), Empty);
  CHECK_THROWS_AS(queue.receive(-4, -5ms), Empty);
  CHECK(queue.receive(1s).bytes == "other");
  CHECK_THROWS_AS(queue.receive(5ms), Empty);
  CHECK(says(message_of<Empty>([&] { queue.receive(7, 0ms); }), {"'" + key.str() + "'", "receive", "of type 7"}));
  CHECK(says(message_of<Empty>([&] { queue.receive(-7, 0ms); }), {"of a type up to 7"}));
}

TEST_CASE("MessageQueue: send refuses a type below 1, and nothing is sent") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  for (const long type : {0L, -1L, std::numeric_limits<long>::min()})
    CHECK_THROWS_AS(queue.send("x", type), ValueError);
  CHECK(says(message_of<ValueError>([&] { queue.send("x", -3); }), {key.str(), "send", "-3", "1 or more"}));
  CHECK(queue.empty());
}

TEST_CASE("MessageQueue: open finds what create made, and throws KeyError where there is none") {
  const QueueKey key;
  CHECK_THROWS_AS(MessageQueue::open(key), KeyError);
  CHECK(says(message_of<KeyError>([&] { MessageQueue::open(key); }), {key.str(), "open", "MessageQueue::create(\""}));
  CHECK_FALSE(key.is_taken());
  const auto made = MessageQueue::create(key);
  made.send("x", 4);
  const auto opened = MessageQueue::open(key);
  CHECK(opened == made);
  CHECK(opened.is(made));
  CHECK(opened.key() == key.str());
  CHECK(opened.receive() == Message{"x", 4});
}

TEST_CASE("MessageQueue: create opens what is there, and refuses it when it must be new") {
  const QueueKey key;
  const auto made = MessageQueue::create(key, {.exclusive = true});
  CHECK(MessageQueue::create(key).is(made));
  CHECK(MessageQueue::create(key, {.max_size = 1 << 20}).is(made));
  CHECK(
      says(message_of<ValueError>([&] { MessageQueue::create(key, {.exclusive = true}); }), {key.str(), "exclusive"}));
  made.remove();
  CHECK_FALSE(MessageQueue::create(key, {.exclusive = true}).is(made));
}

TEST_CASE("MessageQueue: a number as a key is its digits") {
  const long long number = 1'000'000'000'000LL + getpid();
  struct Gone {
    long long key;
    ~Gone() { kernel::MemoryObject::unpublish(kernel::message_queue_name(std::to_string(key))); }
  } const gone{number};
  const auto made = MessageQueue::create(number);
  CHECK(made.key() == std::to_string(number));
  CHECK(MessageQueue::open(std::to_string(number)).is(made));
  CHECK(MessageQueue::open(number).is(made));
  CHECK_THROWS_AS(MessageQueue::open(0), KeyError);
}

TEST_CASE("MessageQueue: a key that cannot be one is a ValueError") {
  for (const std::string& key : {std::string(), std::string("a/b"), std::string(98, 'k'), std::string("a\0b", 3)}) {
    CHECK_THROWS_AS(MessageQueue::create(key), ValueError);
    CHECK(says(message_of<ValueError>([&] { MessageQueue::open(key); }), {"1 to 97 characters", "'/'"}));
  }
  const std::string longest = "test-" + std::to_string(getpid()) + std::string(85, 'k');
  const auto queue = MessageQueue::create(longest.substr(0, 97));
  queue.remove();
}

TEST_CASE("MessageQueue: remove wakes those who wait, and every later call of anybody is ShutDown") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  const auto copy = queue;
  queue.send("left", 2);
  ChildGroup group;
  std::vector<pid_t> waiting;
  for (const long type : {1L, 7L, -1L}) {
    waiting.push_back(group.start([=, &key] {
      const auto mine = MessageQueue::open(key);
      try {
        mine.receive(type);
      } catch (const ShutDown& e) {
        if (!says(static_cast<const Error&>(e).what(), {key.str(), "receive", "removed"})) return 2;
        try {
          mine.send("x");
        } catch (const ShutDown&) {
          return 0;
        }
      }
      return 1;
    }));
  }
  for (const pid_t pid : waiting) REQUIRE(sleeps(pid));
  queue.remove();
  for (const pid_t pid : waiting) {
    const ChildResult end = group.wait(pid, 20s);
    CHECK_MESSAGE(end.ok(), end.describe());
  }
  CHECK_FALSE(key.is_taken());
  CHECK_THROWS_AS(copy.send("x"), ShutDown);
  CHECK_THROWS_AS(copy.receive(), ShutDown);  // though one message is left
  CHECK_THROWS_AS(copy.receive(2, 1s), ShutDown);
  CHECK_THROWS_AS(copy.try_receive(), ShutDown);
  CHECK_THROWS_AS(copy.size(), ShutDown);
  CHECK_THROWS_AS(copy.empty(), ShutDown);
  CHECK_THROWS_AS(copy.remove(), ShutDown);
  CHECK(text(copy) == "<MessageQueue('" + key.str() + "', removed)>");
  CHECK_THROWS_AS(MessageQueue::open(key), KeyError);
}

TEST_CASE("MessageQueue: the key of a removed one is free at once, and the old handles see nothing of the new one") {
  const QueueKey key;
  const auto old = MessageQueue::create(key);
  old.send("old");
  old.remove();
  const auto fresh = MessageQueue::create(key);
  CHECK_FALSE(fresh.is(old));
  CHECK(fresh.empty());
  fresh.send("new");
  CHECK_THROWS_AS(old.remove(), ShutDown);
  CHECK_THROWS_AS(old.try_receive(), ShutDown);
  CHECK(MessageQueue::open(key).receive().bytes == "new");
}

TEST_CASE("MessageQueue: processes without a common handle answer each other by pid") {
  const QueueKey key;
  ChildGroup group;
  const pid_t server = group.start([&] {
    const auto mq = MessageQueue::create(key);
    for (;;) {
      const auto [bytes, type] = mq.receive(-2);
      if (type == 2) break;
      mq.send("at your service", std::stol(bytes) + 3);
    }
  });
  std::vector<pid_t> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(group.start([&] {
      std::optional<MessageQueue> mq;
      eventually(
          [&] {
            try {
              mq = MessageQueue::open(key);
            } catch (const KeyError&) {
            }
            return mq.has_value();
          },
          20s);
      for (int n = 0; n < 20; ++n) {
        mq->send(std::to_string(getpid()), 1);
        if (mq->receive(getpid() + 3) != Message{"at your service", getpid() + 3}) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t pid : clients) {
    const ChildResult end = group.wait(pid, 60s);
    CHECK_MESSAGE(end.ok(), end.describe());
  }
  const auto mq = MessageQueue::open(key);
  CHECK(mq.empty());
  mq.send("", 2);
  CHECK(group.wait(server, 20s).ok());
  mq.remove();
}

TEST_CASE("MessageQueue: what was sent stays when everybody has ended, in any way") {
  const QueueKey key;
  CHECK(run_child([&] { MessageQueue::create(key).send("by one that ended", 1); }, 20s).ok());
  run_child(
      [&] {
        MessageQueue::open(key).send("by one that was killed", 2);
        raise(SIGKILL);
      },
      20s);
  CHECK(key.is_taken());
  const auto queue = MessageQueue::open(key);
  CHECK(queue.receive(2).bytes == "by one that was killed");
  CHECK(queue.receive(1).bytes == "by one that ended");
  CHECK(verified(key) == "");
}

TEST_CASE("MessageQueue: of several that create one at once, all have the same") {
  for (int round = 0; round < 5; ++round) {
    const QueueKey key;
    const Event go;
    ChildGroup group;
    std::vector<pid_t> pids;
    for (int i = 0; i < 6; ++i) {
      pids.push_back(group.start([&, i] {
        go.wait();
        MessageQueue::create(key).send("here", i + 1);
      }));
    }
    go.set();
    for (const pid_t pid : pids) {
      const ChildResult end = group.wait(pid, 20s);
      CHECK_MESSAGE(end.ok(), end.describe());
    }
    const auto queue = MessageQueue::open(key);
    CHECK(queue.size() == 6);
    for (int i = 0; i < 6; ++i) CHECK(queue.try_receive(i + 1).has_value());
  }
}

TEST_CASE("MessageQueue: of several that create it exclusively at once, one does") {
  const QueueKey key;
  const Event go;
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int i = 0; i < 6; ++i) {
    pids.push_back(group.start([&] {
      go.wait();
      try {
        MessageQueue::create(key, {.exclusive = true});
      } catch (const ValueError&) {
        return 1;
      }
      return 0;
    }));
  }
  go.set();
  int made = 0;
  for (const pid_t pid : pids) made += group.wait(pid, 20s).code == 0;
  CHECK(made == 1);
}

TEST_CASE("MessageQueue: some create and remove it again and again, and nobody is left with anything broken") {
  const QueueKey key;
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int i = 0; i < 3; ++i) {
    pids.push_back(group.start([&] {
      for (int n = 0; n < 60; ++n) {
        const auto queue = MessageQueue::create(key);
        try {
          queue.send("x");
          queue.receive();
          queue.remove();
        } catch (const ShutDown&) {  // another one's was faster
        }
      }
    }));
  }
  for (const pid_t pid : pids) {
    const ChildResult end = group.wait(pid, 60s);
    CHECK_MESSAGE(end.ok(), end.describe());
  }
  CHECK_FALSE(key.is_taken());
}

TEST_CASE("MessageQueue: one whose remover died before it took the name away is gone for everybody") {
  for (const bool open : {true, false}) {
    const QueueKey key;
    const auto old = MessageQueue::create(key);
    old.send("left");
    kernel_queue(key).close();  // the first half of remove()
    CHECK_THROWS_AS(old.receive(), ShutDown);
    CHECK(key.is_taken());
    if (open) {
      CHECK_THROWS_AS(MessageQueue::open(key), KeyError);
      CHECK_FALSE(key.is_taken());
    } else {
      CHECK(MessageQueue::create(key, {.exclusive = true}).empty());
    }
  }
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  kernel_queue(key).close();
  CHECK_THROWS_AS(queue.remove(), ShutDown);
  CHECK_FALSE(key.is_taken());
}

TEST_CASE("MessageQueue: a segment that was ended with its name left is no queue any more") {
  const QueueKey key;
  MessageQueue::create(key).send("x");
  kernel::Segment::attach(std::move(*kernel::MemoryObject::open(key.name())))->shut_down();
  CHECK(key.is_taken());
  CHECK_THROWS_AS(MessageQueue::open(key), KeyError);
  CHECK_FALSE(key.is_taken());
}

TEST_CASE("MessageQueue: a full one refuses with nothing lost, and goes on when there is room") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key, {.max_size = 1 << 20});
  const std::string body(3000, 'x');
  std::size_t sent = 0;
  try {
    for (;; ++sent) queue.send(std::to_string(sent) + ' ' + body, static_cast<long>(1 + sent % 5));
  } catch (const OutOfMemory&) {
  }
  CHECK(sent > 100);
  CHECK(queue.size() == sent);
  CHECK_THROWS_AS(queue.send(body, 1), OutOfMemory);
  CHECK(says(message_of<OutOfMemory>([&] { queue.send(body, 1); }),
             {key.str(), "send", "MessageQueueOptions::max_size"}));
  const auto opened =
      run_child([&] { return MessageQueue::open(key).receive(3).bytes == "2 " + std::string(3000, 'x') ? 0 : 1; }, 20s);
  CHECK_MESSAGE(opened.ok(), opened.describe());
  queue.send(body, 9);
  CHECK(queue.receive(9).bytes == body);
  for (long type = 5; type >= 1; --type) {
    for (std::size_t n = static_cast<std::size_t>(type) - 1; n < sent; n += 5) {
      if (n != 2) REQUIRE(queue.receive(type).bytes == std::to_string(n) + ' ' + body);
    }
  }
  CHECK(queue.empty());
  CHECK(verified(key) == "");
}

TEST_CASE("MessageQueue: one that cannot even hold its tables is refused and leaves nothing") {
  const QueueKey key;
  CHECK_THROWS_AS(MessageQueue::create(key, {.max_size = 1000}), ValueError);
  CHECK_THROWS_AS(MessageQueue::create(key, {.max_size = 64 << 10}), OutOfMemory);
  CHECK_FALSE(key.is_taken());
  const auto queue = MessageQueue::create(key, {.max_size = 256 << 10});
  queue.send("small", 1);
  CHECK(queue.receive().bytes == "small");
}

TEST_CASE("MessageQueue: forked children use the handle, and each of several receivers gets its own") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  ChildGroup group;
  std::vector<pid_t> pids;
  for (long type = 1; type <= 4; ++type) {
    pids.push_back(group.start([=] {
      for (int n = 0; n < 50; ++n) {
        if (queue.receive(type).bytes != std::to_string(type * 1000 + n)) return 1;
      }
      return 0;
    }));
  }
  for (int n = 0; n < 50; ++n) {
    for (long type = 4; type >= 1; --type) queue.send(std::to_string(type * 1000 + n), type);
  }
  for (const pid_t pid : pids) {
    const ChildResult end = group.wait(pid, 60s);
    CHECK_MESSAGE(end.ok(), end.describe());
  }
  CHECK(queue.empty());
}

TEST_CASE("MessageQueue: threads of one process share it") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (long type = 1; type <= 3; ++type) {
    threads.emplace_back([&, type] {
      for (int n = 0; n < 100; ++n) right += queue.receive(type) == Message{std::to_string(n), type};
    });
  }
  for (int n = 0; n < 100; ++n) {
    for (long type = 1; type <= 3; ++type) queue.send(std::to_string(n), type);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 300);
}

TEST_CASE("MessageQueue: a program that was started apart finds it by its key") {
  if (const char* key = std::getenv(other_program)) {  // that program
    const auto mq = MessageQueue::open(key);
    mq.send(mq.receive(1).bytes + " and back", 2);
    return;
  }
  const QueueKey key;
  const auto mq = MessageQueue::create(key);
  mq.send("there", 1);
  const pid_t pid = fork();
  if (pid == 0) {
    setenv(other_program, key.str().c_str(), 1);
    execl("/proc/self/exe", "other", "--test-case=MessageQueue: a program that was started apart*", nullptr);
    _exit(127);
  }
  CHECK(mq.receive(2, 60s).bytes == "there and back");
  int status = 1;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  mq.remove();
}

TEST_CASE("MessageQueue: managers and message queues keep to their own names") {
  const QueueKey key;
  {
    const auto queue = MessageQueue::create(key);
    CHECK(says(message_of<ConnectionError>([&] { Manager::connect(key.name()); }), {key.name(), "is a message queue"}));
    CHECK(says(message_of<ConnectionError>([&] { Manager manager({.name = key.name()}); }), {"is a message queue"}));
    queue.send("unharmed");
    CHECK(queue.receive().bytes == "unharmed");
    queue.remove();
  }
  const Manager manager({.name = key.name()});
  for (const bool create : {true, false}) {
    const auto call = [&] { create ? MessageQueue::create(key) : MessageQueue::open(key); };
    CHECK(says(message_of<ConnectionError>(call), {key.name(), "belongs to a manager"}));
  }
}

TEST_CASE("MessageQueue: it prints its key and its size, and is refused inside modify()") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  queue.send("x");
  CHECK(text(queue) == "<MessageQueue('" + key.str() + "', size=1)>");
  const Value<int> value(1);
  CHECK_THROWS_AS(value.modify([&](int&) { queue.send("y"); }), UsageError);
  CHECK_THROWS_AS(value.modify([&](int&) { queue.receive(); }), UsageError);
  CHECK(queue.size() == 1);
}

TEST_CASE("MessageQueue: stored, sent or archived, it is its key") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  const Queue<MessageQueue> queues;
  queues.put(queue);
  const MessageQueue got = queues.get();
  CHECK(got.is(queue));
  std::stringstream file;
  boost::archive::text_oarchive(file) << queue;
  MessageQueue read;
  CHECK(says(message_of<ValueError>([&] { read.send("x"); }), {"an empty handle"}));
  boost::archive::text_iarchive(file) >> read;
  CHECK(read.is(queue));
  queues.put(queue);
  queue.remove();
  CHECK_THROWS_AS(queues.get(), KeyError);
}

TEST_CASE("MessageQueue: opened and closed a thousand times by one process, it takes one place") {
  const QueueKey key;
  const auto queue = MessageQueue::create(key);
  for (int i = 0; i < 1000; ++i) MessageQueue::open(key).send("x");
  CHECK(queue.size() == 1000);
  const auto object = engine::MessageQueue::open(key).object();
  CHECK(kernel::Clients(*static_cast<const engine::SharedObject*>(object.get())->segment).count() == 1);
}

}  // namespace partage::test
