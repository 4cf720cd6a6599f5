// An object goes with its last handle, at once, also where that handle goes while references change hands or user code
// runs, when it cannot go at that very moment.
#include <partage/engine/create.hpp>

#include "manager/registry/registry.hpp"
#include "proxy/engine/session.hpp"
#include "support.hpp"

using namespace partage;
using namespace partage::test;

namespace {

engine::SessionPtr session_of(const ListProxy<int>& list) {
  return static_cast<const engine::SharedObject*>(list.list_engine().object().get())->session;
}

}  // namespace

TEST_SUITE("last_handle") {
  TEST_CASE("last handle: goes while another thread takes a reference over; the object with the end of that") {
    Manager m;
    auto list = m.list<int>({1});
    const engine::SessionPtr session = session_of(list);
    {
      const engine::Session::HandOver one(*session);
      {
        const engine::Session::HandOver two(*session);
        list = {};
        CHECK(m.objects().size() == 1);  // it might be the one that is being taken over
      }
      CHECK(m.objects().size() == 1);
    }
    CHECK(m.objects().empty());
  }

  TEST_CASE("last handle: of an object that came second to a name") {
    Manager m;
    const auto any = m.list<int>();
    ListProxy<int> winner;
    const engine::ObjectPtr got = engine::open_or_create(session_of(any), "name", [&] {
      winner = m.list<int>(named("name"), {1});
      return m.list<int>({2}).list_engine().object();
    });
    CHECK(got == winner.list_engine().object());
    CHECK(m.objects().size() == 2);
  }

  TEST_CASE("last handle: goes inside modify(), of this manager and of another") {
    Manager m, other;
    auto here = m.list<int>();
    auto there = other.list<int>();
    auto numbers = m.list<int>({1});
    numbers.modify(0, [&](int& n) {
      here = {};
      there = {};
      ++n;
    });
    CHECK(m.objects().size() == 1);
    CHECK(other.objects().empty());

    there = other.list<int>();
    CHECK_THROWS_AS(numbers.modify(0,
                                   [&](int&) {
                                     there = {};
                                     throw std::runtime_error("in the middle");
                                   }),
                    std::runtime_error);
    CHECK(other.objects().empty());
  }

  TEST_CASE("last handle: goes in a key function under the lock, which throws") {
    Manager m, other;
    auto here = m.list<int>();
    auto there = other.list<int>();
    auto numbers = m.list<int>({2, 1});
    const auto key = [&](int n) {
      try {
        numbers.append(n);  // so that what the keys are of is out of date, until there is a lock around us
      } catch (const UsageError&) {
        here = {};
        there = {};
        throw;
      }
      return n;
    };
    CHECK_THROWS_AS(numbers.sort_by(key), UsageError);
    CHECK(m.objects().size() == 1);
    CHECK(other.objects().empty());
  }
}
