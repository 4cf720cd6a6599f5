// What the heap can be told from: whether a word names a run, and whether invariants 1 to 4 of heap.hpp hold. Nothing here
// follows a word before it has looked whether it leads to a block, for the segment may be damaged.
#include "manager/segment/heap_block.hpp"
#include "manager/segment/heap_lock.hpp"

namespace partage::kernel {

bool looks_like_any_run(Segment& segment, u64 run) noexcept {
  if (run % line != 0 || run < first_block() + head_bytes || !segment.holds(run, 0)) return false;
  return segment.runs().looks_like_run(run, 0, pool_of(segment.at<BlockHead>(run - head_bytes).head.load()));
}

bool Runs::looks_like_run(u64 run, std::size_t least_bytes, Pool pool) const noexcept {
  const u64 top = state().top.load();
  if (run % line != 0 || run < first_block() + head_bytes || run >= top || !segment_->holds(0, top)) return false;
  const u64 head = block(run - head_bytes).head.load(), size = size_of(head);
  return (head & free_bit) == 0 && pool_of(head) == pool && size >= line && size <= top - (run - head_bytes) &&
         size - head_bytes >= least_bytes;
}

bool Runs::looks_like_list(u64 first) const noexcept {
  u64 most = state().top.load() / line;
  for (u64 run = first; run != 0; run = link(run).load()) {
    if (!looks_like_any_run(*segment_, run) || most-- == 0) return false;
  }
  return true;
}

bool Runs::is_block(u64 b, u64 head) const noexcept {
  const u64 top = state().top.load();
  return segment_->holds(0, top) && size_of(head) >= line && size_of(head) <= top - b;
}

void Runs::for_each(const std::function<void(u64, std::size_t, bool, Pool)>& fn) {
  const Lock lock(*this);
  for (u64 b = first_block(); b < state().top.load();) {
    const u64 head = block(b).head.load();
    if (!is_block(b, head)) return;  // verify() tells
    fn(b + head_bytes, size_of(head) - head_bytes, (head & free_bit) != 0, pool_of(head));
    b += size_of(head);
  }
}

std::vector<u64> Runs::pooled() {
  const Lock lock(*this);
  std::vector<u64> runs;
  for (const Word& head : state().pool) {
    if (!looks_like_list(head.load())) continue;  // verify() tells
    for (u64 run = head.load(); run != 0; run = link(run).load()) runs.push_back(run);
  }
  return runs;
}

std::string Runs::verify() {
  if (const char* damage = state().mutex.damage(); *damage != '\0') return std::string("heap: ") + damage;
  const Lock lock(*this);
  const HeapState& s = state();
  const u64 top = s.top.load();
  if (s.commit.load() != 0) return "heap: the log is not clean";
  if (top < first_block() || top % line != first_block() % line) return "heap: top is at an impossible place";
  if (!segment_->holds(0, top)) return "heap: top is beyond the committed bytes";
  if (segment_->header().committed.load() > segment_->header().max) return "heap: committed is beyond the maximum";
  std::size_t free_blocks = 0, binned = 0;
  u64 used_bytes = 0, owned = 0;
  bool previous_free = false;
  u64 b = first_block();
  while (b < top) {
    const u64 head = block(b).head.load(), size = size_of(head);
    const auto where = [&] { return " at offset " + std::to_string(b); };
    if (!is_block(b, head)) return "heap: a block of impossible size" + where();
    const bool is_free = (head & free_bit) != 0;
    if (((head & previous_free_bit) != 0) != previous_free) return "heap: wrong previous-free mark" + where();
    if (is_free && previous_free) return "heap: two free neighbours" + where();
    if (is_free && word(b + size - 8).load() != size) return "heap: wrong footer" + where();
    if (is_free)
      ++free_blocks;
    else
      used_bytes += size;
    if (!is_free && head >> owner_shift != 0) ++owned;
    previous_free = is_free;
    b += size;
  }
  if (b != top) return "heap: blocks do not tile the heap";
  if (previous_free) return "heap: a free block ends at top";
  if (used_bytes != s.used.load()) return "heap: wrong count of used bytes";
  if (owned != s.owned.load()) return "heap: wrong count of private runs";
  for (std::size_t bin = 0; bin < HeapState::bin_count; ++bin) {
    u64 previous = 0;
    if ((s.bins[bin].load() != 0) != ((s.map[bin / 64].load() >> bin % 64 & 1) != 0)) return "heap: wrong bin map";
    for (u64 f = s.bins[bin].load(); f != 0; f = word(f + 16).load()) {
      if (f < first_block() || f % line != first_block() % line) return "heap: a bin names no block";
      if (f >= top || ++binned > free_blocks) return "heap: a bin lists more than the free blocks";
      const u64 head = block(f).head.load();
      if ((head & free_bit) == 0 || bin_of(size_of(head) / line) != bin) return "heap: a block in the wrong bin";
      if (word(f + 24).load() != previous) return "heap: a broken bin list";
      previous = f;
    }
  }
  if (binned != free_blocks) return "heap: a free block is in no bin";
  for (std::size_t pool = 0; pool < std::size(s.pool); ++pool) {
    for (u64 run = s.pool[pool].load(), most = top / line; run != 0; run = link(run).load()) {
      if (pool == 0 || !looks_like_run(run, 0, static_cast<Pool>(pool)) || most-- == 0) {
        return "heap: a pool lists what is none of its runs";
      }
    }
  }
  return "";
}

}  // namespace partage::kernel
