// A queue as an engine offers it: byte strings with references, first in, first out, with waiting at both ends.
//
// Thread and process safety: every member may be called by any thread of any attached process.
// Errors: ValueError when the handle is empty; ManagerShutdown after the manager's shutdown, also in a wait that is going on;
// ShutDown after close(); OutOfMemory, TimeoutError and UsageError (a write from inside modify) with nothing changed.
#pragma once

#include <cstddef>
#include <string>

#include <partage/engine/deadline.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <partage/engine/value.hpp>
#include <partage/export.hpp>

namespace partage::engine {

enum class QueueKind { plain, joinable, simple };

struct QueueType {
  std::string description;      // "queue<i32>"
  std::size_t packed_size = 0;  // as for a list
  bool handles = false;
  QueueKind kind = QueueKind::plain;
  std::ptrdiff_t maxsize = 0;  // none when not positive
};
PARTAGE_API ObjectPtr create_queue(const SessionPtr& session, const QueueType& type, const std::string& name);

class PARTAGE_API Queue {
 public:
  Queue() = default;
  explicit Queue(ObjectPtr object) noexcept : object_(std::move(object)) {}
  const ObjectPtr& object() const noexcept { return object_; }

  /// False: no room before the deadline.
  bool put(BytesView value, const Deadline& deadline) const;
  /// False: no item before the deadline.
  bool get(Value& out, const Deadline& deadline) const;
  void close() const;
  bool closed() const;
  std::size_t size() const;
  bool full() const;

  /// ValueError: no item is taken.
  void task_done() const;
  /// False: not before the deadline.
  bool join(const Deadline& deadline) const;
  std::size_t redeliveries() const;

  [[noreturn]] void throw_empty(const char* operation) const;
  [[noreturn]] void throw_full(const char* operation) const;
  /// "<Queue(qsize=3, maxsize=10)>"
  std::string repr() const;

 private:
  ObjectPtr object_;
};

}  // namespace partage::engine
