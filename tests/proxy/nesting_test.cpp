// Handles inside containers: references are counted, objects are freed with the last one, cycles print.
#include "support.hpp"

using namespace partage;
using namespace partage::test;

namespace {
struct Node {
  std::string name{};
  std::optional<ListProxy<Node>> children{};
};
struct Job {
  int id = 0;
  ListProxy<int> results{};
};
}  // namespace

TEST_SUITE("nesting") {
  TEST_CASE("nesting: containers hold what is in them") {
    Manager m;
    const std::string inner_type = "list<i32>";
    auto outer = m.list<ListProxy<int>>();
    outer.append(m.list<int>({1, 2}));
    CHECK(references_of(m, inner_type) == 1);  // the container alone
    {
      ListProxy<int> handle = outer[0];
      auto second = handle;
      CHECK(references_of(m, inner_type) == 2);
      CHECK(handle.copy() == Ints{1, 2});
      outer.append(handle);
      CHECK(references_of(m, inner_type) == 3);
      outer.pop();
      CHECK(references_of(m, inner_type) == 2);
    }
    CHECK(references_of(m, inner_type) == 1);
    outer[0].append(3);
    CHECK(outer[0].copy() == Ints{1, 2, 3});
    auto popped = outer.pop();
    CHECK(references_of(m, inner_type) == 1);
    CHECK(popped.copy() == Ints{1, 2, 3});
    popped = {};
    CHECK(references_of(m, inner_type) == 0);  // F7: freed at the last reference
  }

  TEST_CASE("nesting: every way of dropping an element") {
    Manager m;
    const std::string inner_type = "list<i32>";
    auto l = m.list<ListProxy<int>>();
    const auto fill = [&] { l.extend({m.list<int>({1}), m.list<int>({2}), m.list<int>({3}), m.list<int>({4})}); };
    const auto count = [&] {
      std::size_t n = 0;
      for (const ObjectInfo& o : m.objects()) n += o.types == inner_type ? 1 : 0;
      return n;
    };
    fill();
    CHECK(count() == 4);
    l.erase(0);
    CHECK(count() == 3);
    l[0] = m.list<int>({5});
    CHECK(count() == 3);
    l.erase_slice(0, 2);
    CHECK(count() == 1);
    l.assign_slice(0, std::nullopt, {m.list<int>({6}), m.list<int>({7})});
    CHECK(count() == 2);
    l.remove(l[0]);
    CHECK(count() == 1);
    l.clear();
    CHECK(count() == 0);
    fill();
    l *= 2;
    CHECK(count() == 4);
    l *= 0;
    CHECK(count() == 0);
    fill();
    l.modify(0, [&](ListProxy<int>& x) { x = l[1]; });
    CHECK(count() == 3);
    l = {};
    CHECK(count() == 0);

    auto d = m.dict<std::string, ListProxy<int>>();
    d["a"] = m.list<int>({1});
    d.update({{"b", m.list<int>({2})}, {"c", m.list<int>({3})}, {"d", m.list<int>()}});
    CHECK(count() == 4);
    d["a"] = m.list<int>({4});
    CHECK(count() == 4);
    d.erase("a");
    CHECK(count() == 3);
    CHECK(d.pop("b").copy() == Ints{2});
    CHECK(count() == 2);
    CHECK(d.popitem().first == "d");
    CHECK(count() == 1);
    CHECK(d.setdefault("c", m.list<int>({9})).copy() == Ints{3});
    CHECK(count() == 1);
    d.modify("new", m.list<int>({10}), [](ListProxy<int>&) {});
    CHECK(count() == 2);
    d.clear();
    CHECK(count() == 0);
  }

  TEST_CASE("nesting: a deep structure goes with its root") {
    Manager m;
    {
      auto root = m.dict<std::string, DictProxy<std::string, ListProxy<int>>>();
      for (int i = 0; i < 20; ++i) {
        auto middle = m.dict<std::string, ListProxy<int>>();
        for (int j = 0; j < 5; ++j) middle[std::to_string(j)] = m.list<int>({i, j});
        root[std::to_string(i)] = middle;
      }
      CHECK(m.objects().size() == 121);
      CHECK(root["3"]["4"].copy() == Ints{3, 4});
    }
    CHECK(m.objects().empty());
  }

  TEST_CASE("nesting: handles inside other values") {
    Manager m;
    auto jobs = m.list<Job>();
    jobs.append({1, m.list<int>({5})});
    CHECK(references_of(m, "list<i32>") == 1);
    CHECK(jobs.at(0).results.copy() == Ints{5});
    jobs.modify(0, [](Job& j) { j.id = 2; });
    CHECK(jobs.at(0).id == 2);
    CHECK(text(jobs) == "[Job(2, [5])]");
    auto vectors = m.dict<int, std::vector<ListProxy<int>>>();
    vectors[1] = {m.list<int>({1}), m.list<int>({2})};
    CHECK(vectors.at(1).at(1).copy() == Ints{2});
    CHECK(text(vectors) == "{1: [[1], [2]]}");
    CHECK(jobs.pop().results.copy() == Ints{5});
    jobs.clear();
    vectors.clear();
    CHECK(references_of(m, "list<i32>") == 0);
  }

  TEST_CASE("nesting: inside containers handles are equal by identity") {
    Manager m;
    auto a = m.list<int>({1}), b = m.list<int>({1});
    CHECK(a == b);
    auto x = m.list<ListProxy<int>>({a}), y = m.list<ListProxy<int>>({b}), z = m.list<ListProxy<int>>({a});
    CHECK(x != y);
    CHECK(x == z);
    CHECK(x.contains(a));
    CHECK_FALSE(x.contains(b));
    CHECK(x.index(a) == 0);
    CHECK(x.count(b) == 0);
    auto d = m.dict<int, ListProxy<int>>({{1, a}}), e = m.dict<int, ListProxy<int>>({{1, b}});
    CHECK(d != e);
    auto pairs = m.list<std::pair<int, ListProxy<int>>>({{1, a}});
    CHECK(pairs.contains({1, a}));
    CHECK_FALSE(pairs.contains({1, b}));
  }

  TEST_CASE("nesting: a reference to a handle has get() of the handle") {
    Manager m;
    auto outer = m.list<DictProxy<std::string, int>>({m.dict<std::string, int>({{"n", 1}})});
    CHECK(outer[0].get("n") == 1);
    CHECK(outer[0].get("z") == std::nullopt);
    CHECK(outer[0].get("z", 7) == 7);
    CHECK(outer[0].get().is(outer.at(0)));
  }

  TEST_CASE("nesting: cycles print, and can be taken apart") {
    Manager m;
    auto list = m.list<Node>();
    list.append({"root", list});
    CHECK(text(list) == "[Node('root', [...])]");
    list.append({"leaf", std::nullopt});
    CHECK(text(list) == "[Node('root', [...]), Node('leaf', None)]");
    CHECK(list.at(0).children->at(1).name == "leaf");
    list.clear();
    list = {};
    CHECK(m.objects().empty());
  }

  TEST_CASE("nesting: a container in itself twice is no cycle") {
    Manager m;
    auto inner = m.list<int>({1});
    CHECK(text(m.list<ListProxy<int>>({inner, inner})) == "[[1], [1]]");
  }
}
