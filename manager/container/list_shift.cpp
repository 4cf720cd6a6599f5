#include "manager/container/list_shift.hpp"

namespace partage::kernel {
namespace {

struct Shift {
  bool erase;
  bool back;
  u64 index;

  static Shift of(u64 word) noexcept { return {(word & 2) != 0, (word & 4) != 0, word >> 8}; }
  u64 word() const noexcept { return 1 | u64{erase} << 1 | u64{back} << 2 | index << 8; }
  /// The free slot that holds the element, and that no step writes. Relative to the head, modulo 2^64.
  u64 held(u64 count) const noexcept { return back ? count + 1 : u64{0} - 2; }
};

/// Element `to` becomes what element `from` is. Two stores in a variable list; done again, it does the same.
void copy_slot(const Ring& ring, u64 to, u64 from) noexcept {
  Word* t = ring.slot(to);
  const Word* f = ring.slot(from);
  for (std::size_t w = 0; w < ring.stride(); ++w) Log::commit_single(t[w], f[w].load());
}

/// From the intent to the last commit, which `last` is for. A process that cannot go on ends here (noexcept), and the
/// next locker goes on.
void finish(Segment& segment, Stripe& stripe, Change& last) noexcept {
  const auto& body = segment.at<ListBody>(stripe.owner_offset());
  const Ring ring(segment, stripe, ListConfig::of(body.config.load()).packed_size);
  const Shift shift = Shift::of(stripe.body[ListBody::shift].load());
  Word& progress = stripe.body[ListBody::progress];
  const u64 count = ring.count(), i = shift.index;
  u64 p = progress.load();
  const auto step = [&](u64 to, u64 from, u64 next) {
    copy_slot(ring, to, from);
    compiler_barrier();
    Log::commit_single(progress, p = next);
    compiler_barrier();
  };
  // Elements are counted from the present head: after an insertion in front, element 0 will be where -1 is now.
  if (shift.back) {
    if (shift.erase) {
      while (p + 1 < count) step(p, p + 1, p + 1);
    } else {
      while (p > i) step(p, p - 1, p - 1);
    }
  } else {
    if (shift.erase) {
      while (p > 0) step(p, p - 1, p - 1);
    } else {
      while (p < i) step(p - 1, p, p + 1);
    }
  }
  const SlotWords held = ring.load(shift.held(count));
  if (shift.erase) {
    if (!ring.packed() && held.kind() == SlotWords::blob) last.retire_blob(held.first);
  } else {
    Word* words = ring.slot(shift.back ? i : i - 1);
    last.put(words[0], held.first);
    if (!ring.packed()) last.put(words[1], held.second);
  }
  const u64 head = shift.back ? ring.head() : ring.place(shift.erase ? 1 : ~u64{0});
  const EndsWord ends{static_cast<u32>(head), static_cast<u32>(shift.erase ? count - 1 : count + 1)};
  last.put(stripe.body[ListBody::ends], ends.word());
  last.put(stripe.body[ListBody::shift], 0);
  last.prepare();  // few words: takes nothing
  last.lay(0);
  last.apply();
}

void run(ListWrite& write, Shift shift, u64 start, SlotWords held) {
  Change& first = write.change();
  Stripe& stripe = write.stripe();
  write.fill(shift.held(write.ring().count()), held);
  first.put(stripe.body[ListBody::progress], start);
  first.put(stripe.body[ListBody::shift], shift.word());
  first.prepare();
  first.open();
  first.lay(0);  // the operation is decided
  apply_log(write.segment(), stripe);
  Change last(write.segment(), stripe);
  finish(write.segment(), stripe, last);
  last.tidy();
  first.tidy();
}

}  // namespace

void insert_by_shift(ListWrite& write, u64 i, SlotWords slot) {
  const u64 count = write.ring().count();
  const bool back = i >= count - i;
  run(write, {.erase = false, .back = back, .index = i}, back ? count : 0, slot);
}

void erase_by_shift(ListWrite& write, u64 i) {
  const u64 count = write.ring().count();
  const bool back = i >= count - 1 - i;
  run(write, {.erase = true, .back = back, .index = i}, i, write.ring().load(i));
}

bool can_settle_list(const Segment& segment, const Stripe& stripe) {
  const u64 intent = stripe.body[ListBody::shift].load();
  if (intent == 0) return true;
  const u64 body = stripe.owner_offset();
  if (!segment.holds(body, sizeof(ListBody))) return false;
  const Ring ring(segment, stripe, ListConfig::of(segment.at<ListBody>(body).config.load()).packed_size);
  return ring.count() + Ring::spare_slots <= ring.capacity() && ring.in_bounds(segment) &&
         Shift::of(intent).index <= ring.count() && stripe.body[ListBody::progress].load() <= ring.count();
}

void settle_list(Segment& segment, Stripe& stripe) {
  if (stripe.body[ListBody::shift].load() == 0) return;
  Window::open(stripe);
  Change last(segment, stripe);
  finish(segment, stripe, last);
  last.tidy();
}

}  // namespace partage::kernel
