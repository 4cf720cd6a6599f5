// The type of an element in words of our own, stored beside every shared object and compared when it is opened. Two
// builds agree about a type when their descriptions agree; typeid never enters. Vocabulary:
//
//   bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 f80 (f128) byte char wchar char8 char16 char32 str bytes
//   opt<T> vec<T> array<T,N> set<T> map<K,V> multiset<T> multimap<K,V> pair<A,B> tuple<..> variant<..>
//   complex<T> bitset<N> duration<T,num/den> time<clock,T,num/den> none object
//   enum shop::Color:i32      struct shop::Item{i32,str}      struct shop::Tree (inside itself)
//   user shop::Money (has serialize(); `:2`: BOOST_CLASS_VERSION 2)      boost shop::Graph (use_boost_archive)
//   connection (in messages only)
//   handles: what HandleTraits says, such as list<i64>, dict<str,list<f64>>, shared_set<str>, namespace
//
// Thread safety: full. Builds a string every time; keep it where it matters.
#pragma once

#include <cfloat>
#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>

#include <boost/serialization/version.hpp>

#include <partage/codec/kind.hpp>
#include <partage/codec/storable.hpp>
#include <partage/codec/type_name.hpp>
#include <partage/export.hpp>

namespace partage::codec {

template <class T>
std::string description();

namespace detail {

/// Marks a struct as being described, so that one that contains itself ends.
class PARTAGE_API Describing {
 public:
  explicit Describing(const void* tag);
  ~Describing();
  Describing(const Describing&) = delete;
  Describing& operator=(const Describing&) = delete;
  bool already() const { return already_; }

 private:
  const void* tag_;
  const Describing* outer_;
  bool already_ = false;
};

template <class T>
inline constexpr char describing_tag = 0;

template <class T>
constexpr std::string_view number_word() {
  // clang-format off
  if constexpr (std::is_same_v<T, char>) return "char";
  else if constexpr (std::is_same_v<T, wchar_t>) return "wchar";
  else if constexpr (std::is_same_v<T, char8_t>) return "char8";
  else if constexpr (std::is_same_v<T, char16_t>) return "char16";
  else if constexpr (std::is_same_v<T, char32_t>) return "char32";
  else if constexpr (std::is_same_v<T, float>) return "f32";
  else if constexpr (std::is_same_v<T, double>) return "f64";
  else if constexpr (std::is_floating_point_v<T>) return LDBL_MANT_DIG == 64 ? "f80" : sizeof(T) == 16 ? "f128" : "f64";
  else if constexpr (std::is_signed_v<T>)
    return sizeof(T) == 1 ? "i8" : sizeof(T) == 2 ? "i16" : sizeof(T) == 4 ? "i32" : "i64";
  else return sizeof(T) == 1 ? "u8" : sizeof(T) == 2 ? "u16" : sizeof(T) == 4 ? "u32" : "u64";
  // clang-format on
}

template <class... P>
std::string joined(TypeList<P...>) {
  std::string out;
  ((out += out.empty() ? description<P>() : ',' + description<P>()), ...);
  return out;
}

/// The name of a type, with its type arguments in our vocabulary: shop::Box<i64>.
template <class T>
std::string name_of();

template <class T>
std::string label() {
  if constexpr (requires { sizeof(T); }) {
    constexpr Kind kind = kind_of<T>;
    if constexpr (kind == Kind::refused || kind == Kind::enumeration || kind == Kind::aggregate || kind == Kind::user ||
                  kind == Kind::boost) {
      return name_of<T>();
    } else {
      return description<T>();
    }
  } else {
    return type_name<T>();
  }
}

template <class T>
struct Arguments {
  static std::string name() { return type_name<T>(); }
};
template <template <class...> class C, class... P>
struct Arguments<C<P...>> {
  static std::string name() {
    std::string arguments;
    ((arguments += arguments.empty() ? label<P>() : ',' + label<P>()), ...);
    return template_name(type_name<C<P...>>()) + '<' + arguments + '>';
  }
};

template <class T>
std::string name_of() {
  return Arguments<T>::name();
}

template <class T>
std::string describe_aggregate() {
  std::string out = "struct " + name_of<T>();
  const Describing describing(&describing_tag<T>);
  if (!describing.already()) out += '{' + joined(Parts<T>{}) + '}';
  return out;
}

template <class Clock>
std::string clock_word() {
  if constexpr (std::is_same_v<Clock, std::chrono::system_clock>)
    return "system";
  else if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>)
    return "steady";
  else
    return name_of<Clock>();
}

template <class Duration>
std::string describe_duration() {
  return description<typename Duration::rep>() + ',' + std::to_string(Duration::period::num) + '/' +
         std::to_string(Duration::period::den);
}

template <class T>
std::string with_version(const std::string& text) {
  constexpr int version = boost::serialization::version<T>::value;
  return version == 0 ? text : text + ':' + std::to_string(version);
}

}  // namespace detail

template <class T>
std::string description() {
  constexpr Kind kind = kind_of<T>;
  if constexpr (!std::is_array_v<T>) static_assert(Storable<T>::value);
  const auto enclosed = [](std::string_view word) {
    std::string text(word);  // step by step: GCC 12 warns of operator+ here (-Warray-bounds), wrongly
    text += '<';
    text += detail::joined(Parts<T>{});
    text += '>';
    return text;
  };
  if constexpr (kind == Kind::handle) {
    return HandleTraits<T>::description();
  } else if constexpr (kind == Kind::passenger) {
    return PassengerTraits<T>::description();
  } else if constexpr (kind == Kind::boost) {
    return detail::with_version<T>("boost " + detail::name_of<T>());
  } else if constexpr (kind == Kind::user) {
    return detail::with_version<T>("user " + detail::name_of<T>());
  } else if constexpr (kind == Kind::object) {
    return "object";
  } else if constexpr (kind == Kind::boolean) {
    return "bool";
  } else if constexpr (kind == Kind::number) {
    return std::string(detail::number_word<T>());
  } else if constexpr (std::is_same_v<T, std::byte>) {
    return "byte";
  } else if constexpr (kind == Kind::enumeration) {
    return "enum " + detail::name_of<T>() + ':' + description<std::underlying_type_t<T>>();
  } else if constexpr (kind == Kind::string) {
    using Char = typename T::value_type;
    return std::is_same_v<Char, char> ? "str" : "str<" + description<Char>() + '>';
  } else if constexpr (kind == Kind::optional) {
    return enclosed("opt");
  } else if constexpr (kind == Kind::variant) {
    return enclosed("variant");
  } else if constexpr (kind == Kind::tuple) {
    return enclosed(requires(T & t) { t.first; } ? "pair" : "tuple");
  } else if constexpr (kind == Kind::array) {
    return "array<" + detail::joined(Parts<T>{}) + ',' + std::to_string(Shape<T>::size) + '>';
  } else if constexpr (kind == Kind::sequence) {
    if constexpr (std::is_same_v<Parts<T>, TypeList<std::byte>>)
      return "bytes";
    else
      return enclosed("vec");
  } else if constexpr (kind == Kind::set) {
    return enclosed(Shape<T>::multi ? "multiset" : "set");
  } else if constexpr (kind == Kind::map) {
    return enclosed(Shape<T>::multi ? "multimap" : "map");
  } else if constexpr (kind == Kind::duration) {
    return "duration<" + detail::describe_duration<T>() + '>';
  } else if constexpr (kind == Kind::time_point) {
    return "time<" + detail::clock_word<typename T::clock>() + ',' + detail::describe_duration<typename T::duration>() +
           '>';
  } else if constexpr (kind == Kind::complex) {
    return enclosed("complex");
  } else if constexpr (kind == Kind::bitset) {
    return "bitset<" + std::to_string(Shape<T>::size) + '>';
  } else if constexpr (kind == Kind::unit) {
    return "none";
  } else if constexpr (kind == Kind::aggregate) {
    return detail::describe_aggregate<T>();
  } else {
    return {};
  }
}

}  // namespace partage::codec
