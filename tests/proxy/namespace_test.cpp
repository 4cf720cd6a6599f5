// Every member of Namespace, its results, its errors, and what it prints of types it does not know.
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <variant>

#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>

#include "support.hpp"
#include "tests/codec/sample_types.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

struct Link {
  std::string name{};
  std::optional<Namespace> to{};
};

/// What a namespace prints of a value, and what repr() prints of it, which knows the type.
template <class T>
void prints_as_repr(const Namespace& ns, const T& value) {
  ns.set<T>("x", value);
  CHECK(text(ns) == "Namespace(x=" + codec::repr(value) + ")");
}
template <class T>
void prints(const Namespace& ns, const T& value, const std::string& expected) {
  ns.set<T>("x", value);
  CHECK(text(ns) == "Namespace(x=" + expected + ")");
}

}  // namespace

TEST_SUITE("namespace") {
  TEST_CASE("namespace: attributes of different types") {
    Manager m;
    auto ns = m.Namespace();
    CHECK(ns.empty());
    ns.set("a", 1);
    ns.set("b", "text");
    ns.set("c", 2.5);
    ns.set("d", Ints{1, 2});
    CHECK(ns.get<int>("a") == 1);
    CHECK(ns.get<std::string>("b") == "text");
    CHECK(ns.get<double>("c") == 2.5);
    CHECK(ns.get<Ints>("d") == Ints{1, 2});
    CHECK(ns.size() == 4);
    CHECK(ns.contains("a"));
    CHECK_FALSE(ns.contains("z"));
    ns.set("a", "now a text");
    CHECK(ns.get<std::string>("a") == "now a text");
    ns.set<double>("a", 1);
    CHECK(ns.get<double>("a") == 1.0);
    ns.erase("a");
    CHECK_FALSE(ns.contains("a"));
    CHECK(ns.names() == Strings{"b", "c", "d"});
    ns.set(std::string("aa"), std::string_view("view"));
    CHECK(ns.get<std::string>("aa") == "view");
    const char* pointer = "pointer";
    ns.set("p", pointer);
    CHECK(ns.get<std::string>("p") == "pointer");
    auto list = m.list<std::string>({"element"});
    ns.set("e", list[0]);
    CHECK(ns.get<std::string>("e") == "element");
    ns.set("", true);
    CHECK(ns.get<bool>("") == true);
  }

  TEST_CASE("namespace: fallbacks") {
    Manager m;
    auto ns = m.Namespace();
    ns.set("a", 1);
    CHECK(ns.get("a", 5) == 1);
    CHECK(ns.get("z", 5) == 5);
    CHECK(ns.get<std::string>("z", "none") == "none");
    CHECK_THROWS_AS(ns.get<std::string>("a", "none"), TypeError);
  }

  TEST_CASE("namespace: initial attributes, and several in one step") {
    Manager m;
    auto ns = m.Namespace({{"port", 8080}, {"host", "localhost"}, {"list", m.list<int>({1})}});
    CHECK(ns.get<int>("port") == 8080);
    CHECK(ns.get<std::string>("host") == "localhost");
    CHECK(ns.get<ListProxy<int>>("list").copy() == Ints{1});
    CHECK(references_of(m, "list<i32>") == 1);
    ns.update({{"port", 1}, {"new", 2.5}});
    CHECK(text(ns) == "Namespace(host='localhost', list=[1], new=2.5, port=1)");
    ns.update({});
    CHECK(ns.size() == 4);
  }

  TEST_CASE("namespace: modify") {
    Manager m;
    auto ns = m.Namespace({{"n", 1}, {"list", m.list<int>({1})}});
    CHECK(ns.modify<int>("n", [](int& n) { return ++n; }) == 2);
    ns.modify<int>("n", [](int& n) { n *= 10; });
    CHECK(ns.get<int>("n") == 20);
    CHECK(ns.modify<int>("new", 5, [](int& n) { return ++n; }) == 6);
    CHECK(ns.get<int>("new") == 6);
    CHECK_THROWS_AS(ns.modify<int>("z", [](int&) {}), KeyError);
    CHECK_THROWS_AS(ns.modify<long>("n", [](long&) {}), TypeError);
    CHECK_THROWS_AS(ns.modify<long>("n", 1, [](long&) {}), TypeError);
    CHECK_THROWS_AS(ns.modify<int>("n", [](int& n) { n = 0, throw std::runtime_error("no"); }), std::runtime_error);
    CHECK_THROWS_AS(ns.modify<int>("n", [&](int&) { ns.set("other", 1); }), UsageError);
    CHECK(ns.modify<int>("n", [&](int& n) { return n + ns.get<int>("new"); }) == 26);
    CHECK(ns.get<int>("n") == 20);
    auto other = m.list<int>({2});
    ns.modify<ListProxy<int>>("list", [&](ListProxy<int>& l) { l = other; });
    CHECK(ns.get<ListProxy<int>>("list").is(other));
    other = {};
    CHECK(references_of(m, "list<i32>") == 1);
    ns.modify<std::string>("text", "", [](std::string& t) { t.assign(500, 'x'); });
    CHECK(ns.get<std::string>("text").size() == 500);
  }

  TEST_CASE("namespace: errors name the object, the operation, the attribute, the types and what to do") {
    Manager m;
    auto ns = m.Namespace(named("config"));
    ns.set("n", 1);
    std::string what = message_of<KeyError>([&] { ns.get<int>("z"); });
    CHECK(has(what, "namespace 'config': get: there is no attribute 'z'"));
    CHECK_THROWS_AS(ns.erase("z"), KeyError);
    what = message_of<TypeError>([&] { ns.get<std::string>("n"); });
    CHECK(has(what, "namespace 'config': get: the attribute 'n' is a i32 and was asked for as a str"));
    what = message_of<TypeError>([&] { ns.modify<double>("n", [](double&) {}); });
    CHECK(has(what, "modify: the attribute 'n' is a i32 and was asked for as a f64"));
    partage::Namespace empty;
    CHECK_THROWS_AS(empty.set("x", 1), ValueError);
    CHECK_THROWS_AS(empty.get<int>("x"), ValueError);
    CHECK_THROWS_AS(ns.set("h", ListProxy<int>()), ValueError);
    CHECK_FALSE(ns.contains("h"));
    Manager other;
    CHECK_THROWS_AS(ns.set("h", other.list<int>()), ValueError);
    CHECK_THROWS_AS(m.Namespace({{"h", other.list<int>()}}), ValueError);
  }

  TEST_CASE("namespace: named, identity, and one in another") {
    Manager m;
    auto ns = m.Namespace(named("config"), {{"a", 1}});
    auto same = m.Namespace(named("config"), {{"a", 2}});
    CHECK(same.is(ns));
    CHECK(same == ns);
    CHECK(same.get<int>("a") == 1);
    CHECK(m.Namespace({{"a", 1}}) != ns);
    CHECK_THROWS_AS(m.list<int>(named("config")), TypeError);
    auto outer = m.Namespace({{"inner", ns}});
    outer.get<partage::Namespace>("inner").set("b", 2);
    CHECK(ns.get<int>("b") == 2);
    CHECK(text(outer) == "Namespace(inner=Namespace(a=1, b=2))");
    auto list = m.list<partage::Namespace>({ns, outer});
    list[0].set("c", 3);
    CHECK(list[0].get<int>("c") == 3);
    CHECK(list[0].get<int>("z", 9) == 9);
    CHECK(list[0].modify<int>("c", [](int& c) { return ++c; }) == 4);
    CHECK(list[0].names() == Strings{"a", "b", "c"});
    list[0].erase("c");
    CHECK_FALSE(list[0].contains("c"));
    CHECK(list[1].size() == 1);
    CHECK(list.contains(ns));
    CHECK(text(m.dict<int, partage::Namespace>({{1, ns}})) == "{1: Namespace(a=1, b=2)}");
    for (const ObjectInfo& o : m.objects()) {
      if (o.name == "config") CHECK((o.kind == "namespace" && o.types == "namespace" && o.size == 2));
    }
    std::stringstream stream;
    boost::archive::text_oarchive(stream) << ns;
    partage::Namespace back;
    boost::archive::text_iarchive(stream) >> back;
    CHECK(back.is(ns));
  }

  TEST_CASE("namespace: handles are counted") {
    Manager m;
    {
      auto ns = m.Namespace();
      ns.set("list", m.list<int>({1}));
      ns.set("pair", std::pair<int, ListProxy<int>>(1, ns.get<ListProxy<int>>("list")));
      CHECK(references_of(m, "list<i32>") == 2);
      ns.get<ListProxy<int>>("list").append(2);
      CHECK(text(ns) == "Namespace(list=[1, 2], pair=(1, [1, 2]))");
      ns.erase("list");
      CHECK(references_of(m, "list<i32>") == 1);
      ns.set("pair", 0);
      CHECK(references_of(m, "list<i32>") == 0);
      ns.set("set", m.set<int>({1}));
      ns.set("dict", m.dict<std::string, int>({{"k", 1}}));
      CHECK(text(ns) == "Namespace(dict={'k': 1}, pair=0, set={1})");
    }
    CHECK(m.objects().empty());
  }

  TEST_CASE("namespace: printing is sorted and leaves out what begins with _") {
    Manager m;
    CHECK(text(m.Namespace()) == "Namespace()");
    auto ns = m.Namespace({{"b", "x"}, {"a", 1}, {"_hidden", 2}, {"a1", 3}});
    CHECK(text(ns) == "Namespace(a1=3, a=1, b='x')");  // by the text, as Python sorts them
    CHECK(ns.get<int>("_hidden") == 2);
    CHECK(ns.names() == Strings{"_hidden", "a", "a1", "b"});
  }

  TEST_CASE("namespace: prints values as their types do") {
    Manager m;
    auto ns = m.Namespace();
    prints_as_repr(ns, true);
    prints_as_repr(ns, -5);
    prints_as_repr(ns, std::numeric_limits<std::uint64_t>::max());
    prints_as_repr(ns, std::numeric_limits<std::int64_t>::min());
    prints_as_repr(ns, static_cast<signed char>(-3));
    prints_as_repr(ns, 1e100);
    prints_as_repr(ns, 0.1F);
    prints_as_repr(ns, 2.5L);
    prints_as_repr(ns, std::numeric_limits<double>::quiet_NaN());
    prints_as_repr(ns, 'c');
    prints_as_repr(ns, U'\u00e9');
    prints_as_repr(ns, L'w');
    prints_as_repr(ns, std::byte{7});
    prints_as_repr(ns, std::string("it's"));
    prints_as_repr(ns, std::u16string(u"\u00e9x"));
    prints_as_repr(ns, std::wstring(L"wide"));
    prints_as_repr(ns, std::u32string(U"\U0001F600"));
    prints_as_repr(ns, std::vector<std::byte>{std::byte{0}, std::byte{65}});
    prints_as_repr(ns, std::optional<int>());
    prints_as_repr(ns, std::optional<int>(3));
    prints_as_repr(ns, std::vector<bool>{true, false});
    prints_as_repr(ns, std::deque<std::string>{"a"});
    prints_as_repr(ns, Ints{});
    prints_as_repr(ns, std::set<int>{});
    prints_as_repr(ns, std::set<int>{1, 2});
    prints_as_repr(ns, std::multiset<int>{1, 1});
    prints_as_repr(ns, std::map<std::string, Ints>{{"a", {1}}, {"b", {}}});
    prints_as_repr(ns, std::multimap<int, int>{{1, 2}, {1, 3}});
    prints_as_repr(ns, std::array<int, 3>{1, 2, 3});
    prints_as_repr(ns, std::array<int, 0>{});
    prints_as_repr(ns, std::array<char, 8>{'a', 'b'});
    prints_as_repr(ns, std::pair<int, std::string>(1, "x"));
    prints_as_repr(ns, std::tuple<int>(1));
    prints_as_repr(ns, std::tuple<>());
    prints_as_repr(ns, std::variant<int, std::string>("v"));
    prints_as_repr(ns, std::complex<double>(1, -2));
    prints_as_repr(ns, std::complex<float>(0, 2));
    prints_as_repr(ns, std::bitset<11>(0b1011));
    prints_as_repr(ns, std::bitset<0>());
    prints_as_repr(ns, std::monostate());
    prints_as_repr(ns, 1500ms);
    prints_as_repr(ns, std::chrono::duration<double>(0.25));
    prints_as_repr(ns, std::chrono::system_clock::time_point(90s));
    prints_as_repr(ns, Object({{"k", {1, 2.5, nullptr, true, "s"}}}));
    prints_as_repr(ns, shop::Point{1, 2});
    prints_as_repr(ns, shop::Tree{});
    prints(ns, shop::Money{1, "CHF"}, "<Money object>");
    prints(ns, std::pair<int, shop::Money>(1, {1, "CHF"}), "(1, <Money object>)");
    prints(ns, std::pair<shop::Money, int>({1, "CHF"}, 1), "<pair object>");
    prints(ns, shop::Color{}, "Color(0)");
  }

  TEST_CASE("namespace: a cycle prints ...") {
    Manager m;
    auto ns = m.Namespace();
    ns.set("me", ns);
    CHECK(text(ns) == "Namespace(me=Namespace(...))");
    ns.erase("me");
    auto list = m.list<Link>({{"up", ns}});
    ns.set("down", list);
    CHECK(text(ns) == "Namespace(down=[Link('up', Namespace(...))])");
    CHECK(text(list) == "[Link('up', Namespace(down=[...]))]");
    ns.erase("down");
    list.clear();
    auto dict = m.dict<std::string, partage::Namespace>();
    dict["ns"] = ns;
    ns.set("dict", dict);
    CHECK(text(dict) == "{'ns': Namespace(dict={...})}");
    ns.erase("dict");
  }
}
