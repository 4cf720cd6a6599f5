#include "manager/container/list.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "manager/container/list_read.hpp"
#include "manager/container/list_shift.hpp"
#include "manager/container/list_words.hpp"
#include "manager/container/list_write.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {
namespace {
constexpr unsigned optimistic_tries = 64;
constexpr u64 worth_moving = 64 << 10;  // bytes of an arena
}  // namespace

void register_list_repair() noexcept {
  set_repair_hooks(StripeKind::list, {.settle = settle_list, .is_sound = can_settle_list, .afterwards = nullptr});
}

u64 List::build(Change& change, ListConfig config) {
  assert(config.packed_size <= 8 && !(config.packed_size != 0 && (config.handles || config.owners)));
  assert(!config.cell || config.packed_size != 0);
  const Change::Run run = change.take_run(sizeof(ListBody), Pool::list_body);
  auto& body = change.segment().at<ListBody>(run.offset);
  Stripe& stripe = body.stripe;
  const Draft& draft = run.draft;
  draft.set(body.reads, 0);
  draft.zero(body.queue, (offsetof(ListBody, stripe) - offsetof(ListBody, queue)) / 8);
  if (body.config.load() == 0) {
    // The memory was never a list. Otherwise its lock stays what it is: whoever repairs an old transaction of the
    // former list may be about to lock it.
    new (&stripe.mutex) RobustMutex;
    draft.zero(&stripe.commit, (sizeof(Stripe) - offsetof(Stripe, commit)) / 8);
  }
  for (Word& word : stripe.body) draft.set(word, 0);
  draft.set(stripe.owner, run.offset | static_cast<u64>(StripeKind::list));
  compiler_barrier();
  draft.set(body.config, config.word());
  return run.offset;
}

// ---- reading --------------------------------------------------------------------------------------------------------

std::size_t List::size() const {
  if (config_.cell) return 1;
  std::size_t count = 0;
  const auto read = [&](const OptimisticRead&) {
    count = EndsWord::of(stripe().body[ListBody::ends].load()).count;
    return true;
  };
  if (read_optimistically(stripe(), optimistic_tries, read)) return count;
  if (read_in_user_code(*segment_, stripe(), optimistic_tries, read)) return count;
  const ReadLock lock(*segment_, stripe());
  return ring().count();
}

bool List::get(std::ptrdiff_t i, Bytes& out) const {
  if (config_.cell) return get_cell(i, out);
  ReadTally::count(body_->reads);
  if (config_.packed_size != 0) {
    u64 word = 0;
    if (!get_word(i, word)) return false;
    unpack(word, config_.packed_size, out);
    return true;
  }
  bool found = false;
  const auto read = [&](const OptimisticRead* attempt) {
    const Ring now = ring();
    const auto index = resolve_index(i, now.count());
    found = index.has_value();
    if (!found) return true;
    if (attempt != nullptr && !now.in_bounds(*segment_)) return false;
    return read_element(*segment_, now, config_.packed_size, *index, out, attempt);
  };
  const auto without_lock = [&](const OptimisticRead& attempt) { return read(&attempt); };
  if (read_optimistically(stripe(), optimistic_tries, without_lock)) return found;
  if (read_in_user_code(*segment_, stripe(), optimistic_tries, without_lock)) return found;
  const ReadLock lock(*segment_, stripe());
  read(nullptr);
  return found;
}

// ---- one element ----------------------------------------------------------------------------------------------------

bool List::set(std::ptrdiff_t i, BytesView value) const {
  if (config_.cell) return set_cell(i, value);
  if (config_.packed_size != 0) return set_word(*segment_, *body_, i, word_of(value));
  refuse_in_user_code("list.set");
  ListWrite write(*this, config_.handles);
  const auto index = resolve_index(i, write.ring().count());
  if (!index) return false;
  write.replace(*index, value);
  write.commit();
  return true;
}

void List::append(BytesView value) const {
  if (config_.packed_size != 0) return append_word(*segment_, *body_, word_of(value));
  refuse_in_user_code("list.append");
  ListWrite write(*this, !value.refs.empty());
  write.push_back({&value, 1});
  write.commit();
}

void List::extend(std::span<const BytesView> values) const {
  refuse_in_user_code("list.extend");
  if (values.empty()) return;
  ListWrite write(*this, hold_references(values));
  write.push_back(values);
  write.commit();
}

void List::insert(std::ptrdiff_t i, BytesView value) const {
  refuse_in_user_code("list.insert");
  ListWrite write(*this, !value.refs.empty());
  const Ring& now = write.ring();
  const auto count = static_cast<std::ptrdiff_t>(now.count());
  const auto at = static_cast<u64>(std::clamp(i < 0 ? i + count : i, std::ptrdiff_t{0}, count));
  if (at == now.count()) {
    write.push_back({&value, 1});
  } else if (now.room() == 0 || (at != 0 && write.counted())) {
    write.splice(at, 0, {&value, 1});
  } else if (at == 0) {
    write.fill(~u64{0}, write.make(value));
    write.set_ends(now.place(~u64{0}), now.count() + 1);
  } else {
    return insert_by_shift(write, at, write.make(value));
  }
  write.commit();
}

bool List::pop(std::ptrdiff_t i, Bytes& out) const {
  if (config_.packed_size != 0) {
    u64 word = 0;
    if (!pop_word(*segment_, *body_, i, word)) return false;
    unpack(word, config_.packed_size, out);
    return true;
  }
  refuse_in_user_code("list.pop");
  return remove(i, nullptr, &out);
}

bool List::await(std::ptrdiff_t i, const Deadline& deadline) const {
  refuse_in_user_code("list.pop_wait");
  Waiting waiting(*segment_, deadline);
  for (;;) {
    {
      const StripeLock lock(*segment_, stripe());
      if (resolve_index(i, ring().count())) return true;
      if (waiting.expired()) return false;
      waiting.expect(body_->items);
    }
    waiting.sleep();
  }
}

bool List::pop_wait(std::ptrdiff_t i, Bytes& out, const Deadline& deadline) const {
  refuse_in_user_code("list.pop_wait");
  for (;;) {
    if (remove(i, nullptr, &out)) return true;
    if (!await(i, deadline)) return false;
  }
}

bool List::erase(std::ptrdiff_t i) const {
  refuse_in_user_code("list.erase");
  return remove(i, nullptr, nullptr);
}

bool List::erase_if(u64 version, std::size_t i) const {
  refuse_in_user_code("list.remove");
  return remove(static_cast<std::ptrdiff_t>(i), &version, nullptr);
}

bool List::remove(std::ptrdiff_t i, const u64* version, Bytes* out) const {
  bool sparse = false;
  {
    ListWrite write(*this, config_.handles);
    const Ring& now = write.ring();
    const auto index = resolve_index(i, now.count());
    if (!index || (version != nullptr && stripe().seq.load() != *version)) return false;
    if (out != nullptr) read_element(*segment_, now, config_.packed_size, *index, *out, nullptr);
    sparse = now.sparse_with(now.count() - 1);
    remove(write, *index, out != nullptr);
  }
  if (sparse) shrink();
  return true;
}

/// Commits. `to_us`: see ListWrite::drop().
void List::remove(ListWrite& write, u64 index, bool to_us) const {
  const Ring& now = write.ring();
  const u64 left = now.count() - 1;
  if (index == 0 || index == left) {
    write.drop(now.load(index), to_us);
    write.set_ends(index == left ? now.head() : now.place(1), left);
    write.commit();
  } else if (!write.counted()) {
    erase_by_shift(write, index);
  } else {
    write.splice(index, 1, {}, to_us);
    write.commit();
  }
}

void List::shrink() const {
  try {
    ListWrite write(*this, false);
    const Ring& now = write.ring();
    if (!now.sparse_with(now.count())) return;
    // Blobs are scattered over an arena that was made for many more, so they move too.
    if (const u64 arena = stripe().body[ListBody::arena].load();
        arena != 0 && segment_->at<ArenaHead>(arena).total.load() >= worth_moving) {
      write.give_up_arena();
    }
    NewRing fresh(write, now.count(), now.count() * 2);
    fresh.keep(0, now.count());
    fresh.publish();
    write.commit();
  } catch (const OutOfMemory&) {
    // No room to build the smaller one aside. What the caller wanted is done; a later removal tries again.
  }
}

}  // namespace partage::kernel
