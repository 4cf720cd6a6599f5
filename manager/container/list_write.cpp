#include "manager/container/list_write.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "manager/container/list_read.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {

bool hold_references(std::span<const BytesView> values) noexcept {
  return std::ranges::any_of(values, [](const BytesView& v) { return !v.refs.empty(); });
}

ListWrite::ListWrite(const List& list, bool counted) : list_(list) {
  if (counted) {
    transaction_.emplace(segment());
    transaction_->lock({&stripe()});
    references_.emplace(segment());
    change_ = &transaction_->change(stripe());
  } else {
    lock_.emplace(segment(), stripe());
    change_ = &own_change_.emplace(segment(), stripe());
  }
  ring_ = list.ring();
}

void ListWrite::commit() {
  if (grows_ && list_.body_->items.awaited()) [[unlikely]] {
    if (!counted()) change_->prepare();
    list_.body_->items.announce();
  }
  if (!counted()) return change_->commit();
  references_->lock(*transaction_);
  references_->plan(*transaction_);
  transaction_->commit();
  references_->committed();
}

void ListWrite::abandon() noexcept {
  if (transaction_) {
    transaction_->abandon();
  } else {
    own_change_->abandon();
    lock_->abandon();
  }
}

// ---- elements ------------------------------------------------------------------------------------------------------

SlotWords ListWrite::make(BytesView value) {
  if (packed_size() != 0) {
    assert(value.size == packed_size() && value.refs.empty());
    u64 word = 0;
    std::memcpy(&word, value.data, packed_size());
    return {word, 0};
  }
  if (value.refs.empty()) {
    if (value.size <= SlotWords::most_inline && !list_.config_.owners)
      return SlotWords::of_inline(value.data, value.size);
  } else {
    assert(list_.config_.handles && counted());
    for (const ObjectRef ref : value.refs) references_->add(ref);
    if (value.refs.size() == 1 && value.size == 0) return {value.refs[0], SlotWords::reference};
  }
  return {change_->make_blob(value), SlotWords::blob};
}

SlotWords ListWrite::make_copy(SlotWords slot) {
  if (packed_size() != 0 || slot.kind() <= SlotWords::most_inline) return slot;
  Bytes bytes;
  read_slot(segment(), slot, nullptr, sink_into(bytes));
  return make(bytes.view());
}

SlotWords ListWrite::keep(SlotWords slot) {
  if (!arena_gone_ || packed_size() != 0 || slot.kind() != SlotWords::blob || is_own_run(segment(), slot.first))
    return slot;
  Bytes bytes;
  read_slot(segment(), slot, nullptr, sink_into(bytes));
  return {change_->make_blob(bytes.view()), slot.second};
}

void ListWrite::drop(SlotWords slot, bool to_us) {
  if (packed_size() != 0 || slot.kind() <= SlotWords::most_inline) return;
  const u64 holder = to_us ? segment().client_slot : 0;
  std::vector<ObjectRef> refs;
  if (slot.kind() == SlotWords::reference) {
    refs.push_back(slot.first);
  } else {
    if (counted()) blob_refs(segment(), slot.first, refs);
    if (!arena_gone_ || is_own_run(segment(), slot.first)) change_->retire_blob(slot.first);
  }
  for (const ObjectRef ref : refs) {
    if (holder != 0) {
      references_->hand_over(ref, holder);
    } else {
      references_->drop(ref);
    }
  }
}

// ---- slots ---------------------------------------------------------------------------------------------------------

void ListWrite::fill(u64 i, SlotWords slot) const noexcept {
  Word* words = ring_.slot(i);
  const Draft draft(words, ring_.stride() * 8);
  draft.set(words[0], slot.first);
  if (!ring_.packed()) draft.set(words[1], slot.second);
}

void ListWrite::hold(std::span<const ObjectRef> refs) {
  for (const ObjectRef ref : refs) references_->hold(ref, segment().client_slot);
}

void ListWrite::set_ends(u64 head, u64 count) {
  grows_ = grows_ || count > ring_.count();
  const EndsWord ends{static_cast<u32>(head), static_cast<u32>(count)};
  change_->put(stripe().body[ListBody::ends], ends.word());
}

void ListWrite::replace(u64 i, BytesView value) {
  const SlotWords old = ring_.load(i), now = make(value);
  Word* words = ring_.slot(i);
  if (now.first != old.first) change_->put(words[0], now.first);
  if (now.second != old.second) change_->put(words[1], now.second);
  drop(old);
}

void ListWrite::push_back(std::span<const BytesView> values) {
  const u64 count = ring_.count();
  if (values.size() > ring_.room()) return splice(count, 0, values);
  for (u64 i = 0; i < values.size(); ++i) fill(count + i, make(values[i]));
  set_ends(ring_.head(), count + values.size());
}

void ListWrite::splice(u64 from, u64 removed, std::span<const BytesView> values, bool to_us) {
  const u64 count = ring_.count();
  NewRing fresh(*this, count - removed + values.size());
  fresh.keep(0, from);
  for (const BytesView& value : values) fresh.push(make(value));
  for (u64 i = from; i < from + removed; ++i) drop(ring_.load(i), to_us);
  fresh.keep(from + removed, count - from - removed);
  fresh.publish();
}

void ListWrite::clear() {
  give_up_arena();
  if (!ring_.packed()) {
    for (u64 i = 0; i < ring_.count(); ++i) drop(ring_.load(i));
  }
  if (ring_.run() == 0) return;
  NewRing(*this, 0).publish();
}

void ListWrite::give_up_arena() {
  change_->retire_arena();
  arena_gone_ = true;
}

// ---- a ring built aside ---------------------------------------------------------------------------------------------

NewRing::NewRing(ListWrite& write, u64 count, u64 up_to) : write_(write) {
  // All of the old one is gone through now: of a damaged one for ever, or beyond the segment.
  if (!write.ring().in_bounds(write.segment())) refuse_damaged("a list");
  if (count > Ring::most_elements) {
    throw ValueError("partage: a list has at most " + std::to_string(Ring::most_elements) +
                     " elements; use several lists");
  }
  if (count == 0) return;
  const u64 capacity = Ring::capacity_for(std::max(count, up_to));
  const Change::Run run = write.change().take_run(capacity * write.ring().stride() * 8);
  ring_ = {run.offset, static_cast<unsigned>(std::countr_zero(capacity))};
  slots_ = &write.segment().at<Word>(run.offset);
  draft_ = run.draft;
}

void NewRing::push(SlotWords slot) noexcept {
  const std::size_t stride = write_.ring().stride();
  Word* words = slots_ + count_++ * stride;
  draft_.set(words[0], slot.first);
  if (stride == 2) draft_.set(words[1], slot.second);
}

void NewRing::keep(u64 from, u64 n) {
  const Ring& old = write_.ring();
  if (write_.arena_given_up()) {
    for (u64 i = from; i < from + n; ++i) push(write_.keep(old.load(i)));
    return;
  }
  while (n != 0) {
    const u64 straight = std::min(n, old.capacity() - old.place(from));  // up to the end of the old run
    draft_.copy(slots_ + count_ * old.stride(), old.slot(from), straight * old.stride() * 8);
    count_ += straight;
    from += straight;
    n -= straight;
  }
}

void NewRing::publish() {
  write_.change().put(write_.stripe().body[ListBody::ring], ring_.word());
  write_.set_ends(0, count_);
  if (write_.ring().run() != 0) write_.change().retire_run(write_.ring().run());
}

}  // namespace partage::kernel
