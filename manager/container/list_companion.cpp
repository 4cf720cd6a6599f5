// The object that belongs to a list: set once, given up with the list.
//
// Crash: each is one transaction over the list and the registry; there is never a companion that is not counted.
#include "manager/container/list_write.hpp"

namespace partage::kernel {

ObjectRef List::set_companion_if_none(ObjectRef ref) const {
  refuse_in_user_code("get_lock");
  ListWrite write(*this, true);
  if (const ObjectRef there = companion(); there != 0) return there;
  write.change().put(body_->value.companion, ref);
  write.refer(ref);
  write.commit();
  return ref;
}

void List::drop_companion() const {
  if (companion() == 0) return;
  ListWrite write(*this, true);
  const ObjectRef there = companion();
  if (there == 0) return;
  write.change().put(body_->value.companion, 0);
  write.unrefer(there);
  write.commit();
}

}  // namespace partage::kernel
