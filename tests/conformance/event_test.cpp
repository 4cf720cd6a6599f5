// CPython's _TestEvent.
#include <sstream>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestEvent.test_event: set, clear and wait, and a child that sets it") {
  in_each_world([](World& world) {
    const auto event = world.Event();
    CHECK_FALSE(event.is_set());
    CHECK_FALSE(event.wait(0s));
    CHECK(takes(timeout, [&] { CHECK_FALSE(event.wait(timeout)); }));

    event.set();
    CHECK(event.is_set());
    CHECK(event.wait());
    CHECK(event.wait(0s));
    CHECK(event.wait(timeout));
    CHECK(event.is_set());

    event.clear();
    CHECK_FALSE(event.is_set());
    Worker child = world.start([=] {
      std::this_thread::sleep_for(timeout);
      event.set();
    });
    CHECK(event.wait());
    CHECK(event.is_set());
    CHECK(child.join() == "");
  });
}

TEST_CASE("_TestEvent.test_repr: says if it is set") {
  in_each_world([](World& world) {
    const auto repr = [event = world.Event()](void (*change)(const Event&)) {
      change(event);
      std::ostringstream out;
      out << event;
      return out.str();
    };
    CHECK(repr([](const Event&) {}) == "<Event: unset>");
    CHECK(repr([](const Event& e) { e.set(); }) == "<Event: set>");
    CHECK(repr([](const Event& e) { e.clear(); }) == "<Event: unset>");
  });
}
