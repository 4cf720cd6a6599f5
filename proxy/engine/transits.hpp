// The transit clients of one sender: one for each segment whose handles it has sent, made with the first of them
// (manager/registry/transit.hpp says what they are for).
//
// Fork: a child's copy names the same clients, whose descriptors it has inherited: they live until both have let go.
// Thread safety: full, also across a fork.
#pragma once

#include <memory>
#include <vector>

#include <partage/engine/descriptor.hpp>

#include "manager/registry/transit.hpp"
#include "proxy/engine/session.hpp"

namespace partage::engine {

struct TransitClient {
  kernel::ClientId id;
  SharedDescriptor lock;
};

class Transits {
 public:
  Transits() = default;
  Transits(const Transits&) = delete;
  Transits& operator=(const Transits&) = delete;
  ~Transits() { clear(); }

  TransitClient of(const SessionPtr& session);
  /// Lets go of all: what of them is in no message any more is given back.
  void clear() noexcept;

 private:
  struct Entry {
    kernel::u64 segment;
    std::weak_ptr<Session> session;
    TransitClient client;
  };
  std::vector<Entry> entries_;
};

/// Gives back what the client held if its last descriptor is closed, or has the manager do it.
void settle_transit(Session& session, kernel::ClientId client) noexcept;

}  // namespace partage::engine
