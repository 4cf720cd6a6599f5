// What the codec writes, shown as JSON, and read back from it.
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <partage/object.hpp>
#include <random>
#include <set>
#include <tuple>
#include <unordered_map>
#include <variant>

#include "tests/support/seed.hpp"
#include "tests/tool/schema_fixture.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::string_literals;

TEST_CASE("json: numbers") {
  CHECK(json_of(true) == "true");
  CHECK(json_of(-7) == "-7");
  CHECK(json_of(std::numeric_limits<long>::min()) == "-9223372036854775808");
  CHECK(json_of(std::numeric_limits<unsigned long>::max()) == "18446744073709551615");
  CHECK(json_of(static_cast<signed char>(-1)) == "-1");
  CHECK(json_of(static_cast<unsigned short>(65535)) == "65535");
  CHECK(json_of(std::byte{255}) == "255");
  CHECK(json_of(1.5) == "1.5");
  CHECK(json_of(1.0) == "1.0");
  CHECK(json_of(-0.0) == "-0.0");
  CHECK(json_of(1e300) == "1e+300");
  CHECK(json_of(0.1f) == "0.1");
  CHECK(json_of(std::numeric_limits<double>::quiet_NaN()) == "\"NaN\"");
  CHECK(json_of(-std::numeric_limits<float>::infinity()) == "\"-Infinity\"");
  CHECK(json_of(0.1L) == (sizeof(long double) > 8 ? "\"0.1\"" : "0.1"));
  CHECK(json_of(0.5L) == "0.5");
  CHECK(json_of(shop::Color::green) == "7");
  CHECK(json_of(shop::Yes::yes) == "true");
  CHECK(json_of(std::chrono::milliseconds(1500)) == "1500");
}

TEST_CASE("json: characters and texts") {
  CHECK(json_of('a') == "\"a\"");
  CHECK(json_of('\n') == "\"\\n\"");
  CHECK(json_of('\xe4') == "-28");
  CHECK(json_of(U'\u00e4') == "\"\u00e4\"");
  CHECK(json_of(static_cast<char32_t>(0xd800)) == "55296");
  CHECK(json_of(u'\u20ac') == "\"\u20ac\"");
  CHECK(json_of(std::string("it's \"so\"\x01")) == "\"it's \\\"so\\\"\\u0001\"");
  CHECK(json_of(std::string("\xff\x00z", 3)) == R"({"hex":"ff007a"})");
  CHECK(json_of(std::u16string(u"a\U0001f600")) == "\"a\U0001f600\"");
  CHECK(json_of(std::u16string(1, 0xdc00)) == "[56320]");
  CHECK(json_of(std::wstring(L"\u00e4")) == "\"\u00e4\"");
  CHECK(json_of(std::basic_string<unsigned char>{1, 2}) == "[1,2]");
  CHECK(json_of(std::vector<std::byte>{std::byte{1}, std::byte{255}}) == R"({"hex":"01ff"})");
  CHECK(json_of(std::array<char, 8>{'i', 'r', 'o', 'n'}) == "\"iron\"");
  CHECK(json_of(std::array<char, 3>{'a', '\0', 'b'}) == R"(["a","\u0000","b"])");
}

TEST_CASE("json: what is made of others") {
  CHECK(json_of(std::optional<int>()) == "null");
  CHECK(json_of(std::optional<int>(3)) == "3");
  CHECK(json_of(std::optional<std::optional<int>>(std::optional<int>())) == "[null]");
  CHECK(json_of(std::optional<Object>(Object(1))) == "[1]");
  CHECK(json_of(std::vector<std::vector<int>>{{1}, {}}) == "[[1],[]]");
  CHECK(json_of(std::vector<bool>{true, false}) == "[true,false]");
  CHECK(json_of(std::set<std::string>{"b", "a"}) == R"(["a","b"])");
  CHECK(json_of(std::tuple<>()) == "[]");
  CHECK(json_of(std::tuple(1, "x"s, true)) == R"([1,"x",true])");
  CHECK(json_of(std::complex<double>(1, -2)) == "[1.0,-2.0]");
  CHECK(json_of(std::bitset<10>("1000000011")) == "\"1000000011\"");
  CHECK(json_of(std::monostate()) == "null");
  CHECK(json_of(std::map<std::string, int>{{"b", 2}, {"a", 1}}) == R"({"a":1,"b":2})");
  CHECK(json_of(std::map<int, int>{{-1, 2}}) == R"({"-1":2})");
  CHECK(json_of(std::map<bool, int>{{true, 2}}) == R"({"true":2})");
  CHECK(json_of(std::map<std::pair<int, int>, int>{{{1, 2}, 3}}) == "[[[1,2],3]]");
  CHECK(json_of(std::map<std::pair<std::string, std::string>, std::vector<std::string>>{{{"a", "b"}, {"c", "d"}}}) ==
        R"([[["a","b"],["c","d"]]])");
  CHECK(json_of(std::map<std::string, int>{{"\xff", 1}, {"a", 2}}) == R"([["a",2],[{"hex":"ff"},1]])");
  CHECK(json_of(std::multimap<int, int>{{1, 2}, {1, 3}}) == "[[1,2],[1,3]]");
  using Either = std::variant<std::monostate, int, std::string>;
  CHECK(json_of(Either()) == "null");
  CHECK(json_of(Either("x"s)) == R"({"index":2,"type":"str","value":"x"})");
  CHECK(json_of(shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"}) == R"([7,"nail",[1,2],[0.5,1.5],"iron"])");
  CHECK(json_of(shop::Tree{1, {{2, {}}, {3, {{4, {}}}}}}) == "[1,[[2,[]],[3,[[4,[]]]]]]");
  CHECK(json_of(shop::Nothing()) == "[]");
  CHECK(json_of(Object{1, "two", 3.5, nullptr, {{"k", {1, 2}}, {"l", true}}}) ==
        R"([1,"two",3.5,null,{"k":[1,2],"l":true}])");
  CHECK(json_of(Object(std::numeric_limits<double>::infinity())) == "\"Infinity\"");
}

TEST_CASE("json: handles") {
  CHECK(json_of(SampleHandle{{7}}) == "\"#7\"");
  CHECK(json_of(std::map<std::string, std::vector<SampleHandle>>{{"a", {{{1}}, {{2}}}}}) == R"({"a":["#1","#2"]})");
  CHECK(json_of(shop::Team{"x", {{5}}, SampleHandle{{6}}}) == R"(["x","#5","#6"])");
  CHECK(json_of_key(std::pair(SampleHandle{{7}}, 1)) == R"(["#7",1])");
}

TEST_CASE("json: what only its own program can read") {
  CHECK(json_of(shop::Money(1, "CHF")) == R"({"type":"user shop::Money","size":12})");
  CHECK(json_of(std::pair(1, shop::Money(1, "CHF"))) == R"([1,{"type":"user shop::Money","size":12}])");
  CHECK(json_of(std::pair(shop::Money(1, "CHF"), 1)) == R"({"type":"pair<user shop::Money,i32>","size":16})");
  CHECK(json_of(std::vector<shop::Money>(1, {1, "CHF"})) == R"([{"type":"user shop::Money","size":12}])");
  CHECK(json_of(std::vector<shop::Money>(2, {1, "CHF"})) == R"({"type":"vec<user shop::Money>","size":25})");
  CHECK(json_of(std::map<std::string, shop::Money>{{"a", {1, "CHF"}}}) ==
        R"({"a":{"type":"user shop::Money","size":12}})");
  shop::Crew crew;
  crew.members.object.value = 9;
  CHECK(json_of(crew) == R"({"type":"user shop::Crew","size":4})");
  const std::string node = json_of(std::pair(shop::Node(), 5));
  CHECK(node.starts_with(R"([{"type":"boost shop::Node","size":)"));
  CHECK(node.ends_with("},5]"));
  CHECK(schema::compact(schema::to_json(schema::Schema("tensor<f32>").root(), {"abcd", 4}, show_number)) ==
        R"({"type":"tensor<f32>","size":4})");
}

TEST_CASE("json: both ways") {
  check_both_ways(true);
  check_both_ways(-5);
  check_both_ways(std::numeric_limits<std::int64_t>::min());
  check_both_ways(std::numeric_limits<std::uint64_t>::max());
  check_both_ways(std::numeric_limits<std::uint32_t>::max());
  check_both_ways(std::numeric_limits<std::int8_t>::min());
  check_both_ways(0.1);
  check_both_ways(-0.0);
  check_both_ways(0.1f);
  check_both_ways(std::numeric_limits<float>::max());
  check_both_ways(std::numeric_limits<double>::denorm_min());
  check_both_ways(std::numeric_limits<double>::infinity());
  check_both_ways(0.1L);
  check_both_ways(1.5L);
  check_both_ways(std::numeric_limits<long double>::max());
  check_both_ways('a');
  check_both_ways('\xe4');
  check_both_ways(U'\U0001f600');
  check_both_ways(u'\u20ac');
  check_both_ways("text \u00e4\u20ac"s);
  check_both_ways(std::string("\xff\0", 2));
  check_both_ways(std::string(300, 'x'));
  check_both_ways(std::u16string(u"a\U0001f600"));
  check_both_ways(std::u16string(1, 0xdc00));
  check_both_ways(std::u32string(U"\u00e4"));
  check_both_ways(std::wstring(L"wide"));
  check_both_ways(std::basic_string<unsigned char>{1, 200});
  check_both_ways(std::vector<std::byte>{std::byte{1}, std::byte{255}});
  check_both_ways(std::array<char, 8>{'i', 'r', 'o', 'n'});
  check_both_ways(std::array<char, 3>{'a', '\0', 'b'});
  check_both_ways(std::array<char, 0>{});
  check_both_ways(std::array<int, 3>{1, 2, 3});
  check_both_ways(std::optional<int>());
  check_both_ways(std::optional<int>(3));
  check_both_ways(std::optional<std::optional<int>>(std::optional<int>()));
  check_both_ways(std::optional<Object>(Object(nullptr)));
  check_both_ways(std::vector<std::vector<std::string>>{{"a"}, {}, {"b", ""}});
  check_both_ways(std::vector<bool>{true, false});
  check_both_ways(std::deque<double>{1, 2});
  check_both_ways(std::set<int>{3, 1, 2});
  check_both_ways(std::tuple<>());
  check_both_ways(std::tuple(1, "x"s, true, 'c'));
  check_both_ways(std::complex<double>(1, -2));
  check_both_ways(std::bitset<10>("1000000011"));
  check_both_ways(std::bitset<0>());
  check_both_ways(std::monostate());
  check_both_ways(std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  check_both_ways(std::map<std::string, int>{{"\xff", 1}, {"a", 2}});
  check_both_ways(std::map<int, std::string>{{-1, "x"}, {5, "y"}});
  check_both_ways(std::map<char, int>{{'5', 1}, {'\xe4', 2}, {'x', 3}});
  check_both_ways(std::map<double, int>{{0.5, 1}, {1, 2}});
  check_both_ways(std::map<bool, int>{{false, 0}, {true, 1}});
  check_both_ways(std::map<std::pair<int, std::string>, int>{{{1, "x"}, 3}});
  check_both_ways(std::multimap<int, int>{{1, 2}, {1, 3}});
  using Either = std::variant<std::monostate, int, std::string, long>;
  for (const Either& e : {Either(), Either(3), Either("x"s), Either(4L)}) check_both_ways(e);
  check_both_ways(shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"});
  check_both_ways(shop::Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  check_both_ways(shop::Nothing());
  check_both_ways(shop::Color::green);
  check_both_ways(shop::Yes::yes);
  check_both_ways(std::chrono::milliseconds(1500));
  check_both_ways(std::chrono::duration<double>(0.25));
  check_both_ways(std::chrono::system_clock::time_point(std::chrono::seconds(5)));
  check_both_ways(Object{1, "two", 3.5, nullptr, {{"k", {1, 2}}, {"l", true}}, ~std::uint64_t{0}});
  check_both_ways(SampleHandle{{7}});
  check_both_ways(shop::Team{"x", {{5}}, SampleHandle{{6}}});
  check_both_ways(std::vector<SampleHandle>{{{1}}, {{2}}});

  check_key_both_ways(5);
  check_key_both_ways("k"s);
  check_key_both_ways(0.5);
  check_key_both_ways(std::pair(1, "x"s));
  check_key_both_ways(std::set<int>{3, 1, 2});
  check_key_both_ways(std::pair(SampleHandle{{7}}, 1));
}

TEST_CASE("json: what is shown does not grow with the description times the elements") {
  std::string long_type = "user ";
  for (int i = 0; i < 1000; ++i) long_type += "\xC3\xA9";  // cut between characters
  const schema::Schema variants("vec<variant<i32,tuple<u8,vec<" + long_type + ":1>>>>");
  std::string bytes(1, char(20));
  for (int i = 0; i < 20; ++i) bytes += std::string("\x01\x07\x00", 3);  // the second alternative: 7 and nothing
  const std::string shown = schema::compact(
      schema::to_json(variants.root(), {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, show_number));
  CHECK(shown.size() < 20 * 300);
  CHECK(shown.starts_with(R"([{"index":1,"type":"tuple<u8,vec<user )"));
  CHECK(shown.find("...\",\"value\":[7,[]]}") != shown.npos);
  CHECK(boost::json::parse(shown).as_array().size() == 20);  // and so is UTF-8
}

TEST_CASE("json: a zero as key has no sign, and a NaN is none") {
  const schema::Schema f64("f64");
  CHECK(text_in(schema::from_json(f64.root(), json::value(-0.0), find_number, schema::Role::key)) == key_bytes_of(0.0));
  CHECK_THROWS_AS(schema::from_json(f64.root(), json::value("NaN"), find_number, schema::Role::key), ValueError);
  CHECK(json_of_key(0.0) == "0.0");
  const double negative = -0.0;  // which the library does not store
  const BytesView stored(reinterpret_cast<const std::byte*>(&negative), sizeof negative);
  CHECK(schema::compact(schema::to_json(f64.root(), stored, show_number, schema::Role::key)) == "0.0");
}

TEST_CASE("json: lines for people") {
  const auto readable = [](const std::string& text) { return schema::readable(json::parse(text)); };
  CHECK(readable("[1,2,3]") == "[1, 2, 3]");
  CHECK(readable(R"({"a":[],"b":{}})") == R"({"a": [], "b": {}})");
  const std::string word(60, 'x');
  CHECK(readable("[\"" + word + "\",\"" + word + "\"]") == "[\n  \"" + word + "\",\n  \"" + word + "\"\n]");
  CHECK(readable("{\"k\":[\"" + word + "\",[1,2],\"" + word + "\"]}") ==
        "{\n  \"k\": [\n    \"" + word + "\",\n    [1, 2],\n    \"" + word + "\"\n  ]\n}");
  const std::string any = R"({"k":[1,-2,2.5,true,null,"\u0001\"\\",{"":1e+30}]})";
  CHECK(json::parse(schema::readable(json::parse(any))) == json::parse(any));
  CHECK(json::parse(schema::compact(json::parse(any))) == json::parse(any));
}

TEST_CASE("json: lists in lists cannot all be as long as what is left") {
  // Each announces 2000 elements, which is possible for one of them; there is no room for those of all.
  std::string description = "i8", bytes;
  for (int i = 0; i < 100; ++i) {
    description = "vec<" + description + '>';
    bytes += "\xd0\x0f";
  }
  bytes += std::string(2000, '\1');
  const schema::Schema lists(description);
  CHECK_THROWS_WITH_AS(schema::to_json(lists.root(), {bytes.data(), bytes.size()}, show_number),
                       doctest::Contains("more than fit"), Corrupt);
}
