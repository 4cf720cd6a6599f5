// doctor: what it finds in real situations, and what it says of facts that are hard to make real.
#include <signal.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <optional>
#include <partage/partage.hpp>

#include "manager/tool/diagnosis.hpp"
#include "tests/support/tmpfs.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

Program::Words with_json(const std::string& name, const Program::Words& options = {}) {
  Program::Words words{"doctor", name, "--json"};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

/// The findings about one manager; what is wrong with this machine is not the test's affair.
json::array findings_of(const std::string& name, const Program::Words& options = {}) {
  json::array mine;
  const json::value all = run(with_json(name, options)).json();
  for (const json::value& f : all.as_array()) {
    if (f.at("manager") == json::value(name)) mine.push_back(f);
  }
  return mine;
}

std::optional<json::object> finding(const std::string& name, const std::string& kind,
                                    const Program::Words& options = {}) {
  const json::array all = findings_of(name, options);
  for (const json::value& f : all) {
    if (f.at("kind") == json::value(kind)) return f.as_object();
  }
  return std::nullopt;
}

std::string text(const std::optional<json::object>& finding, const char* key) {
  return finding ? std::string(finding->at(key).as_string()) : "(not found)";
}

/// A process that is stopped in the middle of an operation on the dict 'stock'.
pid_t stop_in_the_middle(ChildGroup& group, const std::string& name) {
  const pid_t pid = group.start([name] {
    Manager m = Manager::connect(name);
    auto stock = m.dict<std::string, std::string>(named("stock"), {{"apples", "3"}});
    stock.modify("apples", [](std::string&) { ::raise(SIGSTOP); });
  });
  REQUIRE(eventually([&] { return process_state(pid) == 'T'; }, 20s));
  return pid;
}

}  // namespace

TEST_CASE("doctor: a manager in order") {
  Serving shop(unique("well"));
  Client client(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("lock"));
    lock.acquire();
  });
  CHECK(findings_of(shop.name()).empty());
  const Ran ran = run({"doctor", shop.name()});
  if (run(with_json(shop.name())).json().as_array().empty()) {  // nothing is wrong with the machine either
    CHECK(ran.code == 0);
    CHECK(ran.out == "Nothing is wrong.\n");
    CHECK(ran.err == "");
  } else {
    CHECK(ran.code == 1);
  }
  CHECK(run({"doctor", "nobody-" + shop.name()}).code == 3);
  CHECK(run({"doctor", shop.name(), "--long-wait", "-1"}).code == 2);
}

TEST_CASE("doctor: who is stopped in the middle of an operation") {
  Serving shop(unique("middle"));
  ChildGroup group;
  const pid_t pid = stop_in_the_middle(group, shop.name());
  const Ran ran = run({"doctor", shop.name()});
  CAPTURE(ran.out);
  CHECK(ran.code == 1);
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.out, shop.name() + ": Process " + std::to_string(pid) + " ("));
  CHECK(has(ran.out, "is stopped in the middle of an operation and holds the lock of dict 'stock'"));
  CHECK(has(ran.out, "`kill -CONT " + std::to_string(pid) + "`"));
  resume_process(pid);
  CHECK(group.wait(pid, 20s).ok());
  CHECK(findings_of(shop.name()).empty());
}

TEST_CASE("doctor: who is stopped with a lock, and who waits too long for it") {
  Serving shop(unique("long"));
  Client holder(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("lock"));
    lock.acquire();
  });
  ChildGroup group;
  const pid_t waiter = group.start([name = shop.name()] { Manager::connect(name).Lock(named("lock")).acquire(); });
  const auto waits = [&] { return text(finding(shop.name(), "long_wait", {"--long-wait", "0s"}), "problem"); };
  REQUIRE(eventually([&] { return waits() != "(not found)"; }, 20s));
  CHECK(has(waits(), "Process " + std::to_string(waiter)));
  CHECK(has(waits(), "lock 'lock'"));
  CHECK(has(waits(), "held by process " + std::to_string(holder.pid())));
  CHECK(has(waits(), " has waited "));
  // Longer than a waiter sleeps before it looks again whether the holder lives: the wait is one all the same.
  CHECK(eventually([&] { return finding(shop.name(), "long_wait", {"--long-wait", "1s"}).has_value(); }, 20s));
  CHECK(findings_of(shop.name()).empty());  // a minute is not over yet
  REQUIRE(pause_process(holder.pid()));
  const std::string stopped = text(finding(shop.name(), "stopped_holder"), "problem");
  CHECK(has(stopped, "Process " + std::to_string(holder.pid())));
  CHECK(has(stopped, "is stopped and holds lock 'lock', for which 1 thread waits."));
  resume_process(holder.pid());
}

TEST_CASE("doctor: who has ended without releasing a lock") {
  Serving shop(unique("left"));
  Client keeper(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("lock"));
    (void)lock;
  });
  const auto acquire = [name = shop.name()] { Manager::connect(name).Lock(named("lock")).acquire(); };
  CHECK(run_child(acquire, 20s).ok());
  CHECK(findings_of(shop.name()).empty());
  CHECK(has(run({"locks", shop.name()}).out, "holds it, and has ended without releasing"));
  ChildGroup group;
  group.start(acquire);
  REQUIRE(eventually([&] { return finding(shop.name(), "left_locked").has_value(); }, 20s));
  CHECK(has(text(finding(shop.name(), "left_locked"), "problem"),
            "without releasing lock 'lock', for which 1 thread waits."));
}

TEST_CASE("doctor: a deadlock") {
  Serving shop(unique("circle"));
  ChildGroup group;
  const auto take = [name = shop.name()](const char* one, const char* other) {
    Manager m = Manager::connect(name);
    const auto mine = m.Lock(named(one)), theirs = m.Lock(named(other));
    mine.acquire();
    m.Barrier(named("both"), 2).wait();
    theirs.acquire();
  };
  group.start([=] { take("a", "b"); });
  group.start([=] { take("b", "a"); });
  REQUIRE(eventually([&] { return finding(shop.name(), "deadlock").has_value(); }, 20s));
  CHECK(has(text(finding(shop.name(), "deadlock"), "problem"), "Deadlock: process "));
  CHECK_FALSE(finding(shop.name(), "long_wait", {"--long-wait", "0s"}));  // it is said once
}

TEST_CASE("doctor: managers that were killed, with and without processes that use them") {
  Serving shop(unique("dead"));
  {
    Client client(shop.name(), [](Manager& m) {
      static const auto list = m.list<int>(named("numbers"), {1});
      (void)list;
    });
    shop.kill();
    const auto orphaned = finding(shop.name(), "orphaned");
    CHECK(has(text(orphaned, "problem"), "1 process still works with its objects"));
    CHECK(has(text(orphaned, "advice"), "`partage serve " + shop.name() + "`"));
    client.kill();
  }
  const auto abandoned = finding(shop.name(), "abandoned");
  CHECK(has(text(abandoned, "advice"), "`partage clean " + shop.name() + "`"));
  CHECK(run({"clean", shop.name()}).code == 0);
}

TEST_CASE("doctor: a stopped manager, and whom it has not cleared up after") {
  Serving shop(unique("asleep"));
  ChildGroup group;
  const pid_t pid = stop_in_the_middle(group, shop.name());
  REQUIRE(pause_process(shop.pid()));
  group.kill(pid);
  CHECK(has(text(finding(shop.name(), "stopped_manager"), "problem"), "process " + std::to_string(shop.pid())));
  CHECK(has(text(finding(shop.name(), "dead_clients"), "problem"), "Process " + std::to_string(pid) + " has died"));
  CHECK(has(text(finding(shop.name(), "dead_owner"), "problem"), "died while it held the lock of dict 'stock'"));
  resume_process(shop.pid());
  CHECK(eventually([&] { return findings_of(shop.name()).empty(); }, 20s));
}

TEST_CASE("doctor: a manager whose memory is nearly used up") {
  Serving shop(unique("full"), {"--max-size", "2M"});
  Client client(shop.name(), [](Manager& m) {
    static auto list = m.list<std::string>(named("texts"));
    try {
      for (;;) list.append(std::string(10'000, 'x'));
    } catch (const OutOfMemory&) {
    }
  });
  const auto full = finding(shop.name(), "nearly_full");
  CHECK(has(text(full, "problem"), " of 2M."));
  CHECK(has(text(full, "advice"), "--max-size"));
}

TEST_CASE("doctor: what lies in /dev/shm and is no segment of this version") {
  const std::string name = unique("foreign"), path = "/dev/shm/partage." + name;
  {
    Serving shop(name);
    std::ifstream in(path, std::ios::binary);
    std::string head(4096, '\0');
    REQUIRE(in.read(head.data(), 4096));
    head[8] = 99;  // its format
    const std::string other = path + "x";
    std::ofstream(other, std::ios::binary) << head << std::string(1 << 20, '\0');
    const auto found = finding(name + "x", "unreadable");
    ::unlink(other.c_str());
    CAPTURE(text(found, "problem"));
    CHECK(has(text(found, "problem"), other + " cannot be looked at: this segment cannot be attached: "));
    CHECK(has(text(found, "problem"), "format"));
    CHECK(has(text(found, "advice"), "`rm " + other + "`"));
  }
  if (!has_private_shm()) {
    MESSAGE("litter is looked for only where /dev/shm is this test's own");
    return;
  }
  std::ofstream("/dev/shm/partage-leftover") << "x";
  const Ran ran = run({"doctor"});
  ::unlink("/dev/shm/partage-leftover");
  CHECK(ran.code == 1);
  CHECK(has(ran.out, "/dev/shm/partage-leftover looks like a file of partage, but is no segment."));
}

TEST_CASE("doctor: a full /dev/shm") {
  const TmpfsRun small = run_on_small_shm(
      8 << 20,
      [] {
        std::ofstream("/dev/shm/other") << std::string(15 << 19, 'x');
        const Ran ran = run({"doctor", "--json"});
        if (ran.code != 1) throw std::runtime_error("code " + std::to_string(ran.code) + ": " + ran.out);
        const json::value all = ran.json();
        for (const json::value& f : all.as_array()) {
          if (f.at("kind") == "shared_memory" && has(std::string(f.at("problem").as_string()), "of 8M are used"))
            return;
        }
        throw std::runtime_error(ran.out);
      },
      30s);
  if (!small.why_not.empty()) {
    MESSAGE("skipped: ", small.why_not);
    return;
  }
  CHECK_MESSAGE(small.result.ok(), small.result.describe());
}

// ---- facts that are made up ------------------------------------------------------------------------------------------

TEST_CASE("findings: none") {
  tool::MachineFacts facts;
  facts.managers.emplace_back().name = "shop";
  CHECK(tool::diagnose(facts).empty());
}

TEST_CASE("findings: nearly used up are more than nine tenths") {
  tool::MachineFacts facts;
  facts.shared_memory = facts.memory = {90, 100};
  CHECK(tool::diagnose(facts).empty());
  facts.shared_memory.used = facts.memory.used = 91;
  REQUIRE(tool::diagnose(facts).size() == 2);
  CHECK(tool::diagnose(facts)[0].kind == "shared_memory");
  CHECK(tool::diagnose(facts)[1].kind == "memory");
}

TEST_CASE("findings: places for processes") {
  tool::MachineFacts facts;
  facts.managers.emplace_back().name = "shop";
  auto& clients = facts.managers[0].now.seen.clients;
  clients.resize(459);
  CHECK(tool::diagnose(facts).empty());
  clients.resize(460);
  REQUIRE(tool::diagnose(facts).size() == 1);
  CHECK(tool::diagnose(facts)[0].problem == "460 of 511 places for processes and connections of 'shop' are taken.");
}

TEST_CASE("findings: what is seen only once, or moves, is no finding") {
  tool::MachineFacts facts;
  facts.managers.emplace_back().name = "shop";
  auto& [name, error, service, manager, before, now, directory] = facts.managers[0];
  const kernel::SeenInternal lock{.object = 0, .what = "heap", .thread = 12, .dead = false, .at = 64, .seq = 4};
  now.seen.internals = {lock};
  now.processes[12] = {.pid = 12, .process = 12, .name = "worker", .state = 'R', .threads = 1, .cpu_ticks = 0};
  CHECK(tool::diagnose(facts).empty());
  before.seen.internals = {lock};
  REQUIRE(tool::diagnose(facts).size() == 1);
  CHECK(tool::diagnose(facts)[0].kind == "slow_holder");
  CHECK(tool::diagnose(facts)[0].problem ==
        "Process 12 (worker) does not get on with an operation and holds the heap; nobody else can use it until it "
        "goes on.");
  before.seen.internals[0].seq = 2;
  CHECK(tool::diagnose(facts).empty());
  kernel::SeenClient dead{};
  dead.process.pid = 13;
  dead.dead = true;
  now.seen.clients = {dead};
  CHECK(tool::diagnose(facts).empty());
  before.seen.clients = {dead};
  CHECK(tool::diagnose(facts).size() == 1);
}

TEST_CASE("findings: a name that was left behind") {
  tool::MachineFacts facts;
  facts.managers.emplace_back().name = "shop";
  facts.managers[0].service = tool::Service::ended;
  REQUIRE(tool::diagnose(facts).size() == 1);
  CHECK(tool::diagnose(facts)[0].advice == "`partage clean shop` removes it.");
}

TEST_CASE("findings: what is advised can be copied into a shell, whatever the names are") {
  tool::MachineFacts facts;
  auto& shop = facts.managers.emplace_back();
  shop.name = "it's a shop";
  shop.service = tool::Service::abandoned;
  CHECK(has(tool::diagnose(facts).at(0).advice, "`partage clean 'it'\\''s a shop'`"));
  shop.service = tool::Service::serving;
  kernel::SeenObject object;
  object.ref = 1;
  object.name = "a b";
  object.quarantined = true;
  shop.now.seen.objects = {object};
  CHECK(has(tool::diagnose(facts).at(0).advice, "`partage del 'it'\\''s a shop' 'a b'`"));
  shop.error = "partage: it is no segment";
  const auto unreadable = tool::diagnose(facts).at(0);
  CHECK(unreadable.problem == "/dev/shm/partage.it's a shop cannot be looked at: it is no segment.");
  CHECK(has(unreadable.advice, "`rm '/dev/shm/partage.it'\\''s a shop'`"));
  shop.directory = true;
  CHECK(has(tool::diagnose(facts).at(0).advice, "`rm -r '/dev/shm/partage.it'\\''s a shop'`"));
  facts.managers.clear();
  facts.litter = {{"partage\nx", true}};
  CHECK(has(tool::diagnose(facts).at(0).advice, "`rm -r $'/dev/shm/partage\\x0ax'`"));
}
