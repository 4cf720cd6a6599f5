// The control socket of a manager: how clients make it look, and how it is told to end.
//
// An abstract Unix socket, "\0partage-<number in hex>", SEQPACKET: it has no place in the file system, so nothing is left of
// it, and a message arrives whole or not at all. Nothing that must happen depends on it: clients enter themselves in shared
// memory, and the manager looks around by itself now and then.
// The number is random, drawn by each manager for itself and told in the segment (control_table.hpp). Everybody can read the
// names of sockets in /proc/net/unix: one that the next manager needs would be taken by another user as soon as this one dies.
//
// Layout of a message (32 bytes, host byte order; both ends run on one machine)
//     0  magic    u32 "PGC1"        4  version  u16 (1)        6  kind  u16
//     8  segment  u64 id of the segment                       16  value  u64 by kind        24  reserved u64 (0)
//   look      (value: a client slot)   a slot has changed: look at the slots; no answer
//   ping                               answer pong (value: pid)
//   shutdown                           end in an orderly way; answer pong, then, when all has ended, `ended` (value: 0,
//                                      or 1: what should have been kept was not)
//
// Peers must run as the user of the manager (SO_PEERCRED); a pid of 0 means a process of another pid namespace, whose
// deaths could not be watched. Both are answered with `refused` (value: RefusedReason) and the connection is closed.
// A message of another length, magic, version, segment or kind closes the connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

enum class ControlKind : std::uint16_t { look = 1, ping = 2, shutdown = 3, pong = 4, refused = 5, ended = 6 };
enum class RefusedReason : u64 { other_user = 1, other_namespace = 2 };

struct ControlMessage {
  static constexpr std::uint32_t right_magic = 0x31434750;  // "PGC1"
  static constexpr std::uint16_t right_version = 1;

  std::uint32_t magic = right_magic;
  std::uint16_t version = right_version;
  ControlKind kind{};
  u64 segment = 0;
  u64 value = 0;
  u64 reserved = 0;
};
static_assert(sizeof(ControlMessage) == 32 && offsetof(ControlMessage, segment) == 8);
/// Magic, version and segment are what they must be.
bool is_right(const ControlMessage& message, const Segment& segment) noexcept;

/// "partage-0123456789abcdef"
std::string control_name(const Segment& segment);
/// The listening socket of a manager, by a new name. Throws ConnectionError.
int open_control_socket(const Segment& segment);
/// A connection to the manager, or -1. Does not wait.
int connect_control(const Segment& segment) noexcept;

/// Tells the manager that a client slot has changed. Never waits, never fails: without it the manager finds out by
/// itself.
void notify(const Segment& segment, u64 slot) noexcept;
/// Asking a manager to end, and hearing how it did.
class EndRequest {
 public:
  /// Sends it, and waits so long for the answer. ConnectionError: refused.
  EndRequest(const Segment& segment, std::chrono::milliseconds timeout);
  EndRequest(const EndRequest&) = delete;
  EndRequest& operator=(const EndRequest&) = delete;
  ~EndRequest();
  /// Waits for the end of the process; false: it is still there.
  bool wait(std::chrono::milliseconds timeout) const;
  /// It has said that what it should have kept is lost. Of a manager that says nothing nobody knows.
  bool lost() const;

 private:
  const Segment& segment_;
  Pidfd manager_;
  int connection_ = -1;
};

/// Sends one message and waits for the answer; nullopt: nobody answered in time. Throws ConnectionError when refused.
std::optional<ControlMessage> ask(const Segment& segment, ControlKind kind, std::chrono::milliseconds timeout);

}  // namespace partage::kernel
