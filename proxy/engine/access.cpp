#include "proxy/engine/access.hpp"

#include <partage/engine/error.hpp>
#include <partage/error.hpp>

namespace partage::engine {

std::string message_start(const SharedObject& object, const char* operation) {
  return "partage: " + describe(object) + ": " + operation + ": ";
}

void throw_unusable(const SharedObject* object, const char* operation) {
  if (object == nullptr) {
    throw ValueError(std::string("partage: an empty handle: ") + operation +
                     ": it refers to no object; make one with the manager, or assign another handle to it first");
  }
  if (object->segment == nullptr) {
    kernel::require_same_pid_namespace(object->session->segment());
    throw ConnectionError(message_start(*object, operation) +
                          "its last reference went while this process was being made; make processes with fork() or "
                          "partage::Process");
  }
  throw ManagerShutdown(message_start(*object, operation) +
                        "its manager was shut down; keep the Manager until everybody has finished");
}

bool adopt(SharedObject& container, Snapshot& snapshot) {
  if (!container.handles_inside) return true;
  Snapshot::Contents& c = snapshot.contents();
  c.objects.clear();
  for (std::size_t i = 0; i < c.table.size(); ++i) {
    const auto refs = c.table[i].refs;
    if (!refs.empty() && !container.session->adopt(refs, c.objects)) return false;
  }
  return true;
}

}  // namespace partage::engine
