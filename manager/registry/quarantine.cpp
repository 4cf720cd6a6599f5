#include "manager/registry/quarantine.hpp"

#include "manager/registry/hosted.hpp"

namespace partage::kernel {

bool quarantine(Segment& segment, ObjectRef ref) {
  const Objects objects(segment);
  if (!objects.is_live(ref)) return true;
  ObjectSlot& slot = *objects.find(index_of(ref));
  Stripe& stripe = objects.stripe_of(index_of(ref));
  {
    const StripeLock lock(segment, stripe);
    SlotWord word = SlotWord::of(slot.state.load());
    if (!objects.is_live(ref)) return true;
    if ((word.flags & object_flag::quarantined) == 0) {
      Change change(segment, stripe);
      word.flags |= object_flag::quarantined;
      change.put(slot.state, word.word());
      change.put(slot.count, slot.count.load() + 1);
      change.commit();
    }
  }
  const Hosted hosted(segment, slot);  // also for one that was quarantined before: its locks may not be
  return !hosted.has_body() || hosted.condemn();
}

bool is_quarantined(const Segment& segment, ObjectRef ref) noexcept {
  const ObjectSlot* slot = Objects(const_cast<Segment&>(segment)).find(index_of(ref));
  return slot != nullptr && (SlotWord::of(slot->state.load()).flags & object_flag::quarantined) != 0;
}

}  // namespace partage::kernel
