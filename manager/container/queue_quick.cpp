// The short way of put() and get(), for one item that holds no references. Whatever is out of the ordinary (a ring without room or
// much too large, a full, empty or closed queue, an item that is a run of its own, runs that a former change has left) is refused
// before anything is written, and goes the long way.
//
// An item in its slot is two words and a third that commits. An item in a blob costs the cache lines of the blob, which come from
// another CPU and take longer than all the rest: so they are asked for before the lock is taken, and get() copies the item before
// it has the lock, and only looks under it whether that item still stands in front.
//
// Crash: as of an append to a list and of a pop. What lies behind the last item is a draft; one commit takes it in, or takes the
// first one out and gives its blob back. Whoever waits is told before it. Dies before -> nothing was done. Dies after it -> it was,
// and the next locker closes the window.
#include "manager/container/list_read.hpp"
#include "manager/container/queue.hpp"

namespace partage::kernel {
namespace {

EndsWord ends_of(u64 head, u64 count) noexcept {
  return {static_cast<u32>(head), static_cast<u32>(count)};
}

/// A commit of the ends alone.
void commit_ends(Stripe& stripe, EndsWord ends) noexcept {
  Window::open(stripe);
  Log::commit_single(stripe.body[ListBody::ends], ends.word());
  Window::close(stripe);
}

bool has_leftovers(const Stripe& stripe) noexcept {
  return (stripe.pend.load() | stripe.spill.load()) != 0;
}

/// Of a blob without references that is no run of its own.
std::optional<u64> plain_size(const Segment& segment, u64 blob) noexcept {
  const BlobShape shape = BlobShape::of(segment.at<BlobHead>(blob).shape.load());
  if (shape.refs != 0 || shape.bytes > largest_arena_blob - sizeof(BlobHead)) return std::nullopt;
  return shape.bytes;
}

void prefetch_to_write(const std::byte* at) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" ::"m"(*at));  // the builtin says it only where the compiler may assume a newer CPU
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace

/// The blob that an item of this size would get.
void Queue::prefetch_blob(u64 bytes) const noexcept {
  const u64 arena = stripe().body[ListBody::arena].load();
  if (arena == 0 || !segment_->holds(arena, sizeof(ArenaHead))) return;
  const u64 blob = segment_->at<ArenaHead>(arena).free[blob_class(bytes)].load();
  if (blob == 0) return;
  for (u64 i = 0; i < bytes; i += 64) prefetch_to_write(segment_->base() + blob + i);
}

bool Queue::put_quickly(BytesView value) const {
  const ListConfig& config = list_.config();
  if (config.owners || !value.refs.empty() || value.size > largest_arena_blob - sizeof(BlobHead)) return false;
  assert(config.packed_size == 0 || value.size == config.packed_size);
  const bool inlined = value.size <= SlotWords::most_inline;
  if (!inlined) prefetch_blob(value.size + sizeof(BlobHead));
  ListBody& body = list_.body();
  const StripeLock lock(*segment_, body.stripe);
  const Ring now = list_.ring();
  const Limit limit = Limit::of(*this);
  if (limit.closed || (limit.most != 0 && now.count() >= limit.most) || now.room() == 0 || has_leftovers(body.stripe)) {
    return false;
  }
  Word* const slot = now.slot(now.count());
  const Draft draft(slot, now.stride() * 8);
  const EndsWord ends = ends_of(now.head(), now.count() + 1);
  if (inlined) {
    const SlotWords item = SlotWords::of_inline(value.data, value.size);
    draft.set(slot[0], item.first);
    if (!now.packed()) draft.set(slot[1], item.second);
    body.items.announce();
    commit_ends(body.stripe, ends);
    return true;
  }
  Change change(*segment_, body.stripe);
  draft.set(slot[0], change.make_blob(value));
  draft.set(slot[1], SlotWords::blob);
  change.put(body.stripe.body[ListBody::ends], ends.word());
  change.prepare();
  body.items.announce();
  change.commit();
  return true;
}

Queue::Seen Queue::look(Bytes& out) const {
  Seen seen;
  const Stripe& stripe = this->stripe();
  const OptimisticRead attempt(stripe);
  seen.seq = attempt.seq();
  seen.front = Seen::Front::elsewhere;
  if (joinable() || !attempt.begun()) return seen;
  const Ring now = list_.ring();
  if (now.count() == 0) {
    if (!closed()) seen.front = Seen::Front::nothing;
    return seen;
  }
  seen.front = Seen::Front::here;
  if (now.packed() || !now.in_bounds(*segment_)) return seen;
  const SlotWords slot = now.load(0);
  if (slot.kind() != SlotWords::blob || slot.first % 16 != 0 || !segment_->holds(slot.first, largest_arena_blob))
    return seen;
  const auto bytes = plain_size(*segment_, slot.first);
  if (!bytes) return seen;
  copy_out(out.resize(*bytes), &segment_->at<BlobHead>(slot.first).shape + 1, *bytes);
  std::atomic_thread_fence(std::memory_order_acquire);
  seen.copied = true;
  seen.run = now.run();
  seen.capacity = now.capacity();
  seen.head = now.head();
  return seen;
}

/// Under the lock. The ring has its place, its size and its head of then, so nothing was taken out and what was copied is still the
/// first item, unless all three have come back. That takes more commits than are allowed here: the head comes back after
/// `capacity` of them; another ring of this size in this place is one that shrank below an eighth of it and grew from there
/// to its half, one item at a time.
bool Queue::is_first(const Seen& seen, const Ring& now) const noexcept {
  return seen.copied && seen.run == now.run() && seen.capacity == now.capacity() && seen.head == now.head() &&
         (stripe().seq.load() - seen.seq) / 2 < now.capacity() / 8;
}

bool Queue::get_quickly(const Seen& seen, Bytes& out) const {
  ListBody& body = list_.body();
  const StripeLock lock(*segment_, body.stripe);
  const Ring now = list_.ring();
  if (now.count() == 0 || now.sparse_with(now.count() - 1) || has_leftovers(body.stripe)) return false;
  const EndsWord ends = ends_of(now.place(1), now.count() - 1);
  const SlotWords slot = now.load(0);
  if (now.packed() || slot.kind() <= SlotWords::most_inline) {
    read_element(*segment_, now, list_.config().packed_size, 0, out, nullptr);
    out.refs().clear();
    body.room.announce();
    commit_ends(body.stripe, ends);
    return true;
  }
  if (slot.kind() != SlotWords::blob || is_own_run(*segment_, slot.first)) return false;
  const auto bytes = plain_size(*segment_, slot.first);
  if (!bytes) return false;
  if (!is_first(seen, now)) std::memcpy(out.resize(*bytes), &segment_->at<BlobHead>(slot.first).shape + 1, *bytes);
  out.refs().clear();
  Change change(*segment_, body.stripe);
  arena_give_back(change, body.stripe.body[ListBody::arena], slot.first);
  change.put(body.stripe.body[ListBody::ends], ends.word());
  change.prepare();
  body.room.announce();
  change.commit();
  return true;
}

}  // namespace partage::kernel
