// Semaphore and BoundedSemaphore: a number of permits between processes, which come back when those who have them die.
//
//   partage::Semaphore slots(3);                          // or manager.Semaphore(3)
//   slots.acquire();  ...  slots.release();               // std::scoped_lock works too
//   partage::Semaphore ready(0, {.signal = true});        // one process acquires what another releases
//
// Who acquires has the permit until somebody releases it. release() by a process that has none cancels the oldest acquisition
// of another. The permits of a killed process come back, never above the initial value; an orderly end keeps them, as in Python.
// Use `signal` where permits are handed over (bounded buffers, "one more is ready"): nobody owns one then and a death gives
// nothing back.
//
// Differences to std::counting_semaphore: a handle; no maximum (BoundedSemaphore: the initial value); acquire takes a timeout.
// Differences to Python: permits survive the death of their holders; release() has no count.
// Thread and process safety: full. Errors: ValueError for a negative number of permits, and from release() of a
// BoundedSemaphore that has all of its permits; ManagerShutdown, OutOfMemory, UsageError inside modify().
#pragma once

#include <cstddef>
#include <utility>

#include <partage/lock.hpp>

namespace partage {

struct SemaphoreOptions {
  bool signal = false;
};

template <class Self>
class SemaphoreMembers : public AcquireMembers<Self> {
 public:
  /// Permits that are left.
  std::size_t get_value() const { return this->at().value(); }
};

class Semaphore : public detail::HostedHandle<Semaphore, engine::Semaphore>, public SemaphoreMembers<Semaphore> {
 public:
  explicit Semaphore(std::ptrdiff_t permits = 1, SemaphoreOptions options = {})
      : HostedHandle(detail::in_process_tree(
            [&](const engine::SessionPtr& tree) { return engine::create_sync(tree, type(permits, options), ""); })) {}
  explicit Semaphore(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}

  static engine::SyncType type(std::ptrdiff_t permits, SemaphoreOptions options) {
    return {.kind = engine::SyncKind::semaphore, .initial = permits, .signal = options.signal};
  }
};

class BoundedSemaphore : public detail::HostedHandle<BoundedSemaphore, engine::Semaphore>,
                         public SemaphoreMembers<BoundedSemaphore> {
 public:
  explicit BoundedSemaphore(std::ptrdiff_t permits = 1)
      : HostedHandle(detail::in_process_tree(
            [&](const engine::SessionPtr& tree) { return engine::create_sync(tree, type(permits), ""); })) {}
  explicit BoundedSemaphore(engine::ObjectPtr object) : HostedHandle(std::move(object)) {}

  static engine::SyncType type(std::ptrdiff_t permits) {
    return {.kind = engine::SyncKind::bounded_semaphore, .initial = permits};
  }
};

namespace codec {
template <>
struct HandleTraits<Semaphore> : partage::detail::SyncTraits<Semaphore, engine::SyncKind::semaphore> {};
template <>
struct HandleTraits<BoundedSemaphore>
    : partage::detail::SyncTraits<BoundedSemaphore, engine::SyncKind::bounded_semaphore> {};
}  // namespace codec

template <class Self>
class ElementMembers<Self, Semaphore> : public detail::ReferredEngine<Self>, public SemaphoreMembers<Self> {};
template <class Self>
class ElementMembers<Self, BoundedSemaphore> : public detail::ReferredEngine<Self>, public SemaphoreMembers<Self> {};

}  // namespace partage
