// Python's repr. What stands on the right was printed by Python 3.11.
#include <doctest/doctest.h>

#include <cmath>
#include <iomanip>
#include <limits>

#include "tests/codec/sample_types.hpp"

#include <partage/object.hpp>

using namespace partage;
using namespace std::string_literals;
using codec::repr;

TEST_CASE("integers, bools, characters") {
  CHECK(repr(0) == "0");
  CHECK(repr(-5) == "-5");
  CHECK(repr(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(repr(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(repr(static_cast<signed char>(65)) == "65");
  CHECK(repr(static_cast<unsigned char>(200)) == "200");
  CHECK(repr(true) == "True");
  CHECK(repr(false) == "False");
  CHECK(repr('a') == "'a'");
  CHECK(repr('\0') == "'\\x00'");
  CHECK(repr(U'\u20ac') == "'\u20ac'");
}

TEST_CASE("floats") {
  const std::pair<double, const char*> table[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {3.0, "3.0"},
      {-2.5, "-2.5"},
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {100.0, "100.0"},
      {123.456, "123.456"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {123456789012345.0, "123456789012345.0"},
      {1234567890123456.0, "1234567890123456.0"},
      {12345678901234567.0, "1.2345678901234568e+16"},
      {9999999999999998.0, "9999999999999998.0"},
      {9007199254740992.0, "9007199254740992.0"},
      {1e17, "1e+17"},
      {1e22, "1e+22"},
      {1e100, "1e+100"},
      {1.5e300, "1.5e+300"},
      {1e-4, "0.0001"},
      {1e-5, "1e-05"},
      {0.00012345, "0.00012345"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
  };
  for (const auto& [value, text] : table) CHECK(repr(value) == text);
  CHECK(repr(std::nan("")) == "nan");
  CHECK(repr(-std::nan("")) == "nan");
  CHECK(repr(0.1F) == "0.1");
  CHECK(repr(16777216.0F) == "16777216.0");
  CHECK(repr(1.1e10F) == "11000000000.0");
  CHECK(repr(0.5L) == "0.5");
}

TEST_CASE("strings") {
  const std::pair<std::string, const char*> table[] = {
      {"", "''"},
      {"a", "'a'"},
      {"it's", "\"it's\""},
      {"say \"x\"", "'say \"x\"'"},
      {"both ' and \"", "'both \\' and \"'"},
      {"\n\t\r\\", "'\\n\\t\\r\\\\'"},
      {"\0\x1b\x7f"s, "'\\x00\\x1b\\x7f'"},
      {"\u00e9\u20ac\U0001f600", "'\u00e9\u20ac\U0001f600'"},
      {"\u00a0\u00ad\u200b\u2028\ufeff\ue000\U000e0001\U0010ffff",
       "'\\xa0\\xad\\u200b\\u2028\\ufeff\\ue000\\U000e0001\\U0010ffff'"},
      // no UTF-8: Python has no str like that
      {"a\xffz", "'a\\xffz'"},
      {"\xed\xa0\x80", "'\\xed\\xa0\\x80'"},
      {"\xc0\x80\xe2\x82", "'\\xc0\\x80\\xe2\\x82'"},
  };
  for (const auto& [value, text] : table) CHECK(repr(value) == text);
  CHECK(repr(std::u16string(u"\u20ac\U0001f600")) == "'\u20ac\U0001f600'");
  CHECK(repr(std::u32string(U"it's")) == "\"it's\"");
}

TEST_CASE("bytes") {
  const auto bytes = [](std::string_view text) {
    std::vector<std::byte> out;
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    return repr(out);
  };
  CHECK(bytes("abc") == "b'abc'");
  CHECK(bytes("it's") == "b\"it's\"");
  CHECK(bytes("\0\xff\n\""s) == "b'\\x00\\xff\\n\"'");
  CHECK(bytes("'\"") == "b'\\'\"'");
}

TEST_CASE("complex numbers") {
  CHECK(repr(std::complex<double>(1, 2)) == "(1+2j)");
  CHECK(repr(std::complex<double>(0, 2)) == "2j");
  CHECK(repr(std::complex<double>(0, 0)) == "0j");
  CHECK(repr(std::complex<double>(1, -2.5)) == "(1-2.5j)");
  CHECK(repr(std::complex<double>(std::nan(""), std::numeric_limits<double>::infinity())) == "(nan+infj)");
  CHECK(repr(std::complex<double>(-1.5, -0.0)) == "(-1.5-0j)");
  CHECK(repr(std::complex<double>(1e16, 1e-5)) == "(1e+16+1e-05j)");
}

TEST_CASE("the repr of containers") {
  CHECK(repr(std::pair(1, "a"s)) == "(1, 'a')");
  CHECK(repr(std::tuple(1)) == "(1,)");
  CHECK(repr(std::tuple<>()) == "()");
  CHECK(repr(std::tuple(1, 2.0, true)) == "(1, 2.0, True)");
  CHECK(repr(std::vector<int>()) == "[]");
  CHECK(repr(std::vector<bool>{true, false}) == "[True, False]");
  CHECK(repr(std::vector<std::string>{"a", "b"}) == "['a', 'b']");
  CHECK(repr(std::deque<int>{1}) == "[1]");
  CHECK(repr(std::array<int, 2>{1, 2}) == "[1, 2]");
  CHECK(repr(std::set<int>()) == "set()");
  CHECK(repr(std::set<int>{2, 1}) == "{1, 2}");
  CHECK(repr(std::map<std::string, std::vector<int>>{{"k", {1}}, {"l", {}}}) == "{'k': [1], 'l': []}");
  CHECK(repr(std::map<int, int>()) == "{}");
  CHECK(repr(std::optional<int>()) == "None");
  CHECK(repr(std::optional<int>(1)) == "1");
  CHECK(repr(std::monostate()) == "None");
  CHECK(repr(std::variant<int, std::string>("x")) == "'x'");
  CHECK(repr(std::bitset<4>("0101")) == "bitset('0101')");
  CHECK(repr(std::chrono::milliseconds(1500)) == "timedelta(seconds=1.5)");
  CHECK(repr(std::map<std::string, SampleHandle>{{"k", {}}}) == "{'k': [1, 2]}");
}

TEST_CASE("the repr of types of the user") {
  CHECK(repr(shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"}) == "Item(7, 'nail', Point(1, 2), [0.5, 1.5], 'iron')");
  CHECK(repr(shop::Nothing()) == "Nothing()");
  CHECK(repr(shop::Color::green) == "Color(7)");
  CHECK(repr(static_cast<shop::Color>(200)) == "Color(200)");
  CHECK(repr(shop::one) == "Plain(1)");
  CHECK(repr(shop::Degrees{1.5}) == "1.5 deg");
  CHECK(repr(shop::Money()) == "<Money object>");
  CHECK(repr(std::vector<shop::Degrees>{{1}, {2}}) == "[1 deg, 2 deg]");
}

TEST_CASE("an Object prints as Python prints the parsed JSON") {
  const Object value{
      1, -2, 3.0, "it's", nullptr, true, {{"k", {1, 2}}, {"e", boost::json::object()}}, boost::json::array()};
  CHECK(repr(value) == "[1, -2, 3.0, \"it's\", None, True, {'k': [1, 2], 'e': {}}, []]");
}

TEST_CASE("the state of the stream changes nothing") {
  std::ostringstream out;
  out << std::hex << std::setprecision(2) << std::showpos << std::setw(10) << std::setfill('*');
  repr(out, std::tuple(255, 3.14159, "x"s, true));
  CHECK(out.str() == "(255, 3.14159, 'x', True)");
}
