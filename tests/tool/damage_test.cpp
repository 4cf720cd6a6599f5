// Damaged bytes: Corrupt or another value, never anything outside the bytes, never memory or stack without bound; and
// the schema refuses exactly what the codec refuses.
#include <bitset>
#include <map>
#include <memory>
#include <partage/object.hpp>
#include <random>
#include <tuple>
#include <unordered_map>
#include <variant>

#include "tests/support/damaged_bytes.hpp"
#include "tests/support/seed.hpp"
#include "tests/tool/schema_fixture.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::string_literals;

namespace {

bool shows(const schema::Schema& schema, BytesView bytes) {
  try {
    schema::to_json(schema.root(), bytes, show_number);
    return true;
  } catch (const Corrupt&) {
    return false;
  }
}

template <class T>
void damage(std::mt19937_64& random, const T& value) {
  const schema::Schema schema(codec::description<T>());
  codec::Scratch writer;
  codec::encode(*writer, value);
  const std::vector<ObjectRef> refs = writer->refs();
  const std::vector<SamplePtr> objects = objects_of(*writer);
  const std::string good(reinterpret_cast<const char*>(writer->data()), writer->size());
  const auto attempt = [&](const std::string& bytes) {
    const auto copy = std::make_unique<std::byte[]>(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    const BytesView view(copy.get(), bytes.size(), refs);
    bool codec_reads = true;
    try {
      (void)codec::decode_all<T>(view, objects);
    } catch (const Corrupt&) {
      codec_reads = false;
    }
    CHECK(shows(schema, view) == codec_reads);
  };
  attempt(good);
  for (std::size_t n = 0; n < good.size(); ++n) attempt(good.substr(0, n));
  attempt(good + '\0');
  for (long i = 0; i < repeats(2'000); ++i) attempt(damaged(random, good));
}

bool is_corrupt(const std::string& description, const std::string& bytes, std::span<const ObjectRef> refs = {}) {
  const schema::Schema schema(description);
  return !shows(schema, {bytes.data(), bytes.size(), refs});
}

}  // namespace

TEST_CASE("damage: the schema refuses what the codec refuses") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 2);
  damage(random, 5);
  damage(random, "some text"s);
  damage(random, std::u16string(u"some text"));
  damage(random, std::vector<std::string>{"a", "", "ccc"});
  damage(random, std::vector<double>{1, 2, 3});
  damage(random, std::vector<bool>{true, false});
  damage(random, std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  damage(random, std::unordered_map<int, std::string>{{1, "x"}, {2, "y"}});
  damage(random, std::variant<std::monostate, int, std::string>("text"));
  damage(random, std::bitset<12>(5));
  damage(random, std::tuple<>());
  damage(random, shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"});
  damage(random, shop::Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  damage(random, std::vector<SampleHandle>{{{1}}, {{2}}});
  damage(random, shop::Team{"x", {{5}}, SampleHandle{{6}}});
  damage(random, Object{1, "two", 3.5, nullptr, {{"k", {1, 2}}, {"l", true}}});
}

TEST_CASE("damage: impossible counts cost nothing") {
  CHECK(is_corrupt("str", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
  CHECK(is_corrupt("str<char32>", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
  CHECK(is_corrupt("vec<f64>", "\xff\xff\xff\xff\xff\xff\xff\xff\x3f"));
  CHECK(is_corrupt("vec<none>", "\x03\0\0"s));
  CHECK(is_corrupt("map<i8,i8>", "\xff\xff\xff\xff\x0f"));
  CHECK(is_corrupt("array<i8,18446744073709551615>", "xx"));
  CHECK(is_corrupt("array<array<i8,18446744073709551615>,2>", "xx"));
  CHECK(is_corrupt("bitset<18446744073709551615>", "xx"));
  CHECK(is_corrupt("boost X", "\xff\xff\xff\xff\xff\xff\xff\xff"));
  CHECK(is_corrupt("object", "\x08\x02\x01k\0\x01k\0"s));
  CHECK(is_corrupt("list<i8>", ""));
  const ObjectRef refs[] = {1, 2};
  CHECK(is_corrupt("list<i8>", "", refs));
}

TEST_CASE("damage: deep nesting ends in Corrupt, not on the stack") {
  std::string arrays, trees;
  for (int i = 0; i < 100'000; ++i) arrays += "\x07\x01"s;
  CHECK(is_corrupt("object", arrays + '\0'));
  for (int i = 0; i < 100'000; ++i) trees += "\0\0\0\0\x01"s;
  CHECK(is_corrupt("struct shop::Tree{i32,vec<struct shop::Tree>}", trees + "\0\0\0\0\0"s));
  // A type that contains itself without anything between, as no compiler makes it.
  CHECK(is_corrupt("struct A{struct A}", "xx"));
  CHECK(is_corrupt("struct A{struct A,struct A}", "xx"));
  // Many levels of the type for each level of the value.
  std::string open, close;
  for (int i = 0; i < 100; ++i) open += "pair<i8,", close += '>';
  const std::string wide = "struct A{" + open + "vec<struct A>" + close + "}";
  std::string levels;
  for (int i = 0; i < 500; ++i) levels += std::string(100, '\1') + '\1';
  CHECK(is_corrupt(wide, levels + std::string(101, '\0')));
  // As deep as the codec goes.
  std::string deep;
  for (int i = 0; i < 511; ++i) deep += "\0\0\0\0\x01"s;
  CHECK(!is_corrupt("struct shop::Tree{i32,vec<struct shop::Tree>}", deep + "\0\0\0\0\0"s));
}
