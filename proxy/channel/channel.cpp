#include <partage/engine/channel.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <partage/error.hpp>
#include <string>

#include "manager/platform/descriptors.hpp"
#include "proxy/engine/fork_guard.hpp"
#include "proxy/engine/shipment.hpp"

namespace partage::engine {

namespace {

enum class Kind : std::uint16_t { parcel = 1, bytes = 2 };

struct Header {
  static constexpr std::uint32_t right_magic = 0x314d4750;  // "PGM1"
  static constexpr std::uint16_t right_version = 1;

  std::uint32_t magic = right_magic;
  std::uint16_t version = right_version;
  Kind kind{};
  std::uint64_t in_file = 0;
};
static_assert(sizeof(Header) == 16 && offsetof(Header, in_file) == 8);

constexpr std::size_t most_inline = std::size_t{64} << 10;

/// What a packet is received into, before its size is known.
std::span<std::byte> packet_buffer() {
  constexpr std::size_t size = sizeof(Header) + most_inline;
  static thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  return {buffer.get(), size};
}

std::string start(const char* operation) {
  return std::string("partage: Connection: ") + operation + ": ";
}

[[noreturn]] void throw_no_file(int error, std::size_t bytes) {
  const std::string text = start("send") + "no memory for a message of " + std::to_string(bytes) +
                           " bytes: " + std::strerror(error) + "; send less at a time, or a handle of a shared object";
  if (error == EMFILE || error == ENFILE) throw ConnectionError(text);
  throw OutOfMemory(text, 0, 0, bytes);
}

[[noreturn]] void throw_not_sent(int error) {
  switch (error) {
    case EPIPE:
    case ECONNRESET:
      throw ConnectionError(start("send") + "the other end is closed, and its process perhaps gone; nobody can get it");
    case ETOOMANYREFS:
      throw ConnectionError(
          start("send") +
          "too many descriptors are in messages that nobody has read; raise the limit (ulimit -n), or "
          "send fewer handles and Connections ahead of the receiver, and not more than 250 in one "
          "message");
    default:
      throw ConnectionError(start("send") + std::strerror(error));
  }
}

void send_message(int socket, Kind kind, std::span<const std::byte> bytes,
                  std::span<const SharedDescriptor> descriptors) {
  std::vector<int> fds;
  fds.reserve(descriptors.size() + 1);
  for (std::size_t most : {most_inline, std::size_t{0}}) {
    const auto near = bytes.first(std::min(bytes.size(), most)), far = bytes.subspan(near.size());
    kernel::OwnedDescriptor file;
    fds.clear();
    if (!far.empty()) {
      file = kernel::make_sealed_file(far);
      if (!file.valid()) throw_no_file(errno, bytes.size());
      fds.push_back(file.get());
    }
    for (const SharedDescriptor& descriptor : descriptors) fds.push_back(descriptor->fd());
    Header header;
    header.kind = kind;
    header.in_file = far.size();
    const iovec pieces[] = {{&header, sizeof header}, {const_cast<std::byte*>(near.data()), near.size()}};
    const int error = kernel::send_packet(socket, pieces, fds);
    if (error == 0) return;
    if (error != EMSGSIZE || near.empty()) throw_not_sent(error);  // the buffers of the socket were made that small
  }
}

}  // namespace

struct Channel::Message {
  Kind kind{};
  std::vector<std::byte> bytes;
  std::vector<SharedDescriptor> descriptors;
};

std::pair<Channel::Pointer, Channel::Pointer> Channel::pair(bool duplex) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw ConnectionError(std::string("partage: Pipe: ") + std::strerror(errno) +
                          "; close what is not needed, or raise the limit (ulimit -n)");
  }
  kernel::OwnedDescriptor first(ends[0]), second(ends[1]);
  const auto make = [](kernel::OwnedDescriptor& end, bool readable, bool writable) {
    auto descriptor = std::make_shared<const Descriptor>(end.get());
    end.release();
    return std::make_shared<Channel>(std::move(descriptor), readable, writable);
  };
  Pointer a = make(first, true, duplex);
  return {std::move(a), make(second, duplex, true)};
}

Channel::Channel(SharedDescriptor descriptor, bool readable, bool writable)
    : descriptor_(std::move(descriptor)),
      readable_(readable),
      writable_(writable),
      transits_(std::make_unique<Transits>()) {}

Channel::~Channel() {
  close();
}

void Channel::close() noexcept {
  SharedDescriptor descriptor;
  {
    const ForkGuard guard;
    descriptor.swap(descriptor_);
  }
  descriptor.reset();  // first: what is in messages that nobody can read any more goes with it
  transits_->clear();
}

bool Channel::closed() const {
  const ForkGuard guard;
  return descriptor_ == nullptr;
}

SharedDescriptor Channel::descriptor(const char* operation) const {
  {
    const ForkGuard guard;
    if (descriptor_) return descriptor_;
  }
  throw ValueError(start(operation) + "it was closed; make another Pipe");
}

SharedDescriptor Channel::reader(const char* operation) const {
  SharedDescriptor open = descriptor(operation);
  if (readable_) return open;
  throw ValueError(start(operation) +
                   (stopped_ ? "a message was longer than allowed, and nothing can be read any more; make another Pipe"
                             : "it is write-only; the first end of a Pipe(false) is the one that reads"));
}

SharedDescriptor Channel::writer(const char* operation) const {
  SharedDescriptor open = descriptor(operation);
  if (writable_) return open;
  throw ValueError(start(operation) + "it is read-only; the second end of a Pipe(false) is the one that writes");
}

void Channel::stop_reading() {
  stopped_ = true;
  readable_ = false;
  if (!writable_) close();
}

// ---- sending ---------------------------------------------------------------------------------------------------------

void Channel::send(Parcel parcel) {
  const SharedDescriptor socket = writer("send");
  InTransit message(std::move(parcel), *transits_);
  try {
    send_message(socket->fd(), Kind::parcel, message.shipment().bytes, message.shipment().descriptors);
  } catch (const ConnectionError&) {
    transits_->clear();  // nobody reads what is still in there
    throw;
  }
  message.sent();
}

void Channel::send_bytes(std::span<const std::byte> bytes) {
  send_message(writer("send_bytes")->fd(), Kind::bytes, bytes, {});
}

// ---- receiving -------------------------------------------------------------------------------------------------------

Channel::Message Channel::receive(const char* operation) {
  const SharedDescriptor socket = reader(operation);
  const std::span<std::byte> buffer = packet_buffer();
  kernel::Received received = kernel::receive_packet(socket->fd(), buffer);
  if (received.error != 0) throw ConnectionError(start(operation) + std::strerror(received.error));
  if (received.size == 0) {
    throw EOFError(start(operation) + "the other end is closed and everything it sent has been received");
  }
  if (received.cut) {
    throw ConnectionError(start(operation) +
                          "a message is lost, because there are no descriptors left for what came with it; close what "
                          "is not needed, or raise the limit (ulimit -n)");
  }
  Header header;
  if (received.size < sizeof header) throw Corrupt(start(operation) + "a message without a header came");
  std::memcpy(&header, buffer.data(), sizeof header);
  if (header.magic != Header::right_magic || header.version != Header::right_version ||
      (header.in_file != 0 && received.descriptors.empty())) {
    throw Corrupt(start(operation) +
                  "what came was not sent by a Connection of this version; use the same build on "
                  "both sides");
  }
  if (header.in_file != 0 && header.in_file > kernel::bytes_in_file(received.descriptors.front().get())) {
    throw Corrupt(start(operation) +
                  "a message came whose rest is not in the file that came with it; it was not sent by a "
                  "Connection");
  }
  Message message;
  message.kind = header.kind;
  const std::size_t near = received.size - sizeof header;
  message.bytes.resize(near + header.in_file);
  if (near != 0) std::memcpy(message.bytes.data(), buffer.data() + sizeof header, near);
  std::size_t first = 0;
  if (header.in_file != 0) {
    if (!kernel::read_file(received.descriptors[first++].get(), message.bytes.data() + near, header.in_file)) {
      throw Corrupt(start(operation) + "the file with the rest of a message cannot be read");
    }
  }
  for (; first < received.descriptors.size(); ++first) {
    message.descriptors.push_back(std::make_shared<const Descriptor>(received.descriptors[first].get()));
    received.descriptors[first].release();
  }
  return message;
}

Parcel Channel::recv() {
  Message message = receive("recv");
  if (message.kind != Kind::parcel) {
    throw TypeError(start("recv") + "what was sent are " + std::to_string(message.bytes.size()) +
                    " bytes, by send_bytes(); they have been taken out. Use recv_bytes() for them");
  }
  return unship({std::move(message.bytes), std::move(message.descriptors)});
}

std::vector<std::byte> Channel::recv_bytes(const char* operation) {
  Message message = receive(operation);
  if (message.kind == Kind::bytes) return std::move(message.bytes);
  const Parcel parcel = unship({std::move(message.bytes), std::move(message.descriptors)});
  throw TypeError(start(operation) + "what was sent is a value of type " + parcel.type +
                  ", by send(); it has been taken out. Use recv<T>() for it");
}

bool Channel::poll(const Deadline& deadline) {
  const SharedDescriptor socket = reader("poll");
  const int fd = socket->fd();
  std::vector<bool> ready;
  return poll_descriptors({&fd, 1}, ready, deadline, "Connection: poll");
}

}  // namespace partage::engine
