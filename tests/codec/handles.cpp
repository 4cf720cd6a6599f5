// Handles among values: one reference each, in order, no bytes.
#include <doctest/doctest.h>

#include "tests/codec/sample_types.hpp"

using namespace partage;
using namespace partage::codec;

TEST_CASE("a handle is one reference and no bytes") {
  Writer writer;
  encode(writer, SampleHandle{{7}});
  CHECK(writer.size() == 0);
  CHECK(writer.refs() == std::vector<ObjectRef>{7});
  CHECK(writer.view().refs.size() == 1);
  CHECK(decode_all<SampleHandle>(writer.view(), test::objects_of(writer)).object.value == 7);
}

TEST_CASE("handles come back in the order in which they were met") {
  const std::map<std::string, std::vector<SampleHandle>> value{{"a", {{{1}}, {{2}}}}, {"b", {}}, {"c", {{{1}}}}};
  CHECK(test::round_trip(value) == value);
  const auto team = test::round_trip(shop::Team{"x", {{5}}, SampleHandle{{6}}});
  CHECK(team.members.object.value == 5);
  CHECK(team.boss->object.value == 6);
}

TEST_CASE("a handle under serialize() is a reference too") {
  shop::Crew crew;
  crew.members.object.value = 9;
  Writer writer;
  encode(writer, crew);
  CHECK(writer.size() == sizeof(int));
  CHECK(writer.refs() == std::vector<ObjectRef>{9});
  CHECK(test::round_trip(crew).members.object.value == 9);
}

TEST_CASE("an empty handle is refused with its type") {
  Writer writer;
  CHECK_THROWS_WITH_AS(encode(writer, SampleHandle()), doctest::Contains("an empty handle (list<i64>)"), ValueError);
}

TEST_CASE("as a key a handle is its identity") {
  Writer writer;
  encode_key(writer, std::pair(SampleHandle{{7}}, 1));
  CHECK(writer.size() == 12);
  CHECK(writer.refs() == std::vector<ObjectRef>{7});
  const auto objects = test::objects_of(writer);
  Reader reader(writer.view(), objects);
  const auto back = decode_key<std::pair<SampleHandle, int>>(reader);
  reader.finish();
  CHECK(back.first.object.value == 7);
  CHECK(back.second == 1);
  CHECK(test::key_bytes_of(SampleHandle{{7}}) != test::key_bytes_of(SampleHandle{{8}}));

  const std::vector<SamplePtr> other{{8}};
  Reader wrong(writer.view(), other);
  CHECK_THROWS_AS((decode_key<std::pair<SampleHandle, int>>(wrong)), Corrupt);
}

TEST_CASE("too few or too many references are Corrupt") {
  Writer writer;
  encode(writer, std::vector<SampleHandle>{{{1}}, {{2}}});
  CHECK_THROWS_AS(decode_all<std::vector<SampleHandle>>(writer.view()), Corrupt);
  CHECK_THROWS_AS(decode_all<std::vector<SampleHandle>>(writer.view(), std::vector<SamplePtr>(1)), Corrupt);
  CHECK_THROWS_AS(decode_all<std::vector<SampleHandle>>(writer.view(), std::vector<SamplePtr>(3)), Corrupt);
}
