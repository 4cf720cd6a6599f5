#include <partage/codec/object.hpp>

#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include <partage/codec/nesting.hpp>

namespace partage::codec {

namespace json = boost::json;

namespace {

enum class Tag : std::uint8_t { null, no, yes, i64, u64, f64, string, array, object, end };

void encode_text(Writer& writer, std::string_view text) {
  writer.write_count(text.size());
  writer.write(text.data(), text.size());
}

std::string_view decode_text(Reader& reader) {
  const std::uint64_t n = reader.read_count();
  if (n > reader.left()) reader.corrupt("a string is longer than what is left");
  return {reinterpret_cast<const char*>(reader.take(static_cast<std::size_t>(n))), static_cast<std::size_t>(n)};
}

void encode_array(Writer& writer, const json::array& array) {
  const Nesting nesting(writer);
  writer.write_pod(Tag::array);
  writer.write_count(array.size());
  for (const json::value& element : array) encode_object(writer, element);
}

void encode_members(Writer& writer, const json::object& object) {
  const Nesting nesting(writer);
  writer.write_pod(Tag::object);
  writer.write_count(object.size());
  for (const auto& member : object) {
    encode_text(writer, {member.key().data(), member.key().size()});
    encode_object(writer, member.value());
  }
}

json::array& decode_array(Reader& reader, json::array& array) {
  const Nesting nesting(reader);
  const std::size_t n = reader.read_element_count();
  array.reserve(n);
  for (std::size_t i = 0; i < n; ++i) decode_object(reader, array.emplace_back(nullptr));
  return array;
}

json::object& decode_members(Reader& reader, json::object& object) {
  const Nesting nesting(reader);
  const std::size_t n = reader.read_element_count();
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view key = decode_text(reader);
    const auto [member, fresh] = object.emplace(json::string_view(key.data(), key.size()), nullptr);
    if (!fresh) reader.corrupt("an Object has a member twice");
    decode_object(reader, member->value());
  }
  return object;
}

}  // namespace

void encode_object(Writer& writer, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return writer.write_pod(Tag::null);
    case json::kind::bool_:
      return writer.write_pod(value.get_bool() ? Tag::yes : Tag::no);
    case json::kind::int64:
      writer.write_pod(Tag::i64);
      return writer.write_pod(value.get_int64());
    case json::kind::uint64:
      writer.write_pod(Tag::u64);
      return writer.write_pod(value.get_uint64());
    case json::kind::double_:
      writer.write_pod(Tag::f64);
      return writer.write_pod(value.get_double());
    case json::kind::string:
      writer.write_pod(Tag::string);
      return encode_text(writer, {value.get_string().data(), value.get_string().size()});
    case json::kind::array:
      return encode_array(writer, value.get_array());
    case json::kind::object:
      return encode_members(writer, value.get_object());
  }
}

void decode_object(Reader& reader, json::value& value) {
  const auto tag = reader.read_pod<std::uint8_t>();
  if (tag >= static_cast<std::uint8_t>(Tag::end)) reader.corrupt("an Object is of no known kind");
  switch (static_cast<Tag>(tag)) {
    case Tag::null:
      value.emplace_null();
      return;
    case Tag::no:
    case Tag::yes:
      value.emplace_bool() = tag == static_cast<std::uint8_t>(Tag::yes);
      return;
    case Tag::i64:
      value.emplace_int64() = reader.read_pod<std::int64_t>();
      return;
    case Tag::u64:
      value.emplace_uint64() = reader.read_pod<std::uint64_t>();
      return;
    case Tag::f64:
      value.emplace_double() = reader.read_pod<double>();
      return;
    case Tag::string: {
      const std::string_view text = decode_text(reader);
      value.emplace_string().assign(text.data(), text.size());
      return;
    }
    case Tag::array:
      decode_array(reader, value.emplace_array());
      return;
    case Tag::object:
      decode_members(reader, value.emplace_object());
      return;
    case Tag::end:
      break;
  }
}

}  // namespace partage::codec
