#include "manager/registry/collect.hpp"

#include <algorithm>
#include <atomic>
#include <partage/error.hpp>

#include "manager/registry/hosted.hpp"
#include "manager/registry/slot_scan.hpp"

namespace partage::kernel {
namespace {

const Word& dying_head(const Segment& segment, std::size_t s) noexcept {
  return segment.at<ObjectTable>(segment.header().registry).stripes[s].body[ObjectTable::dying_list];
}

/// Plans the removal of a slot from the dying list of its stripe, which is locked.
void plan_unlink(Change& change, const Objects& objects, Word& head, u32 index) {
  Word* from = &head;
  while (from->load() != u64{index} + 1) {
    ObjectSlot* before = objects.find(static_cast<u32>(from->load() - 1));
    if (before == nullptr) throw Corrupt("partage: the list of dying objects is damaged");
    from = &before->link;
  }
  change.put(*from, objects.find(index)->link.load());
}

/// Step 3: one commit after which the object has never been.
void free_object(Segment& segment, const ScannedSlot& dying) {
  const Objects objects(segment);
  const u32 index = index_of(dying.ref);
  Stripe& stripe = objects.stripe_of(index);
  ObjectSlot& slot = *objects.find(index);
  const StripeLock lock(segment, stripe);
  if (slot.state.load() != dying.word.word()) return;
  Change change(segment, stripe);
  Hosted(segment, slot).dismantle(change);
  change.retire_run(slot.schema.load());
  if (slot.name.load() != 0) {
    change.retire_run(slot.name.load());
    change.put(slot.name, 0);
  }
  plan_unlink(change, objects, stripe.body[ObjectTable::dying_list], index);
  Word& free = stripe.body[ObjectTable::free_list];
  change.put(slot.link, free.load());
  change.put(free, u64{index} + 1);
  SlotWord word = dying.word;  // the generation stays: the next object here gets the next one
  word.state = SlotState::free;
  change.put(slot.state, word.word());
  change.put(slot.body, 0);
  change.put(slot.schema, 0);
  change.commit();
}

/// False: not now.
bool finish(Segment& segment, const ScannedSlot& dying) {
  try {
    const Hosted object(segment, dying.word.kind, dying.word.flags, dying.body);
    object.repair_dead();
    if (object.condemned()) return false;  // damaged: what it has is not followed, and its locks are in no other body
    object.empty();
    try {
      free_object(segment, dying);
    } catch (const OutOfMemory&) {  // its log is longer than eight words, and there is no room for a run
      object.clear();
      free_object(segment, dying);
    }
    return true;
  } catch (...) {  // a stopped process holds a lock, or there is no memory at all
    return false;
  }
}

/// Finishes the dying objects of one stripe. False: some could not be finished.
bool drain(Segment& segment, std::size_t s) {
  std::vector<ObjectRef> failed;
  const auto to_do = [&] {
    std::vector<ScannedSlot> slots = scan_dying(segment, s);
    std::erase_if(slots, [&](const ScannedSlot& d) { return std::ranges::find(failed, d.ref) != failed.end(); });
    return slots;
  };
  for (;;) {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // our object is on the list before we find the lock taken
    ActivityGuard guard(control_table(segment).collector[s]);
    if (!guard.held()) return failed.empty();
    for (auto slots = to_do(); !slots.empty(); slots = to_do()) {
      for (const ScannedSlot& dying : slots) {
        if (!finish(segment, dying)) failed.push_back(dying.ref);
      }
    }
    guard.release();
    std::atomic_thread_fence(std::memory_order_seq_cst);  // who found the lock taken has left its object to us
    if (to_do().empty()) return failed.empty();
  }
}

}  // namespace

void collect_made_dying(Segment& segment) noexcept {
  try {
    std::vector<ObjectRef>& dying = made_dying();
    while (!dying.empty()) {
      const std::size_t s = index_of(dying.back()) % ObjectTable::stripe_count;
      dying.pop_back();
      if (dying_head(segment, s).load() != 0) drain(segment, s);
    }
  } catch (...) {  // out of private memory, or a lock that a stopped process holds: the lists keep everything
  }
}

bool sweep_stripe(Segment& segment, std::size_t s) noexcept {
  bool all = true;
  try {
    if (dying_head(segment, s).load() != 0) all = drain(segment, s);
    collect(segment);
  } catch (...) {
    all = false;
  }
  return all;
}

bool sweep(Segment& segment) noexcept {
  bool all = true;
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) all = sweep_stripe(segment, s) && all;
  return all;
}

bool any_dying(const Segment& segment) noexcept {
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    if (dying_head(segment, s).load() != 0) return true;
  }
  return false;
}

}  // namespace partage::kernel
