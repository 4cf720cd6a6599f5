#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <partage/error.hpp>
#include <span>

#include "manager/segment/heap_block.hpp"
#include "manager/segment/heap_lock.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {
namespace {

/// Charges memory for [from, from + bytes); 0, or an errno. A program that becomes a daemon closes all descriptors, the segment's
/// with them, and the number is soon that of another file: then the memory is charged through the mapping.
int charge(const Segment& segment, u64 from, u64 bytes) noexcept {
  u64 id = 0;
  if (::pread(segment.object().fd(), &id, sizeof id, offsetof(SegmentHeader, id)) == sizeof id &&
      id == segment.header().id) {
    return segment.object().commit(from, bytes);
  }
  while (::madvise(segment.base() + from, bytes, MADV_POPULATE_WRITE) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    return errno == EFAULT ? ENOSPC : errno == EINVAL ? EBADF : errno;  // full; a kernel before Linux 5.14
  }
  return 0;
}

}  // namespace

Word& Runs::link(u64 run) const noexcept {
  return block(run - head_bytes).link;
}
u64 Runs::used() const noexcept {
  return state().used.load();
}
std::size_t Runs::payload_size(u64 run) const noexcept {
  return size_of(block(run - head_bytes).head.load()) - head_bytes;
}
u64 Runs::owner_slot(u64 run) const noexcept {
  return block(run - head_bytes).head.load() >> owner_shift;
}

// ---- the log -------------------------------------------------------------------------------------------------------

void Runs::commit(const Plan& plan) {
  HeapState& s = state();
  if (plan.size() > HeapState::log_slots) throw Corrupt("partage: the heap planned a longer commit than its log holds");
  for (std::size_t i = 0; i < plan.size(); ++i) Log::lay(s.log[i], plan[i], segment_->base());
  Log::decide(s.commit, plan.size());  // the commit point
  replay();
}

void Runs::replay() {
  HeapState& s = state();
  const u64 n = s.commit.load();
  for (u64 i = 0; i < n; ++i) Log::apply(s.log[i], segment_->base());
  Log::decide(s.commit, 0);
}

void Runs::repair() {
  const Lock lock(*this);
}

bool Runs::log_is_sound() const noexcept {
  const HeapState& s = state();
  const u64 n = s.commit.load();
  return n <= HeapState::log_slots && logs_within(std::span(s.log, n), segment_->header().max);
}

void Runs::condemn() {
  Lock(*this).condemn();
}
bool Runs::condemned() const noexcept {
  return state().mutex.condemned();
}

// ---- free blocks ---------------------------------------------------------------------------------------------------

u64 Runs::find_fit(const Plan& plan, u64 lines) const {
  const HeapState& s = state();
  // A block of the request's own class may be too small; look at the first only, so that the search is O(1).
  if (const u64 b = plan.get(s.bins[bin_of(lines)]); b != 0 && size_of(plan.get(block(b).head)) >= lines * line)
    return b;
  const std::size_t from = bin_surely(lines);
  for (std::size_t w = from / 64; w < std::size(s.map); ++w) {
    u64 bits = s.map[w].load();
    if (w == from / 64) bits &= ~u64{0} << (from % 64);
    if (bits != 0) return s.bins[w * 64 + static_cast<unsigned>(std::countr_zero(bits))].load();
  }
  return 0;
}

void Runs::unlink(Plan& plan, u64 b, u64 size) {
  HeapState& s = state();
  const u64 next = plan.get(word(b + 16)), previous = plan.get(word(b + 24));
  const std::size_t bin = bin_of(size / line);
  if (previous != 0) {
    plan.put(word(previous + 16), next);
  } else {
    plan.put(s.bins[bin], next);
    if (next == 0) plan.put(s.map[bin / 64], plan.get(s.map[bin / 64]) & ~(u64{1} << bin % 64));
  }
  if (next != 0) plan.put(word(next + 24), previous);
}

void Runs::insert(Plan& plan, u64 b, u64 size) {
  HeapState& s = state();
  const std::size_t bin = bin_of(size / line);
  const u64 next = plan.get(s.bins[bin]);
  plan.put(block(b).head, size | free_bit);
  plan.put(word(b + 16), next);
  plan.put(word(b + 24), 0);
  plan.put(word(b + size - 8), size);
  if (next != 0) plan.put(word(next + 24), b);
  plan.put(s.bins[bin], b);
  plan.put(s.map[bin / 64], plan.get(s.map[bin / 64]) | u64{1} << bin % 64);
}

u64 Runs::allocate_block(Plan& plan, std::size_t payload) {
  HeapState& s = state();
  if (payload > segment_->header().max) refuse_beyond_maximum(payload);  // before any arithmetic with it
  const u64 lines = lines_for(payload), want = lines * line;
  if (const u64 b = find_fit(plan, lines); b != 0) {
    const u64 size = size_of(block(b).head.load());
    unlink(plan, b, size);
    if (size > want) {
      insert(plan, b + want, size - want);
    } else {
      Word& next = block(b + size).head;  // exists: no free block ends at top
      plan.put(next, plan.get(next) & ~previous_free_bit);
    }
    plan.put(block(b).head, want);
    plan.put(s.used, s.used.load() + want);
    return b;
  }
  const u64 b = s.top.load();
  grow_to(plan, b + want, want);
  plan.put(s.top, b + want);
  plan.put(block(b).head, want);
  plan.put(s.used, s.used.load() + want);
  return b;
}

void Runs::grow_to(Plan& plan, u64 end, std::size_t asked) {
  SegmentHeader& header = segment_->header();
  const u64 committed = header.committed.load();
  if (end <= committed) return;
  if (end > header.max) refuse_beyond_maximum(asked);
  constexpr u64 page = 4096, least = 256 << 10, most = 32 << 20;
  const u64 needed = (end + page - 1) / page * page;
  const u64 generous = (committed + std::clamp(committed / 8, least, most) + page - 1) / page * page;
  int error = 0;
  for (const u64 target :
       {std::min(std::max(needed, generous), header.max / page * page), std::min(needed, header.max)}) {
    error = charge(*segment_, committed, target - committed);
    if (error == 0) {
      plan.put(header.committed, target);
      return;
    }
  }
  throw OutOfMemory(std::string("partage: the memory behind the segment is full (") + std::strerror(error) +
                        "); free space in /dev/shm or remove objects",
                    header.max, used(), asked);
}

void Runs::refuse_beyond_maximum(std::size_t asked) const {
  throw OutOfMemory(
      "partage: the segment has reached its maximum; remove objects or create the manager with a larger "
      "ManagerOptions::max_size",
      segment_->header().max, used(), asked);
}

void Runs::free_block(Plan& plan, u64 b) {
  HeapState& s = state();
  u64 size = size_of(block(b).head.load());
  plan.put(s.used, s.used.load() - size);
  if (block(b).head.load() >> owner_shift != 0) plan.put(s.owned, s.owned.load() - 1);
  u64 start = b;
  if ((block(b).head.load() & previous_free_bit) != 0) {
    const u64 previous_size = word(b - 8).load();
    start = b - previous_size;
    unlink(plan, start, previous_size);
    size += previous_size;
  }
  if (start + size == s.top.load()) {
    plan.put(s.top, start);
    return;
  }
  u64 next = start + size;
  if (const u64 head = block(next).head.load(); (head & free_bit) != 0) {
    unlink(plan, next, size_of(head));
    size += size_of(head);
    next = start + size;
  }
  insert(plan, start, size);
  plan.put(block(next).head, plan.get(block(next).head) | previous_free_bit);
}

// ---- runs ----------------------------------------------------------------------------------------------------------

u64 Runs::acquire(std::size_t bytes, Word& list, Pool pool, u64 owner_slot) {
  const Lock lock(*this);
  HeapState& s = state();
  Plan plan;
  u64 run = pool == Pool::none ? 0 : s.pool[static_cast<std::size_t>(pool)].load();
  if (run != 0) {
    plan.put(s.pool[static_cast<std::size_t>(pool)], link(run).load());
  } else {
    const u64 b = allocate_block(plan, bytes);
    run = b + head_bytes;
    plan.put(block(b).head, plan.get(block(b).head) | static_cast<u64>(pool) << pool_shift | owner_slot << owner_shift);
    if (pool != Pool::none) plan.put(word(run), 0);
    if (owner_slot != 0) plan.put(s.owned, s.owned.load() + 1);
  }
  plan.put(link(run), list.load());
  plan.put(list, run);
  commit(plan);
  return run;
}

void Runs::release_head(Word& list) {
  const Lock lock(*this);
  const u64 run = list.load();
  if (run == 0) return;
  if (!looks_like_any_run(*segment_, run)) refuse_damaged("a list of memory that is to be given back");
  Plan plan;
  plan.put(list, link(run).load());
  if (const Pool pool = pool_of(block(run - head_bytes).head.load()); pool != Pool::none) {
    Word& head = state().pool[static_cast<std::size_t>(pool)];
    plan.put(link(run), head.load());
    plan.put(head, run);
  } else {
    free_block(plan, run - head_bytes);
  }
  commit(plan);
}

void Runs::release_private(u64 run) {
  const Lock lock(*this);
  Plan plan;
  free_block(plan, run - head_bytes);
  commit(plan);
}

std::size_t Runs::release_owned_by(u64 owner_slot) {
  if (state().owned.load() == 0) return 0;  // a reaper has repaired the heap's log before: the dead one's are counted
  const Lock lock(*this);
  std::size_t released = 0;
  u64 b = first_block();
  while (b < state().top.load()) {
    const u64 head = block(b).head.load();
    if (!is_block(b, head)) refuse_damaged("the heap of the segment");
    if ((head & free_bit) == 0 && head >> owner_shift == owner_slot) {
      // Freeing may merge with the free block in front: go on from there, which is where the walk's tiling resumes.
      const u64 resume = (head & previous_free_bit) != 0 ? b - word(b - 8).load() : b;
      Plan plan;
      free_block(plan, b);
      commit(plan);
      ++released;
      b = resume;
    } else {
      b += size_of(head);
    }
  }
  return released;
}

}  // namespace partage::kernel
