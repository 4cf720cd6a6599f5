// Value<T> as a program uses it: with and without a Manager, alone, in containers, by many processes.
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <partage/engine/companion.hpp>
#include <partage/engine/process_tree.hpp>
#include <thread>

#include "manager/registry/registry.hpp"
#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

struct Point {
  float x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
struct Record {
  int id = 0;
  std::string text;
  std::vector<int> numbers;
};
enum class Color : std::uint8_t { red = 1, green = 2 };

template <class T>
void round_trip(const T& a, const T& b) {
  const Value<T> value(a);
  CHECK(partage::detail::same(value.get(), a));
  value = b;
  CHECK(partage::detail::same(value.get(), b));
  Process child([=] { value.set(a); });
  child.start();
  child.join();
  CHECK(partage::detail::same(value.get(), a));
}

std::string verify_tree() {
  return kernel::verify_segment(engine::process_tree()->segment());
}

}  // namespace

TEST_SUITE("value") {
  TEST_CASE("value: a child's writes are seen by the parent, for every type") {
    round_trip<int>(-7, 1 << 30);
    round_trip<double>(3.5, -1e300);
    round_trip<short>(-1, 32767);
    round_trip<long long>(std::numeric_limits<long long>::min(), -1);
    round_trip<char>('c', 'x');
    round_trip<bool>(true, false);
    round_trip<Color>(Color::red, Color::green);
    round_trip<Point>({1, 2}, {-3, 4});
    round_trip<std::pair<char, int>>({'a', 1}, {'b', -2});
    round_trip<std::string>("short", std::string(5000, 'x'));
    round_trip<std::vector<std::string>>({"a"}, {});
    round_trip<Record>({1, "one", {1, 2}}, {2, std::string(100, 'r'), {}});
    round_trip<std::optional<int>>(5, std::nullopt);
    round_trip<Object>({{"k", {1, "x"}}}, nullptr);
    CHECK(verify_tree() == "");
  }

  TEST_CASE("value: bytes are kept as they are") {
    const Value<double> value(-0.0);
    CHECK(std::signbit(value.get()));
    value = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(value.get()));
    value += 1;
    CHECK(std::isnan(value.get()));
  }

  TEST_CASE("value: reads, writes and compound assignments") {
    const Value<int> v(10);
    CHECK((v += 5) == 15);
    CHECK((v -= 1) == 14);
    CHECK((v *= 3) == 42);
    CHECK((v /= 4) == 10);
    CHECK((v %= 6) == 4);
    CHECK((v |= 3) == 7);
    CHECK((v &= 6) == 6);
    CHECK((v ^= 5) == 3);
    CHECK((v <<= 4) == 48);
    CHECK((v >>= 1) == 24);
    CHECK(v++ == 24);
    CHECK(++v == 26);
    CHECK(v-- == 26);
    CHECK(--v == 24);
    CHECK((v *= 0.5) == 12);
    const int x = v;
    CHECK(x == 12);
    CHECK(v == 12);
    CHECK(v < 13);
    CHECK(v + 1 == 13);
    CHECK(-v == -12);
    CHECK(text(v) == "12");
    std::istringstream("99") >> v;
    CHECK(v == 99);

    const Value<std::string> s("ab");
    s += "cd";
    CHECK(s == "abcd");
    CHECK(s + "!" == "abcd!");
    CHECK(text(s) == "abcd");
    CHECK(s.modify([](std::string& in) {
      in.push_back('e');
      return in.size();
    }) == 5);
    s = "new";
    CHECK(s.get() == "new");
  }

  TEST_CASE("value: a copy is the same value, and a handle can be pointed elsewhere") {
    Value<int> a(1), b(2);
    const Value<int> same = a;
    CHECK(same.is(a));
    same = 5;
    CHECK(a == 5);
    a = b;  // the handle
    CHECK(a.is(b));
    CHECK(same == 5);
    same = b.get();  // the value
    CHECK(same == 2);
    CHECK(same == a);
    CHECK_FALSE(same.is(a));
    Value<double> d(0);
    d = a;  // another type: the value
    CHECK(d == 2.0);
  }

  TEST_CASE("value: modify publishes once, not when it throws, and nothing else is written inside") {
    const Value<int> small(1), other(0);
    const Value<std::string> big("one");
    CHECK_THROWS_AS(small.modify([](int& x) {
      x = 9;
      throw std::runtime_error("no");
    }),
                    std::runtime_error);
    CHECK_THROWS_AS(big.modify([](std::string& x) {
      x = "nine";
      throw std::runtime_error("no");
    }),
                    std::runtime_error);
    CHECK_THROWS_AS(small.modify([&](int&) { other = 1; }), Error);
    CHECK_THROWS_AS(big.modify([&](std::string&) { other += 1; }), Error);
    CHECK_THROWS_AS(small.modify([&](int&) { big = "x"; }), Error);
    CHECK(small.modify([&](int& x) { return x += other.get() + static_cast<int>(big.get().size()); }) == 4);
    CHECK(big == "one");
    CHECK(other == 0);
  }

  TEST_CASE("value: four processes += 100000 times each, exactly") {
    const Value<long> sum(0);
    const Value<std::uint8_t> wraps(std::uint8_t{0});
    std::vector<Process> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([=] {
        for (int i = 0; i < 100'000; ++i) {
          sum += 1;
          ++wraps;
        }
      });
    }
    for (Process& w : workers) w.start();
    for (Process& w : workers) w.join();
    CHECK(sum == 400'000);
    CHECK(wraps == (400'000 & 255));
  }

  TEST_CASE("value: big ones lose nothing either, also when a process is killed in the middle") {
    const Value<std::string> log(""), marks("");
    ChildGroup children;
    std::vector<pid_t> pids;
    for (int w = 0; w < 3; ++w) {
      pids.push_back(children.start([=] {
        for (int i = 0; i < 300; ++i) log += std::string(1, static_cast<char>('a' + w));
        marks += "x";
      }));
    }
    const pid_t killed = children.start([=] {
      for (;;)
        marks.modify([](std::string& s) {
          s.erase(std::remove(s.begin(), s.end(), 'k'), s.end());
          s += 'k';
        });
    });
    REQUIRE(eventually([&] { return marks.get().find('k') != std::string::npos; }, 10s));
    children.kill(killed);
    for (const pid_t pid : pids) CHECK(children.wait(pid, 20s).ok());
    CHECK(log.get().size() == 900);
    const std::string found = marks;
    CHECK(std::count(found.begin(), found.end(), 'x') == 3);
  }

  TEST_CASE("value: of a manager, with a name and a type") {
    Manager m;
    const auto v = m.Value<int>(5);
    v += 1;
    CHECK(v == 6);
    const auto stock = m.Value<int>(named("stock"), 3);
    CHECK(m.Value<int>(named("stock"), 99).is(stock));
    CHECK(stock == 3);
    CHECK(m.objects().size() == 2);
    for (const ObjectInfo& o : m.objects()) {
      CHECK(o.kind == "value");
      CHECK(o.types == "value<i32>");
      CHECK(o.size == 1);
    }
    const std::string message = message_of<TypeError>([&] { m.Value<double>(named("stock"), 0); });
    CHECK(has(message, "value<i32>"));
    CHECK(has(message, "value<f64>"));
    CHECK_THROWS_AS(m.list<int>(named("stock")), TypeError);
    m.shutdown();
    CHECK_THROWS_AS(v.get(), ManagerShutdown);
    CHECK_THROWS_AS(v += 1, ManagerShutdown);
  }

  TEST_CASE("value: in containers, through references to the handle") {
    Manager m;
    const auto dict = m.dict<std::string, Value<int>>({{"v", m.Value<int>(5)}});
    dict["v"] += 1;
    ++dict["v"];
    CHECK(dict["v"] == 7);
    CHECK(dict["v"].modify([](int& x) { return x *= 2; }) == 14);
    dict["v"].set(3);
    CHECK(text(dict) == "{'v': 3}");
    const Value<int> out(dict["v"]);
    CHECK(out.is(dict.at("v")));
    dict["v"] = m.Value<int>(8);
    CHECK(out == 3);
    CHECK(dict["v"] == 8);
    const auto names = m.list<Value<std::string>>({m.Value<std::string>("a'b")});
    CHECK(text(names) == "[\"a'b\"]");
    CHECK(text(names[0]) == "a'b");

    const Value<int> tree(1);
    CHECK_THROWS_AS(dict.set("t", tree), ValueError);  // another segment
  }

  TEST_CASE("value: of a handle holds the object") {
    Manager m;
    auto list = m.list<int>({1});
    const auto holder = m.Value<ListProxy<int>>(list);
    list = {};
    CHECK(references_of(m, "list<i32>") == 1);
    CHECK(holder.get().size() == 1);
    holder.set(m.list<int>({1, 2}));
    CHECK(holder.get().size() == 2);
    CHECK(m.objects().size() == 2);
    holder.modify([&](ListProxy<int>& l) { CHECK(l.copy() == Ints{1, 2}); });
    CHECK(text(holder) == "[1, 2]");
  }

  TEST_CASE("value: an empty handle says so") {
    const Value<int> none;
    CHECK(has(message_of<ValueError>([&] { none.get(); }), "empty handle"));
    CHECK_THROWS_AS(none += 1, ValueError);
  }

  TEST_CASE("value: too large for the segment changes nothing") {
    Manager m({.max_size = 256 << 10});
    const auto v = m.Value<std::string>("small");
    CHECK_THROWS_AS(v.set(std::string(1 << 20, 'x')), OutOfMemory);
    CHECK(v == "small");
  }

  TEST_CASE("value: the last handle frees it") {
    const auto live = [] { return kernel::Registry(engine::process_tree()->segment()).objects().size(); };
    const Value<int> first(0);
    const std::size_t before = live();
    for (int i = 0; i < 1000; ++i) {
      const Value<std::string> passing(std::string(100, 'x'));
      const Value<int> small(i);
    }
    CHECK(live() == before);
    CHECK(verify_tree() == "");
  }

  TEST_CASE("value: its companion is one, whoever asks first, and goes with it") {
    Manager m;
    auto v = m.Value<int>(0);
    const auto companion = [&](int number) {
      return ListProxy<int>(
          engine::companion(v.cell_engine().object(), [&] { return m.list<int>({number}).list_engine().object(); }));
    };
    std::vector<ListProxy<int>> got(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { got[static_cast<std::size_t>(i)] = companion(i); });
    }
    for (std::thread& t : threads) t.join();
    for (const auto& list : got) CHECK(list.is(got[0]));
    CHECK(m.objects().size() == 2);
    const ChildResult child = run_child([&] { return companion(9).is(got[0]) ? 0 : 1; }, 10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    got.clear();
    CHECK(m.objects().size() == 2);  // the value keeps it
    v = {};
    CHECK(eventually([&] { return m.objects().empty(); }, 5s));
  }
}
