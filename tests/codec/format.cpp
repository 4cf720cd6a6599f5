// The bytes themselves: tools and other languages read them, so they do not change unnoticed.
#include <doctest/doctest.h>

#include "tests/codec/sample_types.hpp"

using namespace partage;
using namespace std::string_literals;
using test::bytes_of;

TEST_CASE("the encoding is the documented one") {
  CHECK(bytes_of(1) == "\x01\0\0\0"s);
  CHECK(bytes_of(true) == "\x01"s);
  CHECK(bytes_of(shop::Color::green) == "\x07"s);
  CHECK(bytes_of("ab"s) == "\x02"s + "ab");
  CHECK(bytes_of(std::string(300, 'x')).substr(0, 3) == "\xac\x02x"s);
  CHECK(bytes_of(std::vector<short>{1, 2}) == "\x02\x01\0\x02\0"s);
  CHECK(bytes_of(std::vector<bool>{true, false}) == "\x02\x01\0"s);
  CHECK(bytes_of(std::optional<short>()) == "\0"s);
  CHECK(bytes_of(std::optional<short>(1)) == "\x01\x01\0"s);
  CHECK(bytes_of(std::variant<short, bool>(true)) == "\x01\x01"s);
  CHECK(bytes_of(std::pair<short, std::string>(1, "a")) == "\x01\0\x01"s + "a");
  CHECK(bytes_of(std::tuple<>()) == "\0"s);
  CHECK(bytes_of(std::monostate()) == "\0"s);
  CHECK(bytes_of(std::map<std::string, bool>{{"k", true}}) == "\x01\x01k\x01"s);
  CHECK(bytes_of(std::set<char>{'b', 'a'}) == "\x02"s + "ab");
  CHECK(bytes_of(std::bitset<10>("1000000001")) == "\x01\x02"s);
  CHECK(bytes_of(shop::Point{1, 2}) == "\x01\0\0\0\x02\0\0\0"s);
  CHECK(bytes_of(shop::Nothing()) == "\0"s);
  CHECK(bytes_of(1.0L).size() == codec::long_double_size);
  // a struct without padding and one with are the same field by field
  struct Padded {
    char c;
    int i;
  };
  CHECK(bytes_of(Padded{'a', 1}) == "a\x01\0\0\0"s);
  CHECK(bytes_of(std::vector<Padded>{{'a', 1}}) == "\x01"s + "a\x01\0\0\0"s);
}
