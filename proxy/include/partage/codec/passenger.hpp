// What goes to another process beside the bytes of a value: the objects of handles, and what is no data at all, such as the
// open descriptor of a Connection. Such a type, a passenger, can be in a message and in the arguments of a process, but not
// in a container, and says so by a specialisation of PassengerTraits:
//
//   template <> struct partage::codec::PassengerTraits<Connection> {
//     static std::string description();                    // "connection"
//     static void encode(Writer&, const Connection&);      // throws UsageError when writer.departing() is nullptr
//     static Connection decode(Reader&);
//     static void repr(std::ostream&, const Connection&);
//   };
//
// The other end is proxy/include/partage/engine/parcel.hpp.
// Invariant: what is put into a Departing comes out of the Arriving in the same order.
// Thread safety: as the Writer or Reader.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include <partage/export.hpp>

namespace partage::engine {
class Descriptor;
class ObjectPtr;
}  // namespace partage::engine

namespace partage::codec {

/// Where a Writer puts what goes beside the bytes.
class PARTAGE_API Departing {
 public:
  virtual ~Departing();
  /// The object of a handle whose reference is written next.
  virtual void object(const engine::ObjectPtr& object) = 0;
  virtual void descriptor(std::shared_ptr<const engine::Descriptor> descriptor) = 0;
};

/// Where a Reader finds it.
class PARTAGE_API Arriving {
 public:
  virtual ~Arriving();
  /// The next one; nullptr: there are no more.
  virtual std::shared_ptr<const engine::Descriptor> descriptor() = 0;
};

/// Primary template: not a passenger.
template <class T>
struct PassengerTraits {};

template <class T>
concept Passenger = requires {
  { PassengerTraits<T>::description() } -> std::same_as<std::string>;
};

}  // namespace partage::codec
