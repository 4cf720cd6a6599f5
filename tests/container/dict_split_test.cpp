// A byte-level dict that gets more stripes as it grows, and the values that lie in its entries as words.
#include <atomic>
#include <partage/short_key.hpp>
#include <thread>

#include "manager/container/dict_words.hpp"
#include "tests/container/fixture.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::Dict;
using kernel::DictBody;
using kernel::InPlace;
using kernel::u64;

std::string key_of(int i) {
  return i % 5 == 0 ? "a key of more than twenty-four bytes " + std::to_string(i) : "k" + std::to_string(i);
}
std::string value_of(int i) {
  return std::string(static_cast<std::size_t>(i % 997 == 0 ? 3000 : i % 60), static_cast<char>('a' + i % 26));
}
u64 stripes(const DictBody& body) {
  return u64{1} << (body.root.load() & 255);
}
void check_whole(ContainerFixture& fixture, Dict& dict) {
  std::vector<u64> runs;
  REQUIRE(dict.verify(runs) == "");
  REQUIRE(fixture.verify(runs) == "");
}

}  // namespace

TEST_CASE("dict: 8 stripes at 512 keys, 32 when those are large, with everything in it in its order") {
  ContainerFixture fixture;
  DictBody& body = fixture.make_dict({});
  Dict dict(fixture.segment(), body);
  constexpr int all = 30'000;
  for (int i = 0; i < all; ++i) {
    if (i <= 512) CHECK(stripes(body) == (i < 512 ? 1 : 8));
    dict.set(view(key_of(i)), view(value_of(i)));
  }
  CHECK(stripes(body) == 32);
  CHECK(dict.size() == all);
  check_whole(fixture, dict);
  ByteTable keys, values;
  dict.snapshot(&keys, &values);
  REQUIRE(keys.size() == all);
  Bytes key, value;
  for (int i = 0; i < all; ++i) {
    REQUIRE(text(keys[static_cast<std::size_t>(i)]) == key_of(i));
    REQUIRE(text(values[static_cast<std::size_t>(i)]) == value_of(i));
    REQUIRE(dict.get(view(key_of(i)), value));
    REQUIRE(text(value) == value_of(i));
  }
  for (int i = all; i-- > all - 100;) {
    REQUIRE(dict.popitem(key, value));
    REQUIRE(text(key) == key_of(i));
  }
  dict.clear();
  CHECK(dict.size() == 0);
  dict.set(view("again"), view("1"));
  CHECK(dict.size() == 1);
  check_whole(fixture, dict);
}

TEST_CASE("dict: update and modify split it too, and one that was made never to split does not") {
  ContainerFixture fixture;
  for (const unsigned split_log2 : {3U, 0U}) {
    DictBody& body = fixture.make_dict({.split_log2 = split_log2});
    Dict dict(fixture.segment(), body);
    std::vector<std::string> texts;
    for (int i = 0; i < 7; ++i) texts.push_back(key_of(i));
    std::vector<kernel::KeyValue> pairs;
    for (const std::string& k : texts) pairs.push_back({view(k), view(k)});
    dict.update(pairs);
    CHECK(stripes(body) == 1);
    const std::string begin = "begin";
    const BytesView initial = view(begin);
    CHECK(dict.modify(view("new"), &initial, [](BytesView current, Bytes& next) { next.assign(current); }));
    CHECK(stripes(body) == (split_log2 == 0 ? 1 : 8));
    CHECK(dict.size() == 8);
  }
}

TEST_CASE("dict: while it splits, others read and write") {
  for (int round = 0; round < 20; ++round) {
    ContainerFixture fixture;
    DictBody& body = fixture.make_dict({.split_log2 = round % 2 == 0 ? 2U : 5U});
    Dict dict(fixture.segment(), body);
    constexpr int writers = 3, each = 600;
    std::atomic<int> done[writers] = {};
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0};
    const auto name = [](int w, int i) { return key_of(i) + " of " + std::to_string(w); };
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w) {
      threads.emplace_back([&, w] {
        Dict mine(fixture.segment(), body);
        Bytes out;
        for (int i = 0; i < each; ++i) {
          const bool is_new = i % 3 == 0 ? mine.setdefault(view(name(w, i)), view(value_of(i)), out)
                                         : mine.set(view(name(w, i)), view(value_of(i)));
          if (!is_new) ++wrong;
          done[w] = i + 1;
        }
      });
    }
    std::thread reader([&] {
      Dict mine(fixture.segment(), body);
      Bytes out;
      for (int n = 0; !stop; ++n) {
        const int w = n % writers, ready = done[w];
        const std::size_t least = static_cast<std::size_t>(done[0] + done[1] + done[2]);
        if (mine.size() < least) ++wrong;
        if (ready == 0) continue;
        const int i = n % ready;
        if (!mine.get(view(name(w, i)), out) || text(out) != value_of(i)) ++wrong;
      }
    });
    for (std::thread& t : threads) t.join();
    stop = true;
    reader.join();
    CHECK(wrong == 0);
    CHECK(dict.size() == writers * each);
    CHECK(stripes(body) == 32);
    check_whole(fixture, dict);
  }
}

TEST_CASE("dict: without the memory for more stripes it goes on with those it has") {
  ContainerFixture fixture(std::size_t{1} << 20);
  DictBody& body = fixture.make_dict({.split_log2 = 5});
  DictBody& filler = fixture.make_dict({.split_log2 = 0});
  Dict dict(fixture.segment(), body), fill(fixture.segment(), filler);
  for (int i = 0; i < 31; ++i) dict.set(view("key " + std::to_string(i)), view("value"));
  try {
    for (int i = 0;; ++i) fill.set(view(std::to_string(i)), view(std::string(3000, 'f')));
  } catch (const OutOfMemory&) {
  }
  dict.set(view("key 31"), view("value"));  // fills the table, which needs no memory
  CHECK(stripes(body) == 1);
  CHECK(dict.size() == 32);
  fill.clear();
  dict.set(view("one more"), view("value"));
  CHECK(stripes(body) == 8);
  CHECK(dict.size() == 33);
  std::vector<u64> runs;
  REQUIRE(dict.verify(runs) == "");
  REQUIRE(fill.verify(runs) == "");
  REQUIRE(fixture.verify(runs) == "");
}

TEST_CASE("dict: a short key is the key of the same bytes") {
  std::string bytes;
  for (std::size_t n = 0; n <= ShortKey::capacity; ++n) {
    CAPTURE(n);
    const kernel::dict::Key from_short(ShortKey(bytes.data(), n)), from_view(view(bytes));
    CHECK(from_short.meta == from_view.meta);
    std::string words(24, '\0');
    std::memcpy(words.data(), from_short.word, 24);
    CHECK(words == bytes + std::string(24 - n, '\0'));
    if (n > 0) {
      ShortKey rest(bytes.data() + 1, n - 1);
      rest.prepend(static_cast<std::uint8_t>(bytes[0]));
      CHECK(kernel::dict::Key(rest).meta == from_view.meta);
    }
    bytes.push_back(static_cast<char>(200 + n));
  }
}

TEST_CASE("dict: values that lie in their entry are read and changed as words") {
  ContainerFixture fixture;
  Dict dict(fixture.segment(), fixture.make_dict({}));
  const ShortKey key("count", 5);
  const auto plus_one = [](u64 word) { return word + 1; };
  u64 word = 0;
  CHECK(dict.get_word(key, 8, word) == InPlace::absent);
  CHECK(dict.change_word(key, 8, plus_one) == InPlace::absent);
  const u64 seven = 7;
  CHECK(dict.set(key, BytesView(&seven, 8)));
  CHECK_FALSE(dict.set(key, BytesView(&seven, 8)));
  CHECK(dict.change_word(key, 8, plus_one) == InPlace::done);
  CHECK(dict.get_word(key, 8, word) == InPlace::done);
  CHECK(word == 8);
  CHECK(dict.get_word(key, 4, word) == InPlace::other);
  CHECK(dict.change_word(key, 4, plus_one) == InPlace::other);
  CHECK_FALSE(dict.set(key, view("a value that lies in a blob")));
  CHECK(dict.get_word(key, 8, word) == InPlace::other);
  CHECK_FALSE(dict.set(key, view("")));
  CHECK(dict.get_word(key, 0, word) == InPlace::done);
  dict.set_word(key, 8, 9);  // a value of another size before
  CHECK(dict.get_word(key, 8, word) == InPlace::done);
  CHECK(word == 9);
  dict.set_word(key, 8, 10);
  CHECK(dict.change_word(key, 8, plus_one) == InPlace::done);
  CHECK(dict.get_word(key, 8, word) == InPlace::done);
  CHECK(word == 11);
  for (u64 i = 0; i < 3'000; ++i) {  // new keys, and splits
    const u64 number = i * 2 + 1;
    dict.set_word(ShortKey(&number, 8), 4, i);
  }
  CHECK(dict.size() == 3'001);
  CHECK(dict.get_word(ShortKey("\x77\x07\0\0\0\0\0\0", 8), 4, word) == InPlace::done);  // 1911
  CHECK(word == 955);
  check_whole(fixture, dict);
}

}  // namespace partage::test
