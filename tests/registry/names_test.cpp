// Names: given once, found by all, taken away.
#include <partage/error.hpp>

#include "tests/registry/fixture.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
using namespace std::chrono_literals;

TEST_CASE("a name is given once and keeps its object alive") {
  RegistryFixture at;
  const ObjectRef a = at->new_list(), b = at->new_list();
  CHECK(at->registry().lookup("stock") == 0);
  CHECK(at->registry().publish("stock", a) == 0);
  CHECK(at->registry().publish("stock", a) == 0);  // it has it
  CHECK(at->registry().publish("stock", b) == a);
  at->release(a);
  CHECK(at->registry().facts(a));
  CHECK(at->registry().lookup("stock") == a);
  CHECK(at->verify() == "");
  CHECK(at->registry().remove("stock"));
  CHECK_FALSE(at->registry().remove("stock"));
  CHECK(at->registry().facts(a));  // lookup() made this process hold it again
  at->release(a);
  CHECK_FALSE(at->registry().facts(a));
  CHECK(at->registry().publish("stock", b) == 0);
  at->release(b);
  CHECK(at->registry().remove("stock"));
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("nobody gets a handle to the dict of names, so that nobody ends it by letting go") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  at->registry().publish("list", list);
  int found = 0;
  for (kernel::u32 index = 0; index < kernel::ObjectTable::stripe_count; ++index) {
    const kernel::ObjectSlot* slot = at->objects().find(index);
    const kernel::SlotWord word = kernel::SlotWord::of(slot->state.load());
    if (word.state != kernel::SlotState::live || (word.flags & kernel::object_flag::internal) == 0) continue;
    ++found;
    const ObjectRef names = kernel::make_ref(index, word.generation);
    CHECK_FALSE(at->registry().acquire(names));
    at->registry().release(names);
  }
  CHECK(found == 1);
  CHECK(at->registry().lookup("list") == list);
}

TEST_CASE("an object may have two names; a name may be long; an empty one is refused") {
  RegistryFixture at;
  const ObjectRef a = at->new_list();
  const std::string long_name(300, 'n');
  CHECK(at->registry().publish("one", a) == 0);
  CHECK(at->registry().publish(long_name, a) == 0);
  CHECK(at->registry().lookup(long_name) == a);
  CHECK_THROWS_AS(at->registry().publish("", a), ValueError);
  CHECK(at->registry().remove(long_name));
  CHECK(at->registry().lookup("one") == a);
  CHECK(at->verify() == "");
}

TEST_CASE("many names are given in one step, or none of them") {
  using Taken = kernel::Registry::Taken;
  RegistryFixture at;
  const ObjectRef a = at->new_list(), b = at->new_list(), old = at->new_list();
  CHECK(at->registry().publish("b", old) == 0);
  at->release(old);  // only its name keeps it
  const std::vector<kernel::Registry::NamedObject> both{{"a", a}, {"b", b}}, none;
  CHECK(at->registry().publish_all(none, Taken::refuse) == std::nullopt);
  CHECK(at->registry().publish_all(both, Taken::refuse) == std::optional<std::size_t>(1));
  CHECK(at->registry().lookup("a") == 0);
  CHECK(at->verify() == "");
  CHECK(at->registry().publish_all(both, Taken::replace) == std::nullopt);
  CHECK_FALSE(at->registry().facts(old));
  CHECK(at->registry().lookup("a") == a);
  CHECK(at->registry().lookup("b") == b);
  const std::vector<kernel::Registry::NamedObject> bad{{"c", a}, {"", b}};
  CHECK_THROWS_AS(at->registry().publish_all(bad, Taken::replace), ValueError);
  CHECK(at->registry().lookup("c") == 0);
  at->release(a);
  at->release(b);
  const auto held = at->registry().hold_named();
  REQUIRE(held.size() == 2);
  CHECK(held[0].name == "b");  // in the order in which the names were given
  CHECK(held[1].ref == a);
  CHECK(at->registry().remove("a"));
  CHECK(at->registry().facts(a));  // this process holds it
  CHECK(at->verify() == "");
}

TEST_CASE("naming an object that has gone is refused") {
  RegistryFixture at;
  const ObjectRef a = at->new_list();
  at->release(a);
  CHECK_THROWS_AS(at->registry().publish("stock", a), ValueError);
  CHECK(at->registry().lookup("stock") == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("of many processes that name at once, one wins and all get its object") {
  RegistryFixture at;
  constexpr int processes = 6, rounds = 50;
  ChildGroup group;
  std::vector<pid_t> pids;
  for (int p = 0; p < processes; ++p) {
    pids.push_back(group.start([&] {
      at.segment().client_slot = 0;
      kernel::join_segment(at.segment());
      for (int i = 0; i < rounds; ++i) {
        const std::string name = "n" + std::to_string(i);
        const ObjectRef mine = at->new_list();
        ObjectRef chosen = at->registry().publish(name, mine);
        if (chosen != 0) {
          at->release(mine);
        } else {
          chosen = mine;
        }
        at->append(chosen, "x");
        at->release(chosen);
      }
      kernel::leave_segment(at.segment());
    }));
  }
  for (const pid_t pid : pids) {
    const ChildResult r = group.wait(pid, 30s);
    CHECK_MESSAGE(r.ok(), r.describe());
  }
  CHECK(at->count() == rounds);
  for (const ObjectInfo& o : at->registry().objects()) {
    CHECK(o.size == processes);
    CHECK(o.references == 1);
  }
  CHECK(at->verify() == "");
  for (int i = 0; i < rounds; ++i) CHECK(at->registry().remove("n" + std::to_string(i)));
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

}  // namespace partage::test
