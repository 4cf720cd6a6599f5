// The message queue facade: finds or makes the segment of a key, and the one queue in it.
//
// A message is an element of a hosted queue<tuple<i64,str>>, so tools read it: 8 bytes of type, a count (LEB128), the bytes.
//
// A queue is removed by one commit that closes it, which also wakes everybody who waits. After that its name is taken away; one
// that dies between the two leaves a closed queue under the name, and whoever finds that takes the name away in its stead.
#include <partage/engine/message_queue.hpp>

#include <optional>

#include <partage/codec/writer.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/queue.hpp>
#include <partage/error.hpp>

#include "manager/container/queue.hpp"
#include "manager/server/manager.hpp"
#include "manager/server/message_queues.hpp"
#include "proxy/engine/access.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage::engine {

namespace {

constexpr const char* object_name = "messages";
constexpr const char* description = "queue<tuple<i64,str>>";

kernel::Queue queue_of(const SharedObject& o) {
  return kernel::Queue(*o.segment, o.body);
}

std::string start(const std::string& key, const char* operation) {
  return "partage: message queue '" + key + "': " + operation + ": ";
}
std::string start(const SharedObject& o, const char* operation) {
  return start(kernel::message_queue_key(*o.segment), operation);
}

[[noreturn]] void throw_removed(const SharedObject& o, const char* operation) {
  throw ShutDown(start(o, operation) + "it was removed; make a new one with MessageQueue::create(\"" +
                 kernel::message_queue_key(*o.segment) + "\") when it is needed");
}

/// The queue in a segment of this program or of another one.
ObjectPtr queue_in(const SessionPtr& session) {
  const auto create = [&] { return create_queue(session, {.description = description}, object_name); };
  ObjectPtr object = open_or_create(session, object_name, create);
  const auto& o = *static_cast<const SharedObject*>(object.get());
  if (o.kind == kernel::ObjectKind::queue && type_of(o) == description) return object;
  throw ConnectionError(start(o, "open") + "it holds " + type_of(o) + ", and this program knows " + description +
                        "; was it made by another version?");
}

/// Empty: there is none, or none any more.
ObjectPtr find(const std::string& name) {
  auto segment = kernel::find_message_queue(name);
  if (!segment) return {};
  SessionPtr session;
  ObjectPtr object;
  try {
    session = Sessions::of(std::move(segment));
    session->look_for_dead({});  // who opens one clears up after those who were killed
    object = queue_in(session);
  } catch (const ManagerShutdown&) {  // `partage clean`, in this very moment
    return {};
  }
  if (!queue_of(*static_cast<const SharedObject*>(object.get())).closed()) return object;
  kernel::take_name_away(session->segment());
  return {};
}

/// Empty: somebody else was faster.
ObjectPtr make(const std::string& name, std::size_t max_size) {
  const SessionPtr session = Sessions::of(kernel::make_unmanaged_segment({.max = max_size}, name));
  ObjectPtr object = queue_in(session);
  if (!session->segment().object().publish(name)) return {};
  return object;
}

/// The bytes of a received message, behind its type.
void decode(const Bytes& message, std::string& bytes, std::int64_t& type) {
  const std::byte* at = message.data();
  const std::byte* const end = at + message.size();
  std::uint64_t count = 0;
  if (message.size() > sizeof type) {
    std::memcpy(&type, at, sizeof type);
    at += sizeof type;
    for (unsigned shift = 0; at != end && shift < 64; shift += 7) {
      const auto next = std::to_integer<std::uint64_t>(*at++);
      count |= (next & 0x7F) << shift;
      if ((next & 0x80) == 0) break;
    }
    if (count == static_cast<std::uint64_t>(end - at)) {
      bytes.assign(reinterpret_cast<const char*>(at), static_cast<std::size_t>(count));
      return;
    }
  }
  throw Corrupt("partage: a message queue held something that is no message");
}

}  // namespace

MessageQueue MessageQueue::open(const std::string& key) {
  if (ObjectPtr there = find(kernel::message_queue_name(key))) return MessageQueue(std::move(there));
  throw KeyError(start(key, "open") + "there is none on this machine; make it with MessageQueue::create(\"" + key +
                 "\") first, `partage ls` shows which there are");
}

MessageQueue MessageQueue::create(const std::string& key, const MessageQueueType& type) {
  const std::string name = kernel::message_queue_name(key);
  for (;;) {
    if (ObjectPtr there = find(name)) {
      if (!type.exclusive) return MessageQueue(std::move(there));
      throw ValueError(start(key, "create") + "it is there already; open() it, remove() it first, or leave " +
                       "`exclusive` out");
    }
    if (ObjectPtr made = make(name, type.max_size)) return MessageQueue(std::move(made));
  }
}

std::string MessageQueue::key() const {
  return kernel::message_queue_key(*object_of(object_, "key").segment);
}

void MessageQueue::send(std::span<const std::byte> bytes, std::int64_t type) const {
  const SharedObject& o = object_of(object_, "send");
  if (type <= 0) {
    throw ValueError(start(o, "send") + "the type " + std::to_string(type) +
                     " is not possible; a message has a type of 1 or more");
  }
  codec::Writer writer;
  writer.write_pod(type);
  writer.write_count(bytes.size());
  writer.write(bytes.data(), bytes.size());
  try {
    if (queue_of(o).put(writer.view(), std::nullopt) == kernel::QueueOutcome::closed) throw_removed(o, "send");
  } catch (const OutOfMemory& e) {
    throw OutOfMemory(start(o, "send") +
                          "there is no room for the message, and it was not sent; receive others first, " +
                          "make the queue with a larger MessageQueueOptions::max_size, or free space in /dev/shm",
                      e.limit(), e.used(), e.asked());
  }
}

bool MessageQueue::receive(std::int64_t wanted, std::string& bytes, std::int64_t& type,
                           const Deadline& deadline) const {
  const SharedObject& o = acting_object_of(object_, "receive");
  Bytes message;
  const kernel::QueueOutcome outcome = queue_of(o).receive(wanted, message, deadline);
  if (outcome == kernel::QueueOutcome::closed) throw_removed(o, "receive");
  if (outcome == kernel::QueueOutcome::timeout) return false;
  decode(message, bytes, type);
  return true;
}

std::size_t MessageQueue::size() const {
  const SharedObject& o = object_of(object_, "size");
  const kernel::Queue queue = queue_of(o);
  if (queue.closed()) throw_removed(o, "size");
  return queue.size();
}

void MessageQueue::remove() const {
  const SharedObject& o = object_of(object_, "remove");
  const kernel::Queue queue = queue_of(o);
  const bool removed = queue.closed();
  if (!removed) queue.close();
  kernel::take_name_away(*o.segment);
  if (removed) throw_removed(o, "remove");
}

void MessageQueue::throw_empty(std::int64_t wanted) const {
  const std::string which = wanted == 0  ? "no message"
                            : wanted > 0 ? "no message of type " + std::to_string(wanted)
                                         : "no message of a type up to " + std::to_string(wanted).substr(1);
  throw Empty(start(object_of(object_, "receive"), "receive") + which +
              " came in time; wait longer, or use try_receive() where there may be none");
}

std::string MessageQueue::repr() const {
  const SharedObject& o = object_of(object_, "print");
  const kernel::Queue queue = queue_of(o);
  return "<MessageQueue('" + kernel::message_queue_key(*o.segment) + "', " +
         (queue.closed() ? std::string("removed") : "size=" + std::to_string(queue.size())) + ")>";
}

}  // namespace partage::engine
