// check: what it says of a sound manager, and of one in which words were overwritten.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <partage/partage.hpp>

#include "manager/registry/registry.hpp"
#include "manager/server/manager.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// Overwrites the number of elements of a named list, as a wild write would.
void damage_list(const std::string& manager, const std::string& name) {
  const auto segment = kernel::Segment::attach(kernel::MemoryObject::open(manager).value());
  kernel::join_segment(*segment);
  kernel::Registry registry(*segment, kernel::Control::alone);
  const ObjectRef ref = registry.lookup(name);
  REQUIRE(ref != 0);
  kernel::Word& ends =
      segment->at<kernel::ListBody>(registry.facts(ref).value().body).stripe.body[kernel::ListBody::ends];
  kernel::Draft(&ends, 8).set(ends, ~kernel::u64{0});
  registry.release(ref);
  kernel::leave_segment(*segment);
}

}  // namespace

TEST_CASE("check: a whole manager") {
  const Serving serving(unique("check"));
  Manager manager = Manager::connect(serving.name());
  const auto stock = manager.dict<std::string, int>(named("stock"), {{"apples", 3}});
  const auto names = manager.list<std::string>(named("names"), {"Anna"});
  const Ran plain = run({"check", serving.name()});
  CHECK(plain.code == 0);
  CHECK(plain.out == "manager '" + serving.name() + "' is whole: the heap, the tables, 2 objects\n");
  CHECK(plain.err == "");
  const auto json = run({"check", serving.name(), "--json"}).json();
  CHECK(json.at("whole") == true);
  CHECK(json.at("objects") == 2);
  CHECK(json.at("judged_all") == true);
  CHECK(json.at("findings").as_array().empty());
  CHECK(run({"check", "no-such-manager"}).code == 3);
  CHECK(run({"check"}).code == 2);
}

TEST_CASE("check: a damaged list is named, quarantined when that is asked for, and the others go on") {
  const Serving serving(unique("check"));
  Manager manager = Manager::connect(serving.name());
  const auto bad = manager.list<std::string>(named("bad"), {"a", "b"});
  const auto good = manager.list<std::string>(named("good"), {"c"});
  damage_list(serving.name(), "bad");

  const Ran found = run({"check", serving.name()});
  CHECK(found.code == 1);
  CHECK(has(found.out, "list 'bad': damaged: list: "));
  CHECK(is_sentence(found.err));
  CHECK(has(found.err, "check --quarantine " + serving.name()));

  const Ran done = run({"check", "--quarantine", serving.name(), "--json"});
  CHECK(done.code == 1);
  const auto json = done.json();
  CHECK(json.at("whole") == false);
  REQUIRE(json.at("findings").as_array().size() == 1);
  CHECK(json.at("findings").at(0).at("subject") == "list 'bad'");
  CHECK(json.at("findings").at(0).at("verdict") == "damaged");

  CHECK_THROWS_AS((void)bad.size(), Corrupt);
  CHECK_THROWS_AS(bad.append("x"), Corrupt);
  good.append("d");
  CHECK(good.copy() == std::vector<std::string>{"c", "d"});

  const Ran got = run({"get", serving.name(), "bad"});
  CHECK(got.code == 1);
  CHECK(is_sentence(got.err));
  CHECK(has(got.err, "quarantined"));
  CHECK(has(run({"ls", serving.name()}).out, "(quarantined)"));
  const Ran again = run({"check", serving.name()});
  CHECK(again.code == 1);
  CHECK(has(again.out, "list 'bad': quarantined"));
  const Ran sick = run({"doctor", serving.name()});
  CHECK(sick.code == 1);
  CHECK(has(sick.out, "list 'bad' was found damaged"));
  CHECK(run({"del", serving.name(), "bad"}).code == 0);
  CHECK(run({"stop", serving.name()}).code == 0);
}
