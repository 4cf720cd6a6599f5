// What a snapshot file holds: one line that says what follows, and a dump (dump_reader.hpp).
//
//   partage snapshot, format 1, 00000000000000004711 bytes, crc64 0123456789abcdef
//   {"partage":"dump",...
//
// Length and checksum (CRC-64 as xz has it) are those of everything behind the line, which has always the same length: so
// the line can be written last. `tail -n +2` of it is a dump for everybody.
//
// Thread safety: no state but that of a SnapshotSum.
// Errors: ValueError that says what is wrong with the bytes: no snapshot, another format, truncated, something behind the
// end, the checksum, or what read_dump() has to say.
#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "manager/tool/dump_reader.hpp"

namespace partage::tool {

inline constexpr int snapshot_format = 1;
inline constexpr std::size_t snapshot_head_size = 79;

/// Length and checksum of a dump that comes in pieces.
class SnapshotSum {
 public:
  void add(std::string_view piece) {
    crc_.process_bytes(piece.data(), piece.size());
    size_ += piece.size();
  }
  /// The line for what was added, with its end: snapshot_head_size bytes.
  std::string head() const;

 private:
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~std::uint64_t{0}, ~std::uint64_t{0}, true, true> crc_;
  std::uint64_t size_ = 0;
};

/// Whether somebody meant it to be a snapshot, damaged or not.
bool looks_like_snapshot(std::string_view file) noexcept;

/// The dump in a whole file, checked by length and checksum.
std::string_view snapshot_body(std::string_view file);

/// Everything that can be checked of a file without a segment: for whoever loads it, and for fuzzers.
Dump read_snapshot(std::string_view file);

}  // namespace partage::tool
