// Keys of dicts and elements of sets: equal keys have equal encodings, so that the byte level compares and hashes bytes
// without knowing the type. Therefore -0.0 is stored as 0.0, NaN (equal to nothing) is a ValueError, a handle adds its
// reference to the bytes (identity), and types without such an encoding are compile errors. Dicts and sets refuse handles
// all the same (detail/key.hpp): they do not compile, and one that a serialize() writes is a ValueError.
//
// Invariant: encode_key(a) == encode_key(b) byte for byte iff a and b are the same key.
// A type with serialize() must write equal bytes for equal values; only it can know.
// Thread safety: as the Writer or Reader.
#pragma once

#include <partage/codec/decode.hpp>
#include <partage/codec/encode.hpp>

namespace partage::codec {

namespace detail {

template <class T>
consteval bool has_padding() {
  if constexpr (kind_of<T> == Kind::aggregate && std::is_trivially_copyable_v<T> && !std::is_empty_v<T>) {
    return sum_of_sizeof(Parts<T>{}) != sizeof(T);
  } else {
    return false;
  }
}

template <class T>
consteval bool is_unordered() {
  if constexpr (kind_of<T> == Kind::set || kind_of<T> == Kind::map) {
    return !Shape<T>::ordered;
  } else {
    return false;
  }
}

template <class T>
struct NotRefusedAsKey {
  static constexpr bool value = true;
  static_assert(
      !is_unordered<T>(),
      "partage: an unordered container cannot be (part of) a key, because equal ones may have their elements in "
      "different orders; use std::map or std::set");
  static_assert(kind_of<T> != Kind::object,
                "partage: an Object cannot be (part of) a key, because equal ones may have their members in different "
                "orders and numbers of different kinds; use a std::string or a struct");
  static_assert(
      kind_of<T> != Kind::boost,
      "partage: a type with use_boost_archive cannot be (part of) a key, because equal values may be archived "
      "as different bytes; use the fields that identify it");
  static_assert(kind_of<T> != Kind::passenger,
                "partage: a Connection cannot be (part of) a key: it is an end of a pipe and no value; send it through "
                "another Connection");
  static_assert(
      !has_padding<T>(),
      "partage: a struct with padding cannot be (part of) a key, because the bytes between its fields are not "
      "part of its value; order the fields by size, or fill the gaps with fields of your own");
};

template <class T, class... Open>
struct KeyIn;
template <class List, class... Open>
struct AllKeys;
template <class... P, class... Open>
struct AllKeys<TypeList<P...>, Open...> {
  static constexpr bool value = (KeyIn<P, Open...>::value && ... && true);
};
template <class T, bool seen, class... Open>
struct KeyNew {
  static_assert(NotRefusedAsKey<T>::value && AllKeys<Parts<T>, T, Open...>::value);
};
template <class T, class... Open>
struct KeyNew<T, true, Open...> {};
template <class T, class... Open>
struct KeyIn : KeyNew<T, is_among<T, Open...>, Open...> {
  static constexpr bool value = true;
};

template <class Stream>
class Canonical {
 public:
  explicit Canonical(Stream& stream) : stream_(stream), before_(stream.canonical()) { stream_.set_canonical(true); }
  ~Canonical() { stream_.set_canonical(before_); }
  Canonical(const Canonical&) = delete;
  Canonical& operator=(const Canonical&) = delete;

 private:
  Stream& stream_;
  bool before_;
};

}  // namespace detail

/// `static_assert(Key<K>::value)`: K may be a key, or a compile error that says why not.
template <class K>
struct Key {
  static constexpr bool value = Storable<K>::value && detail::KeyIn<K>::value;
};

template <class K>
void encode_key(Writer& writer, const K& key) {
  static_assert(Key<K>::value);
  const detail::Canonical canonical(writer);
  encode(writer, key);
}

template <class K>
K decode_key(Reader& reader) {
  static_assert(Key<K>::value);
  const detail::Canonical canonical(reader);
  return decode<K>(reader);
}

}  // namespace partage::codec
