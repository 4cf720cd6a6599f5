// `partage::Heap`: the heap as Boost's segment manager sees it, by its concept of a memory algorithm.
#include "manager/segment/heap_block.hpp"
#include "manager/segment/heap_lock.hpp"

namespace partage {

using kernel::HeapState;
using kernel::Runs;
using kernel::Segment;
using kernel::u64;
using kernel::Word;

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
