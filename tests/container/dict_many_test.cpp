// The operations of the byte-level dict that take many keys: with no memory left, and seen by those who read meanwhile.
#include <atomic>
#include <thread>

#include "tests/container/fixture.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::Dict;
using kernel::KeyValue;

using Texts = std::vector<std::string>;

std::vector<BytesView> views(const Texts& keys) {
  std::vector<BytesView> out;
  for (const std::string& k : keys) out.push_back(view(k));
  return out;
}
Texts numbered(const std::string& begin, int from, int to) {
  Texts out;
  for (int i = from; i < to; ++i) out.push_back(begin + std::to_string(i));
  return out;
}
void add(Dict& dict, const Texts& keys) {
  std::vector<KeyValue> pairs;
  for (const std::string& k : keys) pairs.push_back({view(k), {}});
  dict.update(pairs);
}
Texts keys_of(Dict& dict) {
  ByteTable keys;
  dict.snapshot(&keys, nullptr);
  Texts out;
  for (std::size_t i = 0; i < keys.size(); ++i) out.push_back(text(keys[i]));
  return out;
}
void check_whole(ContainerFixture& fixture, std::initializer_list<Dict*> dicts) {
  std::vector<kernel::u64> runs;
  for (Dict* dict : dicts) REQUIRE(dict->verify(runs) == "");
  REQUIRE(fixture.verify(runs) == "");
}

}  // namespace

TEST_CASE("dict: many keys at once, in their order") {
  for (const unsigned stripes_log2 : {0U, 3U}) {
    CAPTURE(stripes_log2);
    ContainerFixture fixture;
    Dict dict(fixture.segment(), fixture.make_dict({.stripes_log2 = stripes_log2}));
    dict.toggle({});
    dict.erase_many({});
    dict.retain({});
    CHECK(dict.size() == 0);
    dict.toggle(views({"a", "b", "a", "c"}));
    CHECK(keys_of(dict) == Texts{"a", "b", "c"});
    dict.set(view("a"), view("value"));
    dict.toggle(views({"d", "b", "e", "d"}));
    CHECK(keys_of(dict) == Texts{"a", "c", "d", "e"});
    dict.erase_many(views({"e", "e", "nobody"}));
    CHECK(keys_of(dict) == Texts{"a", "c", "d"});
    Bytes out;
    CHECK(dict.get(view("a"), out));
    CHECK(text(out) == "value");
    dict.retain(views({"d", "a", "nobody"}));
    CHECK(keys_of(dict) == Texts{"a", "d"});
    Bytes key;
    CHECK(dict.popitem(key, out));
    CHECK(text(key) == "d");
    dict.toggle(views({"a"}));
    CHECK(dict.size() == 0);
    CHECK_FALSE(dict.popitem(key, out));
    add(dict, numbered("key ", 0, 1000));
    dict.retain(views(numbered("key ", 990, 2000)));
    CHECK(keys_of(dict) == numbered("key ", 990, 1000));
    dict.retain({});
    CHECK(dict.size() == 0);
    check_whole(fixture, {&dict});
  }
}

TEST_CASE("dict: insert takes all pairs or none") {
  for (const unsigned stripes_log2 : {0U, 3U}) {
    ContainerFixture fixture;
    Dict dict(fixture.segment(), fixture.make_dict({.stripes_log2 = stripes_log2}));
    const Texts first = numbered("a", 0, 40);
    add(dict, first);
    std::vector<KeyValue> pairs;
    const Texts more = numbered("b", 0, 100);
    for (const std::string& k : more) pairs.push_back({view(k), view(k)});
    pairs.push_back({view("a7"), view("x")});
    CHECK(dict.insert(pairs) == std::optional<std::size_t>(100));
    CHECK(keys_of(dict) == first);
    CHECK(dict.insert({}) == std::nullopt);
    pairs.pop_back();
    CHECK(dict.insert(pairs) == std::nullopt);
    CHECK(dict.insert(pairs) == std::optional<std::size_t>(0));
    Texts all = first;
    all.insert(all.end(), more.begin(), more.end());
    CHECK(keys_of(dict) == all);
    check_whole(fixture, {&dict});
  }
}

TEST_CASE("dict: a full segment refuses many keys with nothing changed, and they can be erased") {
  ContainerFixture fixture(1 << 20);
  Dict one(fixture.segment(), fixture.make_dict({})), eight(fixture.segment(), fixture.make_dict({.stripes_log2 = 3}));
  const Texts here = numbered(std::string(100, 'k'), 0, 300);
  for (Dict* dict : {&one, &eight}) add(*dict, here);
  const auto fill = [&](Dict& dict, std::size_t bytes) {
    try {
      for (int i = 0;; ++i)
        dict.set(view("filler " + std::to_string(bytes) + std::to_string(i)), view(std::string(bytes, 'f')));
    } catch (const OutOfMemory&) {
    }
  };
  Dict filler(fixture.segment(), fixture.make_dict({}));
  fill(filler, 4000);
  fill(filler, 200);
  const auto check = [&] {
    for (Dict* dict : {&one, &eight}) CHECK(keys_of(*dict) == here);
    check_whole(fixture, {&one, &eight, &filler});
  };
  check();
  const Texts fresh = numbered(std::string(900, 'n'), 0, 1000);
  for (Dict* dict : {&one, &eight}) {
    CHECK_THROWS_AS(dict->toggle(views(fresh)), OutOfMemory);
    Texts mixed = fresh;
    mixed.insert(mixed.end(), here.begin(), here.end());
    CHECK_THROWS_AS(dict->toggle(views(mixed)), OutOfMemory);
  }
  check();
  filler.clear();
  for (Dict* dict : {&one, &eight}) {
    dict->erase_many(views({here.begin(), here.begin() + 100}));
    dict->toggle(views({here.begin() + 100, here.begin() + 200}));
    CHECK(keys_of(*dict) == Texts(here.begin() + 200, here.end()));
    dict->retain({});
  }
  check_whole(fixture, {&one, &eight, &filler});
}

TEST_CASE("dict: readers see many keys come and go at once") {
  for (const unsigned stripes_log2 : {0U, 3U}) {
    CAPTURE(stripes_log2);
    ContainerFixture fixture;
    Dict dict(fixture.segment(), fixture.make_dict({.stripes_log2 = stripes_log2}));
    // Ten of twenty at every moment: the even ones or the odd ones.
    const Texts all = numbered("element number ", 0, 20);
    Texts even;
    for (std::size_t i = 0; i < all.size(); i += 2) even.push_back(all[i]);
    add(dict, even);
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0};
    std::thread reader([&] {
      while (!stop) {
        const Texts now = keys_of(dict);
        if (now.size() != 10 || dict.size() != 10) ++wrong;
        for (const std::string& k : now) {
          if ((std::stoi(k.substr(15)) - std::stoi(now[0].substr(15))) % 2 != 0) ++wrong;
        }
      }
    });
    for (int i = 0; i < 5000; ++i) dict.toggle(views(all));
    stop = true;
    reader.join();
    CHECK(wrong == 0);
    check_whole(fixture, {&dict});
  }
}

}  // namespace partage::test
