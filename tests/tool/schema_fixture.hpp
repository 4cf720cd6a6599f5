// Values of C++ types beside their descriptions: what the codec writes, the schema must read, and the other way round.
#pragma once

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <partage/codec/codec.hpp>
#include <string>

#include "manager/schema/from_json.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/to_json.hpp"
#include "tests/codec/sample_types.hpp"

namespace partage::test {

namespace json = boost::json;

/// A handle is shown as its number.
inline constexpr auto show_number = [](ObjectRef ref, const schema::Type&) {
  return json::value("#" + std::to_string(ref));
};
/// And found by it.
inline constexpr auto find_number = [](std::string_view name, const schema::Type&) {
  return static_cast<ObjectRef>(std::stoull(std::string(name.substr(1))));
};

/// The JSON of a value, in one line with blanks where nothing is long.
template <class T>
std::string json_of(const T& value) {
  const schema::Schema schema(codec::description<T>());
  codec::Scratch writer;
  codec::encode(*writer, value);
  return schema::compact(schema::to_json(schema.root(), writer->view(), show_number));
}

template <class K>
std::string json_of_key(const K& key) {
  const schema::Schema schema(codec::description<K>());
  codec::Scratch writer;
  codec::encode_key(*writer, key);
  return schema::compact(schema::to_json(schema.root(), writer->view(), show_number, schema::Role::key));
}

/// The value of T that the JSON text says.
template <class T>
T value_of(const std::string& text) {
  const schema::Schema schema(codec::description<T>());
  const Bytes bytes = schema::from_json(schema.root(), json::parse(text), find_number);
  std::vector<SamplePtr> objects;
  for (const ObjectRef ref : bytes.refs()) objects.push_back({ref});
  return codec::decode_all<T>(bytes.view(), objects);
}

inline std::string text_in(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// value -> bytes -> JSON -> the same bytes, as a value and as a key.
template <class T>
void check_both_ways(const T& value) {
  const std::string description = codec::description<T>();
  CAPTURE(description);
  const schema::Schema schema(description);
  const std::string shown = json_of(value);
  CAPTURE(shown);
  codec::Scratch writer;
  codec::encode(*writer, value);
  const Bytes bytes = schema::from_json(schema.root(), json::parse(shown), find_number);
  CHECK(text_in(bytes) == bytes_of(value));
  CHECK(bytes.refs() == writer->refs());
}

template <class K>
void check_key_both_ways(const K& key) {
  const schema::Schema schema(codec::description<K>());
  const std::string shown = json_of_key(key);
  CAPTURE(shown);
  CHECK(text_in(schema::from_json(schema.root(), json::parse(shown), find_number, schema::Role::key)) ==
        key_bytes_of(key));
}

}  // namespace partage::test
