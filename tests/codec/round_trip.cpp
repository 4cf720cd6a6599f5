// Every kind of element type, encoded and decoded again.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>

#include "tests/codec/sample_types.hpp"

using namespace partage;
using test::round_trip;

namespace {

template <class T>
void check_limits() {
  using Limits = std::numeric_limits<T>;
  for (const T x : {T(0), T(1), Limits::min(), Limits::max(), Limits::lowest()}) CHECK(round_trip(x) == x);
}

template <class T>
void check(const T& value) {
  CHECK(bool(round_trip(value) == value));
}

}  // namespace

TEST_CASE("numbers come back whole") {
  check_limits<char>();
  check_limits<signed char>();
  check_limits<unsigned char>();
  check_limits<short>();
  check_limits<unsigned short>();
  check_limits<int>();
  check_limits<unsigned>();
  check_limits<long>();
  check_limits<unsigned long>();
  check_limits<long long>();
  check_limits<unsigned long long>();
  check_limits<wchar_t>();
  check_limits<char8_t>();
  check_limits<char16_t>();
  check_limits<char32_t>();
  check_limits<float>();
  check_limits<double>();
  check_limits<long double>();
  check(true);
  check(false);
  CHECK(std::isnan(round_trip(std::nan(""))));
  CHECK(std::signbit(round_trip(-0.0)));  // only keys are normalised
}

TEST_CASE("enums come back whole") {
  check(shop::Color::green);
  check(static_cast<shop::Color>(200));
  check(shop::one);
  check(shop::Yes::yes);
  check(std::byte{255});
}

TEST_CASE("strings come back whole") {
  check(std::string());
  check(std::string("a\0b", 3));
  for (const std::size_t n : {126, 127, 128, 129, 16383, 16384, 100000}) check(std::string(n, 'x'));
  check(std::u16string(u"h\u00e9"));
  check(std::u32string(U"\U0001f600"));
  check(std::wstring(L"wide"));
  check(std::u8string(u8"text"));
}

TEST_CASE("containers come back whole") {
  check(std::vector<int>{});
  check(std::vector<int>{1, 2, 3});
  check(std::vector<bool>{true, false, true});
  check(std::vector<std::byte>{std::byte{0}, std::byte{255}});
  check(std::vector<std::string>{"", "a", std::string(200, 'z')});
  check(std::vector<shop::Point>{{1, 2}, {3, 4}});
  check(std::vector<std::vector<double>>{{}, {1.5}, {2.5, 3.5}});
  check(std::vector<long double>{1.5L, -2.5L});
  check(std::vector<shop::Color>(300, shop::Color::green));
  check(std::vector<std::monostate>(7));
  check(std::vector<shop::Nothing>(7));
  check(std::deque<int>{1, 2});
  check(std::deque<std::string>{"x"});
  check(std::list<short>{1, 2});
  check(std::set<int>{3, 1, 2});
  check(std::multiset<int>{3, 1, 1});
  check(std::unordered_set<std::string>{"a", "b"});
  check(std::unordered_multiset<int>{1, 1, 2});
  check(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
  check(std::multimap<int, std::string>{{1, "x"}, {1, "y"}, {0, "z"}});
  check(std::unordered_map<int, double>{{1, 1.5}, {2, 2.5}});
  check(std::unordered_multimap<int, int>{{1, 1}, {1, 1}});
}

TEST_CASE("products and sums come back whole") {
  check(std::pair(1, std::string("a")));
  check(std::tuple<>());
  check(std::tuple(1, 2.5, std::string("x"), true));
  check(std::array<int, 3>{1, 2, 3});
  check(std::array<std::string, 2>{"a", "b"});
  check(std::array<int, 0>{});
  check(std::optional<int>());
  check(std::optional<int>(5));
  check(std::optional<std::optional<std::string>>(std::optional<std::string>()));
  using Variant = std::variant<std::monostate, int, std::string, int>;
  check(Variant());
  check(Variant(std::in_place_index<1>, 4));
  check(Variant(std::in_place_index<3>, 4));
  check(Variant("text"));
  check(std::complex<double>(1.5, -2));
  check(std::complex<float>(1.5, -2));
  check(std::chrono::milliseconds(-5));
  check(std::chrono::duration<double>(2.5));
  check(std::chrono::system_clock::now());
  check(std::chrono::steady_clock::now());
  check(std::bitset<0>());
  check(std::bitset<1>("1"));
  check(std::bitset<8>("10010110"));
  check(std::bitset<17>("10000000000000001"));
}

TEST_CASE("aggregates come back field by field") {
  check(shop::Point{1, -1});
  check(shop::Nothing{});
  check(shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"});
  check(shop::Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  const auto box = round_trip(shop::Box<std::string>{"full", 12});
  CHECK(box.content == "full");
  CHECK(box.weight == 12);
  const auto grid = round_trip(shop::Grid<std::string, 2>{{"a", "b"}});
  CHECK(grid.cells[1] == "b");
}

TEST_CASE("decoding replaces what was there") {
  codec::Writer writer;
  codec::encode(writer, std::vector<std::string>{"new"});
  codec::Reader reader(writer.view());
  std::vector<std::string> value{"old", "old"};
  codec::decode_into(reader, value);
  CHECK(value == std::vector<std::string>{"new"});

  writer.clear();
  codec::encode(writer, std::map<int, int>{{1, 1}});
  codec::Reader again(writer.view());
  std::map<int, int> map{{2, 2}};
  codec::decode_into(again, map);
  CHECK(map == std::map<int, int>{{1, 1}});
}

TEST_CASE("nesting beyond 512 levels is refused when it is stored") {
  const auto chain = [](int levels) {
    shop::Tree tree;
    for (int i = 1; i < levels; ++i) {
      shop::Tree parent;
      parent.kids.push_back(std::move(tree));
      tree = std::move(parent);
    }
    return tree;
  };
  check(chain(512));
  codec::Writer writer;
  CHECK_THROWS_AS(codec::encode(writer, chain(513)), ValueError);
}

TEST_CASE("a valueless variant is refused") {
  std::variant<int, shop::Brittle> variant;
  CHECK_THROWS(variant.emplace<1>("cannot be made"));
  codec::Writer writer;
  CHECK(variant.valueless_by_exception());
  CHECK_THROWS_AS(codec::encode(writer, variant), ValueError);
}
