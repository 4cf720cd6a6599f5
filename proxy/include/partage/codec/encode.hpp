// T -> bytes. Grammar (numbers in the machine's byte order, nothing aligned, count = LEB128):
//
//   number, enum     its bytes (long double: the 10 or 16 that count)      bool      one byte, 0 or 1
//   string           count, characters                                     object    see object.hpp
//   vec, set, map    count, elements (map: key, value)                     variant   index as count, the alternative
//   opt              one byte, 0 or 1, then the value if 1                 bitset    bytes, lowest bit first
//   tuple, struct, array, complex: the parts in order; without parts one zero byte
//   handle           one reference, no bytes (in a key also the reference as 8 bytes)
//   passenger        what PassengerTraits writes; only in messages
//   user             what serialize() writes                               boost     length as u64, a Boost archive
//
// Every value takes at least one byte or one reference. Thread safety: as the Writer.
#pragma once

#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>

#include <boost/serialization/version.hpp>

#include <partage/codec/archive.hpp>
#include <partage/codec/kind.hpp>
#include <partage/codec/nesting.hpp>
#include <partage/codec/storable.hpp>
#include <partage/codec/traits.hpp>
#include <partage/codec/writer.hpp>
#include <partage/export.hpp>

namespace partage::codec {

/// Defined in object.hpp.
PARTAGE_API void encode_object(Writer& writer, const boost::json::value& value);

/// Defined in boost_archive.hpp.
template <class T>
struct BoostArchive;

namespace detail {

[[noreturn]] PARTAGE_API void throw_nan_key();
[[noreturn]] PARTAGE_API void throw_empty_handle(const std::string& type);
[[noreturn]] PARTAGE_API void throw_valueless_variant();

template <class T>
void encode_number(Writer& writer, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (writer.canonical()) {
      if (std::isnan(value)) throw_nan_key();
      if (value == 0) value = 0;  // -0.0 too
    }
  }
  if constexpr (std::is_same_v<T, long double>) {
    writer.write(&value, long_double_size);
  } else {
    writer.write_pod(value);
  }
}

template <class T>
void encode_handle(Writer& writer, const T& handle) {
  const auto& object = HandleTraits<T>::object(handle);
  if (!object) throw_empty_handle(HandleTraits<T>::description());
  if constexpr (std::is_same_v<decltype(object), const engine::ObjectPtr&>) {
    if (Departing* departing = writer.departing()) [[unlikely]]
      departing->object(object);
  }
  const ObjectRef ref = object.ref();
  if (writer.canonical()) writer.write_pod(ref);
  writer.object(ref);
}

template <class T>
void encode_sequence(Writer& writer, const T& sequence) {
  using Element = typename T::value_type;
  writer.write_count(sequence.size());
  if constexpr (is_flat<Element> && requires { sequence.data(); }) {
    if (!has_floats<Element> || !writer.canonical()) {
      writer.write(sequence.data(), sequence.size() * sizeof(Element));
      return;
    }
  }
  for (const Element& element : sequence) encode(writer, element);  // a bool for vector<bool>
}

template <std::size_t N>
void encode_bitset(Writer& writer, const std::bitset<N>& bits) {
  std::uint8_t byte = 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (bits[i]) byte = static_cast<std::uint8_t>(byte | 1u << (i % 8));
    if (i % 8 == 7 || i + 1 == N) {
      writer.write_pod(byte);
      byte = 0;
    }
  }
  if constexpr (N == 0) writer.write_pod(byte);
}

template <class T>
void encode_aggregate(Writer& writer, const T& object) {
  if constexpr (field_count<T> == 0) {
    writer.write_pod(std::uint8_t{0});
  } else {
    for_each_field(object, [&](const auto& field) { encode(writer, field); });
  }
}

}  // namespace detail

template <class T>
void encode(Writer& writer, const T& value) {
  constexpr Kind kind = kind_of<T>;
  if constexpr (!std::is_array_v<T>) static_assert(Storable<T>::value);
  if constexpr (is_flat<T>) {
    if (!has_floats<T> || !writer.canonical()) {
      writer.write(&value, sizeof value);
      return;
    }
  }
  if constexpr (kind == Kind::handle) {
    detail::encode_handle(writer, value);
  } else if constexpr (kind == Kind::passenger) {
    PassengerTraits<T>::encode(writer, value);
  } else if constexpr (kind == Kind::boost) {
    BoostArchive<T>::save(writer, value);
  } else if constexpr (kind == Kind::object) {
    encode_object(writer, value);
  } else if constexpr (kind == Kind::boolean) {
    writer.write_pod(static_cast<std::uint8_t>(value ? 1 : 0));
  } else if constexpr (kind == Kind::number) {
    detail::encode_number(writer, value);
  } else if constexpr (kind == Kind::enumeration) {
    encode(writer, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (kind == Kind::string) {
    writer.write_count(value.size());
    writer.write(value.data(), value.size() * sizeof(typename T::value_type));
  } else if constexpr (kind == Kind::optional) {
    writer.write_pod(static_cast<std::uint8_t>(value.has_value() ? 1 : 0));
    if (value) encode(writer, *value);
  } else if constexpr (kind == Kind::variant) {
    if (value.valueless_by_exception()) detail::throw_valueless_variant();
    writer.write_count(value.index());
    std::visit([&](const auto& alternative) { encode(writer, alternative); }, value);
  } else if constexpr (kind == Kind::tuple) {
    if constexpr (std::tuple_size_v<T> == 0) writer.write_pod(std::uint8_t{0});
    std::apply([&](const auto&... part) { (encode(writer, part), ...); }, value);
  } else if constexpr (kind == Kind::array) {
    if constexpr (Shape<T>::size == 0) writer.write_pod(std::uint8_t{0});
    for (const auto& element : value) encode(writer, element);
  } else if constexpr (kind == Kind::sequence) {
    detail::encode_sequence(writer, value);
  } else if constexpr (kind == Kind::set) {
    writer.write_count(value.size());
    for (const auto& element : value) encode(writer, element);
  } else if constexpr (kind == Kind::map) {
    writer.write_count(value.size());
    for (const auto& [key, mapped] : value) {
      encode(writer, key);
      encode(writer, mapped);
    }
  } else if constexpr (kind == Kind::duration) {
    encode(writer, value.count());
  } else if constexpr (kind == Kind::time_point) {
    encode(writer, value.time_since_epoch());
  } else if constexpr (kind == Kind::complex) {
    encode(writer, value.real());
    encode(writer, value.imag());
  } else if constexpr (kind == Kind::bitset) {
    detail::encode_bitset(writer, value);
  } else if constexpr (kind == Kind::unit) {
    writer.write_pod(std::uint8_t{0});
  } else if constexpr (kind == Kind::user) {
    const Nesting nesting(writer);
    OutArchive archive(writer);
    boost::serialization::serialize_adl(archive, const_cast<T&>(value), boost::serialization::version<T>::value);
  } else if constexpr (kind == Kind::aggregate && is_recursive<T>) {
    const Nesting nesting(writer);
    detail::encode_aggregate(writer, value);
  } else if constexpr (kind == Kind::aggregate) {
    detail::encode_aggregate(writer, value);
  }
}

}  // namespace partage::codec
