// Bytes -> T, the grammar of encode.hpp. Input that no value of T encodes to throws Corrupt; nothing is read outside
// it.
//
//   auto x = decode<std::string>(reader);                 // the next value
//   auto y = decode_all<Item>(bytes.view(), objects);     // exactly one value
//
// Thread safety: as the Reader.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <partage/codec/archive.hpp>
#include <partage/codec/encode.hpp>
#include <partage/codec/nesting.hpp>
#include <partage/codec/placeholder.hpp>
#include <partage/codec/reader.hpp>
#include <partage/codec/storable.hpp>
#include <partage/codec/traits.hpp>
#include <partage/copy.hpp>
#include <partage/export.hpp>

namespace partage::codec {

/// Defined in object.hpp.
PARTAGE_API void decode_object(Reader& reader, boost::json::value& value);

template <class T>
T decode(Reader& reader);

namespace detail {

inline bool decode_flag(Reader& reader) {
  const auto byte = reader.read_pod<std::uint8_t>();
  if (byte > 1) [[unlikely]]
    reader.corrupt("a bool is neither 0 nor 1");
  return byte == 1;
}

template <class T>
T decode_string(Reader& reader) {
  using Char = typename T::value_type;
  const std::uint64_t n = reader.read_count();
  if (n > reader.left() / sizeof(Char)) [[unlikely]]
    reader.corrupt("a string is longer than what is left");
  const std::byte* from = reader.take(static_cast<std::size_t>(n) * sizeof(Char));
  if constexpr (sizeof(Char) == 1) {
    if (n <= 1024) return T(reinterpret_cast<const Char*>(from), static_cast<std::size_t>(n));
  }
  T value(static_cast<std::size_t>(n), Char{});  // `from` may not be aligned for it
  copy_bytes(value.data(), from, static_cast<std::size_t>(n) * sizeof(Char));
  return value;
}

inline void decode_nothing(Reader& reader) {
  if (reader.read_pod<std::uint8_t>() != 0) [[unlikely]]
    reader.corrupt("an empty value is not 0");
}

template <class T>
T decode_handle(Reader& reader) {
  using Pointer = std::remove_cvref_t<decltype(HandleTraits<T>::object(std::declval<const T&>()))>;
  if (reader.canonical()) {
    const auto ref = reader.read_pod<ObjectRef>();
    const Pointer& object = reader.next_object<Pointer>();
    if (object.ref() != ref) reader.corrupt("a key names another object than its reference");
    return HandleTraits<T>::make(object);
  }
  return HandleTraits<T>::make(reader.next_object<Pointer>());
}

template <class T>
void decode_sequence(Reader& reader, T& sequence) {
  using Element = typename T::value_type;
  const std::size_t n = reader.read_element_count();
  if constexpr (is_flat<Element> && requires { sequence.data(); }) {
    if (n > reader.left() / sizeof(Element)) reader.corrupt("it announces more elements than fit in what is left");
    const std::byte* from = reader.take(n * sizeof(Element));
    sequence.resize(n);
    copy_bytes(sequence.data(), from, n * sizeof(Element));
  } else {
    sequence.clear();
    if constexpr (requires { sequence.reserve(n); }) sequence.reserve(n);
    for (std::size_t i = 0; i < n; ++i) sequence.push_back(decode<Element>(reader));
  }
}

template <class T, class... Part>
void emplace(T& container, Part&&... part) {
  if constexpr (requires { container.emplace_hint(container.end(), std::forward<Part>(part)...); }) {
    container.emplace_hint(container.end(), std::forward<Part>(part)...);
  } else {
    container.emplace(std::forward<Part>(part)...);
  }
}

template <class T, std::size_t... I>
void decode_variant(Reader& reader, T& value, std::index_sequence<I...>) {
  using Decoder = void (*)(Reader&, T&);
  static constexpr Decoder decoders[] = {
      [](Reader& r, T& v) { v.template emplace<I>(decode<std::variant_alternative_t<I, T>>(r)); }...};
  const std::uint64_t index = reader.read_count();
  if (index >= sizeof...(I)) reader.corrupt("a variant has no alternative of that number");
  decoders[index](reader, value);
}

/// One with a handle that cannot be made without its object, as of a Barrier.
template <class T, std::size_t... I>
T decode_tuple(Reader& reader, std::index_sequence<I...>) {
  return T{decode<std::tuple_element_t<I, T>>(reader)...};  // braces: from left to right
}

template <std::size_t N>
void decode_bitset(Reader& reader, std::bitset<N>& bits) {
  if constexpr (N == 0) return decode_nothing(reader);
  std::uint8_t byte = 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (i % 8 == 0) byte = reader.read_pod<std::uint8_t>();
    bits[i] = (byte >> (i % 8) & 1) != 0;
  }
  if (N % 8 != 0 && byte >> (N % 8) != 0) reader.corrupt("a bitset has bits beyond its end");
}

template <class T>
void decode_aggregate(Reader& reader, T& object) {
  if constexpr (field_count<T> == 0) {
    decode_nothing(reader);
  } else {
    for_each_field(object, [&](auto& field) { decode_into(reader, field); });
  }
}

}  // namespace detail

/// Replaces `value`. After an exception it is valid but unspecified.
template <class T>
void decode_into(Reader& reader, T& value) {
  constexpr Kind kind = kind_of<T>;
  if constexpr (!std::is_array_v<T>) static_assert(Storable<T>::value);
  if constexpr (is_flat<T>) {
    reader.read(static_cast<void*>(&value), sizeof value);
  } else if constexpr (kind == Kind::handle) {
    value = detail::decode_handle<T>(reader);
  } else if constexpr (kind == Kind::passenger) {
    value = PassengerTraits<T>::decode(reader);
  } else if constexpr (kind == Kind::boost) {
    BoostArchive<T>::load(reader, value);
  } else if constexpr (kind == Kind::object) {
    decode_object(reader, value);
  } else if constexpr (kind == Kind::boolean) {
    value = detail::decode_flag(reader);
  } else if constexpr (kind == Kind::number) {  // long double
    value = 0;
    reader.read(&value, long_double_size);
  } else if constexpr (kind == Kind::enumeration) {  // of bool
    value = static_cast<T>(decode<std::underlying_type_t<T>>(reader));
  } else if constexpr (kind == Kind::string) {
    value = detail::decode_string<T>(reader);
  } else if constexpr (kind == Kind::optional) {
    value.reset();
    if (detail::decode_flag(reader)) value.emplace(decode<typename T::value_type>(reader));
  } else if constexpr (kind == Kind::variant) {
    detail::decode_variant(reader, value, std::make_index_sequence<std::variant_size_v<T>>());
  } else if constexpr (kind == Kind::tuple) {
    if constexpr (std::tuple_size_v<T> == 0) detail::decode_nothing(reader);
    std::apply([&](auto&... part) { (decode_into(reader, part), ...); }, value);
  } else if constexpr (kind == Kind::array) {
    if constexpr (Shape<T>::size == 0) detail::decode_nothing(reader);
    for (auto& element : value) decode_into(reader, element);
  } else if constexpr (kind == Kind::sequence) {
    detail::decode_sequence(reader, value);
  } else if constexpr (kind == Kind::set) {
    value.clear();
    for (std::size_t n = reader.read_element_count(); n != 0; --n) {
      detail::emplace(value, decode<typename T::key_type>(reader));
    }
  } else if constexpr (kind == Kind::map) {
    value.clear();
    for (std::size_t n = reader.read_element_count(); n != 0; --n) {
      auto key = decode<typename T::key_type>(reader);
      detail::emplace(value, std::move(key), decode<typename T::mapped_type>(reader));
    }
  } else if constexpr (kind == Kind::duration) {
    value = T(decode<typename T::rep>(reader));
  } else if constexpr (kind == Kind::time_point) {
    value = T(decode<typename T::duration>(reader));
  } else if constexpr (kind == Kind::complex) {
    const auto real = decode<typename T::value_type>(reader);
    value = T(real, decode<typename T::value_type>(reader));
  } else if constexpr (kind == Kind::bitset) {
    detail::decode_bitset(reader, value);
  } else if constexpr (kind == Kind::unit) {
    detail::decode_nothing(reader);
  } else if constexpr (kind == Kind::user) {
    const Nesting nesting(reader);
    InArchive archive(reader);
    boost::serialization::serialize_adl(archive, value, boost::serialization::version<T>::value);
  } else if constexpr (kind == Kind::aggregate && is_recursive<T>) {
    const Nesting nesting(reader);
    detail::decode_aggregate(reader, value);
  } else if constexpr (kind == Kind::aggregate) {
    detail::decode_aggregate(reader, value);
  }
}

/// The next value.
template <class T>
T decode(Reader& reader) {
  static_assert(Storable<T>::value);
  if constexpr (kind_of<T> == Kind::handle) {
    return detail::decode_handle<T>(reader);
  } else if constexpr (kind_of<T> == Kind::string) {
    return detail::decode_string<T>(reader);
  } else if constexpr (kind_of<T> == Kind::tuple && !std::is_default_constructible_v<T>) {
    return detail::decode_tuple<T>(reader, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (kind_of<T> != Kind::refused) {
    if constexpr (holds_handles<T>) {
      const Placeholders scope;
      T value{};
      decode_into(reader, value);
      return value;
    } else {
      T value{};
      decode_into(reader, value);
      return value;
    }
  }
}

/// The only value: bytes or references left over are Corrupt.
template <class T>
T decode_all(Reader& reader) {
  T value = decode<T>(reader);
  reader.finish();
  return value;
}
template <class T>
T decode_all(BytesView bytes) {
  Reader reader(bytes);
  return decode_all<T>(reader);
}
template <class T, class Objects>
T decode_all(BytesView bytes, const Objects& objects) {
  Reader reader(bytes, objects);
  return decode_all<T>(reader);
}

}  // namespace partage::codec
