// Where the values that this thread is encoding will be stored: a handle belongs to the segment it was made in, and
// another segment must not store it.
//
//   { const Storing scope(list.object());  codec::encode(writer, value); }     // ValueError for a foreign handle
//   inside
//
// Only types that may hold handles need it. Scopes nest; the innermost counts.
// Thread safety: every thread has its own.
#pragma once

#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <partage/export.hpp>

namespace partage::engine {

class PARTAGE_API Storing {
 public:
  explicit Storing(const ObjectPtr& container) noexcept;
  explicit Storing(const SessionPtr& session) noexcept;
  ~Storing();
  Storing(const Storing&) = delete;
  Storing& operator=(const Storing&) = delete;

 private:
  const Session* before_;
};

/// For HandleTraits::object(): throws ValueError within the scope of another segment.
PARTAGE_API const ObjectPtr& storable(const ObjectPtr& object);

}  // namespace partage::engine
