// Values as Python's repr() prints them: 3.0, 'it is', True, None, [1, 2], {'k': 1}, (1,), set().
//
//   repr(out, value);        std::string text = repr(value);
//
// What Python lacks: a char is a string of one character; an aggregate prints as a call, Item(1, 'a'); an enum as
// Color(3); a float with the shortest digits that give the same float; a duration as timedelta(seconds=1.5); a type of
// the user's with operator<< prints by it (scoped enums too), any other as <Item object>. Flags and width of the stream
// have no effect on what is printed here. Strings are taken as UTF-8; a byte that is none prints as \xNN.
//
// Thread safety: as the stream.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <partage/codec/kind.hpp>
#include <partage/codec/storable.hpp>
#include <partage/codec/type_name.hpp>
#include <partage/export.hpp>

namespace partage::codec {

template <class T>
void repr(std::ostream& out, const T& value);

template <class T>
std::string repr(const T& value);

// The parts without templates, for those who print without knowing a type (tools, containers).
PARTAGE_API void repr_float(std::ostream& out, double value);
PARTAGE_API void repr_float(std::ostream& out, float value);
PARTAGE_API void repr_float(std::ostream& out, long double value);
PARTAGE_API void repr_complex(std::ostream& out, double real, double imag);
PARTAGE_API void repr_string(std::ostream& out, std::string_view utf8);
PARTAGE_API void repr_bytes(std::ostream& out, std::string_view bytes);
PARTAGE_API void repr_object(std::ostream& out, const boost::json::value& value);

/// Unformatted: whatever the width of the stream is.
inline void put(std::ostream& out, std::string_view text) {
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

namespace detail {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  { out << value } -> std::convertible_to<std::ostream&>;
};

PARTAGE_API void repr_integer(std::ostream& out, long long value);
PARTAGE_API void repr_integer(std::ostream& out, unsigned long long value);
PARTAGE_API std::string utf8_of(char32_t c);
PARTAGE_API std::string utf8_of(std::u16string_view text);
PARTAGE_API std::string utf8_of(std::u32string_view text);

template <class T>
void repr_number(std::ostream& out, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    repr_float(out, value);
  } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, char8_t>) {
    const char c = static_cast<char>(value);
    repr_string(out, {&c, 1});
  } else if constexpr (is_among<T, wchar_t, char16_t, char32_t>) {
    repr_string(out, utf8_of(static_cast<char32_t>(value)));
  } else if constexpr (std::is_signed_v<T>) {
    repr_integer(out, static_cast<long long>(value));
  } else {
    repr_integer(out, static_cast<unsigned long long>(value));
  }
}

template <class T>
void repr_text(std::ostream& out, const T& text) {
  using Char = typename T::value_type;
  if constexpr (sizeof(Char) == 1) {
    repr_string(out, {reinterpret_cast<const char*>(text.data()), text.size()});
  } else if constexpr (sizeof(Char) == 2) {
    repr_string(out, utf8_of(std::u16string(text.begin(), text.end())));
  } else {
    repr_string(out, utf8_of(std::u32string(text.begin(), text.end())));
  }
}

/// open a, b, c close
template <class Range, class Print>
void repr_each(std::ostream& out, const Range& range, char open, char close, Print print) {
  out.put(open);
  bool first = true;
  for (const auto& element : range) {
    if (!first) put(out, ", ");
    first = false;
    print(element);
  }
  out.put(close);
}

template <class... P>
void repr_arguments(std::ostream& out, const P&... part) {
  bool first = true;
  [[maybe_unused]] const auto print = [&](const auto& p) {
    if (!first) put(out, ", ");
    first = false;
    repr(out, p);
  };
  (print(part), ...);
}

template <class T>
void repr_aggregate(std::ostream& out, const T& object) {
  put(out, unqualified(type_name<T>()));
  out.put('(');
  bool first = true;
  for_each_field(object, [&](const auto& field) {
    if (!first) put(out, ", ");
    first = false;
    repr(out, field);
  });
  out.put(')');
}

template <class T>
void repr_sequence(std::ostream& out, const T& sequence) {
  using Element = typename T::value_type;
  if constexpr (std::is_same_v<Element, std::byte>) {
    std::string bytes;
    for (const std::byte b : sequence) bytes += static_cast<char>(b);
    repr_bytes(out, bytes);
  } else {
    repr_each(out, sequence, '[', ']', [&](const Element& element) { repr(out, element); });
  }
}

/// char[16] and std::array<char, 16>: a text that ends at its first zero.
template <std::size_t N>
std::string_view text_of(const char* text) {
  const std::string_view all(text, N);
  return all.substr(0, all.find('\0'));
}

}  // namespace detail

template <class T>
void repr(std::ostream& out, const T& value) {
  constexpr Kind kind = kind_of<T>;
  if constexpr (kind == Kind::handle) {
    HandleTraits<T>::repr(out, value);
  } else if constexpr (kind == Kind::passenger) {
    PassengerTraits<T>::repr(out, value);
  } else if constexpr (kind == Kind::object) {
    repr_object(out, value);
  } else if constexpr (kind == Kind::boolean) {
    put(out, value ? "True" : "False");
  } else if constexpr (kind == Kind::number) {
    detail::repr_number(out, value);
  } else if constexpr (std::is_same_v<T, std::byte>) {
    detail::repr_integer(out, static_cast<unsigned long long>(value));
  } else if constexpr (kind == Kind::enumeration) {
    using Underlying = std::underlying_type_t<T>;
    if constexpr (!std::is_convertible_v<T, Underlying> && detail::Streamable<T>) {
      out << value;
    } else {
      put(out, unqualified(type_name<T>()));
      out.put('(');
      if constexpr (sizeof(Underlying) == 1)
        detail::repr_integer(out, static_cast<long long>(value));
      else
        repr(out, static_cast<Underlying>(value));
      out.put(')');
    }
  } else if constexpr (kind == Kind::string) {
    detail::repr_text(out, value);
  } else if constexpr (kind == Kind::optional) {
    if (value)
      repr(out, *value);
    else
      put(out, "None");
  } else if constexpr (kind == Kind::variant) {
    if (value.valueless_by_exception())
      put(out, "None");
    else
      std::visit([&](const auto& alternative) { repr(out, alternative); }, value);
  } else if constexpr (kind == Kind::tuple) {
    out.put('(');
    std::apply([&](const auto&... part) { detail::repr_arguments(out, part...); }, value);
    put(out, std::tuple_size_v<T> == 1 ? ",)" : ")");
  } else if constexpr (kind == Kind::array) {
    using Element = std::remove_cvref_t<decltype(*std::begin(value))>;
    if constexpr (std::is_same_v<Element, char>)
      repr_string(out, detail::text_of<Shape<T>::size>(std::data(value)));
    else
      detail::repr_each(out, value, '[', ']', [&](const Element& element) { repr(out, element); });
  } else if constexpr (kind == Kind::sequence) {
    detail::repr_sequence(out, value);
  } else if constexpr (kind == Kind::set) {
    if (value.empty())
      put(out, "set()");
    else
      detail::repr_each(out, value, '{', '}', [&](const auto& element) { repr(out, element); });
  } else if constexpr (kind == Kind::map) {
    detail::repr_each(out, value, '{', '}', [&](const auto& item) {
      const auto& [key, mapped] = item;
      repr(out, key);
      put(out, ": ");
      repr(out, mapped);
    });
  } else if constexpr (kind == Kind::duration) {
    put(out, "timedelta(seconds=");
    repr_float(out, std::chrono::duration<double>(value).count());
    out.put(')');
  } else if constexpr (kind == Kind::time_point) {
    put(out, "time_point(");
    repr_float(out, std::chrono::duration<double>(value.time_since_epoch()).count());
    out.put(')');
  } else if constexpr (kind == Kind::complex) {
    repr_complex(out, static_cast<double>(value.real()), static_cast<double>(value.imag()));
  } else if constexpr (kind == Kind::bitset) {
    put(out, "bitset('");
    put(out, value.to_string());
    put(out, "')");
  } else if constexpr (kind == Kind::unit) {
    put(out, "None");
  } else if constexpr (detail::Streamable<T>) {
    out << value;
  } else if constexpr (kind == Kind::aggregate) {
    detail::repr_aggregate(out, value);
  } else {
    put(out, '<' + unqualified(type_name<T>()) + " object>");
  }
}

template <class T>
std::string repr(const T& value) {
  std::ostringstream out;
  repr(out, value);
  return std::move(out).str();
}

}  // namespace partage::codec
