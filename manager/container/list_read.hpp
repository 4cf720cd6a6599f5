// Copying elements out of a list, under its lock or optimistically.
//
// An optimistic attempt may see words of different moments, freed blobs and reused memory. It follows no offset that it
// has not bounded, believes no large size before the sequence word is seen unchanged, and its result counts only if the
// sequence word is unchanged at the end.
//
// Thread safety: reads only.
#pragma once

#include "manager/container/byte_table.hpp"
#include "manager/container/list_layout.hpp"
#include "manager/platform/cpu.hpp"
#include "manager/segment/arena.hpp"
#include "manager/segment/stripe_lock.hpp"

namespace partage::kernel {

/// The blob is a run of its own, not a part of the arena. Under the lock.
inline bool is_own_run(const Segment& segment, u64 blob) noexcept {
  return (segment.at<BlobHead>(blob).head.load() & 255) == own_run_class;
}

/// Runs fn(attempt) until it returns true for one undisturbed state. False after `tries`: take the lock.
template <class Fn>
bool read_optimistically(const Stripe& stripe, unsigned tries, Fn&& fn) {
  for (; tries != 0; --tries) {
    const OptimisticRead attempt(stripe);
    if (attempt.begun() && fn(attempt) && attempt.valid()) return true;
    relax_cpu();
  }
  return false;
}

/// The same in user code, where the lock is not waited for. False: this is no user code, so take it.
template <class Fn>
bool read_in_user_code(Segment& segment, Stripe& stripe, unsigned tries, Fn&& fn) {
  if (!UserCodeScope::active()) return false;
  for (UserCodeRead read(segment); !read_optimistically(stripe, tries, fn);) read.disturbed(stripe);
  return true;
}

/// Where read_slot() puts what it reads.
inline auto sink_into(Bytes& out) {
  return [&out](u64 bytes, u64 refs) -> ByteTable::Room {
    out.refs().resize(refs);
    return {out.resize(bytes), out.refs().data()};
  };
}
inline auto sink_into(ByteTable& out) {
  return [&out](u64 bytes, u64 refs) { return out.add_room(bytes, refs); };
}

/// Copies a slot of a variable list to where sink(bytes, refs) says. False: out of bounds, so the attempt has failed;
/// under the lock (`attempt` is null) never.
template <class Sink>
bool read_slot(const Segment& segment, SlotWords slot, const OptimisticRead* attempt, Sink&& sink) {
  const u64 kind = slot.kind();
  if (kind <= SlotWords::most_inline) {
    const u64 words[2] = {slot.first, slot.second >> 8};
    std::byte* to = sink(kind, 0).bytes;
    if (kind != 0) std::memcpy(to, words, kind);
    return true;
  }
  if (kind == SlotWords::reference) {
    *sink(0, 1).refs = slot.first;
    return true;
  }
  if (attempt != nullptr &&
      (kind != SlotWords::blob || slot.first % 16 != 0 || !segment.holds(slot.first, sizeof(BlobHead)))) {
    return false;
  }
  const auto& head = segment.at<BlobHead>(slot.first);
  const BlobShape shape = BlobShape::of(head.shape.load());
  if (attempt != nullptr) {
    if (!segment.holds(slot.first + sizeof(BlobHead), shape.payload() + 7)) return false;
    if (shape.payload() > largest_arena_blob && !attempt->valid()) return false;
  }
  const auto to = sink(shape.bytes, shape.refs);
  const Word* payload = &head.shape + 1;
  copy_out(to.refs, payload, shape.refs * 8);
  copy_out(to.bytes, payload + shape.refs, shape.bytes);
  return true;
}

/// The packed element in a word.
inline void unpack(u64 word, std::size_t bytes, Bytes& out) {
  std::memcpy(out.resize(8), &word, 8);  // always room for a word; the size follows
  out.resize(bytes);
  out.refs().clear();
}

/// Copies element i. The ring is in bounds.
inline bool read_element(const Segment& segment, const Ring& ring, unsigned packed_size, u64 i, Bytes& out,
                         const OptimisticRead* attempt) {
  const SlotWords slot = ring.load(i);
  if (ring.packed()) {
    unpack(slot.first, packed_size, out);
    return true;
  }
  return read_slot(segment, slot, attempt, sink_into(out));
}

}  // namespace partage::kernel
