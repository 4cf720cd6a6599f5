// Keys: equal bytes iff equal keys.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "tests/codec/sample_types.hpp"
#include "tests/support/seed.hpp"

using namespace partage;
using test::key_bytes_of;

TEST_CASE("minus zero is the key 0.0, wherever it stands") {
  CHECK(key_bytes_of(-0.0) == key_bytes_of(0.0));
  CHECK(key_bytes_of(-0.0F) == key_bytes_of(0.0F));
  CHECK(key_bytes_of(-0.0L) == key_bytes_of(0.0L));
  CHECK(key_bytes_of(std::pair(1, -0.0)) == key_bytes_of(std::pair(1, 0.0)));
  CHECK(key_bytes_of(std::array{1.0, -0.0}) == key_bytes_of(std::array{1.0, 0.0}));
  CHECK(key_bytes_of(std::vector{1.0, -0.0}) == key_bytes_of(std::vector{1.0, 0.0}));
  CHECK(key_bytes_of(std::complex(1.0, -0.0)) == key_bytes_of(std::complex(1.0, 0.0)));
  CHECK(key_bytes_of(shop::Grid<double, 2>{{1, -0.0}}) == key_bytes_of(shop::Grid<double, 2>{{1, 0.0}}));
  CHECK(key_bytes_of(std::optional(-0.0)) == key_bytes_of(std::optional(0.0)));
  CHECK(key_bytes_of(std::chrono::duration<double>(-0.0)) == key_bytes_of(std::chrono::duration<double>(0.0)));
  CHECK(key_bytes_of(std::vector<shop::Grid<double, 1>>{{{-0.0}}}) ==
        key_bytes_of(std::vector<shop::Grid<double, 1>>{{{0.0}}}));
  CHECK(key_bytes_of(-1.5) == test::bytes_of(-1.5));
}

TEST_CASE("NaN is refused as a key, wherever it stands") {
  const double nan = std::nan("");
  codec::Writer writer;
  CHECK_THROWS_AS(codec::encode_key(writer, nan), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, std::nanf("")), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, std::nanl("")), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, std::pair(1, nan)), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, std::vector{nan}), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, std::map<int, double>{{1, nan}}), ValueError);
  CHECK_THROWS_AS(codec::encode_key(writer, shop::Grid<float, 1>{{std::nanf("")}}), ValueError);
  CHECK(!writer.canonical());
  writer.clear();
  codec::encode(writer, nan);  // as a value it is as good as any
}

TEST_CASE("user types and structs without padding are keys") {
  CHECK(key_bytes_of(shop::Point{1, 2}) == test::bytes_of(shop::Point{1, 2}));
  CHECK(key_bytes_of(shop::Money(1, "a")) != key_bytes_of(shop::Money(2, "a")));
  CHECK(key_bytes_of(std::set<int>{2, 1}) == key_bytes_of(std::set<int>{1, 2}));
}

TEST_CASE("random keys have equal bytes iff they are equal, and come back") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test::test_seed() + 1);
  using Key = std::tuple<std::string, std::optional<double>, std::vector<std::pair<int, std::string>>>;
  const auto some = [&](std::uint64_t n) { return random() % n; };
  const auto make = [&] {
    Key key;
    std::get<0>(key) = std::string(some(3), static_cast<char>('a' + some(2)));
    const double values[] = {0.0, -0.0, 1.0};
    if (some(2) != 0) std::get<1>(key) = values[some(3)];
    std::get<2>(key).resize(some(3));
    for (auto& [n, s] : std::get<2>(key)) n = static_cast<int>(some(2)), s = std::string(some(2), 'x');
    return key;
  };
  for (long i = 0; i < test::repeats(20'000); ++i) {
    const Key a = make(), b = make();
    CHECK((a == b) == (key_bytes_of(a) == key_bytes_of(b)));
    codec::Scratch writer;
    codec::encode_key(*writer, a);
    codec::Reader reader(writer->view());
    CHECK(bool(codec::decode_key<Key>(reader) == a));
  }
}
