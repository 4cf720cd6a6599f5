// Our light archives: what Boost.Serialization calls an Archive, without its pimpl, header, class info and tracking. A
// user's serialize() runs through them at the price of the bytes it writes (7 ns instead of 500,
// research/feasibility.md section 6). Everything inside is encoded as everywhere else; the bytes carry no structure of
// their own.
//
//   template <class Archive> void serialize(Archive& ar, unsigned version) { ar & id & BOOST_SERIALIZATION_NVP(name); }
//
// Supported: & << >>, nvp, base_object, split_member, split_free, make_array, make_binary_object, save_binary,
// load_binary, BOOST_CLASS_VERSION (always the current version: writer and reader share the segment, and the version is
// part of the type's description), register_type (nothing to do). A pointer is a compile error: such a type sets
// partage::use_boost_archive.
//
// Thread safety: none; one thread at a time.
#pragma once

#include <cstddef>
#include <type_traits>

#include <boost/mpl/bool.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/library_version_type.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/serialization.hpp>
#include <boost/serialization/version.hpp>
#include <boost/serialization/wrapper.hpp>

#include <partage/codec/kind.hpp>
#include <partage/codec/reader.hpp>
#include <partage/codec/writer.hpp>

namespace partage::codec {

template <class T>
void encode(Writer& writer, const T& value);
template <class T>
void decode_into(Reader& reader, T& value);

namespace detail {

// Boost's own small classes (collection_size_type, item_version_type): numbers by another name.
template <class T>
inline constexpr bool is_boost_primitive = [] {
  if constexpr (std::is_class_v<T> && boost::serialization::is_bitwise_serializable<T>::value) {
    return kind_of<T> == Kind::refused &&
           boost::serialization::implementation_level<T>::value == boost::serialization::primitive_type;
  } else {
    return false;
  }
}();

template <class T>
inline constexpr bool is_wrapper = boost::serialization::is_wrapper<T>::type::value;

}  // namespace detail

class OutArchive {
 public:
  using is_saving = boost::mpl::bool_<true>;
  using is_loading = boost::mpl::bool_<false>;

  explicit OutArchive(Writer& writer) : writer_(writer) {}

  template <class T>
  OutArchive& operator&(const T& value) {
    if constexpr (detail::is_wrapper<T>) {
      boost::serialization::serialize_adl(*this, const_cast<T&>(value), 0u);
    } else if constexpr (detail::is_boost_primitive<T>) {
      writer_.write(&value, sizeof value);
    } else {
      encode(writer_, value);
    }
    return *this;
  }
  template <class T>
  OutArchive& operator<<(const T& value) {
    return *this & value;
  }
  void save_binary(const void* from, std::size_t n) { writer_.write(from, n); }
  template <class T>
  void register_type(const T* = nullptr) {}
  boost::serialization::library_version_type get_library_version() const { return library_version(); }
  static boost::serialization::library_version_type library_version() {
    return boost::serialization::library_version_type(19u);
  }

 private:
  Writer& writer_;
};

class InArchive {
 public:
  using is_saving = boost::mpl::bool_<false>;
  using is_loading = boost::mpl::bool_<true>;

  explicit InArchive(Reader& reader) : reader_(reader) {}

  template <class T>
  InArchive& operator&(T&& value) {
    using Value = std::remove_cvref_t<T>;
    if constexpr (detail::is_wrapper<Value>) {
      boost::serialization::serialize_adl(*this, const_cast<Value&>(value), 0u);
    } else if constexpr (detail::is_boost_primitive<Value>) {
      reader_.read(static_cast<void*>(&value), sizeof(Value));
    } else {
      static_assert(std::is_lvalue_reference_v<T>, "partage: serialize() reads into a temporary");
      decode_into(reader_, value);
    }
    return *this;
  }
  template <class T>
  InArchive& operator>>(T&& value) {
    return *this & static_cast<T&&>(value);
  }
  void load_binary(void* to, std::size_t n) { reader_.read(to, n); }
  template <class T>
  void register_type(const T* = nullptr) {}
  void reset_object_address(const void*, const void*) {}
  boost::serialization::library_version_type get_library_version() const { return OutArchive::library_version(); }

 private:
  Reader& reader_;
};

}  // namespace partage::codec
