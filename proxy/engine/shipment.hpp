// Parcels as bytes and descriptors (partage/engine/parcel.hpp), and who holds the objects on the way.
//
// Layout of a shipment's bytes (host byte order; all parties run on one machine)
//     the encoded value
//     the manifest:  segment[segments] (24 bytes each)   0 id | 8 transit client, 0 = the sender holds the objects | 16 parcel
//                    object[objects] (16 bytes each)      0 reference | 8 index of its segment
//                    the type's description
//                    tail (16 bytes)                      0 u32 segments | 4 u32 objects
//                                                         8 u32 bytes of the description | 12 u32 "PGPR"
// Its descriptors: one for each segment, which is the transit client's if there is one; then those of the value.
//
// Thread safety: full.
#pragma once

#include <partage/engine/parcel.hpp>

#include "proxy/engine/transits.hpp"

namespace partage::engine {

/// A parcel under way by transit clients: taken back when this is destroyed before sent().
class InTransit {
 public:
  InTransit(Parcel parcel, Transits& transits);
  InTransit(const InTransit&) = delete;
  InTransit& operator=(const InTransit&) = delete;
  ~InTransit();

  const Shipment& shipment() const noexcept { return shipment_; }
  void sent() noexcept { loads_.clear(); }

 private:
  struct Load {
    SessionPtr session;
    TransitClient client;
    ObjectRef parcel;
  };
  void take_back() noexcept;

  std::vector<Load> loads_;
  std::vector<ObjectPtr> objects_;  // held until the transit clients hold them, and a little longer
  Shipment shipment_;
};

}  // namespace partage::engine
