#include "manager/registry/slot_scan.hpp"

namespace partage::kernel {
namespace {

ScannedSlot scanned(u32 index, const ObjectSlot& slot) noexcept {
  const SlotWord word = SlotWord::of(slot.state.load());
  return {make_ref(index, word.generation), word, slot.body.load()};
}

}  // namespace

std::vector<ScannedSlot> scan_slots(Segment& segment, std::size_t s) {
  std::vector<ScannedSlot> slots;
  const Objects objects(segment);
  const Stripe& stripe = objects.stripe(s);
  const StripeLock lock(segment, objects.stripe(s));
  for (u64 i = 0, n = stripe.body[ObjectTable::slots_used].load(); i < n; ++i) {
    const auto index = static_cast<u32>(i * ObjectTable::stripe_count + s);
    const ObjectSlot* slot = objects.find(index);
    if (slot == nullptr || SlotWord::of(slot->state.load()).state == SlotState::free) continue;
    slots.push_back(scanned(index, *slot));
  }
  return slots;
}

std::vector<ScannedSlot> scan_dying(Segment& segment, std::size_t s) {
  std::vector<ScannedSlot> slots;
  const Objects objects(segment);
  const Word& head = objects.stripe(s).body[ObjectTable::dying_list];
  if (head.load() == 0) return slots;
  const StripeLock lock(segment, objects.stripe(s));
  for (u64 link = head.load(); link != 0;) {
    const auto index = static_cast<u32>(link - 1);
    const ObjectSlot& slot = *objects.find(index);
    slots.push_back(scanned(index, slot));
    link = slot.link.load();
  }
  return slots;
}

}  // namespace partage::kernel
