// Every member of SetProxy, its results and its errors.
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>

#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>

#include "support.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Set = std::set<int>;
using Texts = std::set<std::string>;

struct Place {
  int x = 0, y = 0;
};

/// A class that writes a handle where nobody can see it beforehand.
struct Sly {
  ListProxy<int> list{};
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& list;
  }
};

/// As std::views::filter: begin() is not const.
struct Even {
  Ints numbers;
  Ints::iterator begin() {
    std::erase_if(numbers, [](int x) { return x % 2 != 0; });
    return numbers.begin();
  }
  Ints::iterator end() { return numbers.end(); }
};

Ints in_order(const SetProxy<int>& s) {
  return {s.begin(), s.end()};
}

}  // namespace

TEST_SUITE("set") {
  TEST_CASE("set: initial contents") {
    Manager m;
    CHECK(m.set<int>().empty());
    CHECK(m.set<int>({1, 2, 2}).copy() == Set{1, 2});
    CHECK(m.set<int>(Ints{3, 1, 3}).copy() == Set{1, 3});
    CHECK(m.set<int>(m.list<int>({5, 5})).copy() == Set{5});
    CHECK(m.set<std::string>(m.dict<std::string, int>({{"k", 1}})).copy() == Texts{"k"});  // F2: the keys
    CHECK(m.set<std::string>({"a", "b"}).size() == 2);
    CHECK(m.set<std::string>(std::vector<const char*>{"x", "y"}).contains("y"));
    CHECK(m.set<std::string>(std::vector<std::string_view>{"x"}).contains("x"));
    auto s = m.set<int>({1});
    auto t = m.set<int>(s);
    CHECK(t == s);
    CHECK_FALSE(t.is(s));
  }

  TEST_CASE("set: one element") {
    Manager m;
    auto s = m.set<int>({1, 2});
    s.add(3);
    s.add(3);
    CHECK(s.size() == 3);
    CHECK(s.contains(3));
    CHECK_FALSE(s.contains(4));
    s.remove(3);
    CHECK_THROWS_AS(s.remove(3), KeyError);
    s.discard(3);
    s.discard(2);
    CHECK(s.copy() == Set{1});
    CHECK(s.pop() == 1);
    CHECK_THROWS_AS(s.pop(), KeyError);
    s.add(9);
    s.clear();
    CHECK(s.empty());

    auto texts = m.set<std::string>();
    using namespace std::string_view_literals;
    texts.add("a");
    texts.add("b"sv);
    const char* pointer = "c";
    texts.add(pointer);
    auto list = m.list<std::string>({"d"});
    texts.add(list[0]);
    CHECK(texts.contains(list[0]));
    CHECK(texts.copy() == Texts{"a", "b", "c", "d"});
    CHECK(texts.pop() == "d");
  }

  TEST_CASE("set: changes by other sets") {
    Manager m;
    auto s = m.set<int>({1, 2});
    s.update({2, 3});
    s.update(Ints{4}, Set{5}, m.set<int>({6}));
    s.update();
    CHECK(s.copy() == Set{1, 2, 3, 4, 5, 6});
    s.intersection_update({1, 2, 3, 4, 9});
    CHECK(s.copy() == Set{1, 2, 3, 4});
    s.intersection_update(Ints{1, 2, 3}, Set{2, 3, 4}, m.list<int>({2, 3}));
    s.intersection_update();
    CHECK(s.copy() == Set{2, 3});
    s.difference_update({3, 7});
    CHECK(s.copy() == Set{2});
    s.difference_update(Ints{8, 8}, Set{2});
    s.difference_update();
    CHECK(s.empty());
    s.update({1, 2, 3});
    s.symmetric_difference_update({3, 4, 4});
    CHECK(in_order(s) == Ints{1, 2, 4});  // what is new stands behind
    s.symmetric_difference_update(m.set<int>({1, 5}));
    CHECK(in_order(s) == Ints{2, 4, 5});
    s.intersection_update(Ints{});
    CHECK(s.empty());
  }

  TEST_CASE("set: ranges that only a mutable one of them can be walked over") {
    Manager m;
    const Even even{{1, 2, 3, 4}};
    auto s = m.set<int>(Even(even));
    CHECK(s.copy() == Set{2, 4});
    Even again = even;
    s.update(again, Ints{10});
    s -= Even{{10}};
    CHECK((s & Even(even)) == Set{2, 4});
    CHECK((Even(even) ^ s).empty());
    CHECK(s.intersection(Ints{1, 2, 3, 4}, again) == Set{2, 4});
    CHECK(s.issubset(Even(even)));
    s.intersection_update(again, Even(even));
    CHECK(s.copy() == Set{2, 4});
    CHECK(m.set<int>(named("even"), Even(even)) == s);
  }

  TEST_CASE("set: itself as argument") {
    Manager m;
    auto s = m.set<int>({1, 2});
    auto same = s;
    s.update(same);
    s.intersection_update(s);
    s.intersection_update(s, Ints{2, 1, 0});
    CHECK(s.copy() == Set{1, 2});
    s.difference_update(same);
    CHECK(s.empty());
    s |= {1, 2};
    s.symmetric_difference_update(same);
    CHECK(s.empty());
    s |= {1, 2};
    s.difference_update(Ints{}, s);
    CHECK(s.empty());
    s |= {1, 2};
    CHECK((s - s).empty());
    CHECK((s ^ s).empty());
    CHECK((s & s) == Set{1, 2});
    CHECK(s <= s);
    CHECK_FALSE(s < s);
    CHECK_FALSE(s.isdisjoint(s));
    s ^= same;
    CHECK(s.empty());
  }

  TEST_CASE("set: assignments of operators change the set itself") {
    Manager m;
    auto s = m.set<int>({1, 2});
    const auto same = s;
    s |= Ints{3};
    s |= m.set<int>({4});
    (s |= {5}) |= {6};
    CHECK(same.copy() == Set{1, 2, 3, 4, 5, 6});
    s &= Set{1, 2, 3, 9};
    s -= {3};
    s ^= Ints{2, 7};
    CHECK(same.copy() == Set{1, 7});
    CHECK(s.is(same));
    s &= {7};
    s -= Set{};
    s ^= {8};
    CHECK(same.copy() == Set{7, 8});
  }

  TEST_CASE("set: local results") {
    Manager m;
    auto s = m.set<int>({3, 1, 2});
    const auto other = m.set<int>({3, 4});
    CHECK(s.union_(Ints{9}, Ints{4}) == Set{1, 2, 3, 4, 9});
    CHECK(s.union_() == s.copy());
    CHECK(s.intersection({1, 3, 5}) == Set{1, 3});
    CHECK(s.intersection(Ints{1, 3, 5}, other) == Set{3});
    CHECK(s.intersection() == s.copy());
    CHECK(s.difference({1}) == Set{2, 3});
    CHECK(s.difference(Ints{1}, other) == Set{2});
    CHECK(s.symmetric_difference({1, 7}) == Set{2, 3, 7});
    CHECK(s.symmetric_difference(other) == Set{1, 2, 4});

    CHECK((s | other) == Set{1, 2, 3, 4});
    CHECK((s & other) == Set{3});
    CHECK((s - other) == Set{1, 2});
    CHECK((s ^ other) == Set{1, 2, 4});
    CHECK((s | Set{7}) == Set{1, 2, 3, 7});
    CHECK((s & Ints{1, 2, 9}) == Set{1, 2});
    CHECK((s - std::unordered_set<int>{1}) == Set{2, 3});
    CHECK((s ^ Ints{3, 3, 5}) == Set{1, 2, 5});
    CHECK((Set{7} | s) == Set{1, 2, 3, 7});
    CHECK((Ints{1, 9} & s) == Set{1});
    CHECK((Set{1, 9} - s) == Set{9});
    CHECK((Ints{1, 9} ^ s) == Set{2, 3, 9});
    CHECK((s | m.dict<int, int>({{8, 0}})) == Set{1, 2, 3, 8});
    CHECK(s.size() == 3);
    CHECK(in_order(s) == Ints{3, 1, 2});
  }

  TEST_CASE("set: comparisons") {
    Manager m;
    auto s = m.set<int>({1, 2});
    auto t = m.set<int>({2, 1});
    auto more = m.set<int>({1, 2, 3});
    CHECK(s == t);
    CHECK(s != more);
    CHECK(s == Set{1, 2});
    CHECK(Set{1, 2} == s);
    CHECK(s != Set{1});
    CHECK(s != Set{1, 3});
    CHECK(s == std::unordered_set<int>{2, 1});
    CHECK(s <= t);
    CHECK(s <= more);
    CHECK(s < more);
    CHECK_FALSE(s < t);
    CHECK_FALSE(more <= s);
    CHECK(more > s);
    CHECK(more >= s);
    CHECK(s >= t);
    CHECK(s < Set{0, 1, 2});
    CHECK(Set{1} < s);
    CHECK(Set{1, 2, 3} >= s);
    CHECK_FALSE(Set{5} <= s);
    CHECK(s.issubset(Ints{1, 2, 2, 3}));
    CHECK(s.issubset({1, 2}));
    CHECK_FALSE(s.issubset({1}));
    CHECK(s.issuperset(Ints{1, 1}));
    CHECK_FALSE(s.issuperset({1, 9}));
    CHECK(s.isdisjoint({3, 4}));
    CHECK_FALSE(s.isdisjoint(more));
    CHECK(m.set<int>() <= s);
    CHECK(m.set<int>() == Set{});
  }

  TEST_CASE("set: iteration is over a snapshot, in the order of addition") {
    Manager m;
    auto s = m.set<int>({3, 1, 2});
    Ints seen;
    for (const int x : s) {
      seen.push_back(x);
      s.add(x + 10);
    }
    CHECK(seen == Ints{3, 1, 2});
    CHECK(s.size() == 6);
    static_assert(std::ranges::forward_range<SetProxy<int>>);
    auto list = m.list<int>(s);
    CHECK(list.size() == 6);
    list.extend(s);
    CHECK(list.size() == 12);
  }

  TEST_CASE("set: printing") {
    Manager m;
    CHECK(text(m.set<int>({2, 1})) == "{2, 1}");
    CHECK(text(m.set<int>()) == "set()");
    CHECK(text(m.set<std::string>({"a", "it's"})) == "{'a', \"it's\"}");
    CHECK(text(m.list<SetProxy<int>>({m.set<int>({1}), m.set<int>()})) == "[{1}, set()]");
    CHECK(text(m.set<Place>({{1, 2}})) == "{Place(1, 2)}");
  }

  TEST_CASE("set: element types") {
    enum class Color : std::uint8_t { red, green };
    Manager m;
    auto floats = m.set<double>({-0.0, 0.0});
    CHECK(floats.size() == 1);
    CHECK_FALSE(std::signbit(*floats.begin()));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(floats.add(nan), ValueError);
    CHECK_THROWS_AS(floats.update({1.0, nan}), ValueError);
    CHECK_THROWS_AS(floats.contains(nan), ValueError);
    CHECK_THROWS_AS(m.set<double>({nan}), ValueError);
    CHECK_THROWS_AS(floats ^= std::vector<double>{nan}, ValueError);
    CHECK(floats.size() == 1);  // nothing has changed
    CHECK(m.set<Color>({Color::green}).contains(Color::green));
    auto pairs = m.set<std::pair<int, std::string>>({{1, "a"}});
    CHECK(pairs.contains({1, "a"}));
    pairs.discard({1, "a"});
    CHECK(pairs.empty());
    CHECK(m.set<std::optional<int>>({std::nullopt, 5}).size() == 2);
    CHECK(m.set<bool>({true, false, true}).size() == 2);
    CHECK(m.set<Set>({{1, 2}, {2, 1}, {3}}).size() == 2);  // as Python's frozenset
    auto places = m.set<Place>({{1, 2}, {3, 4}, {1, 2}});  // no <
    const local_set<Place> copy = places.copy();
    CHECK(copy.size() == 2);
    CHECK(copy.contains(Place{3, 4}));
    CHECK((places - std::vector<Place>{{1, 2}}).begin()->x == 3);
    auto longer = m.set<std::string>({std::string(1000, 'k')});
    CHECK(longer.contains(std::string(1000, 'k')));
    longer ^= Texts{std::string(1000, 'k'), std::string(3000, 'l')};
    CHECK(longer.copy() == Texts{std::string(3000, 'l')});
    auto sly = m.set<Sly>();
    CHECK_THROWS_AS(sly.add(Sly{m.list<int>()}), ValueError);
    CHECK_THROWS_AS(sly.update(std::vector<Sly>{{m.list<int>()}}), ValueError);
  }

  TEST_CASE("set: named") {
    Manager m;
    auto s = m.set<int>(named("numbers"), {1, 2});
    CHECK(m.set<int>(named("numbers")).is(s));
    CHECK(m.set<int>(named("numbers"), Ints{7}).copy() == Set{1, 2});
    CHECK(m.set<int>(named("others"), Ints{7}).copy() == Set{7});
    const std::string what = message_of<TypeError>([&] { m.set<std::string>(named("numbers")); });
    CHECK(has(what, "shared_set<i32>"));
    CHECK(has(what, "shared_set<str>"));
    CHECK_THROWS_AS(m.list<int>(named("numbers")), TypeError);
    CHECK_THROWS_AS((m.dict<int, int>(named("numbers"))), TypeError);
    for (const ObjectInfo& o : m.objects()) {
      if (o.name != "numbers") continue;
      CHECK(o.kind == "set");
      CHECK(o.types == "shared_set<i32>");
      CHECK(o.size == 2);
    }
  }

  TEST_CASE("set: as an element") {
    Manager m;
    auto tags = m.dict<std::string, SetProxy<std::string>>();
    tags["a"] = m.set<std::string>({"x"});
    CHECK(references_of(m, "shared_set<str>") == 1);
    tags["a"].add("y");
    tags["a"] |= {"z"};
    tags["a"].discard("x");
    CHECK(tags["a"].contains("y"));
    CHECK(tags["a"].copy() == Texts{"y", "z"});
    CHECK((tags["a"] | Texts{"q"}) == Texts{"q", "y", "z"});
    CHECK((m.set<std::string>({"y"}) & tags["a"]) == Texts{"y"});
    CHECK(tags["a"] == Texts{"y", "z"});
    CHECK(Texts{"y"} < tags["a"]);
    std::string all;
    for (const std::string& x : tags["a"]) all += x;
    CHECK(all == "yz");
    CHECK(text(tags) == "{'a': {'y', 'z'}}");
    auto list = m.list<SetProxy<std::string>>({tags["a"]});
    CHECK(list.contains(tags["a"]));
    CHECK_FALSE(list.contains(m.set<std::string>({"y", "z"})));  // inside, identity counts
    tags.clear();
    list.clear();
    CHECK(references_of(m, "shared_set<str>") == 0);
  }

  TEST_CASE("set: serialization") {
    Manager m;
    auto s = m.set<int>({1});
    std::stringstream stream;
    boost::archive::text_oarchive(stream) << s;
    const std::string archive = stream.str();
    SetProxy<int> back;
    boost::archive::text_iarchive(stream) >> back;
    CHECK(back.is(s));
    std::istringstream again(archive);
    SetProxy<long> wrong;
    CHECK_THROWS_AS(boost::archive::text_iarchive(again) >> wrong, TypeError);
  }

  TEST_CASE("set: errors name the object, the operation, the element and what to do") {
    Manager m;
    auto s = m.set<std::string>(named("tags"), {"a"});
    const std::string what = message_of<KeyError>([&] { s.remove("it's"); });
    CHECK(has(what, "set 'tags': remove: there is no element \"it's\""));
    CHECK(has(what, "discard()"));
    s.clear();
    CHECK(has(message_of<KeyError>([&] { s.pop(); }), "set 'tags': pop: the set is empty"));
    CHECK_THROWS_AS(s.pop(), std::out_of_range);
    SetProxy<int> empty;
    CHECK_THROWS_AS(empty.size(), ValueError);
    CHECK_THROWS_AS(empty.add(1), ValueError);
    CHECK_THROWS_AS(empty |= {1}, ValueError);
    auto d = m.dict<int, int>({{1, 1}});
    auto t = m.set<int>({1});
    for (const std::function<void()>& change : std::vector<std::function<void()>>{
             [&] { t.add(2); }, [&] { t.add(1); }, [&] { t.discard(1); }, [&] { t |= {2}; }, [&] { t &= {2}; },
             [&] { t -= {2}; }, [&] { t ^= {2}; }, [&] { t.clear(); }}) {
      CHECK_THROWS_AS(d.modify(1, [&](int&) { change(); }), UsageError);
    }
    CHECK(d.modify(1, [&](int& x) { return x + static_cast<int>(t.size()); }) == 2);
    CHECK(t.copy() == Set{1});
  }

  TEST_CASE("set: many elements") {
    Manager m;
    Ints numbers(5000);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i);
    auto s = m.set<int>(numbers);
    CHECK(s.size() == 5000);
    Ints odd;
    for (int i = 1; i < 5000; i += 2) odd.push_back(i);
    s -= odd;
    CHECK(s.size() == 2500);
    CHECK_FALSE(s.contains(4999));
    s ^= numbers;
    CHECK(in_order(s) == odd);
    s &= Ints{1, 2, 3};
    CHECK(in_order(s) == Ints{1, 3});
    s ^= numbers;
    CHECK(s.size() == 4998);
  }
}
