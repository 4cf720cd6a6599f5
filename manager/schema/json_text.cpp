#include "manager/schema/json_text.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <string_view>

namespace partage::schema {
namespace {

namespace json = boost::json;

constexpr std::size_t line_width = 100;

std::string_view view_of(json::string_view s) {
  return {s.data(), s.size()};
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    constexpr std::string_view escaped = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    if (const std::size_t at = escaped.find(c); at != escaped.npos) {
      out += '\\';
      out += letters[at];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Everything on one line.
void append_flat(std::string& out, const json::value& value, bool blanks) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      return;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case json::kind::int64:
      out += std::to_string(value.get_int64());
      return;
    case json::kind::uint64:
      out += std::to_string(value.get_uint64());
      return;
    case json::kind::double_:
      out += text_of(value.get_double());
      return;
    case json::kind::string:
      append_string(out, view_of(value.get_string()));
      return;
    case json::kind::array: {
      out += '[';
      const char* between = "";
      for (const json::value& element : value.get_array()) {
        out += between;
        between = blanks ? ", " : ",";
        append_flat(out, element, blanks);
      }
      out += ']';
      return;
    }
    case json::kind::object: {
      out += '{';
      const char* between = "";
      for (const auto& member : value.get_object()) {
        out += between;
        between = blanks ? ", " : ",";
        append_string(out, view_of(member.key()));
        out += blanks ? ": " : ":";
        append_flat(out, member.value(), blanks);
      }
      out += '}';
      return;
    }
  }
}

/// Bytes that append_flat() with blanks would write, or more than `most`.
std::size_t flat_size(const json::value& value, std::size_t most) {
  std::size_t n = 2;
  if (const auto* array = value.if_array()) {
    for (const json::value& element : *array) {
      n += 2 + flat_size(element, most);
      if (n > most) return n;
    }
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      n += member.key().size() + 6 + flat_size(member.value(), most);
      if (n > most) return n;
    }
  } else if (const auto* text = value.if_string()) {
    n += text->size();
  } else {
    std::string scalar;
    append_flat(scalar, value, true);
    n = scalar.size();
  }
  return n;
}

void append_readable(std::string& out, const json::value& value, std::size_t indent, std::size_t before) {
  const bool encloses =
      (value.is_array() && !value.get_array().empty()) || (value.is_object() && !value.get_object().empty());
  if (!encloses || before + flat_size(value, line_width) <= line_width) return append_flat(out, value, true);
  const std::string start = '\n' + std::string(indent + 2, ' ');
  if (const auto* array = value.if_array()) {
    char between = '[';
    for (const json::value& element : *array) {
      out += between;
      between = ',';
      out += start;
      append_readable(out, element, indent + 2, indent + 2);
    }
  } else {
    char between = '{';
    for (const auto& member : value.get_object()) {
      out += between;
      between = ',';
      out += start;
      append_string(out, view_of(member.key()));
      out += ": ";
      append_readable(out, member.value(), indent + 2, indent + 4 + member.key().size());
    }
  }
  out += '\n';
  out.append(indent, ' ');
  out += value.is_array() ? ']' : '}';
}

}  // namespace

std::string text_of(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (std::isfinite(value) && text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string compact(const json::value& value) {
  std::string out;
  append_flat(out, value, false);
  return out;
}

std::string readable(const json::value& value) {
  std::string out;
  append_readable(out, value, 0, 0);
  return out;
}

}  // namespace partage::schema
