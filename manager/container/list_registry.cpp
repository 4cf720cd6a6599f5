// What the registry and tools need of a list: to take it apart, and to look at all of it.
#include <algorithm>
#include <partage/error.hpp>

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"
#include "manager/container/queue.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {

bool List::drop_some(std::size_t max) const {
  for (u64 most = std::max<std::size_t>(max, 1);;) {
    try {
      ListWrite write(*this, config_.handles);
      const Ring& now = write.ring();
      if (now.count() == 0) return false;
      const u64 left = now.count() - std::min<u64>(most, now.count());
      for (u64 i = left; i < now.count(); ++i) write.drop(now.load(i));
      write.set_ends(now.head(), left);
      write.commit();
      return true;
    } catch (const OutOfMemory&) {
      // A long log is a run of the heap, which may be full; a short one is not.
      if (most == 1) throw;
      most = (most + 7) / 8;
    }
  }
}

void List::dismantle(Change& change) const {
  // No lock: the caller holds a registry stripe, which comes after this one in the lock order, and nobody else can reach the
  // list. Whoever repairs an old transaction may still lock it for a moment, and finds nothing to do.
  assert(companion() == 0);
  const Ring now = ring();
  for (u64 i = 0; !now.packed() && i < now.count(); ++i) {
    const SlotWords slot = now.load(i);
    assert(!config_.handles || slot.kind() <= SlotWords::most_inline);
    if (slot.kind() == SlotWords::blob && is_own_run(*segment_, slot.first)) change.retire_run(slot.first);
  }
  change.retire_chain(stripe().body[ListBody::arena].load());
  if (now.run() != 0) change.retire_run(now.run());
  change.retire_run(segment_->offset_of(body_));
}

std::size_t List::bytes_used() const {
  const ReadLock lock(*segment_, stripe());
  Runs runs = segment_->runs();
  const Ring now = ring();
  const u64 arena = stripe().body[ListBody::arena].load();
  const bool in_bounds =
      now.in_bounds(*segment_) && (arena == 0 || (arena % 8 == 0 && segment_->holds(arena, sizeof(ArenaHead))));
  if (!in_bounds) refuse_damaged("a list");
  std::size_t bytes = sizeof(ListBody);
  if (now.run() != 0) bytes += now.bytes();
  if (arena != 0) bytes += segment_->at<ArenaHead>(arena).total.load();
  for (u64 i = 0; !now.packed() && i < now.count(); ++i) {
    const SlotWords slot = now.load(i);
    if (slot.kind() != SlotWords::blob || !looks_like_blob(*segment_, slot.first)) continue;
    if (is_own_run(*segment_, slot.first)) bytes += runs.payload_size(slot.first);
  }
  return bytes;
}

namespace {

/// Whether one element is as it must be; blobs go into `blobs`.
std::string verify_slot(Segment& segment, const ListConfig& config, SlotWords slot, std::vector<u64>& blobs) {
  if (config.packed_size != 0) {
    const bool clean = config.packed_size == 8 || slot.first >> config.packed_size * 8 == 0;
    return clean ? "" : "list: bits beyond a packed element";
  }
  const u64 kind = slot.kind(), rest = config.owners ? kind : slot.second;
  if (config.owners && kind <= SlotWords::most_inline) {
    const bool finished = slot.first == 0 && kind == 0 && slot.owner() == Queue::finished;
    return finished ? "" : "list: an inline element where none can be";
  }
  if (kind <= SlotWords::most_inline) {
    std::byte zeros[16] = {};
    const u64 words[2] = {slot.first, slot.second >> 8};
    const bool clean = std::memcmp(reinterpret_cast<const std::byte*>(words) + kind, zeros, 16 - kind) == 0;
    return clean ? "" : "list: bits beyond an inline element";
  }
  std::vector<ObjectRef> refs;
  if (kind == SlotWords::reference) {
    refs.push_back(slot.first);
    if (rest != kind) return "list: bits beyond a reference";
  } else if (kind == SlotWords::blob) {
    if (rest != kind) return "list: bits beyond a blob";
    if (!looks_like_blob(segment, slot.first)) return "list: a blob out of bounds";
    const BlobShape shape = BlobShape::of(segment.at<BlobHead>(slot.first).shape.load());
    if (shape.refs == 0 && shape.bytes <= SlotWords::most_inline && !config.owners)
      return "list: a blob that belongs inline";
    blobs.push_back(slot.first);
    blob_refs(segment, slot.first, refs);
  } else {
    return "list: an element of an unknown kind";
  }
  if (refs.empty()) return "";
  if (!config.handles) return "list: a reference in a list without handles";
  const Objects objects(segment);
  const bool live = std::ranges::all_of(refs, [&](ObjectRef ref) { return objects.is_live(ref); });
  return live ? "" : "list: a reference to an object that has gone";
}

}  // namespace

bool List::condemn() const {
  const bool done = condemn_stripe(stripe());
  for (WaitWord* word : {&body_->items, &body_->room, &body_->done}) word->announce();
  return done;
}

std::string List::verify(std::vector<u64>& runs, Leftovers leftovers) const {
  if (*stripe().mutex.damage() != '\0') return std::string("list: ") + stripe().mutex.damage();
  const ReadLock lock(*segment_, stripe());
  Stripe& s = stripe();
  const u64 self = segment_->offset_of(body_);
  runs.push_back(self);
  if (body_->config.load() != config_.word()) return "list: a configuration that cannot be";
  if (s.owner.load() != (self | static_cast<u64>(StripeKind::list))) return "list: the stripe does not know its list";
  if (const char* what = half_done(*segment_, s, runs, leftovers); *what != '\0') return std::string("list: ") + what;
  if (s.body[ListBody::shift].load() != 0) return "list: a shift is in progress";
  const Ring now = ring();
  const u64 arena = s.body[ListBody::arena].load();
  if (std::string problem = verify_cell(); !problem.empty()) return problem;
  if (const ObjectRef ref = config_.queue ? 0 : companion(); ref != 0 && !Objects(*segment_).is_live(ref)) {
    return "list: the companion has gone";
  }
  if (now.run() == 0) {
    if (s.body[ListBody::ring].load() != 0 || now.count() != 0) return "list: elements without a ring";
  } else {
    if (!now.in_bounds(*segment_)) return "list: the ring is out of bounds";
    if (now.capacity() < Ring::least_capacity || now.count() + Ring::spare_slots > now.capacity())
      return "list: the ring is too small";
    if (now.head() >= now.capacity()) return "list: the head is beyond the ring";
    if (!segment_->runs().looks_like_run(now.run(), now.bytes())) return "list: the ring is larger than its run";
    runs.push_back(now.run());
  }
  std::vector<u64> blobs;
  for (u64 i = 0; i < now.count(); ++i) {
    if (std::string problem = verify_slot(*segment_, config_, now.load(i), blobs); !problem.empty()) {
      return problem + " at index " + std::to_string(i);
    }
  }
  std::vector<u64> sorted = blobs;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return "list: two elements in one blob";
  for (const u64 blob : blobs) {
    if (is_own_run(*segment_, blob)) runs.push_back(blob);
  }
  if (std::string problem = verify_arena(*segment_, arena, blobs); !problem.empty()) return problem;
  for_each_chunk(*segment_, arena, [&](u64 run) { runs.push_back(run); });
  return "";
}

}  // namespace partage::kernel
