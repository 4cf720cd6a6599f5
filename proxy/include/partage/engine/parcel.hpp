// A value made up for another process: its bytes, and what goes beside them.
//
//   const Parcel parcel = pack(job);                  // here: holds the objects of all handles in it
//   Job job = unpack<Job>(parcel);                    // TypeError, naming both, for another type
//
// The handles may be of any segments, also of several. A parcel is of this process; what takes it to another one is
//
//   Shipment out = ship(parcel);                      // bytes to be written somewhere, descriptors to be sent (SCM_RIGHTS)
//   Parcel in = unship({bytes, descriptors});         // there: attaches to segments it does not know, adopts the objects
//
// where nothing but the parcel holds the objects on the way: who ships keeps it until the other side has unshipped. Fit for
// the arguments of a child that is waited for. A message that may outlive its sender is shipped by Channel (channel.hpp).
//
// Thread safety: a Parcel as a std::vector.
// Errors: pack() as the codec (ValueError for an empty handle). unship(): ConnectionError when a segment cannot be attached
// or an object has gone, ManagerShutdown, Corrupt for bytes of something else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/engine/descriptor.hpp>
#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

struct Parcel {
  std::string type;                // codec::description<T>()
  std::vector<std::byte> bytes;    // the encoded value
  std::vector<ObjectPtr> objects;  // of its references, in their order
  std::vector<SharedDescriptor> descriptors;
};

/// A Parcel without pointers: what crosses from process to process.
struct Shipment {
  std::vector<std::byte> bytes;
  std::vector<SharedDescriptor> descriptors;
};

PARTAGE_API Shipment ship(Parcel parcel);
/// The sender must hold the parcel until this returns.
PARTAGE_API Parcel unship(Shipment shipment);

/// Collects what a Writer meets, as long as it lives.
class PARTAGE_API Packing final : public codec::Departing {
 public:
  Packing(codec::Writer& writer, Parcel& parcel) : writer_(writer), parcel_(parcel) { writer.set_departing(this); }
  ~Packing() override;
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;
  void object(const ObjectPtr& object) override;
  void descriptor(SharedDescriptor descriptor) override;

 private:
  codec::Writer& writer_;
  Parcel& parcel_;
};

/// Hands it out again.
class PARTAGE_API Unpacking final : public codec::Arriving {
 public:
  Unpacking(codec::Reader& reader, const Parcel& parcel) : parcel_(parcel) { reader.set_arriving(this); }
  ~Unpacking() override;
  SharedDescriptor descriptor() override;

 private:
  const Parcel& parcel_;
  std::size_t next_ = 0;
};

/// Throws TypeError: `operation` wanted a value of that type.
[[noreturn]] PARTAGE_API void throw_other_parcel(const Parcel& parcel, const std::string& type, const char* operation);

template <class T>
const std::string& parcel_type() {
  static const std::string text = codec::description<T>();
  return text;
}

template <class T>
Parcel pack(const T& value) {
  Parcel parcel;
  parcel.type = parcel_type<T>();
  const codec::Scratch scratch;
  {
    const Packing packing(*scratch, parcel);
    codec::encode(*scratch, value);
  }
  parcel.bytes.assign(scratch->data(), scratch->data() + scratch->size());
  return parcel;
}

template <class T>
T unpack(const Parcel& parcel, const char* operation = "unpack") {
  if (parcel.type != parcel_type<T>()) throw_other_parcel(parcel, parcel_type<T>(), operation);
  codec::Reader reader(parcel.bytes.data(), parcel.bytes.size(), parcel.objects);
  const Unpacking unpacking(reader, parcel);
  return codec::decode_all<T>(reader);
}

}  // namespace partage::engine
