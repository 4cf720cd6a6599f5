#include "manager/schema/to_json.hpp"

#include <algorithm>
#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <partage/error.hpp>

#include "manager/schema/hex.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/limits.hpp"
#include "manager/schema/unicode.hpp"

namespace partage::schema {
namespace {

namespace json = boost::json;

/// Thrown where a value of a type begins whose end nobody can know.
struct Undescribed {};

/// For people, nothing reads it: its beginning. In whole it could stand beside each of the elements, and in each type around it.
json::string shown_type(const Type& type) {
  std::size_t end = std::min(type.text.size(), longest_type_shown);
  if (end == type.text.size()) return json::string(type.text);
  while (end != 0 && (static_cast<unsigned char>(type.text[end]) & 0xC0) == 0x80)
    --end;  // not in the middle of a character
  return json::string(type.text.substr(0, end) + "...");
}

json::value undescribed(const Type& type, std::size_t bytes) {
  return json::object{{"type", shown_type(type)}, {"size", bytes}};
}

json::string string_of(std::string_view text) {
  return json::string(json::string_view(text.data(), text.size()));
}

json::value list_of_pairs(Pairs pairs) {  // NOLINT(performance-unnecessary-value-param): it is taken apart
  json::array out;
  out.reserve(pairs.size());
  for (auto& [key, value] : pairs) {
    // Not {key, value}: a list of two that begin with texts would become an object.
    json::array& pair = out.emplace_back(json::array()).get_array();
    pair.push_back(std::move(key));
    pair.push_back(std::move(value));
  }
  return out;
}

json::value hex(const std::byte* data, std::size_t size) {
  return json::object{{"hex", hex_of(data, size)}};
}

json::value text_or_hex(const std::byte* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (is_utf8(text)) return string_of(text);
  return hex(data, size);
}

template <class T>
json::value of_float(T x) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return x < 0 ? "-Infinity" : "Infinity";
  if constexpr (std::is_same_v<T, double>) {
    return x;
  } else {
    // The shortest decimal digits, not the binary value in more of them: 0.1f is 0.1.
    char digits[64];
    const char* end = std::to_chars(digits, digits + sizeof digits, x).ptr;
    double wide = 0;
    std::from_chars(digits, end, wide);
    if (static_cast<T>(wide) == x) return wide;
    return string_of({digits, static_cast<std::size_t>(end - digits)});
  }
}

class Decoder {
 public:
  Decoder(BytesView bytes, ShowHandle show, Role role)
      : begin_(bytes.data),
        at_(bytes.data),
        end_(bytes.data + bytes.size),
        refs_(bytes.refs),
        elements_left_(bytes.size + bytes.refs.size()),
        show_(show),
        role_(role) {}

  json::value all(const Type& type) {
    json::value value = decode(type, true);
    if (at_ != end_) corrupt(std::to_string(left()) + " bytes are left over");
    if (!refs_.empty()) corrupt(std::to_string(refs_.size()) + " references to shared objects are left over");
    return value;
  }

 private:
  // ---- bytes --------------------------------------------------------------------------------------------------------

  [[noreturn]] void corrupt(const std::string& what) const {
    throw Corrupt("partage: a stored value is damaged, or was written as another type: " + what + ", at byte " +
                  std::to_string(at_ - begin_) + " of " + std::to_string(end_ - begin_));
  }

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  const std::byte* take(std::uint64_t n) {
    if (n > left()) {
      corrupt("it ends too early, " + std::to_string(n) + " more bytes were expected where " + std::to_string(left()) +
              " are left");
    }
    const std::byte* from = at_;
    at_ += n;
    return from;
  }
  template <class T>
  T read() {
    T x;
    std::memcpy(&x, take(sizeof x), sizeof x);
    return x;
  }
  /// LEB128.
  std::uint64_t count() {
    std::uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = read<std::uint8_t>();
      const std::uint64_t bits = byte & 0x7f;
      if (shift > 63 || (shift == 63 && bits > 1)) corrupt("a count does not fit in 64 bits");
      n |= bits << shift;
      if (byte < 0x80) return n;
    }
  }
  /// Of elements, each of at least one byte or one reference of its own: lists in lists, too, are no more than those.
  std::size_t element_count(std::uint64_t n) {
    if (n > left() + refs_.size() || n > elements_left_) {
      corrupt("it announces " + std::to_string(n) + " elements, more than fit in what is left");
    }
    elements_left_ -= static_cast<std::size_t>(n);
    return static_cast<std::size_t>(n);
  }
  bool flag() {
    const auto byte = read<std::uint8_t>();
    if (byte > 1) corrupt("a bool is neither 0 nor 1");
    return byte == 1;
  }
  void nothing() {
    if (read<std::uint8_t>() != 0) corrupt("an empty value is not 0");
  }
  ObjectRef reference() {
    if (refs_.empty()) corrupt("it has fewer references to shared objects than the type has handles");
    const ObjectRef ref = refs_.front();
    refs_ = refs_.subspan(1);
    return ref;
  }

  // ---- forms --------------------------------------------------------------------------------------------------------
  // Functions of their own, also for the compiler: inlined into decode() they would make each of its calls cost the
  // stack of all of them.

  /// Value and stack nest: both have a limit.
  class Deeper {
   public:
    Deeper(Decoder& decoder, unsigned levels) : decoder_(decoder), levels_(levels) {
      decoder_.nesting_ += levels;
      if (decoder_.nesting_ > nesting_limit) decoder_.corrupt("it nests deeper than 512 levels");
      const auto* here = static_cast<const char*>(__builtin_frame_address(0));
      if (decoder_.stack_ - here > static_cast<std::ptrdiff_t>(stack_limit)) decoder_.corrupt("it nests too deeply");
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { decoder_.nesting_ -= levels_; }

   private:
    Decoder& decoder_;
    unsigned levels_;
  };

  /// `last`: nothing follows this value, so that it may be of a type whose end nobody knows.
  json::value decode(const Type& type, bool last) {
    const Deeper deeper(*this, type.nests ? 1 : 0);
    switch (type.form) {
      case Form::boolean:
        return flag();
      case Form::integer:
        return integer(type);
      case Form::floating:
        return floating(type);
      case Form::character:
        return character(type);
      case Form::text:
        return text(*type.parts[0]);
      case Form::bytes:
        return bytes();
      case Form::optional:
        return optional(type, last);
      case Form::sequence:
        return sequence(*type.parts[0], last);
      case Form::array:
        return array(type, last);
      case Form::tuple:
        return tuple(type, last);
      case Form::map:
        return map(type, last);
      case Form::variant:
        return variant(type, last);
      case Form::bitset:
        return bitset(type);
      case Form::none:
        nothing();
        return nullptr;
      case Form::object:
        return object();
      case Form::boost:
        return archive(type, last);
      case Form::user:
      case Form::unknown:
        return rest(type, last);
      case Form::list:
      case Form::dict:
      case Form::shared_set:
      case Form::queue:
      case Form::sync:
      case Form::name_space:
      case Form::value:
      case Form::shared_array:
      case Form::handle:
        return handle(type);
    }
    throw Undescribed{};
  }

  [[gnu::noinline]] json::value integer(const Type& type) {
    std::uint64_t word = 0;
    std::memcpy(&word, take(type.size), type.size);
    return widen(type, word);
  }
  static json::value widen(const Type& type, std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) word >>= 8 * (8 - type.size);
    if (!type.is_signed && word > std::numeric_limits<std::int64_t>::max()) return word;
    if (!type.is_signed) return static_cast<std::int64_t>(word);
    const unsigned unused = 64 - 8 * type.size;
    return static_cast<std::int64_t>(word << unused) >> unused;
  }

  [[gnu::noinline]] json::value floating(const Type& type) {
    if (type.size == sizeof(float)) return floating(read<float>());
    if (type.size == sizeof(double)) return floating(read<double>());
    if (!holds_long_double(type)) throw Undescribed{};
    long double x = 0;
    std::memcpy(&x, take(type.size), type.size);
    return floating(x);
  }
  /// A zero that is (part of) a key is shown as it is stored by the library, and found by from_json(): without its sign.
  template <class T>
  json::value floating(T x) const {
    return of_float(role_ == Role::key && x == 0 ? T{0} : x);
  }

  std::uint32_t unit(const Type& type) {
    switch (type.size) {
      case 1:
        return read<std::uint8_t>();
      case 2:
        return read<std::uint16_t>();
      default:
        return read<std::uint32_t>();
    }
  }
  [[gnu::noinline]] json::value character(const Type& type) {
    const std::uint32_t c = unit(type);
    // A unit of UTF-8 or UTF-16 is a character by itself only where it stands for one.
    const char32_t point = c;
    const auto utf8 = type.size == 1 && c >= 0x80 ? std::nullopt : utf8_of({&point, 1});
    if (utf8) return string_of(*utf8);
    return type.is_signed ? std::int64_t{static_cast<std::int8_t>(c)} : std::int64_t{c};
  }

  [[gnu::noinline]] json::value text(const Type& of) {
    const std::uint64_t n = count();
    if (n > left() / of.size) corrupt("a string is longer than what is left");
    if (of.form == Form::character && of.size == 1) {
      return text_or_hex(take(n), static_cast<std::size_t>(n));
    }
    if (of.form == Form::character) {
      const std::byte* from = at_;
      std::vector<std::uint32_t> units(static_cast<std::size_t>(n));
      for (std::uint32_t& u : units) u = unit(of);
      if (const auto utf8 = utf8_of_units(units, of.size)) return string_of(*utf8);
      at_ = from;
    }
    json::array numbers;
    for (std::uint64_t i = 0; i < n; ++i) numbers.push_back(decode(of, false));
    return numbers;
  }

  [[gnu::noinline]] json::value bytes() {
    const std::uint64_t n = count();
    return hex(take(n), static_cast<std::size_t>(n));
  }

  [[gnu::noinline]] json::value optional(const Type& type, bool last) {
    if (!flag()) return nullptr;
    json::value value = decode(*type.parts[0], last);
    if (!may_be_null(*type.parts[0])) return value;
    json::array wrapped;
    wrapped.push_back(std::move(value));
    return wrapped;
  }

  [[gnu::noinline]] json::value sequence(const Type& of, bool last) {
    const std::size_t n = element_count(count());
    json::array out;
    out.reserve(n);
    return elements(std::move(out), of, n, last);
  }
  json::value elements(json::array out, const Type& of, std::size_t n, bool last) {
    for (std::size_t i = 0; i < n; ++i) out.push_back(decode(of, last && i + 1 == n));
    return out;
  }

  [[gnu::noinline]] json::value array(const Type& type, bool last) {
    if (type.count == 0) {
      nothing();
      return json::array();
    }
    const Type& of = *type.parts[0];
    if (type.count > left() + refs_.size()) corrupt("an array is longer than what is left");
    const auto n = static_cast<std::size_t>(type.count);
    if (of.form == Form::character && of.size == 1) {
      const std::string_view all(reinterpret_cast<const char*>(take(n)), n);
      const std::string_view text = all.substr(0, all.find('\0'));
      if (all.find_first_not_of('\0', text.size()) == all.npos && is_utf8(text)) return string_of(text);
      at_ -= n;
    }
    return elements({}, of, n,
                    last);  // without room for all: arrays of arrays of no bytes would take it many times over
  }

  [[gnu::noinline]] json::value tuple(const Type& type, bool last) {
    if (type.parts.empty()) nothing();
    json::array out;
    out.reserve(type.parts.size());
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      out.push_back(decode(*type.parts[i], last && i + 1 == type.parts.size()));
    }
    return out;
  }

  [[gnu::noinline]] json::value map(const Type& type, bool last) {
    Pairs pairs(element_count(count()));
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i].first = decode(*type.parts[0], false);
      pairs[i].second = decode(*type.parts[1], last && i + 1 == pairs.size());
    }
    return type.repeats ? list_of_pairs(std::move(pairs)) : map_to_json(*type.parts[0], std::move(pairs));
  }

  [[gnu::noinline]] json::value variant(const Type& type, bool last) {
    const std::uint64_t index = count();
    if (index >= type.parts.size()) corrupt("a variant has no alternative of that number");
    const Type& alternative = *type.parts[static_cast<std::size_t>(index)];
    json::value value = decode(alternative, last);
    if (index == index_of_none(type)) return nullptr;
    return json::object{
        {"index", static_cast<std::int64_t>(index)}, {"type", shown_type(alternative)}, {"value", std::move(value)}};
  }

  static std::size_t index_of_none(const Type& type) {
    return static_cast<std::size_t>(std::ranges::find(type.parts, Form::none, &Type::form) - type.parts.begin());
  }

  [[gnu::noinline]] json::value bitset(const Type& type) {
    if (type.count == 0) {
      nothing();
      return "";
    }
    if (type.count / 8 > left()) corrupt("a bitset is longer than what is left");
    const auto bits = static_cast<std::size_t>(type.count);
    const std::byte* bytes = take((bits + 7) / 8);
    json::string text(bits, '0');
    for (std::size_t i = 0; i < bits; ++i) {
      if ((static_cast<unsigned>(bytes[i / 8]) >> (i % 8) & 1) != 0) text[bits - 1 - i] = '1';
    }
    if (bits % 8 != 0 && static_cast<unsigned>(bytes[bits / 8]) >> (bits % 8) != 0) {
      corrupt("a bitset has bits beyond its end");
    }
    return text;
  }

  [[gnu::noinline]] json::value handle(const Type& type) {
    if (role_ == Role::key) {
      const auto named = read<ObjectRef>();
      if (!refs_.empty() && reference() != named) corrupt("a key names another object than its reference");
      return show_(named, type);
    }
    return show_(reference(), type);
  }

  // ---- what has bytes of its own ------------------------------------------------------------------------------------

  std::string_view object_text() {
    const std::uint64_t n = count();
    if (n > left()) corrupt("a string is longer than what is left");
    return {reinterpret_cast<const char*>(take(n)), static_cast<std::size_t>(n)};
  }

  json::value object() {
    switch (read<std::uint8_t>()) {
      case 0:
        return nullptr;
      case 1:
        return false;
      case 2:
        return true;
      case 3:
        return read<std::int64_t>();
      case 4:
        return read<std::uint64_t>();
      case 5:
        return of_float(read<double>());
      case 6: {
        const std::string_view text = object_text();
        return text_or_hex(reinterpret_cast<const std::byte*>(text.data()), text.size());
      }
      case 7:
        return object_array();
      case 8:
        return object_members();
      default:
        --at_;
        corrupt("an Object is of no known kind");
    }
  }
  [[gnu::noinline]] json::value object_array() {
    const Deeper deeper(*this, 1);
    const std::size_t n = element_count(count());
    json::array out;
    out.reserve(n);
    for (std::size_t i = 0; i < n; ++i) out.push_back(object());
    return out;
  }
  [[gnu::noinline]] json::value object_members() {
    const Deeper deeper(*this, 1);
    json::object out;
    for (std::size_t n = element_count(count()); n != 0; --n) {
      const std::string_view name = object_text();
      const std::string shown = is_utf8(name) ? std::string(name) : escaped(name);
      const auto [member, fresh] = out.emplace(json::string_view(shown.data(), shown.size()), nullptr);
      if (!fresh) corrupt("an Object has a member twice");
      member->value() = object();
    }
    return out;
  }
  /// A name that is no UTF-8.
  static std::string escaped(std::string_view name) {
    const json::value value = hex(reinterpret_cast<const std::byte*>(name.data()), name.size());
    return compact(value);
  }

  [[gnu::noinline]] json::value archive(const Type& type, bool last) {
    const auto size = read<std::uint64_t>();
    take(size);
    if (last) {
      refs_ = {};
    } else if (!refs_.empty()) {
      throw Undescribed{};  // whose they are, nobody knows
    }
    return undescribed(type, static_cast<std::size_t>(size));
  }

  [[gnu::noinline]] json::value rest(const Type& type, bool last) {
    if (!last) throw Undescribed{};
    refs_ = {};
    const std::size_t size = left();
    at_ = end_;
    return undescribed(type, size);
  }

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  std::span<const ObjectRef> refs_;
  std::size_t elements_left_;
  ShowHandle show_;
  Role role_;
  unsigned nesting_ = 0;
  const char* stack_ = static_cast<const char*>(__builtin_frame_address(0));  // grows downwards
};

/// As the name of a member, nullopt: it cannot be one.
std::optional<std::string> name_of(const json::value& key) {
  if (const auto* text = key.if_string()) return std::string(text->data(), text->size());
  if (key.is_array() || key.is_object() || key.is_null()) return std::nullopt;
  return compact(key);
}

}  // namespace

json::value to_json(const Type& type, BytesView bytes, ShowHandle show, Role role) {
  try {
    return Decoder(bytes, show, role).all(type);
  } catch (const Undescribed&) {
    return undescribed(type, bytes.size);
  }
}

json::value map_to_json(const Type& keys, Pairs pairs) {
  const auto as_object = [&]() -> std::optional<json::object> {
    json::object out;
    if (!is_name(keys)) return std::nullopt;
    out.reserve(pairs.size());
    for (const auto& [key, value] : pairs) {
      const auto name = name_of(key);
      if (!name || !out.emplace(json::string_view(name->data(), name->size()), nullptr).second) return std::nullopt;
    }
    auto member = out.begin();
    for (auto& pair : pairs) (member++)->value() = std::move(pair.second);
    return out;
  };
  if (auto object = as_object()) return std::move(*object);
  return list_of_pairs(std::move(pairs));
}

bool may_be_null(const Type& type) noexcept {
  switch (type.form) {
    case Form::optional:
    case Form::none:
    case Form::object:
      return true;
    case Form::variant:
      for (const Type* part : type.parts) {
        if (part->form == Form::none) return true;
      }
      return false;
    default:
      return false;
  }
}

bool is_name(const Type& type) noexcept {
  switch (type.form) {
    case Form::boolean:
    case Form::integer:
    case Form::floating:
    case Form::character:
      return true;
    case Form::text:
      return type.parts[0]->form == Form::character;
    default:
      return false;
  }
}

}  // namespace partage::schema
