// locks: who holds and who waits, as real processes do, and a real deadlock.
#include <signal.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <partage/partage.hpp>
#include <thread>

#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

json::object locks_json(const std::string& name) {
  return run({"locks", name, "--json"}).json().as_object();
}

/// What `locks` says of an object; nullopt: nothing.
std::optional<json::object> about(const std::string& name, const std::string& object) {
  const json::object all = locks_json(name);
  for (const json::value& o : all.at("objects").as_array()) {
    if (o.at("name") == json::value(object)) return o.as_object();
  }
  return std::nullopt;
}

std::size_t waiters(const std::string& name, const std::string& object) {
  const auto o = about(name, object);
  return o ? o->at("waiters").as_array().size() : 0;
}

/// Two processes that take two locks in two orders.
struct Embrace {
  explicit Embrace(const std::string& name) {
    first = group.start([name] {
      Manager m = Manager::connect(name);
      take(m, "a", "b");
    });
    second = group.start([name] {
      Manager m = Manager::connect(name);
      take(m, "b", "a");
    });
  }
  static void take(Manager& m, const std::string& one, const std::string& other) {
    const auto mine = m.Lock(named(one)), theirs = m.Lock(named(other));
    const auto both = m.Barrier(named("both"), 2);
    mine.acquire();
    both.wait();
    theirs.acquire();
  }
  ChildGroup group;
  pid_t first = 0, second = 0;
};

}  // namespace

TEST_CASE("locks: nobody holds or waits for anything") {
  Serving shop(unique("calm"));
  Client client(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("a"));
    (void)lock;
  });
  const Ran ran = run({"locks", shop.name()});
  CHECK(ran.code == 0);
  CHECK(ran.out == "Nobody holds or waits for anything.\n");
  CHECK(ran.err == "");
  CHECK(locks_json(shop.name()).at("deadlocks").as_array().empty());
  CHECK(run({"locks", "nobody-" + shop.name()}).code == 3);
}

TEST_CASE("locks: two processes that wait for each other are named, with what they wait for") {
  Serving shop(unique("embrace"));
  const Embrace pair(shop.name());
  REQUIRE(eventually([&] { return waiters(shop.name(), "a") == 1 && waiters(shop.name(), "b") == 1; }, 20s));
  const Ran ran = run({"locks", shop.name()});
  CAPTURE(ran.out);
  CHECK(ran.code == 1);
  const std::string first = "process " + std::to_string(pair.first), second = "process " + std::to_string(pair.second);
  CHECK(has(ran.out, "Deadlock: "));
  CHECK(has(ran.out, first + " waits for lock 'b', which " + second + " holds"));
  CHECK(has(ran.out, second + " waits for lock 'a', which " + first + " holds"));
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "'" + shop.name() + "'"));

  const json::object all = locks_json(shop.name());
  const json::array& deadlocks = all.at("deadlocks").as_array();
  REQUIRE(deadlocks.size() == 1);
  CHECK(deadlocks[0].at("certain") == true);
  CHECK(deadlocks[0].at("processes").as_array().size() == 2);
  CHECK(deadlocks[0].at("objects").as_array().size() == 2);
  const json::object a = about(shop.name(), "a").value();
  CHECK(a.at("holders").as_array().at(0).at("pid") == pair.first);
  const json::object& waiter = a.at("waiters").as_array().at(0).as_object();
  CHECK(waiter.at("pid") == pair.second);
  CHECK(waiter.at("thread") == pair.second);
  CHECK(waiter.at("seconds").as_double() >= 0);
  CHECK(waiter.at("seconds").as_double() < 60);
  CHECK(waiter.at("timeout") == false);
}

TEST_CASE("locks: after the death of one of them the other goes on") {
  Serving shop(unique("parted"));
  Embrace pair(shop.name());
  REQUIRE(eventually([&] { return run({"locks", shop.name()}).code == 1; }, 20s));
  pair.group.kill(pair.first);
  const ChildResult end = pair.group.wait(pair.second, 20s);
  CHECK_MESSAGE(end.ok(), end.describe());
  CHECK(run({"locks", shop.name()}).code == 0);
}

TEST_CASE("locks: depth, permits, parties, those who wait to be notified, for items and for room") {
  Serving shop(unique("kinds"));
  Client client(shop.name(), [](Manager& m) {
    static const auto rlock = m.RLock(named("rlock"));
    static const auto semaphore = m.Semaphore(named("semaphore"), 3);
    static const auto full = m.Queue<int>(named("full"), 1);
    for (int i = 0; i < 3; ++i) rlock.acquire();
    for (int i = 0; i < 2; ++i) semaphore.acquire();
    full.put(1);
  });
  ChildGroup group;
  const auto start = [&](const std::function<void(Manager&)>& work) {
    return group.start([name = shop.name(), work] {
      Manager m = Manager::connect(name);
      work(m);
    });
  };
  const pid_t notified = start([](Manager& m) {
    const auto condition = m.Condition(named("condition"));
    condition.acquire();
    condition.wait();
  });
  const pid_t party = start([](Manager& m) { m.Barrier(named("barrier"), 2).wait(); });
  const pid_t consumer = start([](Manager& m) { (void)m.Queue<int>(named("empty"), 0).get(60s); });
  const pid_t producer = start([](Manager& m) { m.Queue<int>(named("full"), 1).put(2); });
  const pid_t other = start([](Manager& m) { m.RLock(named("rlock")).acquire(); });
  for (const char* object : {"condition", "barrier", "empty", "full", "rlock"}) {
    CAPTURE(object);
    REQUIRE(eventually([&] { return waiters(shop.name(), object) == 1; }, 20s));
  }
  const auto one = [&](const char* object, const char* list) {
    const json::object o = about(shop.name(), object).value();
    REQUIRE(o.at(list).as_array().size() == 1);
    return o.at(list).as_array().at(0);
  };
  CHECK(one("rlock", "holders").at("pid") == client.pid());
  CHECK(one("rlock", "holders").at("thread") == client.pid());
  CHECK(one("rlock", "holders").at("count") == 3);
  CHECK(one("rlock", "waiters").at("pid") == other);
  CHECK(one("semaphore", "holders").at("count") == 2);
  CHECK(about(shop.name(), "semaphore").value().at("permits") == 1);
  CHECK(one("rlock", "holders").at("state") == "sleeping");
  CHECK(one("rlock", "waiters").at("state") == "sleeping");
  CHECK(about(shop.name(), "rlock").value().at("called") == "rlock 'rlock'");
  CHECK(locks_json(shop.name()).at("segment").as_array().empty());
  CHECK(one("condition", "enlisted") == notified);
  CHECK(one("barrier", "enlisted") == party);
  CHECK(one("empty", "waiters").at("pid") == consumer);
  CHECK(one("empty", "waiters").at("for") == "item");
  CHECK(one("empty", "waiters").at("timeout") == true);
  CHECK(one("full", "waiters").at("pid") == producer);
  CHECK(one("full", "waiters").at("for") == "room");

  const Ran ran = run({"locks", shop.name()});
  CAPTURE(ran.out);
  CHECK(ran.code == 0);
  CHECK(has(ran.out, "holds it, 3 deep"));
  CHECK(has(ran.out, "holds 2 permits"));
  CHECK(has(ran.out, "waits to be notified"));
  CHECK(has(ran.out, "has come"));
  CHECK(has(ran.out, "waits for an item, with a timeout"));
  CHECK(has(ran.out, "waits for room"));
}

TEST_CASE("locks: the lock of a value is called by it, in JSON too") {
  Serving shop(unique("companion"));
  Client client(shop.name(), [](Manager& m) {
    static const auto total = m.Value<int>(named("total"), 0);
    total.get_lock().acquire();
  });
  const json::array objects = locks_json(shop.name()).at("objects").as_array();
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].at("name").is_null());
  CHECK(objects[0].at("called") == "rlock of value 'total'");
  CHECK(has(run({"locks", shop.name()}).out, "rlock of value 'total'"));
}

TEST_CASE("locks: several threads of one process, each with its own wait") {
  Serving shop(unique("threads"));
  Client client(shop.name(), [](Manager& m) {
    static const auto a = m.Lock(named("a")), b = m.Lock(named("b"));
    a.acquire();
    b.acquire();
  });
  ChildGroup group;
  const pid_t pid = group.start([name = shop.name()] {
    Manager m = Manager::connect(name);
    std::thread other([&m] { m.Lock(named("a")).acquire(); });
    m.Lock(named("b")).acquire();
    other.join();
  });
  REQUIRE(eventually([&] { return waiters(shop.name(), "a") == 1 && waiters(shop.name(), "b") == 1; }, 20s));
  const json::object a = about(shop.name(), "a").value(), b = about(shop.name(), "b").value();
  CHECK(a.at("waiters").as_array().at(0).at("pid") == pid);
  CHECK(b.at("waiters").as_array().at(0).at("thread") == pid);
  CHECK(a.at("waiters").as_array().at(0).at("thread") != pid);
  CHECK(run({"locks", shop.name()}).code == 0);
}

TEST_CASE("locks: who is stopped in the middle of an operation, and who waits for that; nothing is waited for") {
  Serving shop(unique("stopped"));
  ChildGroup group;
  const auto write = [name = shop.name()](bool stop) {
    Manager m = Manager::connect(name);
    auto stock = m.dict<std::string, std::string>(named("stock"), {{"apples", "3"}});
    stock.modify("apples", [stop](std::string& s) {
      if (stop) ::raise(SIGSTOP);
      s += "!";
    });
  };
  const pid_t holder = group.start([=] { write(true); });
  REQUIRE(eventually([&] { return process_state(holder) == 'T'; }, 20s));
  const pid_t waiter = group.start([=] { write(false); });
  REQUIRE(eventually([&] { return waiters(shop.name(), "stock") == 1; }, 20s));
  const json::object all = locks_json(shop.name());
  const json::array& internal = all.at("internal").as_array();
  REQUIRE(internal.size() == 1);
  CHECK(internal[0].at("lock") == "the lock of dict 'stock'");
  CHECK(internal[0].at("pid") == holder);
  CHECK(internal[0].at("state") == "stopped");
  const json::object stock = about(shop.name(), "stock").value();
  CHECK(stock.at("waiters").as_array().at(0).at("pid") == waiter);
  CHECK(stock.at("waiters").as_array().at(0).at("for") == "internal lock");
  const Ran ran = run({"locks", shop.name()});
  CAPTURE(ran.out);
  CHECK(has(ran.out, "the lock of dict 'stock'"));
  CHECK(has(ran.out, "stopped"));
  resume_process(holder);
  CHECK(group.wait(holder, 20s).ok());
  CHECK(group.wait(waiter, 20s).ok());
  CHECK(run({"get", shop.name(), "stock", "apples"}).out == "\"3!!\"\n");
}
