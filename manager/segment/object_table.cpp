#include "manager/segment/object_table.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <partage/error.hpp>
#include <string>
#include <utility>

#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {
namespace {

struct Place {
  std::size_t chunk;
  u64 slot;
};
/// Chunk k holds slots [256 * (2^k - 1), 256 * (2^(k+1) - 1)).
Place place_of(u32 index) noexcept {
  const u64 unit = u64{index} / ObjectTable::first_chunk_slots + 1;
  const auto chunk = static_cast<std::size_t>(std::bit_width(unit) - 1);
  return {chunk, index - ((u64{1} << chunk) - 1) * ObjectTable::first_chunk_slots};
}

bool unreferenced(const Change& change, const ObjectSlot& slot) {
  if (change.get(slot.count) != 0) return false;
  return std::ranges::all_of(slot.holders, [&](const Word& w) { return change.get(w) == 0; });
}

/// The last reference is going: the slot turns dying and joins its stripe's dying list, in the same commit.
void plan_dying(Change& change, ObjectSlot& slot, u32 index) {
  SlotWord word = SlotWord::of(change.get(slot.state));
  word.state = SlotState::dying;
  Word& list = change.stripe().body[ObjectTable::dying_list];
  change.put(slot.state, word.word());
  change.put(slot.link, change.get(list));
  change.put(list, u64{index} + 1);
}

bool matches(const ObjectSlot& slot, ObjectRef ref) noexcept {
  const SlotWord word = SlotWord::of(slot.state.load());
  return word.state == SlotState::live && word.generation == generation_of(ref);
}

Word& holder_word(ObjectSlot& slot, u64 holder) noexcept {
  return slot.holders[holder / 64];
}
u64 holder_bit(u64 holder) noexcept {
  return u64{1} << holder % 64;
}

u64 store_text(Change& change, std::string_view text) {
  const Change::Run run = change.take_run(8 + text.size());
  Word* words = &change.segment().at<Word>(run.offset);
  run.draft.set(words[0], text.size());
  run.draft.copy(words + 1, text.data(), text.size());
  return run.offset;
}

}  // namespace

bool looks_like_text(Segment& segment, u64 run) noexcept {
  const Runs runs = segment.runs();
  return runs.looks_like_run(run, 8) && segment.at<Word>(run).load() <= runs.payload_size(run) - 8;
}

std::vector<ObjectRef>& made_dying() noexcept {
  // exit() destroys the objects of the thread before the handlers in which the process leaves its segments: then it is made
  // anew, and left to the end of the process.
  static thread_local std::vector<ObjectRef>* list = nullptr;
  struct Owner {
    ~Owner() { delete std::exchange(list, nullptr); }
  };
  static thread_local const Owner owner;
  if (list == nullptr) list = new std::vector<ObjectRef>;
  return *list;
}

void Objects::make(Segment& segment) {
  void* memory = segment.heap().allocate(sizeof(ObjectTable));
  if (memory == nullptr) {
    throw OutOfMemory("partage: no room for the tables of a segment; set a larger ManagerOptions::max_size",
                      segment.header().max, segment.runs().used(), sizeof(ObjectTable));
  }
  const Draft draft(memory, sizeof(ObjectTable));
  draft.zero(static_cast<Word*>(memory), sizeof(ObjectTable) / 8);
  auto* table = static_cast<ObjectTable*>(memory);
  for (Stripe& s : table->stripes) {
    new (&s.mutex) RobustMutex;
    draft.set(s.owner, static_cast<u64>(StripeKind::registry));
  }
  new (&table->directory.mutex) RobustMutex;
  segment.header().registry = segment.offset_of(table);
}

ObjectSlot* Objects::find(u32 index) const noexcept {
  const Place place = place_of(index);
  if (place.chunk >= ObjectTable::chunk_count) return nullptr;
  const u64 chunk = table().chunks[place.chunk].load_acquire();
  const bool is_chunk =
      chunk != 0 && chunk % 64 == 0 && segment_->holds(chunk, ObjectTable::bytes_of_chunk(place.chunk));
  return is_chunk ? &segment_->at<ObjectSlot>(chunk) + place.slot : nullptr;
}

bool Objects::ensure_slot(u32 index) {
  if (find(index) != nullptr) return true;
  const Place place = place_of(index);
  if (place.chunk >= ObjectTable::chunk_count) return false;
  Stripe& directory = table().directory;
  const StripeLock lock(*segment_, directory);
  if (find(index) != nullptr) return true;
  if (table().chunks[place.chunk].load() != 0) refuse_damaged("the table of objects");
  Change change(*segment_, directory);
  const u64 bytes = ObjectTable::bytes_of_chunk(place.chunk);
  const Change::Run run = change.take_run(bytes, Pool::none);
  run.draft.zero(&segment_->at<Word>(run.offset), bytes / 8);
  change.put(table().chunks[place.chunk], run.offset);
  change.commit();
  return true;
}

u32 Objects::next_index(std::size_t s) const noexcept {
  const u64 free = stripe(s).body[ObjectTable::free_list].load(), used = stripe(s).body[ObjectTable::slots_used].load();
  return static_cast<u32>(free != 0 ? free - 1 : used * ObjectTable::stripe_count + s);
}

std::size_t Objects::stripe_for_new() const noexcept {
  static std::atomic<std::size_t> threads{0};
  static thread_local const std::size_t ordinal = threads.fetch_add(1, std::memory_order_relaxed);
  const auto nth = [&](std::size_t i) { return (segment_->client_slot + ordinal + i) % ObjectTable::stripe_count; };
  for (std::size_t i = 0; i < ObjectTable::stripe_count; ++i) {
    if (find(next_index(nth(i))) != nullptr) return nth(i);
  }
  return nth(0);
}

ObjectRef Objects::create(const Making& making) {
  for (;;) {
    const std::size_t s = stripe_for_new();
    Stripe& home = stripe(s);
    StripeLock lock(*segment_, home);
    Word& free = home.body[ObjectTable::free_list];
    Word& used = home.body[ObjectTable::slots_used];
    const bool reuse = free.load() != 0;
    const u32 index = next_index(s);
    if (reuse && index / ObjectTable::stripe_count >= used.load())
      refuse_damaged("the table of objects");  // where nobody would look for it
    if (find(index) == nullptr) {              // all are full, or this one is meanwhile
      lock.unlock();
      if (!ensure_slot(next_index(stripe_for_new()))) {
        throw ValueError("partage: the segment has as many objects as it can name");
      }
      continue;
    }
    ObjectSlot& slot = *find(index);
    if (index % ObjectTable::stripe_count != s || SlotWord::of(slot.state.load()).state != SlotState::free) {
      refuse_damaged("the table of objects");  // else an object would be made over another
    }
    Change change(*segment_, home);
    const u64 body = making.build(change);
    const SlotWord word{SlotWord::of(slot.state.load()).generation + 1, making.flags, making.kind, SlotState::live};
    change.put(slot.state, word.word());
    change.put(slot.count, 0);
    change.put(slot.body, body);
    change.put(slot.schema, store_text(change, making.schema));
    change.put(slot.name, making.name.empty() ? 0 : store_text(change, making.name));
    change.put(slot.creator, static_cast<u64>(getpid()));
    if (making.holder != 0) change.put(holder_word(slot, making.holder), holder_bit(making.holder));
    if (reuse) {
      change.put(free, slot.link.load());
    } else {
      change.put(used, used.load() + 1);
    }
    change.commit();
    return make_ref(index, word.generation);
  }
}

bool Objects::is_live(ObjectRef ref) const noexcept {
  const ObjectSlot* slot = find(index_of(ref));
  return slot != nullptr && matches(*slot, ref);
}

bool Objects::acquire(ObjectRef ref, u64 holder) {
  ObjectSlot* slot = find(index_of(ref));
  if (slot == nullptr) return false;
  Stripe& home = stripe_of(index_of(ref));
  const StripeLock lock(*segment_, home);
  if (!matches(*slot, ref)) return false;
  const u16 flags = SlotWord::of(slot->state.load()).flags;
  if ((flags & object_flag::internal) != 0) return false;  // the segment's own, which would end with its last handle
  if ((flags & object_flag::quarantined) != 0) {
    throw Corrupt("partage: object #" + std::to_string(ref) +
                  " was found damaged and is quarantined; `partage check` says what is wrong with it");
  }
  Word& word = holder_word(*slot, holder);
  if ((word.load() & holder_bit(holder)) != 0) return true;
  Change change(*segment_, home);
  change.put(word, word.load() | holder_bit(holder));
  change.commit();
  return true;
}

bool Objects::release(ObjectRef ref, u64 holder) {
  ObjectSlot* slot = find(index_of(ref));
  if (slot == nullptr) return false;
  Stripe& home = stripe_of(index_of(ref));
  const StripeLock lock(*segment_, home);
  Word& word = holder_word(*slot, holder);
  if (!matches(*slot, ref) || (word.load() & holder_bit(holder)) == 0) return false;
  Change change(*segment_, home);
  change.put(word, word.load() & ~holder_bit(holder));
  const bool last = unreferenced(change, *slot);
  if (last) plan_dying(change, *slot, index_of(ref));
  change.commit();
  return last;
}

void Objects::for_each(const std::function<void(u32, ObjectSlot&)>& fn) const {
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    const u64 used = stripe(s).body[ObjectTable::slots_used].load();
    for (u64 i = 0; i < used; ++i) {
      const auto index = static_cast<u32>(i * ObjectTable::stripe_count + s);
      ObjectSlot* slot = find(index);
      if (slot == nullptr) break;  // no slot follows one that was never made
      fn(index, *slot);
    }
  }
}

void Objects::share_holdings(u64 from, u64 to) {
  for_each([&](u32 index, ObjectSlot& slot) {
    if ((holder_word(slot, from).load() & holder_bit(from)) == 0) return;
    const StripeLock lock(*segment_, stripe_of(index));
    const SlotWord word = SlotWord::of(slot.state.load());
    if (word.state != SlotState::live || (holder_word(slot, from).load() & holder_bit(from)) == 0) return;
    Change change(*segment_, stripe_of(index));
    change.put(holder_word(slot, to), holder_word(slot, to).load() | holder_bit(to));
    change.commit();
  });
}

void Objects::release_all(u64 holder) {
  for_each([&](u32 index, ObjectSlot& slot) {
    if ((holder_word(slot, holder).load() & holder_bit(holder)) == 0) return;
    const ObjectRef ref = make_ref(index, SlotWord::of(slot.state.load()).generation);
    try {
      if (release(ref, holder)) made_dying().push_back(ref);
    } catch (const Corrupt&) {  // a stripe of the table that is out of use keeps its objects; the others do not
    }
  });
}

ObjectRef Objects::first_dying(std::size_t s) const {
  const StripeLock lock(*segment_, stripe(s));
  const u64 first = stripe(s).body[ObjectTable::dying_list].load();
  if (first == 0) return 0;
  const auto index = static_cast<u32>(first - 1);
  const ObjectSlot* slot = find(index);
  return slot == nullptr ? 0 : make_ref(index, SlotWord::of(slot->state.load()).generation);
}

// ---- references changed by a transaction -----------------------------------------------------------------------------

void ReferenceChanges::lock(Transaction& transaction) {
  std::vector<Stripe*> stripes;
  stripes.reserve(deltas_.size());
  const Objects objects(segment_);
  for (const Delta& d : deltas_) stripes.push_back(&objects.stripe_of(index_of(d.ref)));
  transaction.lock(std::move(stripes));
}

void ReferenceChanges::plan(Transaction& transaction) {
  const Objects objects(segment_);
  for (const Delta& d : deltas_) {
    ObjectSlot* slot = objects.find(index_of(d.ref));
    if (slot == nullptr || !matches(*slot, d.ref)) {
      throw ValueError("partage: a handle to an object that no longer exists cannot be stored");
    }
    Change& change = transaction.change(objects.stripe_of(index_of(d.ref)));
    change.put(slot->count, change.get(slot->count) + static_cast<u64>(d.count));
    if (d.holder != 0)
      change.put(holder_word(*slot, d.holder), change.get(holder_word(*slot, d.holder)) | holder_bit(d.holder));
  }
  // Only now is it known what a slot loses and gains in total (the same handle stored and dropped in one operation).
  for (const Delta& d : deltas_) {
    ObjectSlot* slot = objects.find(index_of(d.ref));
    Change& change = transaction.change(objects.stripe_of(index_of(d.ref)));
    if (SlotWord::of(change.get(slot->state)).state == SlotState::live && unreferenced(change, *slot)) {
      plan_dying(change, *slot, index_of(d.ref));
      dying_.push_back(d.ref);
    }
  }
}

void ReferenceChanges::committed() {
  made_dying().insert(made_dying().end(), dying_.begin(), dying_.end());
}

}  // namespace partage::kernel
