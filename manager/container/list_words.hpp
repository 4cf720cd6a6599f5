// Elements of packed lists as words: the short way of what a list of numbers does most, one element at a time.
//
// A set, an append and a pop at either end of a packed list change one reachable word, so they need no plan and no log:
// lock, open the window, store, close it, unlock. Whatever is more goes the long way of list_write.hpp: a full or a sparse
// ring, a pop in the middle, runs that an earlier change could not give back.
//
// Crash, for the holder of the lock that dies
//   after the new element was written   its slot is free still: nothing happened
//   after the window was opened         the next locker closes it: nothing happened
//   after the store of the word         the next locker closes the window: it has happened
//
// The bits of a word above its element are 0. Thread safety: as List. Inline, because a call costs as much as the work.
#pragma once

#include "manager/container/list.hpp"
#include "manager/segment/read_tally.hpp"
#include "manager/segment/stripe_lock.hpp"

namespace partage::kernel {

/// No runs of an earlier change wait for being given back.
inline bool nothing_left_over(const Stripe& stripe) noexcept {
  return (stripe.pend.load() | stripe.spill.load()) == 0;
}

inline bool List::try_get_word(const SegmentHeader& header, const ListBody& body, std::ptrdiff_t i, u64& out) noexcept {
  if (ReadTally::is_due()) [[unlikely]]
    return false;
  const Stripe& stripe = body.stripe;
  const OptimisticRead attempt(stripe);
  const RingWord ring = RingWord::of(stripe.body[ListBody::ring].load());
  const EndsWord ends = EndsWord::of(stripe.body[ListBody::ends].load());
  const u64 index = index_of(i, ends.count);
  if (index >= ends.count) [[unlikely]]
    return false;
  const u64 slot = ring.run + Ring::place(ring, ends, index) * sizeof(Word);
  if (slot >= header.committed.load()) [[unlikely]]  // both are multiples of 8
    return false;
  out = reinterpret_cast<const Word*>(reinterpret_cast<const std::byte*>(&header) + slot)->load();
  // begun() and valid() in one comparison: the sequence never comes back to the even number before an odd one.
  std::atomic_thread_fence(std::memory_order_acquire);
  return stripe.seq.load() == (attempt.seq() & ~u64{1});
}

inline bool List::set_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64 word) {
  refuse_in_user_code("list.set");
  const StripeLock lock(segment, body.stripe);
  const Ring now(segment, body.stripe, sizeof(Word));
  const u64 index = index_of(i, now.count());
  if (index >= now.count()) [[unlikely]]
    return false;
  Word& slot = *now.slot(index);
  if (slot.load() != word) commit_word(body.stripe, slot, word);
  return true;
}

template <class Next>
bool List::step_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64& before, Next&& next) {
  refuse_in_user_code("list.modify");
  const StripeLock lock(segment, body.stripe);
  const Ring now(segment, body.stripe, sizeof(Word));
  const u64 index = index_of(i, now.count());
  if (index >= now.count()) [[unlikely]]
    return false;
  Word& slot = *now.slot(index);
  before = slot.load();
  if (const u64 word = next(before); word != before) commit_word(body.stripe, slot, word);
  return true;
}

inline void List::append_word(Segment& segment, ListBody& body, u64 word) {
  refuse_in_user_code("list.append");
  {
    const StripeLock lock(segment, body.stripe);
    const Ring now(segment, body.stripe, sizeof(Word));
    if (now.has_room() && nothing_left_over(body.stripe)) [[likely]] {
      Word& slot = *now.slot(now.count());
      Draft(&slot, sizeof slot).set(slot, word);
      body.items.announce();  // before the commit, see wait_word.hpp
      const EndsWord ends{now.head(), static_cast<u32>(now.count() + 1)};
      return commit_word(body.stripe, body.stripe.body[ListBody::ends], ends.word());
    }
  }
  append_word_slowly(segment, body, word);
}

inline bool List::pop_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64& out) {
  refuse_in_user_code("list.pop");
  {
    const StripeLock lock(segment, body.stripe);
    const Ring now(segment, body.stripe, sizeof(Word));
    const u64 index = index_of(i, now.count());
    if (index >= now.count()) [[unlikely]]
      return false;
    const u64 left = now.count() - 1;
    const bool at_an_end = index == 0 || index == left;
    if (at_an_end && !now.sparse_with(left) && nothing_left_over(body.stripe)) [[likely]] {
      out = now.slot(index)->load();
      const EndsWord ends{static_cast<u32>(index == left ? now.head() : now.place(1)), static_cast<u32>(left)};
      commit_word(body.stripe, body.stripe.body[ListBody::ends], ends.word());
      return true;
    }
  }
  const auto popped = pop_word_slowly(segment, body, i);
  if (popped) out = *popped;
  return popped.has_value();
}

}  // namespace partage::kernel
