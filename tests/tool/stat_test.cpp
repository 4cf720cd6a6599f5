// stat: what it counts of processes that work, and the arithmetic behind it.
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <partage/partage.hpp>
#include <sstream>
#include <thread>

#include "manager/tool/duration.hpp"
#include "manager/tool/rates.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

json::object object_in(const json::value& stat, const std::string& name) {
  for (const json::value& o : stat.at("objects").as_array()) {
    if (o.at("name") == json::value(name)) return o.as_object();
  }
  FAIL("stat does not show ", name);
  return {};
}

std::vector<json::value> lines_of(const std::string& text) {
  std::vector<json::value> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("stat: changes and reads of processes that work, by object, and growth") {
  Serving shop(unique("busy"));
  Client idle(shop.name(), [](Manager& m) {
    static const auto calm = m.list<int>(named("calm"), {1, 2, 3});
    (void)calm;
  });
  ChildGroup group;
  group.start([name = shop.name()] {
    Manager m = Manager::connect(name);
    auto counts = m.dict<int, int>(named("counts"), {{1, 0}});
    auto numbers = m.list<int>(named("numbers"), {1});
    auto texts = m.list<std::string>(named("texts"));
    for (int i = 0;; ++i) {
      counts[1] += 1;
      for (int k = 0; k < 20; ++k) (void)(counts.at(1) + numbers.at(0));
      if (i % 100 == 0 && texts.size() < 20'000) texts.append(std::string(500, 'x'));
    }
  });
  REQUIRE(eventually([&] { return has(run({"ls", shop.name()}).out, "texts"); }, 20s));
  const Ran ran = run({"stat", shop.name(), "--every", "300ms", "--count", "2", "--json"});
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  for (const json::value& line : lines) {
    CAPTURE(line);
    const json::object counts = object_in(line, "counts"), numbers = object_in(line, "numbers"),
                       calm = object_in(line, "calm");
    CHECK(counts.at("changes").as_double() > 0);
    CHECK(counts.at("reads").as_double() > 0);
    CHECK(numbers.at("reads").as_double() > 0);
    CHECK(numbers.at("changes").as_double() == 0);
    CHECK(calm.at("changes").as_double() == 0);
    CHECK(calm.at("reads").as_double() == 0);
    CHECK(calm.at("size") == 3);
    CHECK(line.at("changes").as_double() >= counts.at("changes").as_double());
    CHECK(line.at("processes") == 2);
    CHECK(line.at("repairs") == 0);
    CHECK(line.at("seconds").as_double() >= 0.25);
  }
  CHECK(object_in(lines[1], "texts").at("bytes").as_int64() >=
        object_in(lines[1], "texts").at("size").as_int64() * 500);
}

TEST_CASE("stat: for people, once without --every") {
  Serving shop(unique("once"));
  Client client(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("door"));
    (void)lock;
  });
  const Ran ran = run({"stat", shop.name()});
  CHECK(ran.code == 0);
  CHECK(ran.out.starts_with(
      "per second: 0 changes, about 0 reads, 0 times a lock was busy, 0 sleeps; 0 repairs since the start\n"));
  CHECK(has(ran.out, " in use, not growing, "));
  CHECK(has(ran.out, "1 process\n"));
  CHECK(has(ran.out, "door  lock"));
}

TEST_CASE("stat: repairs after a death, waiting and sleeping") {
  Serving shop(unique("repairs"));
  Client holder(shop.name(), [](Manager& m) {
    static const auto lock = m.Lock(named("door"));
    lock.acquire();
  });
  ChildGroup group;
  group.start([name = shop.name()] { Manager::connect(name).Lock(named("door")).acquire(); });
  const auto once = [&] { return run({"stat", shop.name(), "--every", "50ms", "--count", "1", "--json"}).json(); };
  CHECK(eventually([&] { return object_in(once(), "door").at("waiters") == 1; }, 20s));
  const pid_t victim = group.start([name = shop.name()] {
    Manager m = Manager::connect(name);
    auto stock = m.dict<std::string, std::string>(named("stock"), {{"apples", "3"}});
    stock.modify("apples", [](std::string&) { ::raise(SIGKILL); });
  });
  CHECK(group.wait(victim, 20s).code == SIGKILL);
  CHECK(eventually([&] { return once().at("repairs").as_int64() > 0; }, 20s));
}

TEST_CASE("stat: refusals, and the end of the manager") {
  CHECK(run({"stat", "nobody"}).code == 3);
  CHECK(run({"stat"}).code == 2);
  Serving shop(unique("ends"));
  CHECK(run({"stat", shop.name(), "--every", "soon"}).code == 2);
  CHECK(run({"stat", shop.name(), "--count", "3"}).code == 2);
  Program program({"stat", shop.name(), "--every", "50ms"});
  REQUIRE(eventually([&] { return has(program.out(), "per second"); }, 20s));
  CHECK(run({"stop", shop.name()}).code == 0);
  const Ran ran = program.wait();
  CHECK(ran.code == 3);
  CHECK(has(ran.err, "has ended"));
}

TEST_CASE("stat: does not make up for the time in which it was stopped") {
  Serving shop(unique("paused"));
  Program program({"stat", shop.name(), "--every", "50ms", "--json"});
  REQUIRE(eventually([&] { return lines_of(program.out()).size() == 2; }, 20s));
  REQUIRE(pause_process(program.pid()));
  std::this_thread::sleep_for(1s);
  resume_process(program.pid());
  const std::size_t before = lines_of(program.out()).size();
  REQUIRE(eventually([&] { return lines_of(program.out()).size() >= before + 4; }, 20s));
  program.signal(SIGINT);
  std::size_t short_ones = 0;
  for (const json::value& line : lines_of(program.wait().out)) short_ones += line.at("seconds").as_double() < 0.002;
  CHECK(short_ones <= 1);  // it may have gone on just before it was time
}

// ---- the arithmetic ----------------------------------------------------------------------------------------------------

namespace {

tool::Watch looked_at(double second) {
  tool::Watch watch;
  watch.at = kernel::Clock::time_point(
      std::chrono::duration_cast<kernel::Clock::duration>(std::chrono::duration<double>(second)));
  return watch;
}

}  // namespace

TEST_CASE("rates: differences per second, of what was there both times") {
  tool::Watch before = looked_at(10), now = looked_at(12);
  kernel::SeenObject list, other;
  list.ref = 1;
  list.kind = kernel::ObjectKind::list;
  list.stripes = {{256, 100}, {512, 11}};
  list.reads = 1021;
  list.contended = 4;
  before.seen.objects = {list};
  list.stripes = {{256, 120}, {512, 12}, {768, 4000}};  // the third is new: nobody knows what it was before
  list.reads = 5 * 1021;
  list.contended = 5;
  other = list;
  other.ref = 2;
  now.seen.objects = {list, other};
  before.seen.used = 1000;
  now.seen.used = 400;
  before.seen.repairs = 3;
  now.seen.repairs = 4;
  const tool::Rates r = tool::rates(before, now);
  CHECK(r.seconds == doctest::Approx(2));
  REQUIRE(r.objects.size() == 2);
  CHECK(r.objects[0].changes == doctest::Approx(5.5));
  CHECK(r.objects[0].reads == doctest::Approx(2042));
  CHECK(r.objects[0].busy == doctest::Approx(0.5));
  CHECK(r.objects[1].changes == 0);
  CHECK(r.changes == doctest::Approx(5.5));
  CHECK(r.growth == doctest::Approx(-300));
  CHECK(r.repairs == 4);
  CHECK(r.new_repairs == doctest::Approx(0.5));
}

TEST_CASE("rates: as text") {
  CHECK(tool::rate_text(0) == "0");
  CHECK(tool::rate_text(0.31) == "0.3");
  CHECK(tool::rate_text(12.4) == "12");
  CHECK(tool::rate_text(1234) == "1.2k");
  CHECK(tool::rate_text(34'567) == "35k");
  CHECK(tool::rate_text(5.64e6) == "5.6M");
  CHECK(tool::rate_text(123e6) == "123M");
}

TEST_CASE("durations: written as much as matters") {
  CHECK(tool::duration_text(0.34) == "0.3 s");
  CHECK(tool::duration_text(42) == "42 s");
  CHECK(tool::duration_text(600) == "10 min");
  CHECK(tool::duration_text(7300) == "2 h");
}
