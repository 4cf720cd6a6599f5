// Locks, semaphores, conditions, events and barriers as an engine offers them. The proxies of the same names put the interface
// of Python and of the standard library on them.
//
// Thread and process safety: every member may be called by any thread of any attached process.
// Errors: ValueError when the handle is empty, and for what is said at the members; ManagerShutdown after the manager's
// shutdown, also in a wait that is going on; UsageError inside modify(); TimeoutError when the segment's own lock of the object
// is held by a stopped process for longer than operation_timeout.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <partage/engine/deadline.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <partage/export.hpp>
#include <partage/function_view.hpp>

namespace partage::engine {

enum class SyncKind { lock, rlock, semaphore, bounded_semaphore, condition, event, barrier };

struct SyncType {
  SyncKind kind;
  std::ptrdiff_t initial = 0;                          // semaphore: its value; barrier: parties
  bool signal = false;                                 // semaphore: permits are handed over
  bool has_action = false;                             // barrier
  ObjectPtr lock{};                                    // condition: empty for an RLock of its own
  std::optional<std::chrono::nanoseconds> patience{};  // barrier
};

/// "lock", "bounded_semaphore"...
PARTAGE_API std::string description_of(SyncKind kind);
/// ValueError for an initial value that cannot be, and for a lock of another manager.
PARTAGE_API ObjectPtr create_sync(const SessionPtr& session, const SyncType& type, const std::string& name);

/// In the segment of `other`.
PARTAGE_API ObjectPtr create_beside(const ObjectPtr& other, const SyncType& type);

class PARTAGE_API SyncEngine {
 public:
  SyncEngine() = default;
  explicit SyncEngine(ObjectPtr object) noexcept : object_(std::move(object)) {}
  const ObjectPtr& object() const noexcept { return object_; }
  /// As Python shows it: "<Lock(owner=None)>".
  std::string repr() const;

 protected:
  ObjectPtr object_;
};

class PARTAGE_API Lock : public SyncEngine {
 public:
  using SyncEngine::SyncEngine;
  bool acquire(const Deadline& deadline) const;
  /// ValueError: it is not locked; an RLock: not by this thread.
  void release() const;
  bool locked() const;
  bool owner_died() const;
};

class PARTAGE_API Semaphore : public SyncEngine {
 public:
  using SyncEngine::SyncEngine;
  bool acquire(const Deadline& deadline) const;
  /// ValueError: a bounded one has all of its permits.
  void release() const;
  bool locked() const { return value() == 0; }
  std::size_t value() const;
};

class PARTAGE_API Condition : public SyncEngine {
 public:
  using SyncEngine::SyncEngine;
  bool acquire(const Deadline& deadline) const;
  void release() const;
  bool locked() const;
  bool owner_died() const;
  /// ValueError: the lock is not held.
  bool wait(const Deadline& deadline) const;
  void notify(std::uint64_t n) const;
};

class PARTAGE_API Event : public SyncEngine {
 public:
  using SyncEngine::SyncEngine;
  bool is_set() const;
  void set() const;
  void clear() const;
  bool wait(const Deadline& deadline) const;
};

class PARTAGE_API Barrier : public SyncEngine {
 public:
  using SyncEngine::SyncEngine;
  /// The place among those who came. `deadline` nullopt: as the barrier was made. `action`: what the last one runs; nullptr:
  /// this handle knows of none. BrokenBarrierError.
  std::size_t wait(const std::optional<Deadline>& deadline, const FunctionView<void()>* action) const;
  void abort() const;
  void reset() const;
  std::size_t parties() const;
  std::size_t waiting() const;
  bool broken() const;
};

}  // namespace partage::engine
