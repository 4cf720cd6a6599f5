// The arena of a stripe: blobs of keys and values too long to lie inline, allocated and freed in the stripe's own commits.
//
// Layout of the arena's head (first 224 bytes of its first chunk; the stripe's body word 0 names it, 0 = none yet)
//     0  bump     next byte of the current chunk that was never a blob
//     8  end      end of the current chunk
//    16  total    bytes of all chunks
//    24  reserved
//    32  free[24] per size class: first free blob
//   chunks are runs, listed by their run links, the first one (with this head) first.
// Layout of a blob (16-aligned)
//     0  head     size class | next free blob << 8     (class 255: the blob is a run of its own)
//     8  shape    bytes in the low 40 bits | number of references << 40
//    16  references, 8 bytes each, then the bytes, padded with zeros to 8
//   Size classes, head included: 32 48 64 80 96 112 128, then 4 a doubling up to 2048. Larger blobs are runs.
//
// References stand at a fixed place, so that whoever drops a blob (an operation, the reaper, a tool) finds them without
// knowing its type.
//
// Crash: all words but a fresh blob's shape and payload change through the stripe's log. The free link lives in the head,
// which a new owner does not write: taking a blob from a free list changes one word, the list's.
#pragma once

#include <partage/bytes.hpp>

#include "manager/journal/stripe.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

class Change;

struct ArenaHead {
  static constexpr std::size_t classes = 24;
  Word bump;
  Word end;
  Word total;
  Word reserved;
  Word free[classes];
};
static_assert(sizeof(ArenaHead) == 224);

struct BlobHead {
  Word head;
  Word shape;
};
static_assert(sizeof(BlobHead) == 16);

inline constexpr u64 own_run_class = 255;
inline constexpr u64 largest_arena_blob = 2048;
inline constexpr u64 most_references = (u64{1} << 24) - 1;

/// Size class of a blob of `bytes` (head included), and the bytes of a class.
unsigned blob_class(u64 bytes) noexcept;
u64 blob_class_bytes(unsigned size_class) noexcept;

/// Takes a blob of `bytes` payload. The blob is planned in the change; its payload may be written at once.
u64 arena_take(Change& change, Word& arena, u64 payload_bytes);
/// Plans the return of a blob to its free list or of its run to the heap.
void arena_give_back(Change& change, Word& arena, u64 blob);

/// Calls fn(run) for every chunk.
template <class Fn>
void for_each_chunk(Segment& segment, u64 arena, Fn&& fn) {
  for (u64 run = arena; run != 0; run = segment.runs().link(run).load()) fn(run);
}

/// Number of payload bytes and of references of a blob, as one word says it.
struct BlobShape {
  u64 bytes;
  u64 refs;
  static BlobShape of(u64 word) noexcept { return {word & ((u64{1} << 40) - 1), word >> 40}; }
  u64 word() const noexcept { return bytes | refs << 40; }
  u64 payload() const noexcept { return refs * 8 + bytes; }
};

/// Copies a blob out. `checked`: the caller holds no lock, so every offset is bounded first; false when out of bounds,
/// in which case something has changed underneath and the read will not validate.
bool read_blob(const Segment& segment, u64 blob, Bytes& out, bool checked);
/// The references of a blob, under the lock.
void blob_refs(const Segment& segment, u64 blob, std::vector<ObjectRef>& out);

/// It can be followed: it lies in the segment, with all it says it holds. For what may be damaged.
bool looks_like_blob(const Segment& segment, u64 blob) noexcept;
/// Checks the free lists and the tiling of an arena against the blobs in use (offsets, any order), of
/// which each looks like one. "" or what is wrong.
std::string verify_arena(Segment& segment, u64 arena, const std::vector<u64>& blobs_in_use);

}  // namespace partage::kernel
