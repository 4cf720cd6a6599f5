// Making the handles of partage/sync: where the object comes from, and how it is described.
//
// Thread safety: full.
#pragma once

#include <string>

#include <partage/detail/hosted_handle.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/sync.hpp>

namespace partage::detail {

/// A new object of this manager.
template <class H>
H new_sync(const engine::SessionPtr& session, const engine::SyncType& type) {
  return H(engine::create_sync(session, type, ""));
}
/// The object of that name, or a new one that gets it.
template <class H>
H named_sync(const engine::SessionPtr& session, const std::string& name, const engine::SyncType& type) {
  const auto create = [&] { return engine::create_sync(session, type, name); };
  return codec::HandleTraits<H>::make(engine::open_or_create(session, name, create));
}

template <class H, engine::SyncKind kind>
struct SyncTraits : HostedTraits<H> {
  static std::string description() { return engine::description_of(kind); }
};

}  // namespace partage::detail
