#include <partage/engine/archive.hpp>

#include <partage/engine/storing.hpp>
#include <partage/error.hpp>

#include "proxy/engine/access.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage::engine {

namespace {
const SharedObject& checked(const ObjectPtr& object) {
  if (!object) {
    throw ValueError(
        "partage: an empty handle cannot be serialised, because it refers to no object; make one with the manager "
        "first");
  }
  return *static_cast<const SharedObject*>(object.get());
}
}  // namespace

ArchivedObject hold_in_flight(const ObjectPtr& object) {
  const SharedObject& shared = checked(object);
  shared.session->hold_for_ever(object);
  return {shared.session->id(), shared.ref};
}

ObjectPtr find_in_flight(const ArchivedObject& archived) {
  const SessionPtr session = Sessions::find(archived.segment);
  if (!session) {
    throw ConnectionError(
        "partage: a handle in an archive belongs to a manager that this process is not attached to; "
        "call Manager::connect() before loading it");
  }
  ObjectPtr object = session->adopt(archived.object);
  if (!object) {
    throw ConnectionError("partage: a handle in an archive refers to object #" +
                          std::to_string(kernel::index_of(archived.object)) +
                          ", which is gone; the process that wrote the archive must live until it is loaded");
  }
  return object;
}

void write_reference(codec::Writer& writer, const ObjectPtr& object) {
  const ObjectRef ref = checked(object).ref;
  if (writer.departing() != nullptr) {
    writer.departing()->object(object);
  } else {
    static_cast<void>(storable(object));
  }
  writer.object(ref);
}

}  // namespace partage::engine
