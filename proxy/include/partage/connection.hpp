// Pipe and Connection: messages between two processes, of any type that a shared object may hold, or plain bytes.
//
//   auto [here, there] = partage::Pipe();                  // both ends send and receive
//   partage::Process worker([there = there] { there.send(there.recv<int>() + 1); });
//   worker.start();
//   here.send(41);
//   int answer = here.recv<int>();                         // 42
//   if (here.poll(100ms)) ...                              // there is something, or the other end is gone
//
//   auto [reader, writer] = partage::Pipe(false);          // one direction
//   writer.send_bytes("raw");
//   std::string raw = reader.recv_bytes();
//
// A message arrives whole or not at all, also when its sender is killed while it sends. Shared objects travel as handles:
// the object is held while the message is on its way, also when the sender has ended, and let go when nobody can read the
// message any more, that is when both ends are closed. The receiver need not have been attached to the manager.
// A Connection can be sent through another Connection; into a list or dict it cannot be put, which does not compile.
//
// The other end is gone when every copy of it in every process is closed: then recv() throws EOFError after everything that
// was sent, and send() throws ConnectionError. A forked child inherits both ends, as in Python: close the one that the
// process does not use, or it will keep itself waiting.
//
// A Connection is a handle: copies are the same end, and close() closes it for all of them, in this process; the last copy
// closes it, too. send() waits while the pipe is full, which it is with some 200 KiB.
//
// When to use: for two parties that talk; a Queue for many, and for what must survive the death of its receiver.
// Thread and process safety: full. Several may send and receive at the same end, and each message goes to one receiver;
// Python's are not safe for that.
// Errors: ValueError when it is closed, or sends in the direction it does not have (OSError in Python); EOFError;
// ConnectionError; TypeError, which names both, when another type was sent than is received: the message has been taken out
// then. OutOfMemory with nothing sent.
// Differences to Python: typed; recv_bytes() does not read what send() has sent. A message beyond recv_bytes(maxlength) is a
// ValueError, after which nothing can be read any more, as there.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/detail/plain.hpp>
#include <partage/engine/channel.hpp>
#include <partage/error.hpp>
#include <partage/export.hpp>

namespace partage {

/// What recv_bytes() returns: bytes, that can be taken for text, too.
class ReceivedBytes : public std::vector<std::byte> {
 public:
  ReceivedBytes() = default;
  explicit ReceivedBytes(std::vector<std::byte> bytes) noexcept : std::vector<std::byte>(std::move(bytes)) {}
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  operator std::string() const { return std::string(view()); }
  friend bool operator==(const ReceivedBytes& bytes, std::string_view text) { return bytes.view() == text; }
};

/// The buffer of recv_bytes_into() is too small. The message has been taken out, and is in here.
class BufferTooShort : public ValueError {
 public:
  BufferTooShort(const std::string& message, ReceivedBytes bytes)
      : ValueError(message), bytes_(std::make_shared<const ReceivedBytes>(std::move(bytes))) {}
  const ReceivedBytes& bytes() const noexcept { return *bytes_; }

 private:
  std::shared_ptr<const ReceivedBytes> bytes_;
};

namespace detail {
/// Text, or any contiguous range of bytes.
template <class R>
concept ByteRange = std::convertible_to<const R&, std::string_view> ||
    (std::ranges::contiguous_range<const R>&& std::ranges::sized_range<const R> &&
     sizeof(std::ranges::range_value_t<const R>) == 1 &&
     (std::is_integral_v<std::ranges::range_value_t<const R>> ||
      std::is_same_v<std::ranges::range_value_t<const R>, std::byte>));
}  // namespace detail

class PARTAGE_API Connection {
 public:
  /// Closed: for a variable that gets its Connection later.
  Connection() = default;
  explicit Connection(engine::Channel::Pointer channel) noexcept : channel_(std::move(channel)) {}

  template <class T>
  void send(const T& x) const {
    at("send").send(engine::pack<detail::PlainValue<T>>(detail::plain(x)));
  }
  void send(const char* text) const { send(std::string(text)); }
  /// Waits for a message.
  template <class T>
  T recv() const {
    return engine::unpack<T>(at("recv").recv(), "Connection: recv");
  }

  /// `size` bytes from `offset` on; without size, all from there. May be none.
  template <detail::ByteRange R>
  void send_bytes(const R& bytes, std::ptrdiff_t offset = 0, std::optional<std::ptrdiff_t> size = std::nullopt) const {
    if constexpr (std::convertible_to<const R&, std::string_view>) {
      const std::string_view text = bytes;
      send_part(std::as_bytes(std::span(text)), offset, size);
    } else {
      send_part(std::as_bytes(std::span(std::ranges::data(bytes), std::ranges::size(bytes))), offset, size);
    }
  }
  ReceivedBytes recv_bytes() const { return ReceivedBytes(at("recv_bytes").recv_bytes("recv_bytes")); }
  /// ValueError when the message is longer; then nothing can be read from this Connection any more.
  ReceivedBytes recv_bytes(std::ptrdiff_t maxlength) const;
  /// Puts the message into the buffer, from `offset` on, and returns its size. BufferTooShort when it does not fit.
  std::size_t recv_bytes_into(std::span<std::byte> buffer, std::ptrdiff_t offset = 0) const;

  /// True: something can be received, or the other end is gone. Does not wait.
  bool poll() const { return at("poll").poll(engine::at_once()); }
  /// Waits for that; a negative timeout is none.
  template <class Rep, class Period>
  bool poll(const std::chrono::duration<Rep, Period>& timeout) const {
    return at("poll").poll(engine::deadline_in(timeout));
  }
  /// Waits as long as it takes.
  bool poll(std::nullopt_t) const { return at("poll").poll(std::nullopt); }

  /// Closes this end, for all copies in this process. Twice: no effect.
  void close() const {
    if (channel_) channel_->close();
  }
  bool closed() const { return !channel_ || channel_->closed(); }
  /// The descriptor: for poll(2) and the like, not for reading and writing.
  int fileno() const { return keep_open("fileno")->fd(); }
  /// The same, which stays open as long as this has it.
  engine::SharedDescriptor keep_open(const char* operation) const { return at(operation).descriptor(operation); }
  bool readable() const { return channel_ && channel_->readable(); }
  bool writable() const { return channel_ && channel_->writable(); }

  /// Copies of the same end.
  bool is(const Connection& other) const { return channel_ == other.channel_; }
  friend bool operator==(const Connection& a, const Connection& b) { return a.is(b); }
  /// <Connection(fileno=5)>
  friend PARTAGE_API std::ostream& operator<<(std::ostream& out, const Connection& connection);

 private:
  friend struct codec::PassengerTraits<Connection>;
  engine::Channel& at(const char* operation) const;
  void send_part(std::span<const std::byte> bytes, std::ptrdiff_t offset, std::optional<std::ptrdiff_t> size) const;

  engine::Channel::Pointer channel_;
};

/// The two ends of a pipe. `duplex` false: the first one can only receive, the second one only send.
PARTAGE_API std::pair<Connection, Connection> Pipe(bool duplex = true);

template <>
struct PARTAGE_API codec::PassengerTraits<Connection> {
  static std::string description() { return "connection"; }
  static void encode(Writer& writer, const Connection& connection);
  static Connection decode(Reader& reader);
  static void repr(std::ostream& out, const Connection& connection);
};

}  // namespace partage
