// The control socket of a manager, at which any process of its user may say anything.
//
// Input: steps, each a byte. A new peer; a peer sends a message (right, but for some of its fields; or any bytes, of any length);
// a peer goes; the manager looks at what has come, in the order of its epoll instance.
// Holds: afterwards a well-behaved peer is answered, the manager has at most as many connections as it allows itself, and
// is told to end only if a right message said so.
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "manager/platform/descriptors.hpp"
#include "manager/server/connections.hpp"
#include "manager/server/manager.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace partage;
using namespace partage::kernel;

namespace {

Segment& segment() {
  static const auto one = make_unmanaged_segment({.initial = 0, .max = std::size_t{8} << 20});
  return *one;
}

/// The manager's side, without the loop around it.
class Manager {
 public:
  Manager() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), connections_(segment(), epoll_.get()) {}

  void work() {
    std::array<epoll_event, 64> events;
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < n; ++i) {
      const u64 what = events[static_cast<std::size_t>(i)].data.u64;
      if (what == Connections::listener_data) {
        connections_.on_listener();
      } else {
        connections_.on_connection(static_cast<int>(what - Connections::connection_data));
      }
    }
    shutdown_ = connections_.take().shutdown || shutdown_;
  }
  bool told_to_end() const { return shutdown_; }

 private:
  OwnedDescriptor epoll_;
  Connections connections_;
  bool shutdown_ = false;
};

ControlMessage right(ControlKind kind) {
  ControlMessage message;
  message.kind = kind;
  message.segment = segment().header().id;
  return message;
}

/// True: it is a request to end as it should be.
bool send_message(int peer, FuzzedDataProvider& input) {
  if (input.ConsumeBool()) {
    const auto noise = input.ConsumeBytes<std::uint8_t>(input.ConsumeIntegralInRange<std::size_t>(0, 100));
    ::send(peer, noise.data(), noise.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return false;
  }
  ControlMessage message = right(static_cast<ControlKind>(input.ConsumeIntegralInRange<std::uint16_t>(0, 6)));
  message.value = input.ConsumeIntegral<u64>();
  switch (input.ConsumeIntegralInRange(0, 6)) {
    case 1:
      message.magic = input.ConsumeIntegral<std::uint32_t>();
      break;
    case 2:
      message.version = input.ConsumeIntegral<std::uint16_t>();
      break;
    case 3:
      message.segment = input.ConsumeIntegral<u64>();
      break;
    case 4:
      message.reserved = input.ConsumeIntegral<u64>();
      break;
    default:
      break;
  }
  const bool sent = ::send(peer, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
  return sent && is_right(message, segment()) && message.kind == ControlKind::shutdown;
}

bool answers(Manager& manager) {
  const OwnedDescriptor peer(connect_control(segment()));
  const ControlMessage ping = right(ControlKind::ping);
  if (!peer.valid() || ::send(peer.get(), &ping, sizeof ping, MSG_NOSIGNAL) != sizeof ping) return false;
  ControlMessage pong;
  for (int tries = 0; tries < 100; ++tries) {  // before it others may have to be worked off
    manager.work();
    if (::recv(peer.get(), &pong, sizeof pong, MSG_DONTWAIT) != sizeof pong) continue;
    return is_right(pong, segment()) && pong.kind == ControlKind::pong && pong.value == static_cast<u64>(::getpid());
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Manager manager;
  std::vector<OwnedDescriptor> peers;
  bool may_end = false;
  while (input.remaining_bytes() != 0) {
    const auto step = input.ConsumeIntegralInRange(0, 7);
    if (step == 0 && peers.size() < Connections::most + 10) {
      peers.emplace_back(connect_control(segment()));
      if (!peers.back().valid()) {  // as many wait as the kernel lets wait, most of them for nothing any more
        manager.work();
        peers.back() = OwnedDescriptor(connect_control(segment()));
      }
      fuzz::require(peers.back().valid(), "a peer can connect");
    } else if (step == 1) {
      manager.work();
    } else if (!peers.empty()) {
      const std::size_t i = input.ConsumeIntegralInRange<std::size_t>(0, peers.size() - 1);
      if (step == 2) {
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (step == 3) {
        char answer[64];
        ::recv(peers[i].get(), answer, sizeof answer, MSG_DONTWAIT);
      } else {
        may_end = send_message(peers[i].get(), input) || may_end;
      }
    }
  }
  fuzz::require(answers(manager), "a well-behaved peer is answered");
  fuzz::require(may_end || !manager.told_to_end(), "nobody has told the manager to end");
  return 0;
}
