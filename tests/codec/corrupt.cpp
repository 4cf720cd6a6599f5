// Damaged bytes: Corrupt or another value, never anything outside the bytes, never memory without bound.
#include <doctest/doctest.h>

#include <random>

#include "tests/codec/sample_types.hpp"
#include "tests/support/damaged_bytes.hpp"
#include "tests/support/seed.hpp"

#include <partage/object.hpp>

using namespace partage;
using namespace partage::codec;
using namespace std::string_literals;

namespace {

template <class T>
T read(const std::string& bytes) {
  return decode_all<T>(BytesView(bytes.data(), bytes.size()));
}

/// Every beginning of the encoding of `value`, then random changes, insertions and deletions.
template <class T>
void damage(std::mt19937_64& random, const T& value) {
  Scratch writer;
  encode(*writer, value);
  const std::vector<SamplePtr> objects = test::objects_of(*writer);
  const std::string good(reinterpret_cast<const char*>(writer->data()), writer->size());
  const auto attempt = [&](const std::string& bytes) {
    // exactly as long as it is, on the heap, so that the sanitizer sees every byte read outside it
    const auto copy = std::make_unique<std::byte[]>(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    try {
      const T other = decode_all<T>(BytesView(copy.get(), bytes.size()), objects);
      Scratch again;
      encode(*again, other);  // whatever came out is a value
      return true;
    } catch (const Corrupt&) {
      return false;
    }
  };
  CHECK(attempt(good));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(!attempt(good.substr(0, n)));
  CHECK(!attempt(good + '\0'));
  for (long i = 0; i < test::repeats(2'000); ++i) attempt(test::damaged(random, good));
}

}  // namespace

TEST_CASE("too short, too long and impossible input is Corrupt, with a sentence") {
  CHECK_THROWS_WITH_AS(read<int>("abc"s),
                       doctest::Contains("4 more bytes were expected where 3 are left, at byte 0 of 3"), Corrupt);
  CHECK_THROWS_WITH_AS(read<int>("abcde"s), doctest::Contains("1 bytes are left over"), Corrupt);
  CHECK_THROWS_WITH_AS(read<bool>("\x02"s), doctest::Contains("neither 0 nor 1"), Corrupt);
  CHECK_THROWS_AS(read<std::optional<int>>("\x02\0\0\0\0"s), Corrupt);
  CHECK_THROWS_AS(read<std::string>("\x05"
                                    "abc"s),
                  Corrupt);
  CHECK_THROWS_AS(read<std::string>(std::string(9, '\xff') + "\x7f"s), Corrupt);  // a count of more than 64 bits
  CHECK_THROWS_AS(read<std::string>("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s), Corrupt);
  CHECK_THROWS_AS(read<std::u32string>("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s), Corrupt);
  CHECK_THROWS_AS(read<std::vector<double>>("\xff\xff\xff\xff\xff\xff\xff\xff\x3f"s), Corrupt);
  CHECK_THROWS_AS(read<std::vector<std::string>>("\xff\xff\xff\xff\x0f"s), Corrupt);
  CHECK_THROWS_AS(read<std::vector<std::monostate>>("\x03\0\0"s), Corrupt);
  CHECK_THROWS_AS((read<std::variant<int, bool>>("\x02\0"s)), Corrupt);
  CHECK_THROWS_AS(read<std::monostate>("\x01"s), Corrupt);
  CHECK_THROWS_AS(read<std::bitset<3>>("\x08"s), Corrupt);
  CHECK_THROWS_AS(read<Object>("\x09"s), Corrupt);
  CHECK_THROWS_AS(read<Object>("\x08\x02\x01k\0\x01k\0"s), Corrupt);  // one member twice
  CHECK_THROWS_AS(read<shop::Node>("\x05\0\0\0\0\0\0\0\0"s), Corrupt);
}

TEST_CASE("deeply nested input ends in Corrupt, not on the stack") {
  std::string arrays;
  for (int i = 0; i < 100'000; ++i) arrays += "\x07\x01"s;
  CHECK_THROWS_WITH_AS(read<Object>(arrays + '\0'), doctest::Contains("deeper than 512"), Corrupt);
  std::string trees;
  for (int i = 0; i < 100'000; ++i) trees += "\0\0\0\0\x01"s;
  CHECK_THROWS_WITH_AS(read<shop::Tree>(trees + "\0\0\0\0\0"s), doctest::Contains("deeper than 512"), Corrupt);
}

TEST_CASE("lists in lists cannot all be as long as what is left") {
  // Each announces 2000 elements, which is possible for one of them; room for those of all would be a thousand times the input.
  std::string arrays, structs;
  for (int i = 0; i < 300; ++i) {
    arrays += "\x07\xd0\x0f"s;
    structs += "\0\0\0\0\xd0\x0f"s;
  }
  CHECK_THROWS_WITH_AS(read<Object>(arrays + std::string(2000, '\0')), doctest::Contains("more than fit"), Corrupt);
  CHECK_THROWS_WITH_AS(read<shop::Tree>(structs + std::string(2000, '\0')), doctest::Contains("more than fit"),
                       Corrupt);
  using Lists = std::vector<std::vector<std::vector<std::string>>>;
  CHECK_THROWS_AS(read<Lists>("\x03\x03\x03\0\0\0"s), Corrupt);
  CHECK(read<Lists>("\x02\x01\x01\0\x01\0"s) == Lists{{{""}}, {{}}});  // as many as there can be
}

TEST_CASE("random damage") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test::test_seed() + 2);
  damage(random, 5);
  damage(random, std::string("some text"));
  damage(random, std::vector<std::string>{"a", "", "ccc"});
  damage(random, std::vector<double>{1, 2, 3});
  damage(random, std::vector<bool>{true, false});
  damage(random, std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  damage(random, std::unordered_map<int, std::string>{{1, "x"}, {2, "y"}});
  damage(random, std::variant<std::monostate, int, std::string>("text"));
  damage(random, shop::Item{7, "nail", {1, 2}, {0.5, 1.5}, "iron"});
  damage(random, shop::Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  damage(random, shop::Salary(shop::Money(1, "CHF"), {{1}, {}, {2, 3}}));
  damage(random, std::vector<SampleHandle>{{{1}}, {{2}}});
  damage(random, Object{1, "two", 3.5, nullptr, {{"k", {1, 2}}, {"l", true}}});
}
