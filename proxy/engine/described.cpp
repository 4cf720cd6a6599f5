// A reader of values by their description. The grammar of the bytes is in codec/encode.hpp, what it prints as in
// codec/repr.hpp, and the tree of a description in manager/schema/type.hpp.
#include <partage/engine/described.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include <partage/codec/codec.hpp>
#include <partage/detail/attribute.hpp>
#include <partage/detail/key.hpp>
#include <partage/engine/dict.hpp>
#include <partage/engine/error.hpp>
#include <partage/engine/list.hpp>
#include <partage/engine/printing.hpp>
#include <partage/engine/queue.hpp>
#include <partage/engine/sync.hpp>

#include "manager/registry/hosted.hpp"
#include "manager/schema/limits.hpp"
#include "manager/schema/type.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {
namespace {

using codec::put;
using schema::Form;
using schema::Type;

/// Thrown where a value begins whose end only its own program knows.
struct Undescribed {};

void repr_value(std::ostream& out, const Type& type, const ValueView& value, bool is_key = false);
void repr_object(std::ostream& out, const ObjectPtr& object);

/// The name in "struct shop::Item{i32,str}", "enum shop::Color:i32", "user shop::Money:2", without namespaces; of a
/// word the word.
std::string name_in(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const std::size_t angle = text.find('<');
  if (blank == text.npos || angle < blank) return std::string(text.substr(0, angle));
  text.remove_prefix(blank + 1);
  int depth = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\'') {  // a character in the arguments of a template
      for (++at; at < text.size() && text[at] != '\''; ++at) at += text[at] == '\\' ? 1 : 0;
      continue;
    }
    if (depth == 0 && c == '{') break;
    if (depth == 0 && c == ':' && text.substr(at, 2) != "::") break;
    if (c == ':' && text.substr(at, 2) == "::") ++at;
    if (c == '<' || c == '(' || c == '[' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == ']' || c == '}') --depth;
  }
  return codec::unqualified(text.substr(0, at));
}

class Printer {
 public:
  Printer(std::ostream& out, codec::Reader& reader) : out_(out), reader_(reader) {}

  /// `last`: nothing follows, so that the end of the value is that of the bytes.
  void print(const Type& type, bool last) {
    const auto* here = static_cast<const char*>(__builtin_frame_address(0));
    if (stack_ - here > static_cast<std::ptrdiff_t>(schema::stack_limit)) reader_.corrupt("it nests too deeply");
    if (!type.nests) return print_form(type, last);
    const codec::Nesting nesting(reader_);
    print_form(type, last);
  }

 private:
  void print_form(const Type& type, bool last) {
    switch (type.form) {
      case Form::boolean:
      case Form::integer:
        return number(type);
      case Form::floating:
        return floating(type);
      case Form::character:
        return character(type);
      case Form::text:
        return text(*type.parts[0]);
      case Form::bytes:
        return codec::repr_bytes(out_, characters(reader_.read_count()));
      case Form::optional:
        return flag() ? print(*type.parts[0], last) : put(out_, "None");
      case Form::sequence:
        return sequence(type, last);
      case Form::map:
        return map(type, last);
      case Form::array:
        return array(type, last);
      case Form::tuple:
        return tuple(type, last);
      case Form::variant:
        return variant(type, last);
      case Form::bitset:
        return bitset(type);
      case Form::none:
        reader_.take(1);
        return put(out_, "None");
      case Form::object: {
        boost::json::value value;
        codec::decode_object(reader_, value);
        return codec::repr_object(out_, value);
      }
      case Form::user:
        if (!last) throw Undescribed{};
        reader_.take(reader_.left());
        return undescribed(type);
      case Form::boost:
        reader_.take(static_cast<std::size_t>(reader_.read_pod<std::uint64_t>()));
        if (!last && reader_.objects_left() != 0) throw Undescribed{};  // whose they are, nobody knows
        return last ? undescribed(type) : put(out_, '<' + name_in(type.text) + " object>");
      case Form::unknown:
        throw Undescribed{};
      case Form::list:
      case Form::dict:
      case Form::shared_set:
      case Form::name_space:
      case Form::value:
      case Form::shared_array:
      case Form::queue:
      case Form::sync:
      case Form::handle:
        return repr_object(out_, reader_.next_object<ObjectPtr>());
    }
    throw Undescribed{};
  }

  bool flag() { return reader_.read_pod<std::uint8_t>() != 0; }
  std::string_view characters(std::uint64_t bytes) {
    if (bytes > reader_.left()) reader_.corrupt("a string is longer than what is left");
    const auto n = static_cast<std::size_t>(bytes);
    return {reinterpret_cast<const char*>(reader_.take(n)), n};
  }
  void undescribed(const Type& type) {
    while (reader_.objects_left() != 0) reader_.next_object<ObjectPtr>();
    put(out_, '<' + name_in(type.text) + " object>");
  }

  // ---- numbers and texts --------------------------------------------------------------------------------------------

  std::uint64_t word(unsigned size) {
    std::uint64_t w = 0;
    std::memcpy(&w, reader_.take(size), size);
    return w;
  }
  void number(const Type& type) {
    const bool is_enum = type.text.starts_with("enum ");
    if (is_enum) put(out_, name_in(type.text) + '(');
    if (type.form == Form::boolean) {
      const bool on = flag();
      put(out_, is_enum ? (on ? "1" : "0") : (on ? "True" : "False"));
    } else if (is_time(type)) {
      const std::uint64_t w = word(type.size);
      time(type, type.is_signed ? static_cast<double>(widen(w, type.size)) : static_cast<double>(w));
    } else if (const std::uint64_t w = word(type.size); type.is_signed) {
      codec::detail::repr_integer(out_, static_cast<long long>(widen(w, type.size)));
    } else {
      codec::detail::repr_integer(out_, static_cast<unsigned long long>(w));
    }
    if (is_enum) out_.put(')');
  }
  static std::int64_t widen(std::uint64_t w, unsigned size) {
    const unsigned unused = 64 - 8 * size;
    return static_cast<std::int64_t>(w << unused) >> unused;
  }
  void floating(const Type& type) {
    if (is_time(type)) {
      if (type.size > sizeof(double)) throw Undescribed{};
      return time(type, type.size == sizeof(float) ? static_cast<double>(reader_.read_pod<float>())
                                                   : reader_.read_pod<double>());
    }
    if (type.size == sizeof(float)) return codec::repr_float(out_, reader_.read_pod<float>());
    if (type.size == sizeof(double)) return codec::repr_float(out_, reader_.read_pod<double>());
    if (!schema::holds_long_double(type)) throw Undescribed{};
    long double x = 0;
    reader_.read(&x, type.size);
    codec::repr_float(out_, x);
  }
  static bool is_time(const Type& type) { return type.text.starts_with("duration<") || type.text.starts_with("time<"); }
  /// "duration<i64,1/1000>" counts milliseconds.
  void time(const Type& type, double count) {
    const std::string_view ratio = std::string_view(type.text).substr(type.text.rfind(',') + 1);
    double num = 1, den = 1;
    const auto end = std::from_chars(ratio.data(), ratio.data() + ratio.size(), num).ptr;
    std::from_chars(end + 1, ratio.data() + ratio.size(), den);
    put(out_, type.text.starts_with("time<") ? "time_point(" : "timedelta(seconds=");
    codec::repr_float(out_, count * num / den);
    out_.put(')');
  }

  void character(const Type& type) {
    const std::uint64_t c = word(type.size);
    if (type.size == 1) {
      const char one = static_cast<char>(c);
      return codec::repr_string(out_, {&one, 1});
    }
    codec::repr_string(out_, codec::detail::utf8_of(static_cast<char32_t>(c)));
  }
  template <class Char>
  std::basic_string<Char> units(std::uint64_t n) {
    std::basic_string<Char> text(static_cast<std::size_t>(n), Char());
    reader_.read(text.data(), text.size() * sizeof(Char));
    return text;
  }
  void text(const Type& of) {
    const std::uint64_t n = reader_.read_count();
    if (n > reader_.left() / of.size) reader_.corrupt("a string is longer than what is left");
    if (of.size == 1) return codec::repr_string(out_, characters(n));
    if (of.size == 2) return codec::repr_string(out_, codec::detail::utf8_of(units<char16_t>(n)));
    if (of.size == 4) return codec::repr_string(out_, codec::detail::utf8_of(units<char32_t>(n)));
    throw Undescribed{};
  }

  // ---- what has parts -----------------------------------------------------------------------------------------------

  /// open a, b, c close
  template <class Print>
  void each(std::string_view open, std::size_t n, std::string_view close, Print print) {
    put(out_, open);
    for (std::size_t i = 0; i < n; ++i) {
      if (i != 0) put(out_, ", ");
      print(i);
    }
    put(out_, close);
  }
  void sequence(const Type& type, bool last) {
    const std::size_t n = reader_.read_element_count();
    const bool is_set = !type.text.starts_with("vec<");
    if (is_set && n == 0) return put(out_, "set()");
    each(is_set ? "{" : "[", n, is_set ? "}" : "]", [&](std::size_t i) { print(*type.parts[0], last && i + 1 == n); });
  }
  void map(const Type& type, bool last) {
    const std::size_t n = reader_.read_element_count();
    each("{", n, "}", [&](std::size_t i) {
      print(*type.parts[0], false);
      put(out_, ": ");
      print(*type.parts[1], last && i + 1 == n);
    });
  }
  void array(const Type& type, bool last) {
    const Type& of = *type.parts[0];
    if (type.count == 0) reader_.take(1);
    if (type.count > reader_.left() + reader_.objects_left()) reader_.corrupt("an array is longer than what is left");
    const auto n = static_cast<std::size_t>(type.count);
    if (of.text == "char") {
      const std::string_view all = characters(n);
      return codec::repr_string(out_, all.substr(0, all.find('\0')));
    }
    each("[", n, "]", [&](std::size_t i) { print(of, last && i + 1 == n); });
  }
  void tuple(const Type& type, bool last) {
    const std::size_t n = type.parts.size();
    if (type.text.starts_with("complex<")) return complex(*type.parts[0]);
    const bool is_struct = type.text.starts_with("struct ");
    if (is_struct) put(out_, name_in(type.text));
    if (n == 0) reader_.take(1);
    each("(", n, n == 1 && !is_struct ? ",)" : ")", [&](std::size_t i) { print(*type.parts[i], last && i + 1 == n); });
  }
  void complex(const Type& part) {
    if (part.form != Form::floating || part.size > sizeof(double)) throw Undescribed{};
    const auto next = [&] {
      return part.size == sizeof(float) ? static_cast<double>(reader_.read_pod<float>()) : reader_.read_pod<double>();
    };
    const double real = next();
    codec::repr_complex(out_, real, next());
  }
  void variant(const Type& type, bool last) {
    const std::uint64_t index = reader_.read_count();
    if (index >= type.parts.size()) reader_.corrupt("a variant has no alternative of that number");
    print(*type.parts[static_cast<std::size_t>(index)], last);
  }
  void bitset(const Type& type) {
    if (type.count / 8 > reader_.left()) reader_.corrupt("a bitset is longer than what is left");
    const auto bits = static_cast<std::size_t>(type.count);
    const std::byte* bytes = reader_.take(bits == 0 ? 1 : (bits + 7) / 8);
    std::string text(bits, '0');
    for (std::size_t i = 0; i < bits; ++i) {
      if ((static_cast<unsigned>(bytes[i / 8]) >> (i % 8) & 1) != 0) text[bits - 1 - i] = '1';
    }
    put(out_, "bitset('" + text + "')");
  }

  std::ostream& out_;
  codec::Reader& reader_;
  const char* stack_ = static_cast<const char*>(__builtin_frame_address(0));  // grows downwards
};

void repr_value(std::ostream& out, const Type& type, const ValueView& value, bool is_key) {
  std::ostringstream text;  // apart: half a value may have been printed when its end turns out to be unknown
  try {
    codec::Reader reader(value.bytes, value.objects);
    reader.set_canonical(is_key);
    Printer(text, reader).print(type, true);
    reader.finish();
    put(out, text.str());
  } catch (const Undescribed&) {
    put(out, '<' + name_in(type.text) + " object>");
  }
}

// ---- objects --------------------------------------------------------------------------------------------------------

template <class Print>
void repr_elements(std::ostream& out, const Snapshot& elements, std::string_view open, std::string_view close,
                   Print print) {
  put(out, open);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i != 0) put(out, ", ");
    print(i);
  }
  put(out, close);
}

void repr_list(std::ostream& out, const ObjectPtr& object, const Type& of) {
  Snapshot elements;
  List(object).snapshot(elements);
  repr_elements(out, elements, "[", "]", [&](std::size_t i) { repr_value(out, of, elements[i]); });
}

void repr_dict(std::ostream& out, const ObjectPtr& object, const Type& key, const Type& value) {
  Snapshot keys, values;
  Dict(object).snapshot(&keys, &values);
  repr_elements(out, keys, "{", "}", [&](std::size_t i) {
    repr_value(out, key, keys[i], true);
    put(out, ": ");
    repr_value(out, value, values[i]);
  });
}

void repr_set(std::ostream& out, const ObjectPtr& object, const Type& of) {
  Snapshot elements;
  Dict(object).snapshot(&elements, nullptr);
  if (elements.size() == 0) return put(out, "set()");
  repr_elements(out, elements, "{", "}", [&](std::size_t i) { repr_value(out, of, elements[i], true); });
}

void repr_object(std::ostream& out, const ObjectPtr& object) {
  const SharedObject& shared = object_of(object, "<<");
  const schema::Schema types(type_of(shared));
  const Type& root = types.root();
  if (root.form == Form::name_space && shared.kind == kernel::ObjectKind::name_space) {
    return repr_namespace(out, object);
  }
  const Printing printing(object);
  const kernel::Shape shape = kernel::shape_of(shared.kind);
  if (root.form == Form::list && shape == kernel::Shape::list) {
    return printing.already() ? put(out, "[...]") : repr_list(out, object, *root.parts[0]);
  }
  if (root.form == Form::dict && shape == kernel::Shape::dict) {
    return printing.already() ? put(out, "{...}") : repr_dict(out, object, *root.parts[0], *root.parts[1]);
  }
  if (root.form == Form::shared_set && shape == kernel::Shape::dict) return repr_set(out, object, *root.parts[0]);
  if (root.form == Form::shared_array && shape == kernel::Shape::list) return repr_list(out, object, *root.parts[0]);
  if (root.form == Form::value && shape == kernel::Shape::list && !printing.already()) {
    Value element;
    List(object).get(0, element);
    return repr_value(out, *root.parts[0], element.view());
  }
  if (shape == kernel::Shape::queue) return put(out, Queue(object).repr());
  if (shape == kernel::Shape::sync) return put(out, SyncEngine(object).repr());
  put(out, '<' + describe(shared) + '>');
}

}  // namespace

void repr_namespace(std::ostream& out, const ObjectPtr& object) {
  const Printing printing(object);
  if (printing.already()) return put(out, "Namespace(...)");
  Snapshot names, values;
  Dict(object).snapshot(&names, &values);
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name = detail::decode_key<std::string>(names[i].bytes);
    if (name.starts_with('_')) continue;
    const detail::AttributeView attribute = detail::attribute_in(values[i]);
    const schema::Schema types(attribute.type);
    std::ostringstream text;
    put(text, name + '=');
    repr_value(text, types.root(), attribute.value);
    shown.push_back(std::move(text).str());
  }
  std::ranges::sort(shown);  // by what is printed, as Python
  put(out, "Namespace(");
  for (std::size_t i = 0; i < shown.size(); ++i) put(out, (i != 0 ? ", " : "") + shown[i]);
  put(out, ")");
}

}  // namespace partage::engine
