// Every row of the table of ListProxy in API.md, its results and its errors.
#include <array>
#include <deque>
#include <list>
#include <numeric>
#include <ranges>
#include <set>

#include "support.hpp"

using namespace partage;
using namespace partage::test;

TEST_SUITE("list") {
  TEST_CASE("list: initial contents") {
    Manager m;
    CHECK(m.list<int>().copy() == Ints{});
    CHECK(m.list<int>({}).copy() == Ints{});
    CHECK(m.list<int>({1, 2, 3}).copy() == Ints{1, 2, 3});
    CHECK(m.list<int>(std::vector{4, 5}).copy() == Ints{4, 5});
    CHECK(m.list<int>(std::set{5, 4}).copy() == Ints{4, 5});
    CHECK(m.list<int>(std::array<short, 2>{4, 5}).copy() == Ints{4, 5});
    CHECK(m.list<int>(std::list{0, 1, 2}).copy() == Ints{0, 1, 2});
    CHECK(m.list<std::string>({"a", "b"}).copy() == Strings{"a", "b"});
    const char* words[] = {"x", "yz"};
    CHECK(m.list<std::string>(words).copy() == Strings{"x", "yz"});
    CHECK(m.list<bool>({true, false}).copy() == std::vector<bool>{true, false});

    auto other = m.list<int>({7, 8});
    auto copied = m.list<int>(other);
    CHECK(copied.copy() == Ints{7, 8});
    CHECK_FALSE(copied.is(other));
    auto dict = m.dict<std::string, int>({{"k", 1}, {"l", 2}});
    CHECK(m.list<std::string>(dict).copy() == Strings{"k", "l"});  // F2: its keys
  }

  TEST_CASE("list: append, extend, insert") {
    Manager m;
    auto l = m.list<int>();
    l.append(1);
    l.extend({2, 3});
    l.extend(std::deque<int>{4});
    l.extend(std::set{5, 6});
    CHECK(l.copy() == Ints{1, 2, 3, 4, 5, 6});
    l.insert(0, 0);
    l.insert(-1, 55);
    l.insert(100, 7);
    l.insert(-100, -1);
    CHECK(l.copy() == Ints{-1, 0, 1, 2, 3, 4, 5, 55, 6, 7});

    auto words = m.list<std::string>();
    words.append("one");
    words.append(std::string(100, 'x'));
    words.insert(1, "two");
    CHECK(words.copy() == Strings{"one", "two", std::string(100, 'x')});
    auto dict = m.dict<std::string, int>({{"k", 1}});
    words.extend(dict);
    CHECK(words[-1] == "k");
  }

  TEST_CASE("list: extend with itself doubles") {
    Manager m;
    auto l = m.list<int>({1, 2});
    l.extend(l);
    CHECK(l.copy() == Ints{1, 2, 1, 2});
    l += l;
    CHECK(l.copy() == Ints{1, 2, 1, 2, 1, 2, 1, 2});
  }

  TEST_CASE("list: remove, pop, erase, clear") {
    Manager m;
    auto l = m.list<int>({1, 2, 3, 2, 4, 5});
    l.remove(2);
    CHECK(l.copy() == Ints{1, 3, 2, 4, 5});
    CHECK(l.pop() == 5);
    CHECK(l.pop(0) == 1);
    CHECK(l.pop(-2) == 2);
    l.erase(0);
    CHECK(l.copy() == Ints{4});
    CHECK(l.size() == 1);
    CHECK_FALSE(l.empty());
    l.clear();
    CHECK(l.size() == 0);
    CHECK(l.empty());
    CHECK(l.copy() == Ints{});
  }

  TEST_CASE("list: index, count, contains") {
    Manager m;
    auto l = m.list<int>({1, 2, 3, 2, 1});
    CHECK(l.index(2) == 1);
    CHECK(l.index(2, 2) == 3);
    CHECK(l.index(1, -1) == 4);
    CHECK(l.index(2, 0, -1) == 1);
    CHECK(l.index(3, -100, 100) == 2);
    CHECK_THROWS_AS(l.index(1, 1, 4), ValueError);
    CHECK_THROWS_AS(l.index(9), ValueError);
    CHECK(l.count(2) == 2);
    CHECK(l.count(9) == 0);
    CHECK(l.contains(3));
    CHECK_FALSE(l.contains(9));

    auto floats = m.list<double>({std::numeric_limits<double>::quiet_NaN(), -0.0});
    CHECK(floats.count(std::numeric_limits<double>::quiet_NaN()) == 0);
    CHECK(floats.contains(0.0));
    auto words = m.list<std::string>({"a", "b"});
    CHECK(words.index("b") == 1);
    CHECK(words.contains("a"));
  }

  TEST_CASE("list: sort is stable, in place, both ways") {
    Manager m;
    auto l = m.list<int>({3, 1, 2});
    l.sort();
    CHECK(l.copy() == Ints{1, 2, 3});
    l.sort({.reverse = true});
    CHECK(l.copy() == Ints{3, 2, 1});

    auto words = m.list<std::string>({"bb", "a", "cc", "dd", "e"});
    words.sort_by([](const std::string& w) { return w.size(); });
    CHECK(words.copy() == Strings{"a", "e", "bb", "cc", "dd"});
    words.sort_by([](const std::string& w) { return w.size(); }, {.reverse = true});
    CHECK(words.copy() == Strings{"bb", "cc", "dd", "a", "e"});
    words.sort_by(&std::string::size);
    CHECK(words.copy() == Strings{"a", "e", "bb", "cc", "dd"});
    words.reverse();
    CHECK(words.copy() == Strings{"dd", "cc", "bb", "e", "a"});
    m.list<int>().sort();
    m.list<int>().reverse();
  }

  TEST_CASE("list: a key that throws changes nothing") {
    Manager m;
    auto l = m.list<int>({3, 1, 2});
    CHECK_THROWS_AS(l.sort_by([](int x) { return x == 2 ? throw std::runtime_error("no") : x; }), std::runtime_error);
    CHECK(l.copy() == Ints{3, 1, 2});
  }

  TEST_CASE("list: appends during a sort are not lost") {
    Manager m;
    auto l = m.list<int>({3, 1, 2});
    int calls = 0;
    l.sort_by([&](int x) {
      if (++calls == 1) l.append(0);  // the first attempt meets a changed list and is repeated
      return x;
    });
    CHECK(l.copy() == Ints{0, 1, 2, 3});
  }

  TEST_CASE("list: sort ends under the lock when the list never rests") {
    Manager m;
    auto l = m.list<int>({3, 1, 2});
    int refused = 0;
    l.sort_by([&](int x) {
      try {
        l.append(x + 10);
      } catch (const UsageError&) {
        ++refused;  // under the lock nobody writes
      }
      return x;
    });
    CHECK(refused > 0);
    Ints sorted = l.copy();
    CHECK(std::ranges::is_sorted(sorted));
  }

  TEST_CASE("list: at, modify") {
    Manager m;
    auto l = m.list<int>({10, 20});
    CHECK(l.at(0) == 10);
    CHECK(l.at(-1) == 20);
    CHECK(l.modify(0, [](int& x) { return ++x; }) == 11);
    l.modify(-1, [](int& x) { x *= 2; });
    CHECK(l.copy() == Ints{11, 40});
    CHECK_THROWS_AS(l.modify(0,
                             [](int& x) {
                               x = 99;
                               throw std::runtime_error("no");
                             }),
                    std::runtime_error);
    CHECK(l.at(0) == 11);
    const int zero[] = {5};
    static_assert(std::is_same_v<decltype(l.modify(0, [&](int&) -> const int& { return zero[0]; })), int>);

    auto words = m.list<std::string>({"a"});
    CHECK(words.modify(0, [](std::string& s) {
      s += std::string(50, 'b');
      return s.size();
    }) == 51);
    CHECK(words.at(0).size() == 51);
  }

  TEST_CASE("list: slices") {
    Manager m;
    auto l = m.list<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto none = std::nullopt;
    CHECK(l.slice(2, 5) == Ints{2, 3, 4});
    CHECK(l.slice(none, 2) == Ints{0, 1});
    CHECK(l.slice(8, none) == Ints{8, 9});
    CHECK(l.slice(-3, none) == Ints{7, 8, 9});
    CHECK(l.slice(none, none, -3) == Ints{9, 6, 3, 0});
    CHECK(l.slice(7, 2, -2) == Ints{7, 5, 3});
    CHECK(l.slice(5, 2) == Ints{});
    CHECK(l.slice(-100, 100) == l.copy());

    l.assign_slice(2, 4, {20, 30, 35});
    CHECK(l.slice(none, 6) == Ints{0, 1, 20, 30, 35, 4});
    l.assign_slice(0, 0, std::vector{-1});
    CHECK(l.at(0) == -1);
    l.assign_slice(none, none, {0, 1, 2, 3, 4, 5});
    l.assign_slice(none, none, {10, 12, 14}, 2);
    CHECK(l.copy() == Ints{10, 1, 12, 3, 14, 5});
    l.assign_slice(4, 2, {99});  // start behind stop: inserts at start
    CHECK(l.copy() == Ints{10, 1, 12, 3, 99, 14, 5});
    l.erase_slice(none, none, 2);
    CHECK(l.copy() == Ints{1, 3, 14});
    l.erase_slice(1, none);
    CHECK(l.copy() == Ints{1});
    l.erase_slice(5, 9);
    CHECK(l.copy() == Ints{1});
    l.assign_slice(none, none, l);
    CHECK(l.copy() == Ints{1});

    CHECK_THROWS_AS(l.slice(0, 1, 0), ValueError);
    l.extend({2, 3});
    const std::string what = message_of<ValueError>([&] { l.assign_slice(none, none, {1, 2, 3}, 2); });
    CHECK(has(what, "size 3"));
    CHECK(has(what, "list #"));
    CHECK(l.copy() == Ints{1, 2, 3});
  }

  TEST_CASE("list: + * += *=") {
    Manager m;
    auto l = m.list<int>({1, 2});
    CHECK(l + std::vector{3} == Ints{1, 2, 3});
    CHECK(std::vector{0} + l == Ints{0, 1, 2});
    CHECK(l + l == Ints{1, 2, 1, 2});
    CHECK(l * 2 == Ints{1, 2, 1, 2});
    CHECK(2 * l == Ints{1, 2, 1, 2});
    CHECK(l * 0 == Ints{});
    CHECK(l * -1 == Ints{});
    l += {3};
    l += std::vector{4};
    CHECK((l *= 2).copy() == Ints{1, 2, 3, 4, 1, 2, 3, 4});
    l *= 0;
    CHECK(l.empty());
  }

  TEST_CASE("list: iteration is over a snapshot") {
    Manager m;
    auto l = m.list<int>({1, 2, 3});
    int sum = 0;
    for (const int x : l) {
      l.append(x);
      sum += x;
    }
    CHECK(sum == 6);
    CHECK(l.size() == 6);
    CHECK(std::vector<int>(l.begin(), l.end()) == l.copy());
    CHECK(std::accumulate(l.begin(), l.end(), 0) == 12);
    CHECK(std::ranges::count(l, 1) == 2);
    static_assert(std::ranges::forward_range<ListProxy<int>>);
    static_assert(std::is_same_v<decltype(*l.begin()), const int&>);
    int n = 0;
    for ([[maybe_unused]] const int x : m.list<int>({1, 2})) ++n;
    for ([[maybe_unused]] const bool b : m.list<bool>({true, false})) ++n;
    CHECK(n == 4);
    CHECK(m.list<int>().begin() == m.list<int>().end());
  }

  TEST_CASE("list: get_many") {
    Manager m;
    auto l = m.list<std::string>({"a", "b", "c"});
    CHECK(l.get_many({-1, 0}) == Strings{"c", "a"});
    CHECK(l.get_many(std::vector{1}) == Strings{"b"});
    CHECK_THROWS_AS(l.get_many({0, 9}), IndexError);
  }

  TEST_CASE("list: equality and identity") {
    Manager m;
    auto a = m.list<int>({1, 2}), b = m.list<int>({1, 2}), c = m.list<int>({2, 1});
    CHECK(a == b);
    CHECK(a != c);
    CHECK(a == std::vector{1, 2});
    CHECK(a != std::vector{1});
    CHECK_FALSE(a.is(b));
    auto d = a;
    CHECK(d.is(a));
    d.append(3);
    CHECK(a.size() == 3);
  }

  TEST_CASE("list: errors name the object, the operation and what to do") {
    Manager m;
    auto l = m.list<int>({1, 2, 3});
    const std::string what = message_of<IndexError>([&] { l.pop(7); });
    CHECK(has(what, "list #"));
    CHECK(has(what, "pop: index 7 is out of range"));
    CHECK(has(what, "3 elements"));
    CHECK(has(message_of<IndexError>([&] { l.at(-4); }), "at: index -4 is out of range"));
    CHECK_THROWS_AS(l.at(3), std::out_of_range);
    CHECK_THROWS_AS(l.at(3), std::exception);
    CHECK_THROWS_AS(l.at(3), Error);
    CHECK_THROWS_AS(l.erase(3), IndexError);
    CHECK_THROWS_AS(l.modify(3, [](int&) {}), IndexError);
    CHECK(has(message_of<IndexError>([&] { m.list<int>().pop(); }), "empty"));
    CHECK(has(message_of<ValueError>([&] { l.remove(9); }), "9 is not in the list"));
    CHECK(has(message_of<ValueError>([&] { m.list<std::string>().index("x"); }), "'x' is not in the list"));
    auto named_list = m.list<int>(named("stock"));
    CHECK(has(message_of<IndexError>([&] { named_list.at(0); }), "list 'stock': at"));
    CHECK(l.copy() == Ints{1, 2, 3});
  }

  TEST_CASE("list: an empty handle") {
    ListProxy<int> l;
    CHECK_THROWS_AS(l.size(), ValueError);
    CHECK_THROWS_AS(l.append(1), ValueError);
    CHECK(has(message_of<ValueError>([&] { l.at(0); }), "empty handle"));
    Manager m;
    l = m.list<int>({1});
    CHECK(l.size() == 1);
    auto lists = m.list<ListProxy<int>>();
    CHECK_THROWS_AS(lists.append(ListProxy<int>()), ValueError);
    CHECK(lists.empty());
  }

  TEST_CASE("list: element types") {
    struct Point {
      int x = 0;
      double y = 0;
    };
    enum class Color { red, green };
    Manager m;
    auto points = m.list<Point>({{1, 2.5}, {3, 4}});
    CHECK(points.at(1).x == 3);
    CHECK(points.contains({1, 2.5}));
    points.modify(0, [](Point& p) { p.x = 9; });
    CHECK(points.at(0).x == 9);
    auto colors = m.list<Color>({Color::green});
    CHECK(colors[0] == Color::green);
    auto maps = m.list<std::map<std::string, std::vector<int>>>();
    maps.append({{"a", {1, 2}}});
    CHECK(maps.at(0).at("a") == Ints{1, 2});
    auto optionals = m.list<std::optional<int>>({std::nullopt, 3});
    CHECK_FALSE(optionals.at(0).has_value());
    auto chars = m.list<char>({'a'});
    CHECK(chars[0] == 'a');
    auto objects = m.list<Object>({1, "two", 3.0, nullptr, {1, 2}});
    CHECK(text(objects) == "[1, 'two', 3.0, None, [1, 2]]");
    auto pairs = m.list<std::pair<int, std::string>>({{1, "a"}});
    pairs.append({2, "b"});
    pairs.sort({.reverse = true});
    CHECK(pairs.at(0).second == "b");
  }
}
