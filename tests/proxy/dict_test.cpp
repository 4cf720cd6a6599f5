// Every row of the table of DictProxy in API.md, its results and its errors.
#include <atomic>
#include <limits>
#include <map>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "support.hpp"

using namespace partage;
using namespace partage::test;

using Items = std::vector<std::pair<std::string, int>>;

TEST_SUITE("dict") {
  TEST_CASE("dict: initial contents") {
    Manager m;
    CHECK(m.dict<std::string, int>().items().empty());
    CHECK((m.dict<std::string, int>({{"b", 1}, {"a", 2}}).items() == Items{{"b", 1}, {"a", 2}}));
    CHECK((m.dict<std::string, int>(std::map<std::string, int>{{"b", 1}, {"a", 2}}).items() ==
           Items{{"a", 2}, {"b", 1}}));
    CHECK((m.dict<std::string, int>(Items{{"b", 1}, {"b", 2}}).items() == Items{{"b", 2}}));
    auto d = m.dict<std::string, int>({{"k", 1}});
    auto e = m.dict<std::string, int>(d);
    CHECK((e.items() == Items{{"k", 1}}));
    CHECK_FALSE(e.is(d));
    CHECK((m.dict<std::string, int>(d.copy()) == d));
    CHECK((m.dict<std::string, std::string>({{"a", "b"}}).at("a") == "b"));
  }

  TEST_CASE("dict: texts of every length come back as they were, also while they change") {
    Manager m;
    const auto d = m.dict<std::string, std::string>();
    const auto text_of = [](std::size_t n, int turn) {
      std::string text(n, static_cast<char>('a' + turn));
      for (std::size_t i = 0; i < n; i += 7) text[i] = static_cast<char>('A' + i % 23);
      return text;
    };
    std::vector<std::size_t> lengths = {16'382, 16'383, 16'384, 16'385, 100'000, 2'097'151, 2'097'152};
    for (std::size_t n = 0; n < 300; ++n) lengths.push_back(n);
    for (int turn = 0; turn < 2; ++turn) {
      for (const std::size_t n : lengths) {
        CAPTURE(n);
        d.set("k", text_of(n, turn));
        CHECK((d.at("k") == text_of(n, turn)));
        CHECK((d.get("k") == text_of(n, turn)));
        CHECK((d["k"].get() == text_of(n, turn)));
      }
    }
    CHECK(d.get("nobody") == std::nullopt);
    const auto wide = m.dict<int, std::u16string>();
    wide.set(1, u"wide");
    CHECK((wide.at(1) == u"wide"));

    // Of one length each, so that a mixture of two would be seen.
    d.set("k", "");
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      for (int i = 0; !stop; ++i)
        d.set("k", std::string(static_cast<std::size_t>(i % 5) * 700, static_cast<char>('a' + i % 5)));
    });
    for (int i = 0; i < 3'000; ++i) {
      const std::string text = d.at("k");
      const std::size_t kind = text.size() / 700;
      CHECK((text == std::string(kind * 700, static_cast<char>('a' + kind))));
    }
    stop = true;
    writer.join();
  }

  TEST_CASE("dict: many keys at a time, short and long, of every size of group") {
    Manager m;
    const auto key_of = [](int i) { return std::string(static_cast<std::size_t>(i % 40), 'k') + std::to_string(i); };
    for (const int n : {0, 1, 31, 32, 33, 700}) {
      CAPTURE(n);
      const auto words = m.dict<std::string, int>();
      const auto texts = m.dict<std::string, std::string>();
      Items items;
      std::map<std::string, std::string> text_items;
      std::vector<std::string> keys;
      for (int i = 0; i < n; ++i) {
        items.emplace_back(key_of(i), i);
        text_items[key_of(i)] = std::string(static_cast<std::size_t>(i), 't');
        keys.push_back(key_of(i));
      }
      words.set_many(items);
      texts.set_many(text_items);
      CHECK(words.items() == items);
      CHECK(texts.size() == static_cast<std::size_t>(n));
      keys.push_back("nobody");
      const auto values = words.get_many(keys);
      const auto text_values = texts.get_many(keys);
      REQUIRE(values.size() == keys.size());
      for (int i = 0; i < n; ++i) {
        CHECK(values[static_cast<std::size_t>(i)] == i);
        CHECK(text_values[static_cast<std::size_t>(i)] == text_items[key_of(i)]);
      }
      CHECK(values.back() == std::nullopt);
    }
    const auto d = m.dict<int, double>();
    d.set_many({{1, 0.5}, {2, 1.5}, {1, 2.5}});
    CHECK((d.items() == std::vector<std::pair<int, double>>{{1, 2.5}, {2, 1.5}}));
    d.set_many(std::map<short, int>{{7, 7}});
    CHECK(d.at(7) == 7.0);
  }

  TEST_CASE("dict: arithmetic on elements of every kind of number, where they lie") {
    Manager m;
    const auto flags = m.dict<std::string, std::int8_t>({{"a", 1}});
    CHECK((flags["a"] += 200) == static_cast<std::int8_t>(201));
    const auto numbers = m.dict<std::string, double>({{"a", 1}});
    CHECK((numbers["a"] /= 4) == 0.25);
    CHECK((numbers["a"] *= 2) == 0.5);
    const auto counts = m.dict<std::string, std::uint64_t>({{"a", 1}, {std::string(100, 'k'), 1}});
    CHECK(counts["a"]++ == 1);
    CHECK(++counts["a"] == 3);
    CHECK((counts["a"] <<= 4) == 48);
    CHECK((counts["a"] %= 5) == 3);
    CHECK((counts["a"] += 0.9) == 3);
    CHECK(++counts[std::string(100, 'k')] == 2);
    CHECK_THROWS_AS(++counts["x"], KeyError);
    counts.modify("a", [&](std::uint64_t&) { CHECK_THROWS_AS(++counts["a"], UsageError); });
    const auto letters = m.dict<char, char>({{'a', 'b'}});
    CHECK(++letters['a'] == 'c');
  }

  TEST_CASE("dict: reading") {
    Manager m;
    auto d = m.dict<std::string, int>({{"a", 1}});
    CHECK(d["a"] == 1);
    CHECK(d.at("a") == 1);
    CHECK(d.get("a") == 1);
    CHECK(d.get("x") == std::nullopt);
    CHECK(d.get("a", 9) == 1);
    CHECK(d.get("x", 9) == 9);
    CHECK(d.contains("a"));
    CHECK_FALSE(d.contains("x"));
    CHECK(d.get_many({"a", "x"}) == std::vector<std::optional<int>>{1, std::nullopt});
    CHECK(d.get_many(Strings{"a"}) == std::vector<std::optional<int>>{1});
    CHECK(d.size() == 1);
    CHECK_FALSE(d.empty());
    using namespace std::string_view_literals;
    CHECK(d.at("a"sv) == 1);
    CHECK(d.at(std::string("a")) == 1);
    const char* pointer = "a";
    CHECK(d.at(pointer) == 1);
    auto keys = m.list<std::string>({"a"});
    CHECK(d.at(keys[0]) == 1);
    CHECK(d[keys[0]] == 1);
  }

  TEST_CASE("dict: writing") {
    Manager m;
    auto d = m.dict<std::string, int>();
    d["a"] = 1;
    d.set("b", 2);
    d.set("a", 3);
    CHECK((d.items() == Items{{"a", 3}, {"b", 2}}));  // overwriting keeps the place
    CHECK(d.setdefault("a", 9) == 3);
    CHECK(d.setdefault("c", 9) == 9);
    d.erase("a");
    d["a"] = 4;
    CHECK((d.items() == Items{{"b", 2}, {"c", 9}, {"a", 4}}));  // erased and set again: at the end
    CHECK(d.pop("c") == 9);
    CHECK(d.pop("c", -1) == -1);
    CHECK((d.popitem() == std::pair<std::string, int>("a", 4)));
    CHECK((d.popitem() == std::pair<std::string, int>("b", 2)));
    CHECK_THROWS_AS(d.popitem(), KeyError);
    d["x"] = 1;
    d.clear();
    CHECK(d.empty());
    CHECK(d.keys().empty());
  }

  TEST_CASE("dict: modify") {
    Manager m;
    auto d = m.dict<std::string, int>({{"a", 1}});
    CHECK(d.modify("a", [](int& x) { return x++; }) == 1);
    CHECK(d.at("a") == 2);
    CHECK_THROWS_AS(d.modify("x", [](int&) {}), KeyError);
    CHECK(d.modify("x", 10, [](int& x) { return ++x; }) == 11);
    d.modify("x", 10, [](int& x) { ++x; });
    CHECK(d.at("x") == 12);
    CHECK_THROWS_AS(d.modify("y", 1, [](int&) { throw std::runtime_error("no"); }), std::runtime_error);
    CHECK_FALSE(d.contains("y"));
    auto vectors = m.dict<int, std::vector<int>>();
    vectors.modify(1, {}, [](std::vector<int>& v) { v.push_back(5); });
    CHECK(vectors.at(1) == Ints{5});
    CHECK(d.modify("a", [&](int& x) { return x + d.at("x"); }) == 14);  // reads are allowed inside
    CHECK_THROWS_AS(d.modify("a", [&](int&) { d["z"] = 1; }), Error);
    CHECK_THROWS_AS(d.modify("a", [&](int&) { vectors.clear(); }), UsageError);
    CHECK_FALSE(d.contains("z"));
    CHECK(vectors.size() == 1);
  }

  TEST_CASE("dict: update and |") {
    Manager m;
    auto d = m.dict<std::string, int>({{"a", 1}});
    d.update({{"b", 2}, {"a", 3}, {"b", 4}});
    CHECK((d.items() == Items{{"a", 3}, {"b", 4}}));
    d.update(std::map<std::string, int>{{"c", 5}});
    d.update(std::unordered_map<std::string, short>{{"d", short{6}}});
    d |= Items{{"e", 7}};
    d |= {{"f", 8}};
    d.update(m.dict<std::string, int>({{"g", 9}}));
    d.update(d);
    CHECK(d.values() == Ints{3, 4, 5, 6, 7, 8, 9});
    auto e = m.dict<std::string, int>({{"a", 1}});
    const ordered_dict<std::string, int> both = e | Items{{"z", 2}, {"a", 5}};
    CHECK((both == ordered_dict<std::string, int>{{"a", 5}, {"z", 2}}));
    CHECK((e | e) == e.copy());
    CHECK((std::map<std::string, int>{{"q", 1}} | e).size() == 2);
    CHECK(e.size() == 1);
  }

  TEST_CASE("dict: keys, values, items, copy, iteration") {
    Manager m;
    auto d = m.dict<std::string, int>({{"b", 1}, {"a", 2}});
    CHECK(d.keys() == Strings{"b", "a"});
    CHECK(d.values() == Ints{1, 2});
    const auto copy = d.copy();
    CHECK(copy.size() == 2);
    CHECK(copy.at("a") == 2);
    std::string seen;
    for (const auto& [k, v] : copy) seen += k + std::to_string(v);
    for (auto& [k, v] : d) {
      seen += k + std::to_string(v);
      d[k + "x"] = v;  // over a snapshot
    }
    CHECK(seen == "b1a2b1a2");
    CHECK(d.size() == 4);
    static_assert(std::ranges::forward_range<DictProxy<std::string, int>>);
    CHECK(std::ranges::distance(d) == 4);
  }

  TEST_CASE("dict: key types") {
    enum class Color : std::uint8_t { red, green };
    struct Place {
      int x = 0, y = 0;
    };
    Manager m;
    auto ints = m.dict<int, int>({{1, 10}});
    CHECK(ints.at(1) == 10);
    const short one = 1;
    CHECK(ints[one] == 10);
    auto colors = m.dict<Color, std::string>({{Color::green, "g"}});
    CHECK(colors.at(Color::green) == "g");
    auto pairs = m.dict<std::pair<int, std::string>, int>();
    pairs[{1, "a"}] = 5;
    CHECK(pairs.at({1, "a"}) == 5);
    auto places = m.dict<Place, int>();
    places[Place{1, 2}] = 3;
    CHECK(places.get({1, 2}) == 3);
    auto floats = m.dict<double, int>();
    floats[-0.0] = 1;
    CHECK(floats.at(0.0) == 1);
    CHECK(floats.size() == 1);
    CHECK_THROWS_AS(floats[std::numeric_limits<double>::quiet_NaN()] = 1, ValueError);
    CHECK_THROWS_AS(floats.contains(std::numeric_limits<double>::quiet_NaN()), ValueError);
    auto bools = m.dict<bool, int>({{true, 1}});
    CHECK(bools.at(true) == 1);
    auto optionals = m.dict<std::optional<int>, int>();
    optionals[std::nullopt] = 1;
    optionals[5] = 2;
    CHECK(optionals.at(5) == 2);
    auto longer = m.dict<std::string, std::string>();
    const std::string big(1000, 'k');
    longer[big] = std::string(5000, 'v');
    CHECK(longer.at(big).size() == 5000);
    CHECK(longer.contains(std::string_view(big)));
  }

  TEST_CASE("dict: equality and identity") {
    Manager m;
    auto a = m.dict<std::string, int>({{"a", 1}, {"b", 2}});
    auto b = m.dict<std::string, int>({{"b", 2}, {"a", 1}});
    CHECK(a == b);  // as Python, the order does not count
    CHECK_FALSE(a.is(b));
    b["a"] = 3;
    CHECK(a != b);
    CHECK((a == std::map<std::string, int>{{"a", 1}, {"b", 2}}));
    CHECK((a == ordered_dict<std::string, int>{{"a", 1}, {"b", 2}}));
    CHECK((a != std::map<std::string, int>{{"a", 1}}));
    auto c = a;
    CHECK(c.is(a));
  }

  TEST_CASE("dict: errors name the object, the operation, the key and what to do") {
    Manager m;
    auto d = m.dict<std::string, int>({{"a", 1}});
    const std::string what = message_of<KeyError>([&] { d.pop("it's"); });
    CHECK(has(what, "dict #"));
    CHECK(has(what, "pop: there is no key \"it's\""));
    CHECK_THROWS_AS(d.at("x"), std::out_of_range);
    CHECK_THROWS_AS(d.erase("x"), KeyError);
    CHECK(has(message_of<KeyError>([&] { m.dict<int, int>().at(7); }), "no key 7"));
    CHECK(has(message_of<KeyError>([&] { m.dict<int, int>().popitem(); }), "empty"));
    auto stock = m.dict<std::string, int>(named("stock"));
    CHECK(has(message_of<KeyError>([&] { stock.at("x"); }), "dict 'stock': at"));
    DictProxy<int, int> empty;
    CHECK_THROWS_AS(empty.size(), ValueError);
    CHECK_THROWS_AS(empty.set(1, 1), ValueError);
    CHECK_THROWS_AS(empty[1] = 1, ValueError);
  }

  TEST_CASE("dict: many keys") {
    Manager m;
    auto d = m.dict<int, std::string>();
    for (int i = 0; i < 3000; ++i) d[i] = std::to_string(i);
    CHECK(d.size() == 3000);
    for (int i = 0; i < 3000; i += 7) CHECK(d.at(i) == std::to_string(i));
    const auto copy = d.copy();
    CHECK(copy.size() == 3000);
    CHECK(copy.at(2999) == "2999");
    CHECK_FALSE(copy.contains(3000));
  }
}
