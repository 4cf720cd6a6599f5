// May T be stored in a shared object? `static_assert(Storable<T>::value)` fails for the first part of T that may not,
// however deep, with a sentence that says what to do instead; the compiler's "required from" lines lead to the place.
//
// Thread safety: compile time only.
#pragma once

#include <cstddef>
#include <type_traits>

#include <partage/codec/kind.hpp>
#include <partage/codec/refusal.hpp>

namespace partage::codec {

template <class T>
inline constexpr Refusal refusal_of = [] {
  if constexpr (kind_of<T> != Kind::refused) {
    return Refusal::none;
  } else {
    return detail::find_refusal<T>();
  }
}();

namespace detail {

template <class... P>
consteval std::size_t sum_of_sizeof(TypeList<P...>) {
  return ((std::is_empty_v<P> ? 0 : sizeof(P)) + ... + 0);
}

template <class T>
consteval bool has_bit_fields() {
  if constexpr (kind_of<T> == Kind::aggregate) {
    return sum_of_sizeof(Parts<T>{}) > sizeof(T);  // one that fills its unit alone is left to the compiler's own words
  } else {
    return false;
  }
}

// One sentence each. Instantiated for every leaf; the first that fails is the compiler's first error.
template <class T>
struct NotRefused {
  static constexpr bool value = true;
  static constexpr Refusal why = refusal_of<T>;
  static_assert(
      why != Refusal::pointer,
      "partage: a pointer cannot be stored in a shared object: it means nothing in another process; store the "
      "value itself, an index, or a handle");
  static_assert(why != Refusal::smart_pointer,
                "partage: a smart pointer cannot be stored in a shared object: it means nothing in another process; "
                "store the value itself or a handle, or give the class that holds it a serialize() and set "
                "partage::use_boost_archive for that class");
  static_assert(why != Refusal::reference,
                "partage: a reference cannot be stored in a shared object: it means nothing in another process; store "
                "the value itself, an index, or a handle");
  static_assert(why != Refusal::reference_wrapper,
                "partage: a std::reference_wrapper cannot be stored in a shared object: it means nothing in another "
                "process; store the value itself, an index, or a handle");
  static_assert(why != Refusal::string_view,
                "partage: a std::string_view cannot be stored in a shared object: the characters it looks at stay "
                "behind in this process; store a std::string");
  static_assert(why != Refusal::span,
                "partage: a view (std::span, std::initializer_list) cannot be stored in a shared object: the elements "
                "it looks at stay behind in this process; store a std::vector or std::array");
  static_assert(
      why != Refusal::function_pointer,
      "partage: a function pointer cannot be stored in a shared object: another process may have the function "
      "elsewhere; store a partage::FunctionRef");
  static_assert(why != Refusal::function_object,
                "partage: a std::function cannot be stored in a shared object: what it calls stays behind in this "
                "process; store a partage::FunctionRef, or the data and a number that says what to do with it");
  static_assert(why != Refusal::union_type,
                "partage: a union cannot be stored in a shared object: nobody knows which member is alive; store a "
                "std::variant");
  static_assert(
      why != Refusal::immovable,
      "partage: a type that can neither be copied nor moved (a mutex, a condition variable, an atomic) cannot "
      "be stored in a shared object; use partage::Lock, partage::Condition or partage::Value, whose handles can");
  static_assert(
      why != Refusal::constant,
      "partage: a const or volatile element or member cannot be stored in a shared object, because it cannot be "
      "read back; drop the qualifier");
  static_assert(why != Refusal::not_default_constructible,
                "partage: this struct has a reference or another member without a default, so that it cannot be read "
                "back from a shared object; give every member a default, and replace references by values or handles");
  static_assert(why != Refusal::base_class,
                "partage: this struct has a base class, so that its fields cannot be listed; give it a serialize() as "
                "for Boost.Serialization, or make the base a member");
  static_assert(why != Refusal::too_many_fields,
                "partage: this struct has more than 32 fields, or fields that cannot be counted; give it a serialize() "
                "as for Boost.Serialization");
  static_assert(
      !has_bit_fields<T>(),
      "partage: this struct has bit-fields, which have no address to read back into; make them whole fields, or "
      "give it a serialize() as for Boost.Serialization");
  static_assert(
      why != Refusal::opaque,
      "partage: this type cannot be stored in a shared object, because nothing says how to write it as bytes; "
      "make its fields public, or give it a serialize() as for Boost.Serialization");
  static_assert(
      kind_of<T> != Kind::user || std::is_default_constructible_v<T>,
      "partage: a type with serialize() needs a default constructor, so that it can be read back from a shared "
      "object");
  static_assert(
      kind_of<T> != Kind::boost || std::is_default_constructible_v<T>,
      "partage: a type with use_boost_archive needs a default constructor, so that it can be read back from a "
      "shared object");
};

template <class T, class... Open>
struct StorableIn;

template <class List, class... Open>
struct AllStorable;
template <class... P, class... Open>
struct AllStorable<TypeList<P...>, Open...> {
  static constexpr bool value = (StorableIn<P, Open...>::value && ... && true);
};

template <class T, bool seen, class... Open>
struct StorableNew {
  static_assert(NotRefused<T>::value && AllStorable<Parts<T>, T, Open...>::value);
};
template <class T, class... Open>
struct StorableNew<T, true, Open...> {};

// `Open`: the types on the way to T, so that a type that contains itself (struct Tree { std::vector<Tree> kids; })
// ends.
template <class T, class... Open>
struct StorableIn : StorableNew<T, is_among<T, Open...>, Open...> {
  static constexpr bool value = true;
};

}  // namespace detail

template <class T>
struct Storable {
  static_assert(!std::is_array_v<T>,
                "partage: a C array cannot be an element of a shared object by itself; store a std::array, or a struct "
                "with the array inside");
  static constexpr bool value = detail::StorableIn<T>::value;
};

}  // namespace partage::codec
