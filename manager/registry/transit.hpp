// Handles on their way from process to process: who holds their objects while nobody has them.
//
// A message that carries handles may outlive its sender and may never be read. So the objects are held by a TRANSIT CLIENT,
// a client slot without a process: it lives as long as a certain open file description does (a lock on a byte of the
// segment's file, see platform/descriptors.hpp), and a descriptor of that goes with every message. When the sender has
// closed its own, and the last message was read or thrown away by the kernel, nobody has one: the client is dead, and is
// reaped like any other.
//
// One client is good for many messages, but has one holder bit per object. So every message has a PARCEL, a small hosted list
// of its handles, in which they are counted; the client holds the parcel.
//
//   sender                                           dies after it: what is left
//   1  Transit client(segment)                       an empty client without its lock: reaped
//   2  load(): makes the parcel, held by the sender  the dead sender's parcel: reaped with it
//   3          puts the handles into it, one commit  the same
//   4          the client acquires it                the client holds it, until nobody has its descriptor: reaped
//   5          the sender releases it                the same
//   6  sends the message with Transit::fd()          the message is the receiver's
//   receiver, which got a descriptor and so keeps the client alive
//   7  acquires the objects of the handles           the dead receiver's references: reaped with it; the parcel: as after 4
//   8  unload(): releases the parcel for the client  the objects are the receiver's; what dies of it is collected by anybody
//
// Between 4 and 8 nothing is lost if all processes die: then no descriptor is left either. A receiver that dies after the
// message was read and before 8 leaves the parcel to the client, so until the sender closes its connection.
//
// Thread and process safety: as the registry. Errors: ConnectionError (no slot, no descriptor), OutOfMemory, TimeoutError,
// ManagerShutdown; in every case nothing has changed.
#pragma once

#include <span>

#include "manager/platform/descriptors.hpp"
#include "manager/registry/clients.hpp"

namespace partage::kernel {

/// A transit client, and this process' descriptor of it. Moved away or destroyed, the descriptor is closed.
class Transit {
 public:
  explicit Transit(Segment& segment);
  ClientId id() const noexcept { return id_; }
  int fd() const noexcept { return lock_.get(); }
  /// The descriptor is the caller's from now on.
  int release() noexcept { return lock_.release(); }

 private:
  OwnedDescriptor lock_;
  ClientId id_;
};

/// A parcel with these objects, which this process holds, held by the client from now on.
ObjectRef load_parcel(Segment& segment, ClientId transit, std::span<const ObjectRef> objects);
/// The client does not hold the parcel any more. For the receiver, when it holds the objects; for a sender whose message did
/// not go out.
void unload_parcel(Segment& segment, ClientId transit, ObjectRef parcel) noexcept;

/// The slot is in this use, by a transit client. Whoever has its descriptor finds it so.
bool is_transit(const Segment& segment, ClientId id) noexcept;
/// Nobody has the client's descriptor any more: what it held is to be given back (reap.hpp).
bool is_transit_over(Segment& segment, ClientId id);

}  // namespace partage::kernel
