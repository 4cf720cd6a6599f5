// Does a type have Boost.Serialization's `serialize`: a member (private ones too), or a free function that its author
// wrote in the type's namespace or in boost::serialization?
//
// Calling it to find out would not work: boost::serialization::serialize(Archive&, T&, unsigned) accepts everything and
// fails inside. So the member is found by name lookup alone (a class that inherits `serialize` twice is ambiguous), and
// the free one by overload resolution against a copy of Boost's catch-all: alone the two are ambiguous, beside a more
// special overload they lose.
//
// Thread safety: compile time only.
#pragma once

#include <type_traits>

#include <boost/serialization/serialization.hpp>

namespace partage::codec::probe {

struct Archive {};

template <class A, class T>
void serialize(A&, T&, const unsigned int);

template <class T>
concept FreeSerialize = requires(Archive& archive, T& object, boost::serialization::version_type v) {
  serialize(archive, object, v);
};

struct Named {
  int serialize;
};
template <class T>
struct Both : T, Named {};

template <class T>
concept MemberNameUnique = requires {
  &Both<T>::serialize;
};

// One public function that is no template can be named without a call; then it is Boost's only if it takes an archive
// (a class may well have a `std::string serialize() const` of its own).
template <class T>
concept PlainMember = requires {
  &T::serialize;
};

template <class T>
concept TakesArchive = requires(T& object, Archive& archive) {
  object.serialize(archive, 0u);
};

template <class T>
consteval bool has_serialize() {
  if constexpr (!std::is_class_v<T>) {
    return false;
  } else if constexpr (FreeSerialize<T>) {
    return true;
  } else if constexpr (std::is_final_v<T> || PlainMember<T>) {
    return TakesArchive<T>;  // a private one of a final class cannot be seen
  } else {
    return !MemberNameUnique<T>;
  }
}

}  // namespace partage::codec::probe

namespace partage::codec {

template <class T>
inline constexpr bool has_serialize = probe::has_serialize<T>();

}  // namespace partage::codec
