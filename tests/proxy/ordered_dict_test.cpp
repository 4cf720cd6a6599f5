// The local map that copy() returns.
#include "support.hpp"

using namespace partage;
using namespace partage::test;

TEST_SUITE("ordered_dict") {
  TEST_CASE("ordered_dict: as a map in the order of insertion") {
    ordered_dict<std::string, int> d{{"b", 1}, {"a", 2}, {"b", 3}};
    CHECK(d.size() == 2);
    CHECK(text(d) == "{'b': 3, 'a': 2}");
    d["c"] = 4;
    CHECK(d["c"] == 4);
    CHECK(d.at("a") == 2);
    CHECK_THROWS_AS(d.at("x"), KeyError);
    CHECK(d.find("a")->second == 2);
    CHECK(d.find("x") == d.end());
    CHECK(d.contains("c"));
    CHECK(d.erase("b") == 1);
    CHECK(d.erase("b") == 0);
    for (auto& [k, v] : d) v *= 10;
    CHECK(text(d) == "{'a': 20, 'c': 40}");
    CHECK(d.emplace("a", 1).second == false);
    d.clear();
    CHECK(d.empty());
  }

  TEST_CASE("ordered_dict: equality ignores the order") {
    const ordered_dict<int, std::string> a{{1, "a"}, {2, "b"}}, b{{2, "b"}, {1, "a"}}, c{{1, "a"}, {2, "c"}};
    CHECK(a == b);
    CHECK(a != c);
    CHECK(a[1] == "a");
  }

  TEST_CASE("ordered_dict: large, with erasures") {
    ordered_dict<int, int> d;
    for (int i = 0; i < 1000; ++i) d[i * 7] = i;
    for (int i = 0; i < 1000; i += 3) CHECK(d.erase(i * 7) == 1);
    for (int i = 0; i < 1000; ++i) CHECK(d.contains(i * 7) == (i % 3 != 0));
    CHECK(d.begin()->first == 7);
  }

  TEST_CASE("ordered_dict: an element like any other") {
    Manager m;
    auto l = m.list<ordered_dict<std::string, int>>();
    l.append({{"z", 1}, {"a", 2}});
    CHECK(text(l) == "[{'z': 1, 'a': 2}]");
    CHECK(l.at(0).at("a") == 2);
  }
}
