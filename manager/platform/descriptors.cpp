#include "manager/platform/descriptors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace partage::kernel {
namespace {

struct alignas(cmsghdr) ControlBuffer {
  std::byte bytes[CMSG_SPACE(sizeof(int) * most_descriptors)];
};

struct flock one_byte(std::uint64_t byte, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

/// Beyond RLIMIT_FSIZE a write does not only fail: it sends SIGXFSZ, which kills.
bool may_be_as_long_as(std::size_t bytes) noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

}  // namespace

void OwnedDescriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int error = errno;
  ::close(old);
  errno = error;
}

int send_packet(int socket, std::span<const iovec> pieces, std::span<const int> descriptors) noexcept {
  if (descriptors.size() > most_descriptors) return ETOOMANYREFS;
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  if (!descriptors.empty()) {
    const std::size_t bytes = descriptors.size_bytes();
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Received receive_packet(int socket, std::span<std::byte> buffer) {
  Received received;
  received.descriptors.reserve(8);  // so that those of a usual message are owned without fail
  ControlBuffer control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  ssize_t size = 0;
  do {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    // A peer that closed with something unread in it is reported once, before what it has sent; then comes that.
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) {
    received.error = errno;
    return received;
  }
  received.size = static_cast<std::size_t>(size);
  received.cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  return received;
}

OwnedDescriptor reopen(int fd) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return OwnedDescriptor(::open(path, O_RDWR | O_CLOEXEC));
}

bool lock_byte(int fd, std::uint64_t byte) noexcept {
  struct flock lock = one_byte(byte, F_WRLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool is_byte_locked(int fd, std::uint64_t byte) noexcept {
  struct flock lock = one_byte(byte, F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

OwnedDescriptor make_sealed_file(std::span<const std::byte> bytes) noexcept {
  if (!may_be_as_long_as(bytes.size())) {
    errno = EFBIG;
    return {};
  }
  OwnedDescriptor file(::memfd_create("partage message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return {};
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return {};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) return {};
  return file;
}

std::uint64_t bytes_in_file(int fd) noexcept {
  struct stat s {};
  if (::fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return 0;
  return std::min(static_cast<std::uint64_t>(s.st_size), static_cast<std::uint64_t>(s.st_blocks) * 512);
}

bool read_file(int fd, std::byte* to, std::size_t size) noexcept {
  off_t at = 0;
  while (size != 0) {
    const ssize_t n = ::pread(fd, to, std::min(size, std::size_t{1} << 30), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace partage::kernel
