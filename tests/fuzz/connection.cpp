// A Connection, at whose other end any process may sit that was given it: packets as they come from the socket.
//
// Input: packets. Of each: a header, right but for some of its fields; bytes; descriptors with it, of files shorter or longer
// than the header says, of something that is no file, or none.
// Holds: each is received or refused, and no more memory is taken than came; then a message of a well-behaved sender is received
// as it is.
#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/socket.h>

#include <cstring>
#include <partage/engine/channel.hpp>

#include "manager/platform/descriptors.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace partage;
using namespace partage::engine;

namespace {

/// As in proxy/engine/channel.hpp.
struct Header {
  std::uint32_t magic = 0x314d4750;
  std::uint16_t version = 1;
  std::uint16_t kind = 1;
  std::uint64_t in_file = 0;
};

kernel::OwnedDescriptor descriptor_in(FuzzedDataProvider& input) {
  const int what = input.ConsumeIntegralInRange(0, 3);
  if (what == 1) return kernel::OwnedDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (what == 2) return kernel::OwnedDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto bytes = input.ConsumeBytes<std::byte>(input.ConsumeIntegralInRange<std::size_t>(0, 300));
  return kernel::make_sealed_file(bytes);
}

void send_packet(int socket, FuzzedDataProvider& input) {
  Header header;
  header.kind = input.ConsumeIntegralInRange<std::uint16_t>(1, 2);
  switch (input.ConsumeIntegralInRange(0, 7)) {
    case 0:
      header.magic = input.ConsumeIntegral<std::uint32_t>();
      break;
    case 1:
      header.version = input.ConsumeIntegral<std::uint16_t>();
      break;
    case 2:
      header.kind = input.ConsumeIntegral<std::uint16_t>();
      break;
    case 3:
    case 4:
      header.in_file = input.ConsumeIntegral<std::uint64_t>();
      break;
    case 5:
      header.in_file = input.ConsumeIntegral<std::uint8_t>();
      break;
    default:
      break;
  }
  std::vector<kernel::OwnedDescriptor> owned(input.ConsumeIntegralInRange<std::size_t>(0, 3));
  std::vector<int> fds;
  for (kernel::OwnedDescriptor& descriptor : owned) {
    descriptor = descriptor_in(input);
    fuzz::require(descriptor.valid(), "a descriptor can be had");
    fds.push_back(descriptor.get());
  }
  auto bytes = input.ConsumeBytes<std::byte>(input.ConsumeIntegralInRange<std::size_t>(0, 600));
  const std::size_t cut = input.ConsumeBool() ? sizeof header : input.ConsumeIntegralInRange<std::size_t>(0, 16);
  const iovec pieces[] = {{&header, cut}, {bytes.data(), bytes.size()}};
  if (cut + bytes.size() == 0) return;  // would be the end
  kernel::send_packet(socket, pieces, fds);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const std::pair<Channel::Pointer, Channel::Pointer> ends = Channel::pair(true);
  const Channel::Pointer &near = ends.first, &far = ends.second;
  const SharedDescriptor socket = far->descriptor("fuzz");
  for (int packets = 0; packets < 16 && input.remaining_bytes() != 0; ++packets) {
    const bool as_bytes = input.ConsumeBool();
    send_packet(socket->fd(), input);
    if (!near->poll(std::chrono::steady_clock::now())) continue;
    const fuzz::MemoryLimit limit(size);
    if (as_bytes) {
      fuzz::unless_refused([&] { return near->recv_bytes("recv_bytes"); });
    } else {
      fuzz::unless_refused([&] { return near->recv().bytes; });
    }
  }
  far->send(pack(std::string("well-behaved")));
  fuzz::require(unpack<std::string>(near->recv()) == "well-behaved", "the next message is received as it is");
  return 0;
}
