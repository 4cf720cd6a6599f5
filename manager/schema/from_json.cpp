// One reader for one grammar: a function for each form of type.hpp, in the order of to_json.cpp, which is its mirror.
// Taken apart, a form would have to be looked for in two files; hence the length.
#include "manager/schema/from_json.hpp"

#include <algorithm>
#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <partage/error.hpp>
#include <string>

#include "manager/schema/hex.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/limits.hpp"
#include "manager/schema/parse_json.hpp"
#include "manager/schema/unicode.hpp"

namespace partage::schema {
namespace {

namespace json = boost::json;

/// A text fills the rest of its array<char,N> with zeros, so a description alone could ask for all memory there is.
constexpr std::uint64_t longest_array = std::uint64_t{1} << 30;

std::string_view view_of(const json::string& s) {
  return {s.data(), s.size()};
}

/// For messages.
std::string shown(const json::value& value) {
  constexpr std::size_t most = 60;
  std::string text = compact(value);
  if (text.size() <= most) return text;
  text.resize(most);
  return text + "...";
}

std::optional<double> special_number(std::string_view text) {
  if (text == "NaN" || text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity" || text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity" || text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

class Encoder {
 public:
  Encoder(FindObject find, Role role, Variants variants) : find_(find), role_(role), variants_(variants) {}

  Bytes all(const Type& type, const json::value& value) {
    whole_ = &value;
    encode(type, value);
    Bytes bytes;
    bytes.assign({out_.data(), out_.size(), refs_});
    return bytes;
  }

 private:
  // ---- output -------------------------------------------------------------------------------------------------------

  void write(const void* from, std::size_t n) { out_.append(static_cast<const char*>(from), n); }
  template <class T>
  void write(const T& x) {
    write(&x, sizeof x);
  }
  void flag(bool on) { out_ += static_cast<char>(on ? 1 : 0); }
  void nothing() { out_ += '\0'; }
  void count(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
    out_ += static_cast<char>(n);
  }
  void number(std::uint64_t word, unsigned size) {
    if constexpr (std::endian::native == std::endian::big) word <<= 8 * (8 - size);
    write(&word, size);
  }

  // ---- refusals -----------------------------------------------------------------------------------------------------

  std::string where() const { return path_.empty() ? "" : " at " + path_; }

  [[noreturn]] void refuse(const Type& type, const json::value& value, const std::string& takes) const {
    throw TypeError("partage: " + type.text + where() + " takes " + takes + ", not " + shown(value));
  }
  [[noreturn]] void refuse_value(const std::string& sentence) const {
    throw ValueError("partage: " + sentence + where());
  }

  /// Where in the value we are, for messages; and how deep.
  class Inside {
   public:
    Inside(Encoder& encoder, const std::string& step) : encoder_(encoder), size_(encoder.path_.size()) {
      encoder_.path_ += step;
      encoder_.enter();
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
      encoder_.path_.resize(size_);
      --encoder_.depth_;
    }

   private:
    Encoder& encoder_;
    std::size_t size_;
  };
  void enter() {
    if (++depth_ > nesting_limit) {
      path_.clear();
      refuse_value("the value nests deeper than 512 levels; flatten it");
    }
  }
  /// Types may nest between two levels of the value, and each alternative of each variant may be tried.
  void step() {
    const auto* here = static_cast<const char*>(__builtin_frame_address(0));
    if (stack_ - here > static_cast<std::ptrdiff_t>(stack_limit)) give_up("the value nests too deeply; flatten it");
    if (++steps_ <= most_steps_) return;
    if (!is_counted_) most_steps_ += tries_for_each * values_in(*whole_);
    is_counted_ = true;
    if (steps_ <= most_steps_) return;
    give_up(R"(too many alternatives of variants would have to be tried; say {"index": 0, "value": ...} of each)");
  }
  /// Whatever alternatives there are.
  [[noreturn]] void give_up(const std::string& sentence) {
    given_up_ = true;
    path_.clear();
    refuse_value(sentence);
  }

  static std::size_t values_in(const json::value& value) {
    std::size_t n = 1;
    if (const auto* list = value.if_array()) {
      for (const json::value& element : *list) n += values_in(element);
    } else if (const auto* members = value.if_object()) {
      for (const auto& member : *members) n += values_in(member.value());
    }
    return n;
  }

  void encode_part(const Type& type, const json::value& value, std::size_t i) {
    const Inside inside(*this, "[" + std::to_string(i) + "]");
    encode(type, value);
  }

  // ---- forms --------------------------------------------------------------------------------------------------------

  void encode(const Type& type, const json::value& value) {
    step();
    switch (type.form) {
      case Form::boolean:
        if (!value.is_bool()) refuse(type, value, "true or false");
        return flag(value.get_bool());
      case Form::integer:
        return integer(type, value);
      case Form::floating:
        return floating(type, value);
      case Form::character:
        return character(type, value);
      case Form::text:
        return text(type, value);
      case Form::bytes: {
        const auto bytes = text_or_hex(value);
        if (!bytes) refuse(type, value, R"(a text, or {"hex": "00ff"})");
        count(bytes->size());
        return write(bytes->data(), bytes->size());
      }
      case Form::optional:
        return optional(type, value);
      case Form::sequence: {
        const json::array& list = list_in(type, value, "a list");
        count(list.size());
        for (std::size_t i = 0; i < list.size(); ++i) encode_part(*type.parts[0], list[i], i);
        return;
      }
      case Form::array:
        return array(type, value);
      case Form::tuple: {
        const json::array& list = list_in(type, value, "a list of " + std::to_string(type.parts.size()));
        if (list.size() != type.parts.size()) {
          refuse(type, value, "a list of " + std::to_string(type.parts.size()));
        }
        if (list.empty()) nothing();
        for (std::size_t i = 0; i < list.size(); ++i) encode_part(*type.parts[i], list[i], i);
        return;
      }
      case Form::map:
        return map(type, value);
      case Form::variant:
        return variant(type, value);
      case Form::bitset:
        return bitset(type, value);
      case Form::none:
        if (!value.is_null()) refuse(type, value, "null");
        return nothing();
      case Form::object:
        return object(value);
      case Form::list:
      case Form::dict:
      case Form::shared_set:
      case Form::queue:
      case Form::sync:
      case Form::name_space:
      case Form::value:
      case Form::shared_array:
      case Form::handle:
        return handle(type, value);
      case Form::user:
      case Form::boost:
      case Form::unknown:
        break;
    }
    throw TypeError("partage: " + type.text + where() +
                    " can be written only by a program that defines the type: its bytes are not described");
  }

  const json::array& list_in(const Type& type, const json::value& value, const std::string& takes) const {
    if (!value.is_array()) refuse(type, value, takes);
    return value.get_array();
  }

  void integer(const Type& type, const json::value& value) {
    std::uint64_t word = 0;
    bool negative = false;
    if (const auto* i = value.if_int64()) {
      word = static_cast<std::uint64_t>(*i);
      negative = *i < 0;
    } else if (const auto* u = value.if_uint64()) {
      word = *u;
    } else if (const auto* d = value.if_double(); d != nullptr && std::trunc(*d) == *d && std::fabs(*d) <= 0x1p53) {
      word = static_cast<std::uint64_t>(static_cast<std::int64_t>(*d));
      negative = *d < 0;
    } else {
      refuse(type, value, "an integer");
    }
    const unsigned bits = 8 * type.size - (type.is_signed ? 1 : 0);
    const std::uint64_t most = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    const bool fits = negative ? type.is_signed && ~word <= most : word <= most;
    if (!fits) {
      const std::string least = type.is_signed ? "-" + std::to_string(most + 1) : "0";
      refuse_value(shown(value) + " does not fit " + type.text + ", which goes from " + least + " to " +
                   std::to_string(most));
    }
    number(word, type.size);
  }

  void floating(const Type& type, const json::value& value) {
    if (type.size == sizeof(float)) return write_float<float>(type, value);
    if (type.size == sizeof(double)) return write_float<double>(type, value);
    if (!holds_long_double(type)) refuse(type, value, "a number that this machine does not have");
    write_float<long double>(type, value);
  }
  template <class T>
  void write_float(const Type& type, const json::value& value) {
    T x = float_in<T>(type, value);
    if (role_ == Role::key) {
      if (std::isnan(x)) refuse_value("NaN cannot be (part of) a key, because it equals nothing");
      if (x == 0) x = 0;  // -0.0 too
    }
    write(&x, type.size);
  }
  template <class T>
  T float_in(const Type& type, const json::value& value) const {
    if (const auto* i = value.if_int64()) return static_cast<T>(*i);
    if (const auto* u = value.if_uint64()) return static_cast<T>(*u);
    if (const auto* d = value.if_double()) {
      if (std::isfinite(*d) && !std::isfinite(static_cast<T>(*d))) {
        refuse_value(shown(value) + " does not fit " + type.text);
      }
      return static_cast<T>(*d);
    }
    if (const auto* text = value.if_string()) {
      if (const auto special = special_number(view_of(*text))) return static_cast<T>(*special);
      T x = 0;
      const char* end = text->data() + text->size();
      const auto [stop, error] = std::from_chars(text->data(), end, x);
      if (type.size > sizeof(double) && error == std::errc() && stop == end) return x;  // digits that no double has
    }
    refuse(type, value, R"(a number, "NaN", "Infinity" or "-Infinity")");
  }

  void unit(const Type& type, std::uint32_t c) { number(c, type.size); }

  void character(const Type& type, const json::value& value) {
    if (!value.is_string()) {
      if (!value.is_number()) refuse(type, value, "a text of one character");
      return integer(type, value);
    }
    const auto units = units_of(view_of(value.get_string()), type.size);
    if (!units || units->size() != 1 || (type.size == 1 && units->front() >= 0x80)) {
      refuse(type, value, "a text of one character");
    }
    unit(type, units->front());
  }

  static std::optional<std::string> text_or_hex(const json::value& value) {
    if (const auto* text = value.if_string()) return std::string(view_of(*text));
    const auto* members = value.if_object();
    if (members == nullptr || members->size() != 1) return std::nullopt;
    const json::value* hex = members->if_contains("hex");
    if (hex == nullptr || !hex->is_string()) return std::nullopt;
    return bytes_of_hex(view_of(hex->get_string()));
  }

  void text(const Type& type, const json::value& value) {
    const Type& of = *type.parts[0];
    if (of.form != Form::character || (of.size > 1 && value.is_array())) {
      const json::array& list = list_in(type, value, "a list");
      count(list.size());
      for (std::size_t i = 0; i < list.size(); ++i) encode_part(of, list[i], i);
      return;
    }
    if (of.size == 1) {
      const auto bytes = text_or_hex(value);
      if (!bytes) refuse(type, value, "a text");
      count(bytes->size());
      return write(bytes->data(), bytes->size());
    }
    if (!value.is_string()) refuse(type, value, "a text");
    const auto units = units_of(view_of(value.get_string()), of.size);
    if (!units) refuse(type, value, "a text in UTF-8");
    count(units->size());
    for (const std::uint32_t c : *units) unit(of, c);
  }

  void optional(const Type& type, const json::value& value) {
    flag(!value.is_null());
    if (value.is_null()) return;
    if (!may_be_null(*type.parts[0])) return encode(*type.parts[0], value);
    const json::array& wrapped = list_in(type, value, "null, or a list of the value");
    if (wrapped.size() != 1) refuse(type, value, "null, or a list of the value");
    encode_part(*type.parts[0], wrapped[0], 0);
  }

  void array(const Type& type, const json::value& value) {
    const Type& of = *type.parts[0];
    const std::string size = std::to_string(type.count);
    if (of.form == Form::character && of.size == 1 && value.is_string()) {
      const std::string_view text = view_of(value.get_string());
      if (type.count > longest_array) refuse_value(type.text + " is longer than anything that can be stored");
      if (text.size() > type.count) refuse(type, value, "a text of at most " + size + " bytes");
      if (type.count == 0) return nothing();
      write(text.data(), text.size());
      out_.append(static_cast<std::size_t>(type.count) - text.size(), '\0');
      return;
    }
    const json::array& list = list_in(type, value, "a list of " + size);
    if (list.size() != type.count) refuse(type, value, "a list of " + size);
    if (list.empty()) nothing();
    for (std::size_t i = 0; i < list.size(); ++i) encode_part(of, list[i], i);
  }

  void map(const Type& type, const json::value& value) {
    const Type& keys = *type.parts[0];
    const Type& values = *type.parts[1];
    if (const auto* members = value.if_object(); members != nullptr && is_name(keys)) {
      count(members->size());
      for (const auto& member : *members) {
        const std::string_view name(member.key().data(), member.key().size());
        const Inside inside(*this, "[\"" + std::string(name) + "\"]");
        named_key(keys, name);
        encode(values, member.value());
      }
      return;
    }
    const char* takes = is_name(keys) ? "an object, or a list of pairs" : "a list of pairs";
    const json::array& list = list_in(type, value, takes);
    count(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto* pair = list[i].if_array();
      if (pair == nullptr || pair->size() != 2) refuse(type, value, takes);
      const Inside inside(*this, "[" + std::to_string(i) + "]");
      encode_part(keys, (*pair)[0], 0);
      encode_part(values, (*pair)[1], 1);
    }
  }
  /// The name of a member as a key: a text, or the number it spells.
  void named_key(const Type& keys, std::string_view name) {
    const json::value as_text(json::string_view(name.data(), name.size()));
    if (keys.form == Form::text) return encode(keys, as_text);
    const auto parsed = parse_json_if(name);
    const bool is_character = keys.form == Form::character && name.size() == 1;
    encode(keys, !parsed || is_character ? as_text : *parsed);
  }

  void variant(const Type& type, const json::value& value) {
    if (const auto* members = value.if_object()) {
      const json::value* index = members->if_contains("index");
      const json::value* inner = members->if_contains("value");
      if (index != nullptr && inner != nullptr && index->is_int64() && index->get_int64() >= 0 &&
          static_cast<std::uint64_t>(index->get_int64()) < type.parts.size()) {
        const auto i = static_cast<std::size_t>(index->get_int64());
        count(i);
        return encode(*type.parts[i], *inner);
      }
    }
    // Before an optional that is null.
    const auto nothing_at = std::ranges::find(type.parts, Form::none, &Type::form);
    if (value.is_null() && nothing_at != type.parts.end()) {
      count(static_cast<std::uint64_t>(nothing_at - type.parts.begin()));
      return nothing();
    }
    const std::size_t bytes = out_.size(), refs = refs_.size();
    if (variants_ == Variants::by_index && !value.is_null()) {
      refuse(type, value, R"({"index": number of the alternative, "value": ...})");
    }
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      try {
        count(i);
        return encode(*type.parts[i], value);
      } catch (const TypeError&) {
      } catch (const ValueError&) {
        if (given_up_) throw;
      }
      out_.resize(bytes);
      refs_.resize(refs);
    }
    refuse(type, value, "what one of its alternatives takes");
  }

  void bitset(const Type& type, const json::value& value) {
    const std::string takes = "a text of " + std::to_string(type.count) + " zeros and ones";
    if (!value.is_string()) refuse(type, value, takes);
    const std::string_view bits = view_of(value.get_string());
    if (bits.size() != type.count || bits.find_first_not_of("01") != bits.npos) refuse(type, value, takes);
    if (bits.empty()) return nothing();
    std::string bytes((bits.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < bits.size(); ++i) {
      if (bits[bits.size() - 1 - i] == '1') bytes[i / 8] = static_cast<char>(bytes[i / 8] | 1 << (i % 8));
    }
    write(bytes.data(), bytes.size());
  }

  void object(const json::value& value) {
    const auto tag = [&](int t) { out_ += static_cast<char>(t); };
    const auto text = [&](std::string_view t) {
      count(t.size());
      write(t.data(), t.size());
    };
    switch (value.kind()) {
      case json::kind::null:
        return tag(0);
      case json::kind::bool_:
        return tag(value.get_bool() ? 2 : 1);
      case json::kind::int64:
        tag(3);
        return write(value.get_int64());
      case json::kind::uint64:
        tag(4);
        return write(value.get_uint64());
      case json::kind::double_:
        tag(5);
        return write(value.get_double());
      case json::kind::string:
        tag(6);
        return text(view_of(value.get_string()));
      case json::kind::array: {
        const Inside inside(*this, "");
        tag(7);
        count(value.get_array().size());
        for (const json::value& element : value.get_array()) object(element);
        return;
      }
      case json::kind::object: {
        const Inside inside(*this, "");
        tag(8);
        count(value.get_object().size());
        for (const auto& member : value.get_object()) {
          text({member.key().data(), member.key().size()});
          object(member.value());
        }
        return;
      }
    }
  }

  void handle(const Type& type, const json::value& value) {
    if (!value.is_string()) refuse(type, value, "the name or the \"#id\" of an object");
    const ObjectRef ref = find_(view_of(value.get_string()), type);
    if (role_ == Role::key) write(ref);
    refs_.push_back(ref);
  }

  FindObject find_;
  Role role_;
  Variants variants_;
  std::string out_;
  std::vector<ObjectRef> refs_;
  std::string path_;
  unsigned depth_ = 0;
  const char* stack_ = static_cast<const char*>(__builtin_frame_address(0));  // grows downwards
  static constexpr std::size_t tries_for_each = 64;
  std::size_t steps_ = 0, most_steps_ = 20'000;  // and tries_for_each for each value, once it is_counted_
  bool is_counted_ = false;
  bool given_up_ = false;
  const json::value* whole_ = nullptr;
};

}  // namespace

Bytes from_json(const Type& type, const json::value& value, FindObject find, Role role, Variants variants) {
  return Encoder(find, role, variants).all(type, value);
}

Bytes from_word(const Type& type, std::string_view word, FindObject find, Role role) {
  const auto parsed = parse_json_if(word);
  const json::value plain(json::string_view(word.data(), word.size()));
  if (!parsed) return from_json(type, plain, find, role);
  try {
    return from_json(type, *parsed, find, role);
  } catch (const TypeError&) {
    if (parsed->is_string()) throw;
    try {
      return from_json(type, plain, find, role);  // the key 5 of a dict with texts for keys
    } catch (const Error&) {
    }
    throw;
  }
}

}  // namespace partage::schema
