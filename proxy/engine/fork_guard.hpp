// Scope of a mutex that guards the small things of this layer which have none of their own: it is held for some
// instructions, in which nothing else is called, and over every fork, so that a child never finds it taken.
//
// Thread safety: full.
#pragma once

namespace partage::engine {

class ForkGuard {
 public:
  ForkGuard() noexcept;
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;
};

}  // namespace partage::engine
