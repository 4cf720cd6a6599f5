// Descriptions read back: every word of the vocabulary, names of C++ types, and texts that are none.
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <map>
#include <optional>
#include <partage/namespace.hpp>
#include <partage/object.hpp>
#include <partage/set.hpp>
#include <random>
#include <set>
#include <tuple>
#include <unordered_map>
#include <variant>

#include "tests/support/seed.hpp"
#include "tests/tool/schema_fixture.hpp"

using namespace partage;
using namespace partage::schema;

namespace {

template <class T>
Form form_of() {
  return Schema(codec::description<T>()).root().form;
}

bool is_corrupt(const std::string& text) {
  try {
    const Schema schema(text);
    return false;
  } catch (const Corrupt&) {
    return true;
  }
}

struct Wheel {
  SampleHandle spokes;
  std::vector<Wheel> inner;
};
template <char C>
struct Lettered {
  int a;
};

}  // namespace

TEST_CASE("schema: every word") {
  CHECK(form_of<bool>() == Form::boolean);
  CHECK(form_of<int>() == Form::integer);
  CHECK(form_of<std::byte>() == Form::integer);
  CHECK(form_of<double>() == Form::floating);
  CHECK(form_of<long double>() == Form::floating);
  CHECK(form_of<char>() == Form::character);
  CHECK(form_of<wchar_t>() == Form::character);
  CHECK(form_of<std::string>() == Form::text);
  CHECK(form_of<std::u16string>() == Form::text);
  CHECK(form_of<std::vector<std::byte>>() == Form::bytes);
  CHECK(form_of<std::optional<int>>() == Form::optional);
  CHECK(form_of<std::deque<int>>() == Form::sequence);
  CHECK(form_of<std::multiset<int>>() == Form::sequence);
  CHECK(form_of<std::map<int, int>>() == Form::map);
  CHECK(form_of<std::multimap<int, int>>() == Form::map);
  CHECK(form_of<std::array<int, 3>>() == Form::array);
  CHECK(form_of<std::pair<int, int>>() == Form::tuple);
  CHECK(form_of<std::tuple<>>() == Form::tuple);
  CHECK(form_of<std::complex<float>>() == Form::tuple);
  CHECK(form_of<std::variant<int, bool>>() == Form::variant);
  CHECK(form_of<std::bitset<9>>() == Form::bitset);
  CHECK(form_of<std::monostate>() == Form::none);
  CHECK(form_of<Object>() == Form::object);
  CHECK(form_of<std::chrono::milliseconds>() == Form::integer);
  CHECK(form_of<std::chrono::duration<double>>() == Form::floating);
  CHECK(form_of<std::chrono::steady_clock::time_point>() == Form::integer);
  CHECK(form_of<shop::Color>() == Form::integer);
  CHECK(form_of<shop::Yes>() == Form::boolean);
  CHECK(form_of<shop::Point>() == Form::tuple);
  CHECK(form_of<shop::Salary>() == Form::user);
  CHECK(form_of<shop::Node>() == Form::boost);
  CHECK(form_of<SampleHandle>() == Form::list);
  CHECK(form_of<SetProxy<int>>() == Form::shared_set);
  CHECK(form_of<partage::Namespace>() == Form::name_space);
  CHECK(Schema("opt<namespace>").root().parts[0]->is_handle());
  CHECK(Schema("pair<shared_set<str>,i32>").root().parts[0]->is_handle());
  CHECK(Schema("value<i32>").root().form == Form::value);
  CHECK(Schema("shared_array<i32>").root().form == Form::shared_array);
  CHECK(Schema("list<shared_array<i32>>").root().parts[0]->is_handle());
  CHECK(Schema("dict<str,list<handle>>").root().parts[1]->parts[0]->form == Form::handle);
}

TEST_CASE("schema: the tree") {
  const Schema item(codec::description<shop::Item>());
  REQUIRE(item.root().parts.size() == 5);
  CHECK(item.root().text == codec::description<shop::Item>());
  CHECK(item.root().parts[2]->text == "struct shop::Point{i32,i32}");
  CHECK(item.root().parts[4]->count == 8);
  CHECK(!item.root().nests);

  const Schema tree(codec::description<shop::Tree>());
  CHECK(tree.root().nests);
  CHECK(tree.root().parts[1]->parts[0] == &tree.root());

  const Schema twice(codec::description<std::pair<shop::Tree, shop::Tree>>());
  CHECK(twice.root().parts[0] != twice.root().parts[1]);
  CHECK(twice.root().parts[1]->parts[1]->parts[0] == twice.root().parts[1]);

  const Schema wheel(codec::description<Wheel>());
  CHECK(wheel.root().parts[0]->is_handle());
}

TEST_CASE("schema: names of C++ types") {
  const auto second_is_i32 = [](const std::string& first) {
    CAPTURE(first);
    const Schema schema("pair<" + first + ",i32>");
    return schema.root().parts[0]->text == first && schema.root().parts[1]->text == "i32";
  };
  CHECK(second_is_i32("user shop::Money"));
  CHECK(second_is_i32("user shop::Salary:3"));
  CHECK(second_is_i32("boost a::B<c::D<int, 3>, std::vector<e>>:2"));
  CHECK(second_is_i32("user Fn<void (int, char)>"));
  CHECK(second_is_i32("user Lettered<'>'>"));
  CHECK(second_is_i32("user Lettered<'\\''>"));
  CHECK(second_is_i32("struct shop::Grid<long, 3>{array<i64,3>}"));
  CHECK(second_is_i32("struct Holder<Point{1, 2}>{i32}"));
  CHECK(second_is_i32("enum shop::Color:u8"));
  CHECK(second_is_i32("time<my::Clock<int, 3>,i64,1/1000>"));
  CHECK(second_is_i32(codec::description<shop::Box<std::vector<std::string>, shop::Point>>()));
  CHECK(second_is_i32(codec::description<Lettered<'>'>>()));
}

TEST_CASE("schema: words of a newer program are unknown types, not errors") {
  CHECK(Schema("tensor<f32,3>").root().form == Form::unknown);
  const Schema pair("pair<matrix<vec<i32>>,i32>");
  CHECK(pair.root().parts[0]->form == Form::unknown);
  CHECK(pair.root().parts[0]->text == "matrix<vec<i32>>");
  CHECK(pair.root().parts[1]->form == Form::integer);
  CHECK(Schema("struct Elsewhere").root().form == Form::unknown);
}

TEST_CASE("schema: what is no description") {
  for (const std::string text : {"",
                                 " ",
                                 "<",
                                 "vec",
                                 "vec<",
                                 "vec<i32",
                                 "vec<>",
                                 "vec<i32,i32>",
                                 "pair<i32>",
                                 "map<i32>",
                                 "i32>",
                                 "i32 ",
                                 "i 32",
                                 "array<i32>",
                                 "array<i32,>",
                                 "array<i32,x>",
                                 "bitset<>",
                                 "enum X",
                                 "enum X:",
                                 "enum X:str",
                                 "enum :i32",
                                 "struct ",
                                 "struct X{",
                                 "struct X{i32",
                                 "struct X{i32,}",
                                 "struct X{i32}}",
                                 "user ",
                                 "user X:",
                                 "user X:y",
                                 "opt<i32>>",
                                 "shared_set",
                                 "shared_set<i32,i32>",
                                 "namespace<i32>",
                                 "duration<i64>",
                                 "duration<i64,1>",
                                 "time<system>",
                                 "str<",
                                 "str<f64>",
                                 "tensor<",
                                 "user X<",
                                 "user X<'",
                                 "user X<'\\",
                                 "user X>",
                                 "array<i32,99999999999999999999999>"}) {
    CAPTURE(text);
    CHECK(is_corrupt(text));
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "vec<";
  CHECK(is_corrupt(deep));
  CHECK_THROWS_WITH_AS(Schema("vec<i32"), doctest::Contains("'vec<i32'"), Corrupt);
}

TEST_CASE("schema: random texts end") {
  std::mt19937_64 random(test::test_seed() + 1);
  PARTAGE_SHOW_SEED();
  const std::string good = codec::description<std::map<shop::Tree, std::variant<shop::Item, shop::Salary>>>();
  for (long i = 0; i < test::repeats(20'000); ++i) {
    std::string bad = good;
    for (std::uint64_t n = random() % 4 + 1; n != 0; --n) {
      const std::size_t at = random() % bad.size();
      if (random() % 2 == 0) {
        bad[at] = "<>{},: \\'i3"[random() % 11];
      } else {
        bad.erase(at, random() % 5);
      }
      if (bad.empty()) break;
    }
    is_corrupt(bad);
  }
}
