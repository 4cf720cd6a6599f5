// What an engine hands out: bytes, and the objects their references lead to, held already. A decoder therefore never
// meets a reference to something that has gone.
//
//   Value       one element, owned
//   ValueView   one element, borrowed
//   Snapshot    many elements, in one state
//
// Thread safety: as std::vector. None of them touches shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <partage/bytes.hpp>
#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

struct ValueView {
  BytesView bytes;
  std::span<const ObjectPtr> objects{};
};

struct Value {
  Bytes bytes;
  std::vector<ObjectPtr> objects;

  ValueView view() const { return {bytes.view(), objects}; }
};

class PARTAGE_API Snapshot {
 public:
  Snapshot();
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();

  std::size_t size() const noexcept;
  /// Valid as long as the snapshot.
  ValueView operator[](std::size_t i) const noexcept;

  /// The engine's part; defined in proxy/engine/snapshot.hpp.
  struct Contents;
  Contents& contents() noexcept { return *contents_; }
  const Contents& contents() const noexcept { return *contents_; }

 private:
  std::unique_ptr<Contents> contents_;
};

}  // namespace partage::engine
