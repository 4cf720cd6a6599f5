// CPython's _TestContainers: lists, dicts and queues of a manager, and each inside the others.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <sstream>
#include <variant>
#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Ints = std::vector<int>;

Ints range(int n) {
  Ints out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}
template <class T>
std::vector<T> sorted(std::vector<T> v) {
  std::sort(v.begin(), v.end());
  return v;
}
constexpr auto all = std::nullopt;

struct Node {
  std::optional<ListProxy<Node>> children{};
};

}  // namespace

TEST_CASE("_TestContainers.test_list: slices, extend, *=, + and lists inside lists") {
  const Manager manager;
  const auto a = manager.list<int>(range(10));
  CHECK(a.slice(all, all) == range(10));
  const auto b = manager.list<int>();
  CHECK(b.slice(all, all) == Ints{});
  b.extend(range(5));
  CHECK(b.slice(all, all) == range(5));
  CHECK(b[2] == 2);
  CHECK(b.slice(2, 10) == Ints{2, 3, 4});
  b *= 2;
  const Ints twice{0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
  CHECK(b.slice(all, all) == twice);
  CHECK(b + Ints{5, 6} == Ints{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6});
  CHECK(a.slice(all, all) == range(10));

  const auto e = manager.list<ListProxy<int>>({a, b});
  std::vector<Ints> contents;
  for (const auto& element : e) contents.push_back(element.slice(all, all));
  CHECK(contents == std::vector<Ints>{range(10), twice});

  const auto mixed = manager.list<Object>({0, 1, 2});
  const auto f = manager.list<ListProxy<Object>>({mixed});
  mixed.append("hello");
  CHECK(f[0].slice(all, all) == std::vector<Object>{0, 1, 2, "hello"});
}

// CPython asks the list for every element, so that an iterator sees what changes meanwhile; here it walks over a
// snapshot.
TEST_CASE("_TestContainers.test_list_iter: iteration is a snapshot") {
  const Manager manager;
  const auto a = manager.list<int>(range(10));
  auto it = a.begin();
  Ints seen;
  for (; it != a.end(); ++it) seen.push_back(*it);
  CHECK(seen == range(10));
  CHECK(it == a.end());

  it = a.begin();
  a[0] = 100;
  CHECK(*it == 0);
  CHECK(*a.begin() == 100);
}

TEST_CASE("_TestContainers.test_list_proxy_in_list: inner lists are referred to, also a list by itself") {
  const Manager manager;
  auto a = manager.list<ListProxy<int>>();
  for (int i = 0; i < 3; ++i) a.append(manager.list<int>(range(3)));
  for (const auto& inner : a) CHECK(inner.slice(all, all) == Ints{0, 1, 2});

  a[0][-1] = 55;
  CHECK(a[0].slice(all, all) == Ints{0, 1, 55});
  CHECK(a[1].slice(all, all) == Ints{0, 1, 2});
  CHECK(a[2].slice(all, all) == Ints{0, 1, 2});

  CHECK(a[1].pop() == 2);
  CHECK(a[1].size() == 2);
  CHECK(a[0].size() == 3);
  CHECK(a[2].size() == 3);
  a = {};

  auto b = manager.list<Node>();
  b.append(Node{b});
  CHECK(b.at(0).children->is(b));
  b = {};
}

TEST_CASE("_TestContainers.test_dict: copy, keys, values and items") {
  const Manager manager;
  const auto d = manager.dict<int, std::string>();
  ordered_dict<int, std::string> local;
  std::vector<std::pair<int, std::string>> items;
  for (int i = 65; i < 70; ++i) {
    const std::string c(1, static_cast<char>(i));
    d[i] = c;
    local[i] = c;
    items.emplace_back(i, c);
  }
  CHECK(d.copy() == local);
  CHECK(sorted(d.keys()) == Ints{65, 66, 67, 68, 69});
  CHECK(sorted(d.values()) == std::vector<std::string>{"A", "B", "C", "D", "E"});
  CHECK(sorted(d.items()) == items);
}

// CPython: RuntimeError, "dictionary changed size during iteration".
TEST_CASE("_TestContainers.test_dict_iter: in the order of insertion, over a snapshot") {
  const Manager manager;
  const auto d = manager.dict<int, std::string>();
  for (int i = 69; i >= 65; --i) d[i] = std::string(1, static_cast<char>(i));
  auto it = d.begin();
  Ints seen;
  for (; it != d.end(); ++it) seen.push_back(it->first);
  CHECK(seen == Ints{69, 68, 67, 66, 65});
  CHECK(it == d.end());

  it = d.begin();
  d.clear();
  CHECK(it->first == 69);
  CHECK(std::distance(it, d.end()) == 5);
  CHECK(d.begin() == d.end());
}

TEST_CASE("_TestContainers.test_dict_proxy_nested: inner dicts outlive names and clear(), plain lists stay plain") {
  using Numbers = DictProxy<std::string, int>;
  const Manager manager;
  auto pets = manager.dict<std::string, int>({{"ferrets", 2}, {"hamsters", 4}});
  auto supplies = manager.dict<std::string, int>({{"water", 10}, {"feed", 3}});
  const auto d = manager.dict<std::string, Numbers>({{"pets", pets}, {"supplies", supplies}});
  CHECK(supplies["water"] == 10);
  CHECK(d["supplies"]["water"] == 10);

  d["supplies"]["blankets"] = 5;
  CHECK(supplies["blankets"] == 5);
  CHECK(d["supplies"]["blankets"] == 5);
  d["supplies"]["water"] = 7;
  CHECK(supplies["water"] == 7);
  CHECK(d["supplies"]["water"] == 7);

  pets = {};
  supplies = {};
  CHECK(d["pets"]["ferrets"] == 2);
  d["supplies"]["blankets"] = 11;
  CHECK(d["supplies"]["blankets"] == 11);

  pets = d["pets"];
  supplies = d["supplies"];
  supplies["water"] = 7;
  CHECK(supplies["water"] == 7);
  CHECK(d["supplies"]["water"] == 7);

  d.clear();
  CHECK(d.size() == 0);
  CHECK(supplies["water"] == 7);
  CHECK(pets["hamsters"] == 4);

  const auto l = manager.list<Numbers>({pets, supplies});
  l[0]["marmots"] = 1;
  CHECK(pets["marmots"] == 1);
  CHECK(l[0]["marmots"] == 1);
  pets = {};
  supplies = {};
  CHECK(l[0]["marmots"] == 1);

  using PlainOrShared = std::variant<Ints, ListProxy<Numbers>>;
  const auto outer = manager.list<PlainOrShared>({Ints{88, 99}, l});
  CHECK(std::get<Ints>(outer.at(0)) == Ints{88, 99});
  CHECK(std::get<ListProxy<Numbers>>(outer.at(-1))[-1]["feed"] == 3);
}

TEST_CASE("_TestContainers.test_nested_queue: a queue inside a list and inside a dict") {
  const Manager manager;
  const auto a = manager.list<Queue<int>>();
  a.append(manager.Queue<int>());
  a[0].put(123);
  CHECK(a[0].get() == 123);
  const auto b = manager.dict<int, Queue<int>>();
  b[0] = manager.Queue<int>();
  b[0].put(456);
  CHECK(b[0].get() == 456);
}

// An attribute has a name of its own, not of C++: n.name is n.get<std::string>("name"). A missing one is a KeyError.
TEST_CASE("_TestContainers.test_namespace: attributes are set, read and deleted; hidden ones are not printed") {
  const Manager manager;
  const auto n = manager.Namespace();
  n.set("name", "Bob");
  n.set("job", "Builder");
  n.set("_hidden", "hidden");
  CHECK(n.get<std::string>("name") == "Bob");
  CHECK(n.get<std::string>("job") == "Builder");
  n.erase("job");
  std::ostringstream out;
  out << n;
  CHECK(out.str() == "Namespace(name='Bob')");
  CHECK(n.contains("name"));
  CHECK_FALSE(n.contains("job"));
  CHECK_THROWS_AS((void)n.get<std::string>("job"), KeyError);
  CHECK(n.get<std::string>("_hidden") == "hidden");
}
