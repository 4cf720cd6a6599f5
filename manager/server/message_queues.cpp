#include "manager/server/message_queues.hpp"

#include <partage/error.hpp>
#include <string_view>

#include "manager/segment/published.hpp"

namespace partage::kernel {
namespace {

constexpr std::string_view prefix = "mq.";
constexpr std::size_t longest_key = 100 - prefix.size();

class ServiceLock {
 public:
  explicit ServiceLock(Segment& segment) : mutex_(segment.header().service) {
    if (mutex_.acquire() == Acquired::owner_died) mutex_.mark_consistent();
  }
  ServiceLock(const ServiceLock&) = delete;
  ServiceLock& operator=(const ServiceLock&) = delete;
  ~ServiceLock() { mutex_.release(); }

 private:
  RobustMutex& mutex_;
};

}  // namespace

std::string message_queue_name(const std::string& key) {
  if (key.empty() || key.size() > longest_key || key.find('/') != std::string::npos ||
      key.find('\0') != std::string::npos) {
    throw ValueError("partage: the key of a message queue has 1 to " + std::to_string(longest_key) +
                     " characters and no '/'; this one is '" + key + '\'');
  }
  return std::string(prefix) + key;
}

bool is_message_queue_name(const std::string& name) {
  return name.starts_with(prefix);
}

std::string message_queue_key(const Segment& segment) {
  return std::string(segment.header().name).substr(prefix.size());
}

std::shared_ptr<Segment> find_message_queue(const std::string& name) {
  auto segment = attach_published(name);
  if (!segment) return nullptr;
  if (!segment->unmanaged()) {
    throw ConnectionError("partage: " + path_of(name) + " belongs to a manager of that name, not to a message queue; " +
                          "use another key");
  }
  if (segment->live()) return segment;
  take_name_away(*segment);  // it was ended by one that died before it could do that itself
  return nullptr;
}

void take_name_away(Segment& segment) {
  const std::string name = segment.header().name;
  const ServiceLock lock(segment);
  if (!segment.object().is_published_as(name)) return;
  if (!MemoryObject::unpublish(name) && segment.object().is_published_as(name)) {
    throw ConnectionError("partage: " + path_of(name) + " cannot be removed; may this process write to /dev/shm?");
  }
}

}  // namespace partage::kernel
