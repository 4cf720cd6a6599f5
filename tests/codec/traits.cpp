// What is known of a type at compile time: sizes, handles, flatness, fields.
#include <doctest/doctest.h>

#include "tests/codec/sample_types.hpp"

using namespace partage::codec;

namespace {

struct WithBool {
  bool b;
  int i;
};
struct Wide {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
};
struct Widest {
  int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
  std::string c1, c2, c3, c4, c5, c6, c7, c8;
  char d1[2], d2[2], d3[2], d4[2], d5[2], d6[2], d7[2], d8[2];
};
struct Awkward {  // members whose constructors take anything, which mislead other ways of counting fields
  std::optional<std::string> text;
  std::variant<std::monostate, std::string> either;
  boost::json::value json;
  std::vector<std::vector<int>> vectors;
  std::tuple<std::string> single;
  int matrix[2][3];
  shop::Point points[2];
};
struct OneArray {
  int a[4];
};
struct Defaults {
  int a = 1;
  std::string b = "x";
};

static_assert(field_count<shop::Nothing> == 0);
static_assert(field_count<shop::Point> == 2);
static_assert(field_count<shop::Item> == 5);
static_assert(field_count<Wide> == 16);
static_assert(field_count<Widest> == 32);
static_assert(field_count<Awkward> == 7);
static_assert(field_count<OneArray> == 1);
static_assert(field_count<Defaults> == 2);
static_assert(std::is_same_v<FieldTypes<shop::Tree>, TypeList<int, std::vector<shop::Tree>>>);
static_assert(std::is_same_v<FieldTypes<OneArray>, TypeList<int[4]>>);

static_assert(fixed_size<int> == 4 && fixed_size<bool> == 1 && fixed_size<shop::Color> == 1);
static_assert(fixed_size<long double> == long_double_size);
static_assert(fixed_size<shop::Point> == 8 && fixed_size<WithBool> == 5 && fixed_size<shop::Nothing> == 1);
static_assert(fixed_size<std::array<std::pair<int, char>, 3>> == 15 && fixed_size<std::tuple<>> == 1);
static_assert(fixed_size<std::complex<float>> == 8 && fixed_size<std::chrono::seconds> == 8);
static_assert(fixed_size<std::bitset<9>> == 2);
static_assert(fixed_size<std::string> == 0 && fixed_size<std::optional<int>> == 0 && fixed_size<shop::Item> == 0);
static_assert(fixed_size<SampleHandle> == 0 && fixed_size<std::pair<int, SampleHandle>> == 0);
static_assert(fixed_size<shop::Money> == 0 && fixed_size<int*> == 0);

static_assert(holds_handles<SampleHandle> && holds_handles<std::map<std::string, std::vector<SampleHandle>>>);
static_assert(holds_handles<shop::Team> && holds_handles<shop::Money> && holds_handles<std::vector<shop::Node>>);
static_assert(!holds_handles<int> && !holds_handles<shop::Item> && !holds_handles<shop::Tree>);

static_assert(is_flat<int> && is_flat<shop::Point> && is_flat<std::array<shop::Point, 2>> && is_flat<OneArray>);
static_assert(is_flat<std::complex<double>> && is_flat<std::chrono::seconds> && is_flat<shop::Color>);
static_assert(!is_flat<bool> && !is_flat<WithBool> && !is_flat<shop::Nothing> && !is_flat<shop::Yes>);
static_assert(!is_flat<long double> && !is_flat<std::string> && !is_flat<std::array<int, 0>>);

static_assert(has_floats<std::vector<std::pair<int, float>>> && !has_floats<shop::Tree> && has_floats<shop::Item>);
static_assert(is_recursive<shop::Tree> && !is_recursive<shop::Item> && !is_recursive<int>);

static_assert(kind_of<shop::Money> == Kind::user && kind_of<shop::Salary> == Kind::user);
static_assert(kind_of<shop::Image> == Kind::user && kind_of<shop::Clock> == Kind::user);
static_assert(kind_of<shop::Log> == Kind::aggregate && kind_of<shop::Item> == Kind::aggregate);
static_assert(kind_of<shop::Node> == Kind::boost && kind_of<SampleHandle> == Kind::handle);

}  // namespace

TEST_CASE("aggregates with awkward members come back whole") {
  Awkward a{"t", "e", {1, "two"}, {{1}, {2, 3}}, {"s"}, {{1, 2, 3}, {4, 5, 6}}, {{1, 2}, {3, 4}}};
  const Awkward b = partage::test::round_trip(a);
  CHECK(b.text == a.text);
  CHECK(b.either == a.either);
  CHECK(b.json == a.json);
  CHECK(b.vectors == a.vectors);
  CHECK(b.single == a.single);
  CHECK(b.matrix[1][2] == 6);
  CHECK(b.points[1] == a.points[1]);
}

TEST_CASE("32 fields are visited in order") {
  Widest w{};
  w.a1 = 1;
  w.b8 = 16;
  w.c1 = "17";
  w.d8[1] = 'z';
  const Widest v = partage::test::round_trip(w);
  CHECK(v.a1 == 1);
  CHECK(v.b8 == 16);
  CHECK(v.c1 == "17");
  CHECK(v.d8[1] == 'z');
}
