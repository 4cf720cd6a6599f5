// Open descriptors: owned, sent to other processes, and held as a sign of life.
//
//   Packets   send_packet(), receive_packet(): one message of an AF_UNIX SOCK_SEQPACKET socket with the descriptors that
//             go with it (SCM_RIGHTS). It arrives whole or not at all, whoever is killed when. What arrives is closed by
//             exec; descriptors of a message that is thrown away unread are closed by the kernel.
//   Signs     a lock on one byte of a file, of the kind that belongs to the open file description (F_OFD_SETLK): it is
//             held as long as any descriptor of that description is open, in whatever process or message. So it can be
//             sent, and it tells how the last holder of it has gone without anybody doing anything.
//   Files     make_sealed_file(): bytes in memory that nobody can change any more, for what is too long for a packet.
//
// Thread safety: OwnedDescriptor as an int; the functions by any thread. Errors: as errno, or as said.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace partage::kernel {

class OwnedDescriptor {
 public:
  OwnedDescriptor() = default;
  explicit OwnedDescriptor(int fd) noexcept : fd_(fd) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : fd_(other.release()) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~OwnedDescriptor() { reset(); }

  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what it had; errno stays.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// The most descriptors that go with one packet (the kernel's SCM_MAX_FD).
inline constexpr std::size_t most_descriptors = 253;

/// 0, or the errno. Waits while the socket is full; no SIGPIPE.
int send_packet(int socket, std::span<const iovec> pieces, std::span<const int> descriptors) noexcept;

struct Received {
  int error = 0;         // errno
  std::size_t size = 0;  // 0 without an error: the other end is closed, and everything it sent was read
  bool cut = false;      // it was longer than the buffer, or some of its descriptors were not to be had (ulimit -n)
  std::vector<OwnedDescriptor> descriptors;
};
/// The next packet. Waits for one.
Received receive_packet(int socket, std::span<std::byte> buffer);

/// The file behind `fd` through an open file description of its own, for reading and writing; not valid: errno says why.
OwnedDescriptor reopen(int fd) noexcept;
/// Takes the lock on the byte through this description, without waiting. False: another description has it.
bool lock_byte(int fd, std::uint64_t byte) noexcept;
/// Another description than that of `fd` has the lock on the byte. True also when the system cannot tell.
bool is_byte_locked(int fd, std::uint64_t byte) noexcept;

/// A sealed file with these bytes; not valid: errno says why.
OwnedDescriptor make_sealed_file(std::span<const std::byte> bytes) noexcept;
/// Bytes that stand in the file; less than its size says when it has holes, which nobody wrote. 0: it is no file.
std::uint64_t bytes_in_file(int fd) noexcept;
/// Reads that many bytes from the beginning. False: there are fewer, or it cannot be read.
bool read_file(int fd, std::byte* to, std::size_t size) noexcept;

}  // namespace partage::kernel
