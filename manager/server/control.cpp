#include "manager/server/control.hpp"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <partage/error.hpp>

#include "manager/registry/control_table.hpp"
#include "manager/registry/service.hpp"

namespace partage::kernel {
namespace {

/// The abstract address: a zero byte, then the name, with no terminator.
struct Address {
  sockaddr_un address{};
  socklen_t length = 0;

  explicit Address(u64 number) noexcept {
    address.sun_family = AF_UNIX;
    // By hand: every child comes here, and would have to map the pages of snprintf().
    char* to = std::copy_n("partage-", 8, address.sun_path + 1);
    for (int shift = 60; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[number >> shift & 15];
    length = static_cast<socklen_t>(to - reinterpret_cast<const char*>(&address));
  }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }
};

int control_socket() noexcept {
  return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

u64 random_number() noexcept {
  u64 number = 0;
  while (number == 0) {
    if (::getrandom(&number, sizeof number, 0) != sizeof number) {
      number = static_cast<u64>(Clock::now().time_since_epoch().count()) ^ static_cast<u64>(::getpid()) << 48;
    }
  }
  return number;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Anybody may have taken the name first: only a peer of the same user is the manager.
bool is_same_user(int fd) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

bool send_message(int fd, const Segment& segment, ControlKind kind, u64 value) noexcept {
  ControlMessage message;
  message.kind = kind;
  message.segment = segment.header().id;
  message.value = value;
  return ::send(fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
}

/// Many may be waiting to be let in, or a new manager may not be that far. -1: not in time.
int connect_until(const Segment& segment, Clock::time_point end) noexcept {
  int fd = connect_control(segment);
  while (fd < 0 && is_manager_alive(segment) && Clock::now() < end) {
    ::usleep(2000);
    fd = connect_control(segment);
  }
  return fd;
}

/// The next message; nullopt: none came, or the connection has ended.
std::optional<ControlMessage> receive_until(int fd, const Segment& segment, Clock::time_point end) noexcept {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    ControlMessage message;
    if (::recv(fd, &message, sizeof message, MSG_DONTWAIT) != sizeof message || !is_right(message, segment)) {
      return std::nullopt;
    }
    return message;
  }
}

std::optional<ControlMessage> ask_on(int fd, const Segment& segment, ControlKind kind, Clock::time_point end) {
  if (fd < 0 || !send_message(fd, segment, kind, 0)) return std::nullopt;
  const auto answer = receive_until(fd, segment, end);
  if (!answer || answer->kind != ControlKind::refused) return answer;
  throw ConnectionError(
      answer->value == static_cast<u64>(RefusedReason::other_user)
          ? "partage: the manager belongs to another user, and serves only processes of that user"
          : "partage: the manager sees no process id of this process: it lives in another PID namespace "
            "(container); run both in one");
}

}  // namespace

std::string control_name(const Segment& segment) {
  return Address(control_table(segment).control_number.load()).address.sun_path + 1;
}

bool is_right(const ControlMessage& message, const Segment& segment) noexcept {
  return message.magic == ControlMessage::right_magic && message.version == ControlMessage::right_version &&
         message.segment == segment.header().id;
}

int open_control_socket(const Segment& segment) {
  const int fd = control_socket();
  int error = fd < 0 ? errno : EADDRINUSE;
  for (int tries = 0; fd >= 0 && error == EADDRINUSE && tries < 100; ++tries) {
    const u64 number = random_number();
    const Address address(number);
    if (::bind(fd, address.get(), address.length) == 0 && ::listen(fd, 512) == 0) {
      Log::decide(control_table(segment).control_number, number);
      return fd;
    }
    error = errno;
  }
  if (fd >= 0) ::close(fd);
  throw ConnectionError(std::string("partage: the manager cannot open its control socket: ") + std::strerror(error));
}

int connect_control(const Segment& segment) noexcept {
  const Address address(control_table(segment).control_number.load());
  const int fd = control_socket();
  if (fd < 0) return -1;
  if (::connect(fd, address.get(), address.length) == 0 && is_same_user(fd)) return fd;
  ::close(fd);
  return -1;
}

void notify(const Segment& segment, u64 slot) noexcept {
  if (segment.unmanaged()) return;
  const int error = errno;
  const Descriptor connection(connect_control(segment));
  if (connection.get() >= 0) send_message(connection.get(), segment, ControlKind::look, slot);
  errno = error;
}

std::optional<ControlMessage> ask(const Segment& segment, ControlKind kind, std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  const Descriptor connection(connect_until(segment, end));
  return ask_on(connection.get(), segment, kind, end);
}

EndRequest::EndRequest(const Segment& segment, std::chrono::milliseconds timeout) : segment_(segment) {
  if (const pid_t pid = manager_pid(segment); pid != 0) manager_ = Pidfd(identity_of(pid));
  const auto end = Clock::now() + timeout;
  Descriptor connection(connect_until(segment, end));
  (void)ask_on(connection.get(), segment, ControlKind::shutdown, end);
  connection_ = connection.release();
}

EndRequest::~EndRequest() {
  if (connection_ >= 0) ::close(connection_);
}

bool EndRequest::wait(std::chrono::milliseconds timeout) const {
  const auto end = Clock::now() + timeout;
  if (manager_.valid()) manager_.wait(static_cast<int>(std::max<long long>(timeout.count(), 0)));
  while (!manager_.valid() && is_manager_alive(segment_) && Clock::now() < end) ::usleep(2000);
  return !is_manager_alive(segment_);
}

bool EndRequest::lost() const {
  while (connection_ >= 0) {
    const auto message = receive_until(connection_, segment_, Clock::now());
    if (!message) break;
    if (message->kind == ControlKind::ended) return message->value != 0;
  }
  return false;
}

}  // namespace partage::kernel
