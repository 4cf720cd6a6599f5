#include <partage/engine/companion.hpp>

#include "proxy/engine/access.hpp"

namespace partage::engine {

ObjectPtr companion(const ObjectPtr& owner, FunctionView<ObjectPtr()> create) {
  SharedObject& o = object_of(owner, "get_lock");
  const kernel::List list(*o.segment, o.body);
  ObjectRef there = list.companion();
  if (there == 0) {
    ObjectPtr mine = create();
    there = list.set_companion_if_none(mine.ref());
    if (there == mine.ref()) return mine;
  }
  ObjectPtr object = o.session->adopt(there);  // cannot go while `owner` holds its list
  if (!object) throw Corrupt(message_start(o, "get_lock") + "its lock has gone; the segment was damaged");
  return object;
}

const SessionPtr& session_of(const ObjectPtr& object) {
  return object_of(object, "get_lock").session;
}

}  // namespace partage::engine
