// Of heap.hpp, for its own files: the fields of a block's head, the size classes, and where the blocks begin.
#pragma once

#include <bit>

#include "manager/segment/heap.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

inline constexpr u64 line = 64;
inline constexpr u64 head_bytes = sizeof(BlockHead);

// Fields of BlockHead::head.
inline constexpr u64 free_bit = 1;
inline constexpr u64 previous_free_bit = 2;
inline constexpr unsigned pool_shift = 2;
inline constexpr u64 pool_mask = u64{15} << pool_shift;
inline constexpr unsigned owner_shift = 54;
inline constexpr u64 size_mask = ((u64{1} << owner_shift) - 1) & ~(line - 1);

inline u64 size_of(u64 head) noexcept {
  return head & size_mask;
}
inline Pool pool_of(u64 head) noexcept {
  return static_cast<Pool>((head & pool_mask) >> pool_shift);
}
inline u64 lines_for(std::size_t payload) noexcept {
  return (payload + head_bytes + line - 1) / line;
}
inline u64 first_block() noexcept {
  // Behind Boost's segment manager, 16 bytes before a line.
  const u64 end = heap_offset + sizeof(SegmentManager);
  return (end + head_bytes + line - 1) / line * line - head_bytes;
}

/// Size class of a block of `lines`: exact below 8, then 8 classes a doubling.
inline std::size_t bin_of(u64 lines) noexcept {
  if (lines < 8) return lines;
  const auto log = static_cast<unsigned>(std::bit_width(lines) - 1);
  return std::size_t{log - 2} * 8 + ((lines >> (log - 3)) & 7);
}
/// The first class all of whose blocks have at least `lines`.
inline std::size_t bin_surely(u64 lines) noexcept {
  if (lines < 8) return lines;
  const auto log = static_cast<unsigned>(std::bit_width(lines) - 1);
  return bin_of(lines + (u64{1} << (log - 3)) - 1);
}

/// It looks like a run that is in use, of any pool and size.
bool looks_like_any_run(Segment& segment, u64 run) noexcept;

inline HeapState& Runs::state() const noexcept {
  return segment_->at<HeapState>(heap_offset);
}
inline BlockHead& Runs::block(u64 offset) const noexcept {
  return segment_->at<BlockHead>(offset);
}
inline Word& Runs::word(u64 offset) const noexcept {
  return segment_->at<Word>(offset);
}

}  // namespace partage::kernel
