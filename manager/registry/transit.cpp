#include "manager/registry/transit.hpp"

#include <cerrno>
#include <cstring>
#include <partage/error.hpp>
#include <string>

#include "manager/registry/registry.hpp"

namespace partage::kernel {

Transit::Transit(Segment& segment) : lock_(reopen(segment.object().fd())) {
  if (!lock_.valid()) {
    throw ConnectionError(std::string("partage: sending a handle: cannot open its segment once more: ") +
                          std::strerror(errno) +
                          "; are there free file descriptors (ulimit -n), and is /proc mounted?");
  }
  id_ = Clients(segment).begin_transit(lock_.get());
}

ObjectRef load_parcel(Segment& segment, ClientId transit, std::span<const ObjectRef> objects) {
  Registry registry(segment, Control::alone);
  const ObjectRef parcel =
      registry.create_list("list<handle>", "", {.packed_size = 0, .handles = true}, ObjectKind::parcel);
  try {
    std::vector<BytesView> elements;
    elements.reserve(objects.size());
    for (const ObjectRef& object : objects) elements.emplace_back("", 0, std::span(&object, 1));
    List(segment, registry.facts(parcel).value().body).extend(elements);
    if (!Objects(segment).acquire(parcel, transit.slot)) throw Corrupt("partage: a parcel went away while it was held");
  } catch (...) {
    registry.release(parcel);
    throw;
  }
  registry.release(parcel);
  return parcel;
}

void unload_parcel(Segment& segment, ClientId transit, ObjectRef parcel) noexcept {
  try {
    if (Objects(segment).release(parcel, transit.slot)) made_dying().push_back(parcel);
  } catch (...) {
    // A stopped process holds the lock longer than operation_timeout: it goes with the client.
  }
  if (!UserCodeScope::active()) collect(segment);  // else the next operation does: here locks are held
}

bool is_transit(const Segment& segment, ClientId id) noexcept {
  if (id.slot == 0 || id.slot >= client_slots) return false;
  const u64 in_use = u64{id.generation} << 32 | static_cast<u64>(ClientState::transit);
  return control_table(segment).slots[id.slot].state.load() == in_use;
}

bool is_transit_over(Segment& segment, ClientId id) {
  if (!is_transit(segment, id)) return false;
  return !is_byte_locked(segment.object().fd(), transit_lock_offset + id.slot) && is_transit(segment, id);
}

}  // namespace partage::kernel
