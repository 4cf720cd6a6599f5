// Types in our own vocabulary: the same words from every compiler.
#include <doctest/doctest.h>

#include "tests/codec/sample_types.hpp"

#include <partage/object.hpp>

using namespace partage;
using codec::description;

namespace {
struct Hidden {
  int a;
};
}  // namespace

TEST_CASE("numbers and strings") {
  CHECK(description<bool>() == "bool");
  CHECK(description<char>() == "char");
  CHECK(description<signed char>() == "i8");
  CHECK(description<unsigned char>() == "u8");
  CHECK(description<short>() == "i16");
  CHECK(description<unsigned>() == "u32");
  CHECK(description<long>() == description<long long>());
  CHECK(description<long>() == "i64");
  CHECK(description<unsigned long>() == description<unsigned long long>());
  CHECK(description<float>() == "f32");
  CHECK(description<double>() == "f64");
  CHECK(description<long double>() == (LDBL_MANT_DIG == 64 ? "f80" : sizeof(long double) == 16 ? "f128" : "f64"));
  CHECK(description<std::byte>() == "byte");
  CHECK(description<char32_t>() == "char32");
  CHECK(description<std::string>() == "str");
  CHECK(description<std::u16string>() == "str<char16>");
  CHECK(description<std::vector<std::byte>>() == "bytes");
  CHECK(description<Object>() == "object");
}

TEST_CASE("the description of containers") {
  CHECK(description<std::pair<int, std::string>>() == "pair<i32,str>");
  CHECK(description<std::tuple<>>() == "tuple<>");
  CHECK(description<std::tuple<int, bool, char>>() == "tuple<i32,bool,char>");
  CHECK(description<std::optional<double>>() == "opt<f64>");
  CHECK(description<std::variant<std::monostate, int>>() == "variant<none,i32>");
  CHECK(description<std::array<int, 3>>() == "array<i32,3>");
  CHECK(description<std::vector<bool>>() == "vec<bool>");
  CHECK(description<std::deque<std::list<int>>>() == "vec<vec<i32>>");
  CHECK(description<std::set<int>>() == "set<i32>");
  CHECK(description<std::unordered_set<int>>() == "set<i32>");
  CHECK(description<std::multiset<int>>() == "multiset<i32>");
  CHECK(description<std::map<std::string, std::vector<double>>>() == "map<str,vec<f64>>");
  CHECK(description<std::unordered_multimap<int, int>>() == "multimap<i32,i32>");
  CHECK(description<std::complex<float>>() == "complex<f32>");
  CHECK(description<std::bitset<12>>() == "bitset<12>");
  CHECK(description<std::chrono::milliseconds>() == "duration<i64,1/1000>");
  CHECK(description<std::chrono::system_clock::time_point>() == "time<system,i64,1/1000000000>");
  CHECK(description<SampleHandle>() == "list<i64>");
  CHECK(description<std::map<std::string, SampleHandle>>() == "map<str,list<i64>>");
}

TEST_CASE("the description of types of the user") {
  CHECK(description<shop::Point>() == "struct shop::Point{i32,i32}");
  CHECK(description<shop::Item>() ==
        "struct shop::Item{i32,str,struct shop::Point{i32,i32},array<f64,2>,array<char,8>}");
  CHECK(description<shop::Nothing>() == "struct shop::Nothing{}");
  CHECK(description<shop::Tree>() == "struct shop::Tree{i32,vec<struct shop::Tree>}");
  CHECK(description<std::pair<shop::Tree, shop::Tree>>() ==
        "pair<struct shop::Tree{i32,vec<struct shop::Tree>},struct shop::Tree{i32,vec<struct shop::Tree>}>");
  CHECK(description<shop::Color>() == "enum shop::Color:u8");
  CHECK(description<shop::Money>() == "user shop::Money");
  CHECK(description<shop::Salary>() == "user shop::Salary:3");
  CHECK(description<shop::Node>() == "boost shop::Node");
}

TEST_CASE("names are free of what compilers differ in") {
  struct Local {
    int a;
  };
  CHECK(description<Hidden>() == "struct Hidden{i32}");
  CHECK(description<Local>() == "struct Local{i32}");
  CHECK(description<shop::Box<unsigned long>>() == "struct shop::Box<u64,i64>{u64,i64}");
  CHECK(description<shop::Box<std::string, Hidden>>() == "struct shop::Box<str,Hidden>{str,struct Hidden{i32}}");
  CHECK(description<shop::Box<std::vector<std::string>, Local>>() ==
        "struct shop::Box<vec<str>,Local>{vec<str>,struct Local{i32}}");
  CHECK(description<shop::Grid<long, 3>>() == "struct shop::Grid<long, 3>{array<i64,3>}");
  const auto lambda = [] {
    struct Inner {
      int a;
    };
    return Inner{};
  };
  CHECK(description<decltype(lambda())>() == "struct Inner{i32}");
}

TEST_CASE("type names are cut the same from gcc's and from clang's text") {
  const auto gcc = [](std::string name) {
    return codec::detail::clean_type_name("f() [with T = " + name +
                                          "; std::string_view = std::basic_string_view<char>]");
  };
  const auto clang = [](std::string name) { return codec::detail::clean_type_name("f() [T = " + name + "]"); };
  CHECK(gcc("ns::Tm<std::__cxx11::basic_string<char> >::Inner") == clang("ns::Tm<std::basic_string<char>>::Inner"));
  CHECK(gcc("ns::Tm<ns::Tm<ns::Tm<ns::Tm<int> > > >") == clang("ns::Tm<ns::Tm<ns::Tm<ns::Tm<int>>>>"));
  CHECK(gcc("ns::{anonymous}::Anon") == clang("ns::(anonymous namespace)::Anon"));
  CHECK(gcc("ns::Mx<std::array<long long unsigned int, 2>, -3>") ==
        clang("ns::Mx<std::array<unsigned long long, 2>, -3>"));
  CHECK(gcc("fun<int>(int)::L") == clang("L"));
  CHECK(gcc("Shop::sell(int, std::vector<int>) const::Item") == clang("Item"));
  CHECK(gcc("main()::<lambda()>::LL") == clang("LL"));
  CHECK(gcc("ns::Tm<main()::Loc>") == clang("ns::Tm<Loc>"));
  CHECK(gcc("ns::Pr<int, main()::Loc>") == clang("ns::Pr<int, Loc>"));
  CHECK(codec::unqualified("a::b::C<d::e>") == "C<d::e>");
  CHECK(codec::template_name("a::C<int>::D<b<c>>") == "a::C<int>::D");
}
