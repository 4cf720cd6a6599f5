// Handles in archives of Boost.Serialization. Inside a shared container the reference is counted with the element. In
// an archive of your own it is two numbers, segment and object, and the process that wrote it goes on holding the
// object until it ends, once per object, because nobody can know how long the archive is kept. Loading needs a process
// that is attached to that segment: one of the same manager, its children, or one that called Manager::connect.
//
// Thread and process safety: full. Errors: ValueError for an empty handle, ConnectionError when the segment is not
// attached or the object has gone.
#pragma once

#include <cstdint>

#include <boost/serialization/nvp.hpp>

#include <partage/codec/current.hpp>
#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

struct ArchivedObject {
  std::uint64_t segment;
  std::uint64_t object;
};

/// The process holds the object from now on until it ends.
PARTAGE_API ArchivedObject hold_in_flight(const ObjectPtr& object);
PARTAGE_API ObjectPtr find_in_flight(const ArchivedObject& archived);
PARTAGE_API void write_reference(codec::Writer& writer, const ObjectPtr& object);

template <class Archive>
void save_object(Archive& archive, const ObjectPtr& object) {
  if (codec::Writer* writer = codec::CurrentWriter::get()) {
    write_reference(*writer, object);
    return;
  }
  const ArchivedObject archived = hold_in_flight(object);
  archive << boost::serialization::make_nvp("segment", archived.segment);
  archive << boost::serialization::make_nvp("object", archived.object);
}

template <class Archive>
ObjectPtr load_object(Archive& archive) {
  if (codec::Reader* reader = codec::CurrentReader::get()) return reader->next_object();
  ArchivedObject archived{};
  archive >> boost::serialization::make_nvp("segment", archived.segment);
  archive >> boost::serialization::make_nvp("object", archived.object);
  return find_in_flight(archived);
}

}  // namespace partage::engine
