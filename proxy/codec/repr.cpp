#include <partage/codec/repr.hpp>

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <partage/codec/printable.hpp>

namespace partage::codec {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

/// Python's float format 'r': the shortest digits that read back the same; an exponent below 1e-4 and from 1e16.
template <class Float>
std::string float_text(Float value, bool with_point) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  static_cast<void>(error);  // the longest long double takes 30 characters
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));  // -d.ddde-xx
  std::string out;
  if (text.front() == '-') {
    out = '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= 16) return out.append(text);
  std::string digits(text.substr(0, e));
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  if (exponent < 0) return out.append("0.").append(static_cast<std::size_t>(-exponent) - 1, '0').append(digits);
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() > whole) return out.append(digits, 0, whole).append(1, '.').append(digits, whole);
  return out.append(digits).append(whole - digits.size(), '0').append(with_point ? ".0" : "");
}

void append_hex(std::string& out, char letter, std::uint32_t value, int digits) {
  out += '\\';
  out += letter;
  while (digits-- > 0) out += hex_digits[value >> (4 * digits) & 15];
}

/// The code point at text[at] and its length; length 0 if the byte there begins none.
struct Decoded {
  char32_t point;
  std::size_t length;
};
Decoded decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return {0, 0};
  char32_t point = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return {0, 0};
    point = point << 6 | (byte(at + i) & 0x3fu);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return {0, 0};
  return {point, length};
}

void append_point(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18 & 7));
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

/// Single quotes, unless the text has some and no double ones.
char quote_of(std::string_view text) {
  return text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
}

/// What both str and bytes escape: true if `c` was one of it.
bool append_escape(std::string& out, char c, char quote) {
  if (c == quote || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    return false;
  }
  return true;
}

void append_unprintable(std::string& out, char32_t c) {
  if (c < 0x100)
    append_hex(out, 'x', c, 2);
  else if (c < 0x10000)
    append_hex(out, 'u', c, 4);
  else
    append_hex(out, 'U', c, 8);
}

}  // namespace

void repr_float(std::ostream& out, double value) {
  put(out, float_text(value, true));
}
void repr_float(std::ostream& out, float value) {
  put(out, float_text(value, true));
}
void repr_float(std::ostream& out, long double value) {
  put(out, float_text(value, true));
}

void repr_complex(std::ostream& out, double real, double imag) {
  const std::string tail = float_text(imag, false) + 'j';
  if (real == 0 && !std::signbit(real)) return put(out, tail);
  put(out, '(' + float_text(real, false) + (tail.front() == '-' ? "" : "+") + tail + ')');
}

void repr_string(std::ostream& out, std::string_view utf8) {
  const char quote = quote_of(utf8);
  std::string text(1, quote);
  for (std::size_t at = 0; at < utf8.size();) {
    if (append_escape(text, utf8[at], quote)) {
      ++at;
      continue;
    }
    const auto [point, length] = decode_utf8(utf8, at);
    if (length == 0) {
      append_hex(text, 'x', static_cast<unsigned char>(utf8[at]), 2);
      ++at;
      continue;
    }
    if (is_printable(point))
      text.append(utf8, at, length);
    else
      append_unprintable(text, point);
    at += length;
  }
  text += quote;
  put(out, text);
}

void repr_bytes(std::ostream& out, std::string_view bytes) {
  const char quote = quote_of(bytes);
  std::string text{'b', quote};
  for (const char c : bytes) {
    if (append_escape(text, c, quote)) continue;
    if (c >= ' ' && c < 0x7f)
      text += c;
    else
      append_hex(text, 'x', static_cast<unsigned char>(c), 2);
  }
  text += quote;
  put(out, text);
}

void repr_object(std::ostream& out, const boost::json::value& value) {
  namespace json = boost::json;
  switch (value.kind()) {
    case json::kind::null:
      return put(out, "None");
    case json::kind::bool_:
      return put(out, value.get_bool() ? "True" : "False");
    case json::kind::int64:
      return detail::repr_integer(out, static_cast<long long>(value.get_int64()));
    case json::kind::uint64:
      return detail::repr_integer(out, static_cast<unsigned long long>(value.get_uint64()));
    case json::kind::double_:
      return repr_float(out, value.get_double());
    case json::kind::string:
      return repr_string(out, {value.get_string().data(), value.get_string().size()});
    case json::kind::array:
      return detail::repr_each(out, value.get_array(), '[', ']', [&](const json::value& v) { repr_object(out, v); });
    case json::kind::object:
      return detail::repr_each(out, value.get_object(), '{', '}', [&](const json::key_value_pair& member) {
        repr_string(out, {member.key().data(), member.key().size()});
        put(out, ": ");
        repr_object(out, member.value());
      });
  }
}

namespace detail {

template <class Integer>
static void put_integer(std::ostream& out, Integer value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  put(out, {buffer.data(), static_cast<std::size_t>(end - buffer.data())});
}
void repr_integer(std::ostream& out, long long value) {
  put_integer(out, value);
}
void repr_integer(std::ostream& out, unsigned long long value) {
  put_integer(out, value);
}

std::string utf8_of(char32_t c) {
  std::string out;
  append_point(out, c);
  return out;
}

std::string utf8_of(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_point(out, c);
  return out;
}

std::string utf8_of(std::u16string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t c = text[i];
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < text.size() && text[i + 1] >= 0xdc00 && text[i + 1] < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (text[++i] - 0xdc00u);
    }
    append_point(out, c);
  }
  return out;
}

}  // namespace detail
}  // namespace partage::codec
