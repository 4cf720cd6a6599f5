// << prints what Python's str prints of the same object.
#include "support.hpp"

using namespace partage;
using namespace partage::test;

TEST_SUITE("printing") {
  TEST_CASE("printing: as Python") {
    Manager m;
    CHECK(text(m.list<int>()) == "[]");
    CHECK(text(m.list<int>({1, -2})) == "[1, -2]");
    CHECK(text(m.list<double>({3, 0.1})) == "[3.0, 0.1]");
    CHECK(text(m.list<bool>({true, false})) == "[True, False]");
    CHECK(text(m.list<std::string>({"a", "it's", "\n"})) == "['a', \"it's\", '\\n']");
    CHECK(text(m.list<std::optional<int>>({1, std::nullopt})) == "[1, None]");
    CHECK(text(m.list<std::pair<int, std::string>>({{1, "a"}})) == "[(1, 'a')]");
    CHECK(text(m.list<Object>({1, "a", 3.0, true, nullptr})) == "[1, 'a', 3.0, True, None]");
    CHECK(text(m.dict<std::string, int>()) == "{}");
    CHECK(text(m.dict<std::string, int>({{"valeur", 1}, {"x", 2}})) == "{'valeur': 1, 'x': 2}");
    CHECK(text(m.dict<int, double>({{1, 2}})) == "{1: 2.0}");
    auto inner = m.list<int>({1});
    CHECK(text(m.dict<std::string, ListProxy<int>>({{"k", inner}})) == "{'k': [1]}");
    CHECK(text(m.list<DictProxy<std::string, int>>({m.dict<std::string, int>({{"n", 1}})})) == "[{'n': 1}]");
    CHECK(text(m.dict<std::string, int>({{"n", 1}}).copy()) == "{'n': 1}");
  }

  TEST_CASE("printing: the width of the stream does not tear it apart") {
    Manager m;
    std::ostringstream out;
    out.width(10);
    out << m.list<int>({1, 2});
    CHECK(out.str() == "[1, 2]");
  }
}
