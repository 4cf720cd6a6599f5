// Is this object what the C++ type says? Asked when a handle is made: by name, out of a container, from an archive.
//
// The answer is remembered in the object under the address of `TypeOf<Proxy>`, so that it costs one comparison from the
// second time on.
// Thread and process safety: full. Errors: TypeError naming both types.
#pragma once

#include <string>

#include <partage/codec/handle.hpp>
#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// Throws TypeError unless the object was created as `type`.
PARTAGE_API void check_type(const ObjectPtr& object, const std::string& type);

template <class Proxy>
struct TypeOf {
  static constexpr char tag = 0;
  static const std::string& text() {
    static const std::string description = codec::HandleTraits<Proxy>::description();
    return description;
  }
};

template <class Proxy>
void check_type(const ObjectPtr& object) {
  LocalObject* local = object.get();
  if (local == nullptr || local->checked_type.load(std::memory_order_relaxed) == &TypeOf<Proxy>::tag) return;
  check_type(object, TypeOf<Proxy>::text());
  local->checked_type.store(&TypeOf<Proxy>::tag, std::memory_order_relaxed);
}

}  // namespace partage::engine
