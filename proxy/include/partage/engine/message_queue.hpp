// A message queue as an engine offers it: found by its key, byte strings with a type in, byte strings with a type out.
//
// Thread and process safety: every member may be called by any thread of any process that opened it.
// Errors: those of partage/message_queue.hpp, which says what each call means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <partage/engine/deadline.hpp>
#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

struct MessageQueueType {
  std::size_t max_size = 0;  // bytes, as for a manager; of a queue that is new
  bool exclusive = false;    // it must be new
};

class PARTAGE_API MessageQueue {
 public:
  MessageQueue() = default;
  static MessageQueue open(const std::string& key);
  static MessageQueue create(const std::string& key, const MessageQueueType& type);

  const ObjectPtr& object() const noexcept { return object_; }
  std::string key() const;

  void send(std::span<const std::byte> bytes, std::int64_t type) const;
  /// False: no such message before the deadline.
  bool receive(std::int64_t wanted, std::string& bytes, std::int64_t& type, const Deadline& deadline) const;
  std::size_t size() const;
  void remove() const;

  [[noreturn]] void throw_empty(std::int64_t wanted) const;
  /// "<MessageQueue('jobs', size=3)>"
  std::string repr() const;

 private:
  explicit MessageQueue(ObjectPtr object) noexcept : object_(std::move(object)) {}

  ObjectPtr object_;
};

}  // namespace partage::engine
