// Elements as JSON that reads back the same bytes, and the JSON text itself.
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <partage/error.hpp>
#include <random>
#include <variant>

#include "manager/schema/exact_json.hpp"
#include "manager/schema/facts.hpp"
#include "manager/schema/parse_json.hpp"
#include "tests/support/seed.hpp"
#include "tests/tool/schema_fixture.hpp"

namespace partage::test {
namespace {

using schema::Role;

std::string exact(const std::string& types, const std::string& bytes, std::vector<ObjectRef> refs = {},
                  Role role = Role::value) {
  const schema::Schema schema(types);
  return schema::compact(schema::to_exact_json(schema.root(), {bytes.data(), bytes.size(), refs}, show_number, role));
}

Bytes read(const std::string& types, const std::string& text, Role role = Role::value) {
  const schema::Schema schema(types);
  const auto find = [](std::string_view name, const schema::Type*) -> ObjectRef {
    return std::stoull(std::string(name.substr(1)));
  };
  return schema::from_exact_json(schema.root(), schema::parse_json(text), find, role);
}

template <class T>
std::string raw(T x) {
  return {reinterpret_cast<const char*>(&x), sizeof x};
}

void check_exact(const std::string& types, const std::string& bytes, const std::string& shown,
                 const std::vector<ObjectRef>& refs = {}) {
  CAPTURE(types);
  CHECK(exact(types, bytes, refs) == shown);
  const Bytes again = read(types, shown);
  CHECK(text_in(again) == bytes);
  CHECK(again.refs() == refs);
}

}  // namespace

TEST_CASE("parse_json: every double comes back as it was written") {
  std::mt19937_64 random(test_seed());
  for (long i = 0; i < repeats(20'000); ++i) {
    const auto x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) continue;
    const double again = schema::parse_json(schema::text_of(x)).as_double();
    CHECK(std::bit_cast<std::uint64_t>(again) == std::bit_cast<std::uint64_t>(x));
  }
  for (const double x : {-0.0, 5e-324, std::numeric_limits<double>::max(), 0.1, 1e22}) {
    const double again = schema::parse_json(schema::text_of(x)).as_double();
    CHECK(std::bit_cast<std::uint64_t>(again) == std::bit_cast<std::uint64_t>(x));
  }
  CHECK(schema::parse_json("1e-400").as_double() == 0);
  CHECK(std::signbit(schema::parse_json("-1e-400").as_double()));
  CHECK_THROWS_AS(schema::parse_json("1e400"), ValueError);
}

TEST_CASE("parse_json: integers of 64 bits, and what is no JSON") {
  CHECK(schema::parse_json("18446744073709551615").as_uint64() == ~std::uint64_t{0});
  CHECK(schema::parse_json("-9223372036854775808").as_int64() == std::numeric_limits<std::int64_t>::min());
  CHECK(schema::parse_json(" [1, {\"a\": \"\\u00e4\"}]\n ").is_array());
  CHECK_THROWS_WITH_AS(schema::parse_json("{\n \"a\": 1,\n}"), doctest::Contains("line 3"), ValueError);
  CHECK_THROWS_WITH_AS(schema::parse_json("1 2"), doctest::Contains("byte 3"), ValueError);
  for (const char* text : {"", "[1", "{\"a\" 1}", "nul", "\"\xff\"", "[1]]", "'a'", "01"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(schema::parse_json(text), ValueError);
    CHECK(!schema::parse_json_if(text));
  }
  CHECK_THROWS_AS(schema::parse_json(std::string(600, '[') + std::string(600, ']')), ValueError);
  CHECK(schema::parse_json(std::string(600, '[') + std::string(600, ']'), 600).is_array());
}

TEST_CASE("exact_json: what JSON can say is said as ever") {
  check_exact("i32", raw(std::int32_t{-5}), "-5");
  check_exact("u64", raw(~std::uint64_t{0}), "18446744073709551615");
  check_exact("f64", raw(-0.0), "-0.0");
  check_exact("f64", raw(std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
  check_exact("f32", raw(0.1F), "0.1");
  check_exact("str",
              "\x03"
              "a\"\n",
              R"("a\"\n")");
  check_exact("str",
              "\x02\xff"
              "a",
              R"({"hex":"ff61"})");
  check_exact("bytes", std::string("\x02\0\xff", 3), R"({"hex":"00ff"})");
  check_exact("opt<opt<i8>>", std::string("\1\0", 2), "[null]");
  check_exact("variant<none,i8>", std::string("\0\0", 2), "null");
  check_exact("variant<i8,i8>", "\1\5", R"({"index":1,"type":"i8","value":5})");
  check_exact("map<str,i8>", "\1\1k\2", R"({"k":2})");
  check_exact("list<i32>", "", "\"#7\"", {7});
}

TEST_CASE("exact_json: what JSON cannot say is written as the bytes") {
  std::uint64_t odd_nan = 0xFFF8'0000'0000'0001;
  check_exact("f64", raw(odd_nan), R"({"encoded":"010000000000f8ff"})");
  check_exact("user shop::Money", std::string("\0\xff", 2), R"({"encoded":"00ff","refs":["#3","#4"]})", {3, 4});
  check_exact("pair<user shop::Money,i8>", "abc", R"({"encoded":"616263"})");
  check_exact("variant<opt<i8>,none>", std::string("\1\0", 2), "null");
  check_exact("multimap<f64,i8>", "\1" + raw(odd_nan) + "\5", R"({"encoded":"01010000000000f8ff05"})");
  // An Object whose number, text or member would become another one.
  check_exact("object", "\4" + raw(std::uint64_t{5}), R"({"encoded":"040500000000000000"})");
  check_exact("object", "\5" + raw(std::numeric_limits<double>::infinity()), R"({"encoded":"05000000000000f07f"})");
  check_exact("object", "\6\1\xff", R"({"encoded":"0601ff"})");
  check_exact("object", "\3" + raw(std::int64_t{5}), "5");
  // What looks like this form without being meant so.
  check_exact("object", std::string("\10\1\7encoded\6\1x", 13), R"({"encoded":"080107656e636f646564060178"})");
}

TEST_CASE("exact_json: an encoded value must be one of the type") {
  for (const char* text :
       {R"({"encoded": 5})", R"({"encoded": "0"})", R"({"encoded": "zz"})", R"({"encoded": "000000"})",
        R"({"encoded": "", "refs": ["#1"]})", R"({"encoded": "01", "refs": "#1"})", R"({"encoded": "01", "refs": [1]})",
        R"({"encoded": "01", "more": 1})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(read("bool", text), std::invalid_argument);
  }
  CHECK(text_in(read("bool", R"({"encoded": "01"})")) == "\1");
  CHECK_THROWS_AS(read("list<i32>", R"({"encoded": ""})"), ValueError);
  CHECK_THROWS_AS(read("str", R"({"encoded": "05ff"})"), ValueError);
}

TEST_CASE("exact_json: reading takes a time in proportion to the text") {
  // Each level of a struct that contains itself has two alternatives that may fail only at the innermost.
  const std::string types = "struct N{variant<vec<struct N>,vec<struct N>>}";
  std::string text = "[5]";
  for (int i = 0; i < 150; ++i) text = R"([{"index":0,"value":[)" + text + "]}]";
  CHECK_THROWS_AS(read(types, text), TypeError);
  CHECK_THROWS_AS(read("variant<i8,str>", "5"), TypeError);
  CHECK_THROWS_AS(read("array<char,1152921504606846976>", "\"x\""), ValueError);
}

TEST_CASE("facts of a type are those that the codec knows at compile time") {
  const auto check = [](auto value) {
    using T = decltype(value);
    const schema::Schema schema(codec::description<T>());
    CAPTURE(schema.root().text);
    CHECK(schema::fixed_size(schema.root()) == codec::fixed_size<T>);
    CHECK(schema::holds_handles(schema.root()) == codec::holds_handles<T>);
    CHECK(!schema::has_unknown(schema.root()));
  };
  check(std::int32_t{});
  check(bool{});
  check('c');
  check(0.0);
  check(0.0L);
  check(std::string());
  check(std::optional<int>());
  check(std::pair<char, std::uint16_t>());
  check(std::tuple<>());
  check(std::array<short, 3>());
  check(std::array<short, 0>());
  check(std::bitset<13>());
  check(std::bitset<0>());
  check(std::complex<float>());
  check(std::chrono::milliseconds());
  check(std::variant<int, std::string>());
  check(std::monostate());
  check(std::vector<int>());
  CHECK(schema::holds_handles(schema::Schema("map<str,opt<list<i32>>>").root()));
  CHECK(schema::holds_handles(schema::Schema("vec<user shop::Money>").root()));
  CHECK(!schema::holds_handles(schema::Schema("struct N{i32,vec<struct N>}").root()));
  CHECK(schema::has_unknown(schema::Schema("vec<future<i32>>").root()));

  // The list inside the struct is of the same type as the whole.
  const schema::Schema circle("list<struct N{str,opt<list<struct N>>}>"),
      other("list<struct N{str,opt<list<struct M>>}>");
  const schema::Type& inside = *circle.root().parts[0]->parts[1]->parts[0];
  CHECK(inside.text != circle.root().text);
  CHECK(schema::is_same(inside, circle.root()));
  CHECK(!schema::is_same(other.root(), circle.root()));
  for (const char* text : {"list<i8>", "list<struct N{str}>", "list<struct M{str,opt<list<struct M>>}>", "vec<i8>"}) {
    CAPTURE(text);
    CHECK(!schema::is_same(schema::Schema(text).root(), circle.root()));
  }
}

}  // namespace partage::test
