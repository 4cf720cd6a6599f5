#include "manager/segment/heap.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <partage/error.hpp>
#include <vector>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {
namespace {

constexpr u64 line = 64;
constexpr u64 head_bytes = sizeof(BlockHead);

// Fields of BlockHead::head.
constexpr u64 free_bit = 1;
constexpr u64 previous_free_bit = 2;
constexpr unsigned pool_shift = 2;
constexpr u64 pool_mask = u64{15} << pool_shift;
constexpr unsigned owner_shift = 54;
constexpr u64 size_mask = ((u64{1} << owner_shift) - 1) & ~(line - 1);

u64 size_of(u64 head) noexcept {
  return head & size_mask;
}
Pool pool_of(u64 head) noexcept {
  return static_cast<Pool>((head & pool_mask) >> pool_shift);
}
u64 lines_for(std::size_t payload) noexcept {
  return (payload + head_bytes + line - 1) / line;
}
u64 first_block() noexcept {
  // Behind Boost's segment manager, 16 bytes before a line.
  const u64 end = heap_offset + sizeof(SegmentManager);
  return (end + head_bytes + line - 1) / line * line - head_bytes;
}

/// Size class of a block of `lines`: exact below 8, then 8 classes a doubling.
std::size_t bin_of(u64 lines) noexcept {
  if (lines < 8) return lines;
  const auto log = static_cast<unsigned>(std::bit_width(lines) - 1);
  return (log - 2) * 8 + ((lines >> (log - 3)) & 7);
}
/// The first class all of whose blocks have at least `lines`.
std::size_t bin_surely(u64 lines) noexcept {
  if (lines < 8) return lines;
  const auto log = static_cast<unsigned>(std::bit_width(lines) - 1);
  return bin_of(lines + (u64{1} << (log - 3)) - 1);
}

}  // namespace

class Runs::Lock {
 public:
  explicit Lock(Runs& runs) : mutex_(runs.state().mutex) {
    switch (mutex_.acquire(runs.segment_->deadline())) {
      case Acquired::clean:
        break;
      case Acquired::owner_died:
        runs.segment_->header().repairs.draw();
        runs.replay();
        mutex_.mark_consistent();
        break;
      case Acquired::busy:
        throw TimeoutError("partage: the heap of the segment: no lock within operation_timeout; held by " +
                           describe_thread(mutex_.owner()));
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { mutex_.release(); }

 private:
  RobustMutex& mutex_;
};

HeapState& Runs::state() const noexcept {
  return segment_->at<HeapState>(heap_offset);
}
BlockHead& Runs::block(u64 offset) const noexcept {
  return segment_->at<BlockHead>(offset);
}
Word& Runs::word(u64 offset) const noexcept {
  return segment_->at<Word>(offset);
}
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
    error = segment_->object().commit(committed, target - committed);
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

void Runs::for_each(const std::function<void(u64, std::size_t, bool, Pool)>& fn) {
  const Lock lock(*this);
  for (u64 b = first_block(); b < state().top.load();) {
    const u64 head = block(b).head.load();
    fn(b + head_bytes, size_of(head) - head_bytes, (head & free_bit) != 0, pool_of(head));
    if (size_of(head) == 0) return;
    b += size_of(head);
  }
}

std::vector<u64> Runs::pooled() {
  const Lock lock(*this);
  std::vector<u64> runs;
  for (const Word& head : state().pool) {
    for (u64 run = head.load(); run != 0 && runs.size() < 1'000'000; run = link(run).load()) runs.push_back(run);
  }
  return runs;
}

std::string Runs::verify() {
  const Lock lock(*this);
  const HeapState& s = state();
  const u64 top = s.top.load();
  if (s.commit.load() != 0) return "heap: the log is not clean";
  if (top > segment_->header().committed.load()) return "heap: top is beyond the committed bytes";
  if (segment_->header().committed.load() > segment_->header().max) return "heap: committed is beyond the maximum";
  std::size_t free_blocks = 0, binned = 0;
  u64 used_bytes = 0, owned = 0;
  bool previous_free = false;
  u64 b = first_block();
  while (b < top) {
    const u64 head = block(b).head.load(), size = size_of(head);
    const auto where = [&] { return " at offset " + std::to_string(b); };
    if (size < line || size > top - b) return "heap: a block of impossible size" + where();
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
      if (f >= top || ++binned > free_blocks) return "heap: a bin lists more than the free blocks";
      const u64 head = block(f).head.load();
      if ((head & free_bit) == 0 || bin_of(size_of(head) / line) != bin) return "heap: a block in the wrong bin";
      if (word(f + 24).load() != previous) return "heap: a broken bin list";
      previous = f;
    }
  }
  return binned == free_blocks ? "" : "heap: a free block is in no bin";
}

}  // namespace partage::kernel

// ---- Boost's side --------------------------------------------------------------------------------------------------

namespace partage {

using kernel::HeapState;
using kernel::Runs;
using kernel::Segment;
using kernel::u64;
using kernel::Word;

struct HeapAccess {
  static HeapState& state(Heap& heap) { return *reinterpret_cast<HeapState*>(heap.state_); }
};
static_assert(sizeof(Heap) == sizeof(HeapState) && alignof(Heap) == 64);

namespace {
/// The largest number when the product does not fit: no segment has room for it.
std::size_t bytes_of(std::size_t objects, std::size_t object_size) noexcept {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(objects, object_size, &bytes) ? ~std::size_t{0} : bytes;
}
}  // namespace

Heap::Heap(size_type, size_type) {
  auto* state = new (state_) HeapState;
  const kernel::Draft draft(state, sizeof *state);
  Word* words = &state->commit;
  draft.zero(words, (sizeof *state - offsetof(HeapState, commit)) / 8);
  draft.set(state->top, kernel::first_block());
}

Heap::size_type Heap::get_min_size(size_type extra) {
  return sizeof(Heap) + extra + 4 * kernel::line;
}

void* Heap::allocate(size_type bytes) {
  Segment& segment = Segment::containing(this);
  Runs runs(segment);
  const Runs::Lock lock(runs);
  kernel::Plan plan;
  try {
    const u64 b = runs.allocate_block(plan, bytes);
    Word& head = runs.block(b).head;
    plan.put(head, plan.get(head) | segment.client_slot << kernel::owner_shift);
    if (segment.client_slot != 0) plan.put(runs.state().owned, runs.state().owned.load() + 1);
    runs.commit(plan);
    return segment.base() + b + kernel::head_bytes;
  } catch (const OutOfMemory&) {
    return nullptr;  // the concept's way; Boost turns it into its bad_alloc
  }
}

void* Heap::allocate_aligned(size_type bytes, size_type alignment) {
  return alignment <= kernel::line ? allocate(bytes) : nullptr;
}

void Heap::deallocate(void* p) {
  if (p == nullptr) return;
  Segment& segment = Segment::containing(this);
  segment.runs().release_private(segment.offset_of(p));
}

Heap::size_type Heap::size(const void* p) const {
  Segment& segment = Segment::containing(this);
  return segment.runs().payload_size(segment.offset_of(p));
}

Heap::size_type Heap::get_size() const {
  return Segment::containing(this).header().max - kernel::heap_offset;
}

Heap::size_type Heap::get_free_memory() const {
  Segment& segment = Segment::containing(this);
  return segment.header().max - kernel::heap_offset - segment.runs().used();
}

bool Heap::all_memory_deallocated() {
  return Segment::containing(this).runs().used() == 0;
}
bool Heap::check_sanity() {
  return Segment::containing(this).runs().verify().empty();
}

void* Heap::raw_allocation_command(boost::interprocess::allocation_type command, size_type limit, size_type& preferred,
                                   void*& reuse, size_type object_size) {
  namespace bip = boost::interprocess;
  if (reuse != nullptr && (command & (bip::expand_fwd | bip::shrink_in_place)) != 0 &&
      size(reuse) >= bytes_of(limit, object_size)) {
    preferred = size(reuse) / object_size;
    return reuse;
  }
  void* fresh = nullptr;
  if ((command & bip::allocate_new) != 0) {
    reuse = nullptr;
    fresh = allocate(bytes_of(preferred, object_size));
    if (fresh == nullptr) fresh = allocate(bytes_of(limit, object_size));
    if (fresh != nullptr) preferred = size(fresh) / object_size;
  }
  if (fresh == nullptr && (command & bip::nothrow_allocation) == 0) throw bip::bad_alloc();
  return fresh;
}

void Heap::allocate_many(size_type bytes, size_type count, multiallocation_chain& chain) {
  multiallocation_chain fresh;  // all or none: what the chain has already is not ours
  for (size_type i = 0; i < count; ++i) {
    void* p = allocate(bytes);
    if (p == nullptr) return deallocate_many(fresh);
    fresh.push_back(void_pointer(p));
  }
  chain.splice_after(chain.last(), fresh);
}

void Heap::allocate_many(const size_type* sizes, size_type count, size_type object_size, multiallocation_chain& chain) {
  multiallocation_chain fresh;
  for (size_type i = 0; i < count; ++i) {
    void* p = allocate(bytes_of(sizes[i], object_size));
    if (p == nullptr) return deallocate_many(fresh);
    fresh.push_back(void_pointer(p));
  }
  chain.splice_after(chain.last(), fresh);
}

void Heap::deallocate_many(multiallocation_chain& chain) {
  while (!chain.empty()) deallocate(boost::interprocess::ipcdetail::to_raw_pointer(chain.pop_front()));
}

}  // namespace partage
