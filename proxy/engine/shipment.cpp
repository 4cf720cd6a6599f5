#include "proxy/engine/shipment.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <partage/error.hpp>

#include "manager/registry/service.hpp"
#include "proxy/engine/access.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage::engine {

namespace {

using kernel::u32;
using kernel::u64;

struct SegmentEntry {
  u64 id;
  u64 client;
  u64 parcel;
};
struct ObjectEntry {
  u64 ref;
  u64 segment;
};
struct Tail {
  static constexpr u32 right_magic = 0x52504750;  // "PGPR"
  u32 segments;
  u32 objects;
  u32 description;
  u32 magic = right_magic;
};
static_assert(sizeof(SegmentEntry) == 24 && sizeof(ObjectEntry) == 16 && sizeof(Tail) == 16);

/// The objects of a parcel, by segment.
struct Sorted {
  std::vector<SessionPtr> sessions;
  std::vector<std::vector<ObjectRef>> refs;
  std::vector<ObjectEntry> objects;

  explicit Sorted(const std::vector<ObjectPtr>& from) {
    objects.reserve(from.size());
    for (const ObjectPtr& object : from) {
      const SessionPtr& session = object_of(object, "send").session;
      std::size_t i = 0;
      while (i < sessions.size() && sessions[i] != session) ++i;
      if (i == sessions.size()) {
        sessions.push_back(session);
        refs.emplace_back();
      }
      refs[i].push_back(object.ref());
      objects.push_back({object.ref(), i});
    }
  }
};

template <class T>
void append(std::vector<std::byte>& bytes, const T* from, std::size_t count) {
  const auto* begin = reinterpret_cast<const std::byte*>(from);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

/// Consumes the bytes and the description of the parcel.
std::vector<std::byte> with_manifest(Parcel& parcel, const std::vector<SegmentEntry>& segments, const Sorted& sorted) {
  std::vector<std::byte> bytes = std::move(parcel.bytes);
  bytes.reserve(bytes.size() + segments.size() * sizeof(SegmentEntry) + sorted.objects.size() * sizeof(ObjectEntry) +
                parcel.type.size() + sizeof(Tail));
  append(bytes, segments.data(), segments.size());
  append(bytes, sorted.objects.data(), sorted.objects.size());
  append(bytes, parcel.type.data(), parcel.type.size());
  const Tail tail{static_cast<u32>(segments.size()), static_cast<u32>(sorted.objects.size()),
                  static_cast<u32>(parcel.type.size())};
  append(bytes, &tail, 1);
  return bytes;
}

[[noreturn]] void corrupt(const char* what) {
  throw Corrupt(std::string("partage: what another process has sent cannot be read: ") + what +
                "; do both run the same build of Partage?");
}

/// Takes things off the end of bytes.
class FromTheEnd {
 public:
  explicit FromTheEnd(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  template <class T>
  void take(T* to, std::size_t count) {
    if (count > bytes_.size() / sizeof(T)) corrupt("it is too short");
    const std::size_t rest = bytes_.size() - count * sizeof(T);
    if (count != 0) std::memcpy(to, bytes_.data() + rest, count * sizeof(T));
    bytes_.resize(rest);
  }
  template <class Container>
  Container take(std::size_t count) {
    using T = typename Container::value_type;
    if (count > bytes_.size() / sizeof(T)) corrupt("it is too short");
    Container all(count, T{});
    take(all.data(), count);
    return all;
  }

 private:
  std::vector<std::byte>& bytes_;
};

/// This process' session of a segment, of which it has been sent a descriptor.
SessionPtr session_of(u64 id, const Descriptor& descriptor) {
  SessionPtr session = Sessions::find(id);
  if (!session) {
    // Not through the descriptor itself: it may be what keeps a transit client alive.
    kernel::OwnedDescriptor own = kernel::reopen(descriptor.fd());
    if (!own.valid()) {
      throw ConnectionError(std::string("partage: recv: cannot open the segment of a handle: ") + std::strerror(errno) +
                            "; are there free file descriptors (ulimit -n), and is /proc mounted?");
    }
    session = Sessions::of(kernel::Segment::attach(kernel::MemoryObject(own.release())));
  }
  if (session->id() != id) corrupt("it names another segment than it brings");
  return session;
}

}  // namespace

Descriptor::~Descriptor() {
  kernel::OwnedDescriptor(fd_).reset();
}

Packing::~Packing() {
  writer_.set_departing(nullptr);
}
void Packing::object(const ObjectPtr& object) {
  parcel_.objects.push_back(object);
}
void Packing::descriptor(SharedDescriptor descriptor) {
  parcel_.descriptors.push_back(std::move(descriptor));
}

Unpacking::~Unpacking() = default;
SharedDescriptor Unpacking::descriptor() {
  return next_ < parcel_.descriptors.size() ? parcel_.descriptors[next_++] : nullptr;
}

void throw_other_parcel(const Parcel& parcel, const std::string& type, const char* operation) {
  throw TypeError(std::string("partage: ") + operation + ": what was sent is a " + parcel.type + ", not a " + type +
                  "; it has been taken out. Receive the type that the other side sends");
}

// ---- on the way ------------------------------------------------------------------------------------------------------

Shipment ship(Parcel parcel) {
  const Sorted sorted(parcel.objects);
  std::vector<SegmentEntry> segments;
  Shipment shipment;
  for (const SessionPtr& session : sorted.sessions) {
    segments.push_back({session->id(), 0, 0});
    shipment.descriptors.push_back(
        std::make_shared<const Descriptor>(session->segment().object().duplicate().release()));
  }
  shipment.bytes = with_manifest(parcel, segments, sorted);
  for (SharedDescriptor& descriptor : parcel.descriptors) shipment.descriptors.push_back(std::move(descriptor));
  return shipment;
}

InTransit::InTransit(Parcel parcel, Transits& transits) {
  const Sorted sorted(parcel.objects);
  std::vector<SegmentEntry> segments;
  loads_.reserve(sorted.sessions.size());
  if (!sorted.sessions.empty()) kernel::refuse_in_user_code("sending a handle");
  try {
    for (std::size_t i = 0; i < sorted.sessions.size(); ++i) {
      const SessionPtr& session = sorted.sessions[i];
      const TransitClient client = transits.of(session);
      const Session::HandOver scope(*session);  // this process holds the parcel for a moment, without a handle
      const ObjectRef load = kernel::load_parcel(session->segment(), client.id, sorted.refs[i]);
      loads_.push_back({session, client, load});
      segments.push_back({session->id(), client.id.word(), load});
      shipment_.descriptors.push_back(client.lock);
    }
    shipment_.bytes = with_manifest(parcel, segments, sorted);
    for (SharedDescriptor& descriptor : parcel.descriptors) shipment_.descriptors.push_back(std::move(descriptor));
  } catch (...) {
    take_back();
    throw;
  }
  objects_ = std::move(parcel.objects);
}

InTransit::~InTransit() {
  take_back();
}

void InTransit::take_back() noexcept {
  for (const Load& load : loads_) kernel::unload_parcel(load.session->segment(), load.client.id, load.parcel);
  loads_.clear();
}

Parcel unship(Shipment shipment) {
  Parcel parcel;
  std::vector<std::byte>& bytes = shipment.bytes;
  FromTheEnd end(bytes);
  Tail tail{};
  end.take(&tail, 1);
  if (tail.magic != Tail::right_magic) corrupt("it does not end as it should");
  parcel.type = end.take<std::string>(tail.description);
  const auto objects = end.take<std::vector<ObjectEntry>>(tail.objects);
  const auto segments = end.take<std::vector<SegmentEntry>>(tail.segments);
  if (segments.size() > shipment.descriptors.size()) corrupt("it brings too few descriptors");

  std::vector<SessionPtr> sessions;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    sessions.push_back(session_of(segments[i].id, *shipment.descriptors[i]));
    const auto client = kernel::ClientId::of(segments[i].client);
    if (segments[i].client == 0) continue;
    kernel::require_live(sessions[i]->segment(), "receiving a handle");
    if (!kernel::is_transit(sessions[i]->segment(), client)) corrupt("it names nobody who holds its objects");
  }
  parcel.objects.reserve(objects.size());
  for (const ObjectEntry& entry : objects) {
    if (entry.segment >= sessions.size()) corrupt("an object is of no segment");
    ObjectPtr object = sessions[entry.segment]->adopt(entry.ref);
    if (!object) {
      throw ConnectionError("partage: recv: a handle refers to object #" + std::to_string(kernel::index_of(entry.ref)) +
                            ", which is gone: nobody has held it on the way");
    }
    parcel.objects.push_back(std::move(object));
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto client = kernel::ClientId::of(segments[i].client);
    if (segments[i].client == 0) continue;
    kernel::unload_parcel(sessions[i]->segment(), client, segments[i].parcel);
    shipment.descriptors[i].reset();
    settle_transit(*sessions[i], client);
  }
  parcel.bytes = std::move(bytes);
  parcel.descriptors.assign(
      std::make_move_iterator(shipment.descriptors.begin() + static_cast<std::ptrdiff_t>(segments.size())),
      std::make_move_iterator(shipment.descriptors.end()));
  return parcel;
}

}  // namespace partage::engine
