// How the codec recognises a handle (ListProxy, Lock, Queue, ...): by a specialisation of HandleTraits.
//
//   template <> struct partage::codec::HandleTraits<MyProxy> {
//     static std::string description();                            // "list<i64>"
//     static const engine::ObjectPtr& object(const MyProxy&);      // empty for a default-constructed handle
//     static MyProxy make(const engine::ObjectPtr&);               // throws TypeError for an object of another type
//     static void repr(std::ostream&, const MyProxy&);             // its contents as Python prints them; a cycle "..."
//   };
//
// Invariant: a handle is stored as one reference and no bytes (in a key: its reference as 8 bytes as well), so that the
// byte level and the tools find every reference without knowing the type.
// Thread safety: compile time only.
#pragma once

#include <concepts>
#include <string>

namespace partage::engine {
class ObjectPtr;
}

namespace partage::codec {

/// Primary template: not a handle.
template <class T>
struct HandleTraits {};

template <class T>
concept Handle = requires {
  { HandleTraits<T>::description() } -> std::same_as<std::string>;
};

}  // namespace partage::codec
