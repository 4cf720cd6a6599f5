// The attributes of a namespace as bytes: the description of the type, with its length in front, and then the value as
// an element of a container would be encoded, with its references.
//
// Thread safety: a local variable's.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <partage/codec/codec.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/plain.hpp>
#include <partage/engine/dict.hpp>
#include <partage/engine/session.hpp>
#include <partage/export.hpp>

namespace partage {

namespace detail {

/// Characters that belong to somebody else: a literal, a pointer, a view.
template <class X>
consteval bool is_borrowed_text() {
  if constexpr (std::is_same_v<X, std::string_view>) {
    return true;
  } else {
    return !std::is_class_v<X> && !std::is_null_pointer_v<X> && std::is_convertible_v<const X&, std::string_view>;
  }
}

/// What is stored of an X: the element that a reference stands for, a std::string of a text.
template <class X, class Value = PlainValue<X>>
using AttributeType = std::conditional_t<is_borrowed_text<Value>(), std::string, Value>;

template <class Stored, class X>
decltype(auto) attribute_value(const X& value) {
  if constexpr (std::same_as<Stored, X>) {
    return static_cast<const Stored&>(value);
  } else if constexpr (AnElementRef<X>) {
    return static_cast<Stored>(detail::plain(value));
  } else {
    return static_cast<Stored>(value);
  }
}

template <class T>
const std::string& description_of() {
  static const std::string text = codec::description<T>();
  return text;
}

PARTAGE_API void write_type(codec::Writer& writer, const std::string& description);

template <class T>
class AttributeBytes {
 public:
  /// `home`: as for Encoded.
  template <class Home>
  AttributeBytes(const T& value, const Home& home) {
    static_assert(codec::Storable<T>::value);
    write_type(*scratch_, description_of<T>());
    encode_for(*scratch_, value, home);
  }
  BytesView view() const { return scratch_->view(); }

 private:
  codec::Scratch scratch_;
};

struct AttributeView {
  std::string_view type;
  engine::ValueView value;
};
/// Throws Corrupt for bytes that do not begin with a description.
PARTAGE_API AttributeView attribute_in(const engine::ValueView& stored);
/// From the bytes of a value to those of an attribute.
PARTAGE_API void put_type_in_front(Bytes& value, const std::string& description);

}  // namespace detail

/// One attribute to be set, with a copy of its value: {"port", 8080}.
class Attribute {
 public:
  template <class X>
  Attribute(std::string_view name, const X& value)
      : name_(name),
        encode_([value = detail::AttributeType<X>(detail::attribute_value<detail::AttributeType<X>>(value))](
                    Bytes& out, const engine::ObjectPtr& container, const engine::SessionPtr& session) {
          using T = detail::AttributeType<X>;
          if (container) return out.assign(detail::AttributeBytes<T>(value, container).view());
          out.assign(detail::AttributeBytes<T>(value, session).view());
        }) {}

  const std::string& name() const { return name_; }
  /// For the container, or for one that does not exist yet.
  void encode(Bytes& out, const engine::ObjectPtr& container, const engine::SessionPtr& session) const {
    encode_(out, container, session);
  }

 private:
  std::string name_;
  std::function<void(Bytes&, const engine::ObjectPtr&, const engine::SessionPtr&)> encode_;
};

namespace detail {
PARTAGE_API void set_attributes(const engine::Dict& dict, std::initializer_list<Attribute> attributes);
}

}  // namespace partage
