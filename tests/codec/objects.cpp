// The dynamic type.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/codec/sample_types.hpp"

#include <partage/object.hpp>

using namespace partage;
using test::round_trip;

TEST_CASE("an Object comes back with the same kinds in the same order") {
  const Object value{nullptr,
                     true,
                     false,
                     -5,
                     std::numeric_limits<std::uint64_t>::max(),
                     2.0,
                     "text\0more",
                     "",
                     boost::json::array(),
                     boost::json::object(),
                     {{"z", 1}, {"a", {1, 2, {{"deep", nullptr}}}}}};
  const Object back = round_trip(value);
  CHECK(bool(back == value));
  CHECK(codec::repr(back) == codec::repr(value));
  for (std::size_t i = 0; i < value.as_array().size(); ++i) CHECK(back.at(i).kind() == value.at(i).kind());
  CHECK(back.as_array().back().as_object().begin()->key() == "z");
}

TEST_CASE("an Object may hold what JSON text cannot") {
  CHECK(std::isnan(round_trip(Object(std::nan(""))).as_double()));
  CHECK(std::isinf(round_trip(Object(-std::numeric_limits<double>::infinity())).as_double()));
}

TEST_CASE("an Object is stored up to 512 levels deep") {
  const auto nested = [](int levels) {
    Object value;
    for (int i = 0; i < levels; ++i) value = boost::json::array(1, value);
    return value;
  };
  CHECK(bool(round_trip(nested(512)) == nested(512)));
  codec::Writer writer;
  CHECK_THROWS_AS(codec::encode(writer, nested(513)), ValueError);
}
