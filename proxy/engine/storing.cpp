#include <partage/engine/storing.hpp>

#include <partage/error.hpp>

#include "proxy/engine/session.hpp"

namespace partage::engine {

namespace {
thread_local const Session* storing_in = nullptr;
}

Storing::Storing(const ObjectPtr& container) noexcept : before_(storing_in) {
  const auto* object = static_cast<const SharedObject*>(container.get());
  storing_in = object == nullptr ? nullptr : object->session.get();
}
Storing::Storing(const SessionPtr& session) noexcept : before_(storing_in) {
  storing_in = session.get();
}
Storing::~Storing() {
  storing_in = before_;
}

const ObjectPtr& storable(const ObjectPtr& object) {
  if (storing_in == nullptr || !object) return object;
  const auto& shared = *static_cast<const SharedObject*>(object.get());
  if (shared.session.get() != storing_in) {
    throw ValueError("partage: " + describe(shared) +
                     " belongs to another manager, or to the process tree, and cannot be stored here; make it with the "
                     "manager of the "
                     "container");
  }
  return object;
}

}  // namespace partage::engine
