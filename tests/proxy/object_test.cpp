// Object, the dynamic type, as element of everything that holds elements.
#include <cmath>
#include <cstdint>
#include <limits>

#include "support.hpp"

using namespace partage;
using namespace partage::test;

namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();

/// One value of every kind, and their borders.
std::vector<Object> kinds() {
  return {nullptr,
          true,
          false,
          lowest,
          std::numeric_limits<std::int64_t>::max(),
          highest,
          -0.0,
          1e308,
          std::numeric_limits<double>::infinity(),
          "",
          std::string(5000, 'x').c_str(),
          boost::json::string("zero\0inside", 11),
          boost::json::array(),
          boost::json::object(),
          {{"z", 1}, {"a", {1, 2, {{"deep", nullptr}}}}, {"", {{"m", {}}}}}};
}

void check_same(const Object& back, const Object& value) {
  CHECK(back.kind() == value.kind());
  CHECK(bool(back == value));
  CHECK(codec::repr(back) == codec::repr(value));  // the order of members too
}

Object nested(int levels) {
  Object value = "bottom";
  for (int i = 0; i < levels; ++i) value = boost::json::object{{"level", value}};
  return value;
}

}  // namespace

TEST_SUITE("object") {
  TEST_CASE("object: every kind comes back from a list, a dict and a namespace") {
    Manager m;
    auto list = m.list<Object>();
    auto dict = m.dict<int, Object>();
    auto ns = m.Namespace();
    const std::vector<Object> values = kinds();
    list.extend(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(i);
      const int key = static_cast<int>(i);
      dict[key] = values[i];
      ns.set("value", values[i]);
      check_same(list.at(key), values[i]);
      check_same(dict.at(key), values[i]);
      check_same(ns.get<Object>("value"), values[i]);
    }
    CHECK(std::signbit(list.at(6).as_double()));
    CHECK(list.at(3).as_int64() == lowest);
    CHECK(list.at(5).as_uint64() == highest);
  }

  TEST_CASE("object: NaN is an element as any other, equal to nothing") {
    Manager m;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    auto list = m.list<Object>({nan});
    CHECK(std::isnan(list.at(0).as_double()));
    CHECK_FALSE(list.contains(nan));
    CHECK(text(list) == "[nan]");
    auto dict = m.dict<std::string, Object>({{"k", nan}});
    CHECK(std::isnan(dict.at("k").as_double()));
    auto ns = m.Namespace({{"x", Object(nan)}});
    CHECK(std::isnan(ns.get<Object>("x").as_double()));
    CHECK(text(ns) == "Namespace(x=nan)");
  }

  TEST_CASE("object: an element changes its kind") {
    Manager m;
    auto list = m.list<Object>({1});
    list[0] = "text";
    CHECK(list.at(0).as_string() == "text");
    list[0] = Object({1, 2});
    list.modify(0, [](Object& x) { x.as_array().push_back(Object({{"k", 3}})); });
    CHECK(text(list) == "[[1, 2, {'k': 3}]]");
    auto dict = m.dict<std::string, Object>();
    dict.modify("hits", 0, [](Object& n) { n = n.as_int64() + 1; });
    CHECK(dict.at("hits").as_int64() == 1);
    CHECK(list.contains(Object({1, 2, {{"k", 3}}})));
    CHECK(list.index(Object({1, 2, {{"k", 3}}})) == 0);
    CHECK(list.count(nullptr) == 0);
    list.remove(Object({1, 2, {{"k", 3}}}));
    CHECK(list.empty());
  }

  TEST_CASE("object: the order of members is kept and does not count") {
    Manager m;
    auto list = m.list<Object>({{{"b", 1}, {"a", 2}}});
    CHECK(text(list) == "[{'b': 1, 'a': 2}]");
    CHECK(list.contains(Object({{"a", 2}, {"b", 1}})));
    CHECK((m.dict<int, Object>({{1, {{"a", 1}, {"b", 2}}}}) == m.dict<int, Object>({{1, {{"b", 2}, {"a", 1}}}})));
  }

  TEST_CASE("object: nested, up to 512 levels") {
    Manager m;
    auto list = m.list<Object>();
    list.append(nested(512));
    CHECK(bool(list.at(0) == nested(512)));
    CHECK_THROWS_AS(list.append(nested(513)), ValueError);
    CHECK(list.size() == 1);
    auto ns = m.Namespace();
    ns.set("deep", nested(512));
    CHECK(text(ns).starts_with("Namespace(deep={'level': {'level':"));
    CHECK_THROWS_AS(ns.set("deeper", nested(513)), ValueError);
    CHECK_FALSE(ns.contains("deeper"));
  }
}
