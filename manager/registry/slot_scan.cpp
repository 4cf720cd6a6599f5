#include "manager/registry/slot_scan.hpp"

#include <bit>
#include <partage/error.hpp>

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
    if (slot == nullptr) break;  // no slot follows one that was never made
    if (SlotWord::of(slot->state.load()).state == SlotState::free) continue;
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
  for (u64 link = head.load(), most = objects.stripe(s).body[ObjectTable::slots_used].load(); link != 0;) {
    const auto index = static_cast<u32>(link - 1);
    const ObjectSlot* slot = objects.find(index);
    if (slot == nullptr || index % ObjectTable::stripe_count != s || slots.size() == most ||
        SlotWord::of(slot->state.load()).state != SlotState::dying) {
      throw Corrupt("partage: the list of dying objects is damaged");  // else a live object would be taken apart
    }
    slots.push_back(scanned(index, *slot));
    link = slot->link.load();
  }
  return slots;
}

std::size_t holders_of(const ObjectSlot& slot) noexcept {
  std::size_t n = 0;
  for (const Word& w : slot.holders) n += static_cast<std::size_t>(std::popcount(w.load()));
  return n;
}

}  // namespace partage::kernel
