// One hosted object of any kind, as the registry sees it: the few things every container can do for its owner.
//
// A process-local value; the place where a new kind of container is made known to the registry.
//
// Thread and process safety: as the containers; the object must not be freed meanwhile (hold a reference to it, or the
// collector lock of its registry stripe).
#pragma once

#include <string>
#include <vector>

#include "manager/segment/client_life.hpp"
#include "manager/segment/object_table.hpp"

namespace partage::kernel {

/// "list", "dict", "bounded_semaphore"...
const char* name_of(ObjectKind kind) noexcept;

/// What a kind of object is at the byte level.
enum class Shape { list, dict, queue, sync, unknown };
Shape shape_of(ObjectKind kind) noexcept;

class Hosted {
 public:
  Hosted(Segment& segment, ObjectKind kind, u16 flags, u64 body) noexcept
      : segment_(&segment), kind_(kind), flags_(flags), body_(body) {}
  /// Reads the slot; the caller keeps it from changing.
  Hosted(Segment& segment, const ObjectSlot& slot) noexcept;

  std::size_t size() const;
  std::size_t bytes_used() const;
  /// Every reference its elements hold, with repetitions, and its companion.
  std::vector<ObjectRef> references() const;

  void repair_dead() const;
  /// A process has ended; `died`: not in an orderly way. What it held or had taken passes on.
  void give_back(ClientId client, bool died) const;
  /// Processes that wait in it.
  std::size_t waiters() const;
  /// Makes it hold no references any more, in commits of bounded length.
  void empty() const;
  /// Gives its memory back in a commit of its own, which needs none.
  void clear() const;
  /// Retires all it has into a commit of another stripe.
  void dismantle(Change& change) const;
  /// Another number after each change of its structure. Without a lock.
  u64 version() const;
  /// Its body lies where one of its kind can lie, so that it may be looked at.
  bool has_body() const;
  /// Takes it out of use. False: a living process holds one of its locks.
  bool condemn() const;
  /// One of its locks is, by condemn() or by whoever found there what a dead process cannot have left. Of one that has_body().
  bool condemned() const;
  /// "" or what is wrong; appends every run it owns. Of one that has_body().
  std::string verify(std::vector<u64>& runs, Leftovers leftovers) const;
  /// "" or what is wrong with it: before all of it is read, which damage could lead anywhere. O(n), under its locks.
  std::string problem() const;

 private:
  Segment* segment_;
  ObjectKind kind_;
  u16 flags_;
  u64 body_;
};

/// Makes repairs know every kind of container. Once per process, before the first lock; repeating it is harmless.
void register_repairs() noexcept;

}  // namespace partage::kernel
