// JSON and words of a command line as values, and what is refused, with which sentence.
#include <array>
#include <bit>
#include <bitset>
#include <cmath>
#include <map>
#include <optional>
#include <partage/object.hpp>
#include <random>
#include <tuple>
#include <variant>

#include "tests/support/seed.hpp"
#include "tests/tool/schema_fixture.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::string_literals;

namespace {

std::string refusal(const std::string& description, const std::string& text) {
  const schema::Schema schema(description);
  try {
    schema::from_json(schema.root(), json::parse(text), find_number);
  } catch (const TypeError& e) {
    return "TypeError "s + static_cast<const Error&>(e).what();
  } catch (const ValueError& e) {
    return "ValueError "s + static_cast<const Error&>(e).what();
  }
  return "";
}

template <class T>
T word(const std::string& text) {
  const schema::Schema schema(codec::description<T>());
  const Bytes bytes = schema::from_word(schema.root(), text, find_number);
  return codec::decode_all<T>(bytes.view());
}

}  // namespace

TEST_CASE("from json: what a person would write") {
  CHECK(value_of<int>("3.0") == 3);
  CHECK(value_of<long>("-1e3") == -1000);
  CHECK(value_of<double>("3") == 3);
  CHECK(value_of<double>("18446744073709551615") == 18446744073709551615.0);
  CHECK(value_of<double>("\"inf\"") == std::numeric_limits<double>::infinity());
  CHECK(value_of<char>("65") == 'A');
  CHECK(value_of<std::vector<std::byte>>("\"ab\"") == std::vector<std::byte>{std::byte{'a'}, std::byte{'b'}});
  CHECK(value_of<std::array<char, 4>>("\"ab\"") == std::array<char, 4>{'a', 'b'});
  CHECK(value_of<std::map<std::string, int>>(R"([["b",2],["a",1]])") == std::map<std::string, int>{{"a", 1}, {"b", 2}});
  CHECK(value_of<std::map<int, int>>(R"({"5":1})") == std::map<int, int>{{5, 1}});
  using Either = std::variant<std::monostate, int, std::string>;
  CHECK(value_of<Either>("5") == Either(5));
  CHECK(value_of<Either>("\"x\"") == Either("x"s));
  CHECK(value_of<Either>("null") == Either());
  CHECK(value_of<Either>(R"({"index":1,"value":4})") == Either(4));
  CHECK(value_of<std::variant<std::vector<int>, std::vector<std::string>>>(R"(["a"])").index() == 1);
  CHECK(value_of<Object>(R"({"k":[1,2.5]})") == Object{{"k", {1, 2.5}}});
}

TEST_CASE("from json: words of a command line") {
  CHECK(word<std::string>("apples") == "apples");
  CHECK(word<std::string>("5") == "5");
  CHECK(word<std::string>("true") == "true");
  CHECK(word<std::string>("[1]") == "[1]");
  CHECK(word<std::string>("\"a\\nb\"") == "a\nb");
  CHECK(word<std::string>("\"a") == "\"a");
  CHECK(word<std::string>("") == "");
  CHECK(word<std::string>("\xff") == "\xff");
  CHECK(word<int>("-5") == -5);
  CHECK(word<double>("NaN") != word<double>("NaN"));
  CHECK(word<char>("x") == 'x');
  CHECK(word<Object>("hello") == Object("hello"));
  CHECK(word<Object>("5") == Object(5));
  CHECK(word<std::optional<std::string>>("null") == std::nullopt);
  CHECK(word<std::optional<std::string>>("5") == "5");
  CHECK_THROWS_WITH_AS(word<int>("x"), doctest::Contains("i32 takes an integer, not \"x\""), TypeError);
  CHECK_THROWS_WITH_AS(word<int>("[1]"), doctest::Contains("i32 takes an integer, not [1]"), TypeError);
  CHECK_THROWS_AS(word<int>("99999999999"), ValueError);
}

TEST_CASE("from json: refusals say where, what is there and what would be right") {
  CHECK(refusal("bool", "1") == "TypeError partage: bool takes true or false, not 1");
  CHECK(refusal("i32", "1.5") == "TypeError partage: i32 takes an integer, not 1.5");
  CHECK(refusal("i8", "128") == "ValueError partage: 128 does not fit i8, which goes from -128 to 127");
  CHECK(refusal("i8", "-129") == "ValueError partage: -129 does not fit i8, which goes from -128 to 127");
  CHECK(refusal("u8", "-1") == "ValueError partage: -1 does not fit u8, which goes from 0 to 255");
  CHECK(refusal("u64", "-1").find("does not fit u64") != std::string::npos);
  CHECK(refusal("i64", "9223372036854775808").find("does not fit i64") != std::string::npos);
  CHECK(refusal("u64", "18446744073709551616").starts_with("TypeError"));
  CHECK(refusal("f32", "1e300") == "ValueError partage: 1e+300 does not fit f32");
  CHECK(refusal("f64", "\"x\"").starts_with("TypeError partage: f64 takes a number"));
  CHECK(refusal("char", "\"ab\"") == "TypeError partage: char takes a text of one character, not \"ab\"");
  CHECK(refusal("char", "\"\u00e4\"").starts_with("TypeError"));
  CHECK(refusal("char", "300").starts_with("ValueError"));
  CHECK(refusal("str", "5") == "TypeError partage: str takes a text, not 5");
  CHECK(refusal("str", R"({"hex":"0"})").starts_with("TypeError"));
  CHECK(refusal("bytes", R"({"hex":"zz"})").starts_with("TypeError"));
  CHECK(refusal("str<u8>", "\"x\"").starts_with("TypeError"));
  CHECK(refusal("array<i32,2>", "[1]") == "TypeError partage: array<i32,2> takes a list of 2, not [1]");
  CHECK(refusal("array<char,2>", "\"abc\"").starts_with("TypeError"));
  CHECK(refusal("pair<i32,str>", "[1]") == "TypeError partage: pair<i32,str> takes a list of 2, not [1]");
  CHECK(refusal("vec<pair<i32,str>>", R"([[1,"a"],[2,3]])") == "TypeError partage: str at [1][1] takes a text, not 3");
  CHECK(refusal("map<str,i8>", R"({"k":1000})") ==
        "ValueError partage: 1000 does not fit i8, which goes from -128 to 127 at [\"k\"]");
  CHECK(refusal("map<str,i8>", "5").starts_with("TypeError"));
  CHECK(refusal("map<pair<i8,i8>,i8>", "{}").starts_with("TypeError"));
  CHECK(refusal("map<i8,i8>", R"({"x":1})").starts_with("TypeError"));
  CHECK(refusal("multimap<i8,i8>", "[[1]]").starts_with("TypeError"));
  CHECK(refusal("bitset<3>", "\"0102\"").starts_with("TypeError"));
  CHECK(refusal("none", "0").starts_with("TypeError"));
  CHECK(refusal("opt<opt<i8>>", "3").starts_with("TypeError"));
  CHECK(refusal("variant<i8,bool>", "\"x\"").starts_with("TypeError"));
  CHECK(
      refusal("list<i8>", "[1]").starts_with("TypeError partage: list<i8> takes the name or the \"#id\" of an object"));
  CHECK(refusal("user shop::Money", "5").find("only by a program that defines the type") != std::string::npos);
  CHECK(refusal("boost shop::Node", "5").starts_with("TypeError"));
  CHECK(refusal("tensor<i8>", "5").starts_with("TypeError"));
}

TEST_CASE("from json: every double is the nearest one to its digits") {
  const auto read = [](const std::string& word) {
    const schema::Schema f64("f64");
    const Bytes bytes = schema::from_word(f64.root(), word, find_number);
    double x = 0;
    std::memcpy(&x, bytes.data(), sizeof x);
    return x;
  };
  CHECK(read("1.3927926388013963e-143") == 1.3927926388013963e-143);
  CHECK(read("1e-999") == 0);
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 10'000; ++i) {
    const auto x = std::bit_cast<double>(random());
    if (std::isfinite(x)) CHECK(read(schema::text_of(x)) == x);
  }
  CHECK(word<std::vector<double>>("[0.1,-1.7161392603081718e+277]") == std::vector{0.1, -1.7161392603081718e+277});
}

TEST_CASE("from json: a number beyond all doubles is none") {
  CHECK_THROWS_AS(schema::from_word(schema::Schema("f64").root(), "1e999", find_number), TypeError);
  CHECK_THROWS_AS(schema::from_word(schema::Schema("vec<f64>").root(), "[1e999]", find_number), TypeError);
}

TEST_CASE("from json: nesting has a limit") {
  json::value deep = 1;
  for (int i = 0; i < 600; ++i) {
    json::array around;
    around.push_back(std::move(deep));
    deep = std::move(around);
  }
  const schema::Schema object("object");
  CHECK_THROWS_WITH_AS(schema::from_json(object.root(), deep, find_number), doctest::Contains("512 levels"),
                       ValueError);
}

TEST_CASE("from json: what nests between two levels of a struct counts, too") {
  std::string variants = "struct A";
  for (int i = 0; i < 100; ++i) variants = "variant<" + variants + '>';
  const schema::Schema struct_in_variants("struct A{" + variants + '}');
  const std::string lists = std::string(512, '[') + std::string(512, ']');
  CHECK_THROWS_WITH_AS(schema::from_word(struct_in_variants.root(), lists, find_number),
                       doctest::Contains("nests too deeply"), ValueError);
}

TEST_CASE("from json: alternatives of alternatives are not tried for ever") {
  const schema::Schema ambiguous("struct A{variant<vec<struct A>,set<struct A>>}");
  const std::string lists = std::string(80, '[') + "\"x\"" + std::string(80, ']');
  CHECK_THROWS_WITH_AS(schema::from_word(ambiguous.root(), lists, find_number), doctest::Contains("\"index\""),
                       ValueError);
  // Many values are no reason: each may be tried as each of its alternatives.
  using Either = std::variant<int, double, bool, std::string>;
  std::string texts = "[\"a\"";
  for (int i = 1; i < 30'000; ++i) texts += ",\"a\"";
  CHECK(word<std::vector<Either>>(texts + ']') == std::vector<Either>(30'000, Either("a"s)));
}

TEST_CASE("from json: null is the alternative that is nothing, if there is one") {
  using Missing = std::variant<std::optional<int>, std::monostate>;
  CHECK(value_of<Missing>("null").index() == 1);
  CHECK(value_of<Missing>(R"({"index":0,"value":null})").index() == 0);
  check_both_ways(Missing(std::monostate()));
  check_both_ways(Missing(std::optional<int>()));
  using Twice = std::variant<std::monostate, int, std::monostate>;
  check_both_ways(Twice(std::in_place_index<0>));
  check_both_ways(Twice(std::in_place_index<2>));
}
