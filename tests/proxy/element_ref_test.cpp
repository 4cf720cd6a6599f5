// Element references: reading, writing, one-step compound assignment, and everything as with the element itself.
#include "support.hpp"

using namespace partage;
using namespace partage::test;

TEST_SUITE("element_ref") {
  TEST_CASE("element_ref: conversion and assignment") {
    Manager m;
    auto l = m.list<int>({1, 2, 3});
    int x = l[0];
    CHECK(x == 1);
    x = l[-1];
    CHECK(x == 3);
    l[0] = 10;
    l[1] = l[0];
    CHECK(l.copy() == Ints{10, 10, 3});
    l[0] = l[1] = 7;
    CHECK(l.copy() == Ints{7, 7, 3});
    const long wide = l[0];
    CHECK(wide == 7);
    CHECK(static_cast<double>(l[0]) == 7.0);
    CHECK_THROWS_AS(l[5] = 1, IndexError);
    CHECK_THROWS_AS(x = l[5], IndexError);

    auto d = m.dict<std::string, std::string>();
    d["a"] = "text";
    std::string s = d["a"];
    CHECK(s == "text");
    std::string direct(d["a"]);
    s += d["a"];
    CHECK(s == "texttext");
    s = d["a"];
    CHECK(s == "text");
    d["b"] = d["a"];
    CHECK(d.at("b") == "text");
    CHECK_THROWS_AS(s = d["missing"], KeyError);
    CHECK_FALSE(d.contains("missing"));
    auto ints = m.dict<int, int>();
    ints[1] = l[0];
    CHECK(ints[1] == 7);
    l[ints[1] - 5] = ints[1] + 1;
    CHECK(l[2] == 8);
  }

  TEST_CASE("element_ref: compound assignment") {
    Manager m;
    auto l = m.list<int>({12});
    CHECK((l[0] += 3) == 15);
    CHECK((l[0] -= 5) == 10);
    CHECK((l[0] *= 4) == 40);
    CHECK((l[0] /= 3) == 13);
    CHECK((l[0] %= 8) == 5);
    CHECK((l[0] &= 4) == 4);
    CHECK((l[0] |= 3) == 7);
    CHECK((l[0] ^= 2) == 5);
    CHECK((l[0] <<= 2) == 20);
    CHECK((l[0] >>= 1) == 10);
    CHECK(++l[0] == 11);
    CHECK(l[0]++ == 11);
    CHECK(--l[0] == 11);
    CHECK(l[0]-- == 11);
    CHECK(l.copy() == Ints{10});
    l[0] += 0.75;
    CHECK(l[0] == 10);
    l[0] += l[0];
    CHECK(l[0] == 20);
    CHECK_THROWS_AS(l[1] += 1, IndexError);

    auto d = m.dict<std::string, int>({{"n", 1}});
    d["n"] += 1;
    ++d["n"];
    CHECK(d["n"] == 3);
    CHECK_THROWS_AS(d["x"] += 1, KeyError);
    CHECK(has(message_of<KeyError>([&] { d["x"] += 1; }), "no key 'x'"));
    auto small = m.list<signed char>({1});
    small[0] += 2;
    CHECK(small[0] == 3);
    auto words = m.list<std::string>({"ab"});
    words[0] += "cd";
    words[0] += 'e';
    words[0] += std::string("f");
    words[0] += words[0];
    CHECK(words[0] == "abcdefabcdef");
    auto floats = m.list<double>({1.5});
    floats[0] *= 2;
    CHECK(floats[0] == 3.0);
  }

  TEST_CASE("element_ref: comparison and arithmetic as with the element") {
    Manager m;
    auto l = m.list<int>({6, 7});
    CHECK(l[0] == 6);
    CHECK(6 == l[0]);
    CHECK(l[0] != l[1]);
    CHECK(l[0] < l[1]);
    CHECK(l[0] <= 6);
    CHECK(7 > l[0]);
    CHECK(std::is_lt(l[0] <=> l[1]));
    CHECK(l[0] + 1 == 7);
    CHECK(1 + l[0] == 7);
    CHECK(l[0] + l[1] == 13);
    CHECK(l[1] - l[0] == 1);
    CHECK(l[0] * 2.5 == 15.0);
    CHECK(l[0] / 4 == 1);
    CHECK(l[0] % 4 == 2);
    CHECK((l[0] & 2) == 2);
    CHECK((l[0] | 1) == 7);
    CHECK((l[0] ^ 1) == 7);
    CHECK((l[0] << 1) == 12);
    CHECK((l[0] >> 1) == 3);
    CHECK(-l[0] == -6);
    CHECK(~l[0] == ~6);
    CHECK_FALSE(!l[0]);
    CHECK((l[0] == 6 && l[1] == 7));
    CHECK((l[0] ? 1 : 2) == 1);
    CHECK(std::max<int>(l[0], l[1]) == 7);
    std::vector<int> v;
    v.push_back(l[0]);
    CHECK(v[0] == 6);

    auto s = m.dict<std::string, std::string>({{"k", "abc"}});
    CHECK(s["k"] == "abc");
    CHECK("abc" == s["k"]);
    CHECK(s["k"] == std::string("abc"));
    CHECK(s["k"] == s["k"]);
    CHECK(s["k"] < "abd");
    CHECK(s["k"] + "d" == "abcd");
    CHECK("_" + s["k"] == "_abc");
    CHECK(s["k"] + s["k"] == "abcabc");
    auto flags = m.list<bool>({true});
    if (!flags[0]) FAIL("true");
    CHECK(flags[0]);
  }

  TEST_CASE("element_ref: printing as the element itself") {
    Manager m;
    auto l = m.list<int>({6});
    auto s = m.list<std::string>({"it"});
    auto v = m.list<std::vector<int>>({{1, 2}});
    auto o = m.list<ListProxy<int>>({l});
    CHECK(text(l[0]) == "6");
    CHECK(text(s[0]) == "it");
    CHECK(text(v[0]) == "[1, 2]");
    CHECK(text(o[0]) == "[6]");
    std::istringstream in("42");
    in >> l[0];
    CHECK(l[0] == 42);
  }

  TEST_CASE("element_ref: a named reference reads, and keeps a temporary handle") {
    Manager m;
    auto l = m.list<int>({1, 2});
    auto r = l[0];
    CHECK(r == 1);
    l[0] = 5;
    CHECK(r == 5);
    const auto of_temporary = m.list<int>({8})[0];
    CHECK(of_temporary == 8);
    auto outer = m.list<ListProxy<int>>({l});
    auto inner = outer[0][1];
    CHECK(inner == 2);
    CHECK(r.get() == 5);
  }

  TEST_CASE("element_ref: a reference to a handle has its members") {
    Manager m;
    auto outer = m.dict<std::string, DictProxy<std::string, int>>();
    outer["a"] = m.dict<std::string, int>({{"n", 1}});
    outer["a"]["n"] += 1;
    CHECK(outer["a"]["n"] == 2);
    outer["a"].set("k", 5);
    outer["a"].update({{"l", 6}});
    CHECK(outer["a"].size() == 3);
    CHECK(outer["a"].keys() == Strings{"n", "k", "l"});
    outer["a"] |= {{"m", 7}};
    CHECK(outer["a"].at("m") == 7);
    int sum = 0;
    for (const auto& [k, v] : outer["a"]) sum += v;
    CHECK(sum == 20);

    auto lists = m.dict<std::string, ListProxy<int>>({{"k", m.list<int>()}});
    lists["k"].append(3);
    lists["k"].extend({1, 2});
    lists["k"] += {4};
    lists["k"].sort({.reverse = true});
    CHECK(lists["k"].copy() == Ints{4, 3, 2, 1});
    lists["k"][0] = 40;
    ++lists["k"][1];
    CHECK(lists["k"] == std::vector{40, 4, 2, 1});
    ListProxy<int> handle = lists["k"];
    CHECK(handle.size() == 4);
    CHECK(lists["k"].get().is(handle));
    CHECK(lists["k"].element().is(handle));
    CHECK_THROWS_AS(lists["x"].append(1), KeyError);
    auto matrix = m.list<ListProxy<ListProxy<int>>>({m.list<ListProxy<int>>({handle})});
    matrix[0][0][0] -= 39;
    CHECK(handle[0] == 1);
    CHECK(m.list<int>(lists["k"]).copy() == handle.copy());
  }

  TEST_CASE("element_ref: get() of a handle that has one is the handle's") {
    Manager m;
    auto queues = m.list<Queue<int>>({m.Queue<int>()});
    queues[0].put(7);
    CHECK(queues[0].get() == 7);
    CHECK_THROWS_AS((void)queues[0].get(std::chrono::milliseconds(1)), Empty);
    CHECK(queues[0].element().is(queues.at(0)));
    auto dicts = m.dict<std::string, DictProxy<std::string, int>>({{"k", m.dict<std::string, int>({{"n", 1}})}});
    CHECK(dicts["k"].get("n") == 1);
    CHECK(dicts["k"].get("m", 2) == 2);
    CHECK(dicts["k"].get().is(dicts.at("k")));
    auto numbers = m.list<int>({3});
    CHECK(numbers[0].get() == 3);
    CHECK(numbers[0].element() == 3);
  }
}
