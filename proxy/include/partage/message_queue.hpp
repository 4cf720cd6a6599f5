// MessageQueue: messages with a type between programs that have nothing in common but a key, as System V has them.
//
//   // the server                                              // a client, any other program
//   auto mq = partage::MessageQueue::create("shop");           auto mq = partage::MessageQueue::open("shop");
//   auto [bytes, type] = mq.receive(1);                        mq.send(std::to_string(getpid()), 1);
//   mq.send("at your service", std::stol(bytes) + 3);          auto [answer, t] = mq.receive(getpid() + 3);
//   mq.remove();
//
// Each message goes to one receiver. receive(type) takes the first one of that type, wherever it stands, so that one queue serves
// many receivers who each wait for their own; receive() takes the first of all; a negative type takes the first of the lowest
// type that is at most -type, so that types can be urgencies.
// open() finds a queue and throws KeyError when there is none. create() opens it too, and makes it when there is none; of several
// that do so at once one makes it and the others open that. With {.exclusive = true} it throws ValueError when there is one.
// A queue needs no process: what was sent stays, also when everybody has ended, until remove(). Then whoever waits in it, and
// every later call of anybody, gets ShutDown; and the key is free at once for a new queue, which the old handles do not see.
// What nobody will remove, `partage ls` shows and `partage clean mq.KEY` removes unless a living process has it open.
//
// Use it between programs that are started apart. Within one program and its children a Queue<T> takes any type of item.
// A handle is a small value; a copy is the same queue, and forked children may use it. Stored in a container, sent or archived, it
// is its key, and is opened again when it is read: KeyError, when the queue was removed since. So it keeps nothing from removal.
//
// Death: a message is sent or not, received or not, whoever is killed where; the others go on, and one that waits takes nothing
// with it. A message that was received is gone, whatever its receiver does then.
// Performance: receive() with a type looks at the messages that stand before the one it takes, and moves the fewer of those in
// front of it and behind it by one place.
// Differences to System V: keys are texts (a number is its digits), and 1 to 97 characters without '/'; messages may be as long
// as the queue has room, and none is cut; a queue grows up to max_size, at which send() throws OutOfMemory where msgsnd() would
// wait; a type is given at the receiving end as well; only processes of the same user, in the same pid namespace, have access,
// at most 511 at a time.
// Differences to Python's sysv_ipc: receive() gives {bytes, type} as there; no `block` arguments: try_receive() and timeouts.
// Thread and process safety: full. Errors: KeyError and ValueError as above, ValueError from send() for a type below 1 and for an
// impossible key, ShutDown, Empty, OutOfMemory; ConnectionError when what has the name is not usable as a message queue;
// UsageError inside modify(). With every one of them nothing has changed.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/serialization/string.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/engine/message_queue.hpp>
#include <partage/error.hpp>

namespace partage {

struct MessageQueueOptions {
  /// Bytes it may grow to, its own tables (some 200 KiB) included; 0: 16 GiB, or less where the machine or its limits say so.
  /// Reserved in address space only. A queue that is there already keeps what it has.
  std::size_t max_size = 0;
  /// It must not be there already.
  bool exclusive = false;
};

class MessageQueue {
 public:
  struct Message {
    std::string bytes{};
    long type = 0;

    friend bool operator==(const Message&, const Message&) = default;
  };

  /// Of no queue, until another one is assigned to it.
  MessageQueue() = default;

  static MessageQueue open(const std::string& key) { return MessageQueue(engine::MessageQueue::open(key)); }
  static MessageQueue open(long long key) { return open(std::to_string(key)); }
  static MessageQueue create(const std::string& key, const MessageQueueOptions& options = {}) {
    return MessageQueue(
        engine::MessageQueue::create(key, {.max_size = options.max_size, .exclusive = options.exclusive}));
  }
  static MessageQueue create(long long key, const MessageQueueOptions& options = {}) {
    return create(std::to_string(key), options);
  }

  std::string key() const { return engine_.key(); }

  /// `type` is 1 or more. When it returns, the message is stored.
  void send(std::string_view bytes, long type = 1) const { engine_.send(std::as_bytes(std::span(bytes)), type); }
  void send(std::span<const std::byte> bytes, long type = 1) const { engine_.send(bytes, type); }

  /// Waits for a message of this type; 0: of any.
  Message receive(long type = 0) const { return receive_until(type, std::nullopt); }
  /// Empty: none within that time. A negative one is none.
  template <class Rep, class Period>
  Message receive(long type, const std::chrono::duration<Rep, Period>& timeout) const {
    return receive_until(type, engine::deadline_in(timeout));
  }
  template <class Rep, class Period>
  Message receive(const std::chrono::duration<Rep, Period>& timeout) const {
    return receive_until(0, engine::deadline_in(timeout));
  }
  std::optional<Message> try_receive(long type = 0) const { return take(type, engine::at_once()); }

  /// Messages that stand in it, at this moment.
  std::size_t size() const { return engine_.size(); }
  bool empty() const { return size() == 0; }

  /// Ends it for everybody.
  void remove() const { engine_.remove(); }

  /// The same queue; one that was made under the key of a removed one is another.
  bool is(const MessageQueue& other) const { return engine_.object() == other.engine_.object(); }
  friend bool operator==(const MessageQueue& a, const MessageQueue& b) { return a.is(b); }
  friend std::ostream& operator<<(std::ostream& out, const MessageQueue& queue) { return out << queue.engine_.repr(); }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    std::string text;
    if constexpr (Archive::is_saving::value) text = key();
    archive& text;
    if constexpr (Archive::is_loading::value) *this = open(text);
  }

 private:
  explicit MessageQueue(engine::MessageQueue queue) noexcept : engine_(std::move(queue)) {}

  std::optional<Message> take(long type, const engine::Deadline& deadline) const {
    std::optional<Message> message(std::in_place);
    std::int64_t found = 0;
    if (!engine_.receive(type, message->bytes, found, deadline)) return std::nullopt;
    message->type = static_cast<long>(found);
    return message;
  }
  Message receive_until(long type, const engine::Deadline& deadline) const {
    std::optional<Message> message = take(type, deadline);
    if (!message) engine_.throw_empty(type);
    return std::move(*message);
  }

  engine::MessageQueue engine_;
};

}  // namespace partage

BOOST_CLASS_TRACKING(partage::MessageQueue, boost::serialization::track_never)
