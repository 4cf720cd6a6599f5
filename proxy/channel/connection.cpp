#include <partage/connection.hpp>

#include <algorithm>
#include <cstring>

namespace partage {

namespace {

constexpr std::uint8_t reads = 1, writes = 2;

std::string start(const char* operation) {
  return std::string("partage: Connection: ") + operation + ": ";
}

}  // namespace

std::pair<Connection, Connection> Pipe(bool duplex) {
  auto [first, second] = engine::Channel::pair(duplex);
  return {Connection(std::move(first)), Connection(std::move(second))};
}

engine::Channel& Connection::at(const char* operation) const {
  if (channel_) return *channel_;
  throw ValueError(start(operation) + "it is no end of any pipe; assign one of those that Pipe() returns");
}

void Connection::send_part(std::span<const std::byte> bytes, std::ptrdiff_t offset,
                           std::optional<std::ptrdiff_t> size) const {
  const auto all = static_cast<std::ptrdiff_t>(bytes.size());
  if (offset < 0 || offset > all) {
    throw ValueError(start("send_bytes") + "the offset " + std::to_string(offset) + " is outside the " +
                     std::to_string(all) + " bytes; it is 0 to the number of bytes");
  }
  if (size && (*size < 0 || *size > all - offset)) {
    throw ValueError(start("send_bytes") + std::to_string(*size) + " bytes from " + std::to_string(offset) +
                     " on are not there; the bytes are " + std::to_string(all));
  }
  at("send_bytes")
      .send_bytes(
          bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size.value_or(all - offset))));
}

ReceivedBytes Connection::recv_bytes(std::ptrdiff_t maxlength) const {
  if (maxlength < 0) throw ValueError(start("recv_bytes") + "a negative maximum length; leave it out for any length");
  engine::Channel& channel = at("recv_bytes");
  std::vector<std::byte> bytes = channel.recv_bytes("recv_bytes");
  if (bytes.size() <= static_cast<std::size_t>(maxlength)) return ReceivedBytes(std::move(bytes));
  channel.stop_reading();
  throw ValueError(start("recv_bytes") + "a message of " + std::to_string(bytes.size()) +
                   " bytes came, and not more than " + std::to_string(maxlength) +
                   " were allowed; nothing can be received here any more");
}

std::size_t Connection::recv_bytes_into(std::span<std::byte> buffer, std::ptrdiff_t offset) const {
  if (offset < 0 || static_cast<std::size_t>(offset) > buffer.size()) {
    throw ValueError(start("recv_bytes_into") + "the offset " + std::to_string(offset) + " is outside the buffer of " +
                     std::to_string(buffer.size()) + " bytes");
  }
  const auto room = buffer.subspan(static_cast<std::size_t>(offset));
  std::vector<std::byte> bytes = at("recv_bytes_into").recv_bytes("recv_bytes_into");
  if (bytes.size() > room.size()) {
    const std::string text = start("recv_bytes_into") + "a message of " + std::to_string(bytes.size()) +
                             " bytes came, and the buffer has room for " + std::to_string(room.size()) +
                             "; BufferTooShort::bytes() has it";
    throw BufferTooShort(text, ReceivedBytes(std::move(bytes)));
  }
  std::ranges::copy(bytes, room.begin());
  return bytes.size();
}

std::ostream& operator<<(std::ostream& out, const Connection& connection) {
  if (connection.closed()) return out << "<Connection(closed)>";
  return out << "<Connection(fileno=" << connection.fileno() << ")>";
}

// ---- a Connection as part of a message -------------------------------------------------------------------------------

void codec::PassengerTraits<Connection>::encode(Writer& writer, const Connection& connection) {
  if (writer.departing() == nullptr) {
    throw UsageError(
        "partage: a Connection cannot be stored in a shared object: it is an open descriptor of this process; send it "
        "through another Connection, or pass it to a Process");
  }
  const engine::Channel& channel = connection.at("send");
  writer.departing()->descriptor(channel.descriptor("being sent"));
  writer.write_pod(static_cast<std::uint8_t>((channel.readable() ? reads : 0) | (channel.writable() ? writes : 0)));
}

Connection codec::PassengerTraits<Connection>::decode(Reader& reader) {
  const auto directions = reader.read_pod<std::uint8_t>();
  engine::SharedDescriptor descriptor = reader.arriving() == nullptr ? nullptr : reader.arriving()->descriptor();
  if (!descriptor || directions > (reads | writes)) reader.corrupt("a Connection came without its descriptor");
  return Connection(
      std::make_shared<engine::Channel>(std::move(descriptor), (directions & reads) != 0, (directions & writes) != 0));
}

void codec::PassengerTraits<Connection>::repr(std::ostream& out, const Connection& connection) {
  out << connection;
}

}  // namespace partage
