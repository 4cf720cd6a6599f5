// One end of a pipe as an engine offers it: messages, each whole or not at all.
//
// The transport is an AF_UNIX socket that keeps packets apart (SOCK_SEQPACKET), so a sender that is killed has sent a message
// or has not. A message of more than 64 KiB goes in one packet, too: its beginning, and a sealed file in memory with the
// rest. (Its beginning, so that the socket fills up and a fast sender waits.)
//
// Layout of a packet (host byte order)
//     0  magic    u32 "PGM1"     4  version  u16 (1)     6  kind  u16 (1 a parcel, see proxy/engine/shipment.hpp; 2 bytes)
//     8  in_file  u64, bytes of the message that are in the file, which is the first descriptor then
//    16  the message's first bytes
//
// Thread and process safety: full; several readers of one end get a message each. Fork: a child's copy is another descriptor
// of the same end.
// Errors: ValueError for a closed end, or the wrong direction; EOFError; ConnectionError; OutOfMemory; Corrupt.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <partage/engine/deadline.hpp>
#include <partage/engine/parcel.hpp>
#include <partage/export.hpp>

namespace partage::engine {

class Transits;

class PARTAGE_API Channel {
 public:
  using Pointer = std::shared_ptr<Channel>;

  /// `duplex` false: the first end reads, the second one writes.
  static std::pair<Pointer, Pointer> pair(bool duplex);

  Channel(SharedDescriptor descriptor, bool readable, bool writable);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  void send(Parcel parcel);
  void send_bytes(std::span<const std::byte> bytes);
  Parcel recv();
  std::vector<std::byte> recv_bytes(const char* operation);
  /// A message came that is longer than allowed: no more can be read.
  void stop_reading();
  /// True: recv() would not wait. False: not before the deadline.
  bool poll(const Deadline& deadline);
  void close() noexcept;

  bool closed() const;
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  /// Throws ValueError when it is closed.
  SharedDescriptor descriptor(const char* operation) const;

 private:
  struct Message;
  SharedDescriptor reader(const char* operation) const;
  SharedDescriptor writer(const char* operation) const;
  Message receive(const char* operation);

  SharedDescriptor descriptor_;  // nullptr: closed
  std::atomic<bool> readable_;
  const bool writable_;
  std::atomic<bool> stopped_ = false;  // see stop_reading()
  std::unique_ptr<Transits> transits_;
};

/// Sets `ready[i]` where descriptor i can be read, or is at its end. False: none before the deadline. ValueError: a descriptor
/// is not open.
PARTAGE_API bool poll_descriptors(std::span<const int> descriptors, std::vector<bool>& ready, const Deadline& deadline,
                                  const char* operation);

}  // namespace partage::engine
