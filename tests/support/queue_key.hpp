// A key of a MessageQueue that no other test has; what is left under it goes with this object.
//
//   const QueueKey key;
//   const auto queue = MessageQueue::create(key);
#pragma once

#include <unistd.h>

#include <string>

#include "manager/platform/memory_object.hpp"
#include "manager/server/message_queues.hpp"

namespace partage::test {

class QueueKey {
 public:
  QueueKey() : key_("test-" + std::to_string(::getpid()) + '-' + std::to_string(++count())), maker_(::getpid()) {}
  QueueKey(const QueueKey&) = delete;
  QueueKey& operator=(const QueueKey&) = delete;
  ~QueueKey() {
    if (maker_ == ::getpid()) kernel::MemoryObject::unpublish(kernel::message_queue_name(key_));
  }

  operator const std::string&() const { return key_; }  // NOLINT
  const std::string& str() const { return key_; }
  /// Name of its segment.
  std::string name() const { return kernel::message_queue_name(key_); }
  bool is_taken() const { return kernel::MemoryObject::open(name()).has_value(); }

 private:
  static int& count() {
    static int n = 0;
    return n;
  }

  std::string key_;
  pid_t maker_;
};

}  // namespace partage::test
