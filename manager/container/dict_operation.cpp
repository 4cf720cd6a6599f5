#include "manager/container/dict_operation.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "manager/container/dict_stripes.hpp"
#include "manager/container/dict_words.hpp"

namespace partage::kernel {

using dict::cursor_of;
using dict::Key;
using dict::live_of;
using dict::make_count;
using dict::Table;

Dict::Operation::Operation(Dict& d, u64 hash) : dict_(d), handles_(d.has_handles()) {
  if (handles_) {
    lock_all([&] { return std::vector{&stripe_for(hash)}; });
    return;
  }
  Stripe* stripe = nullptr;
  lock_.emplace(d.lock_stripe_of(hash, stripe));
  root_ = d.body_.root.load_acquire();
  change_.emplace(segment(), *stripe);
}

Dict::Operation::Operation(Dict& d, Stripe& stripe, StripeLock lock)
    : dict_(d), handles_(false), root_(d.body_.root.load_acquire()), lock_(std::move(lock)) {
  change_.emplace(segment(), stripe);
}

Dict::Operation::Operation(Dict& d, std::span<const u64> hashes) : dict_(d), handles_(d.has_handles()) {
  const auto wanted = [&] {
    std::vector<Stripe*> found;
    if (hashes.empty()) {
      for (Stripe& s : stripes()) found.push_back(&s);
    } else {
      for (const u64 h : hashes) found.push_back(&stripe_for(h));
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  };
  if (!handles_) {
    root_ = d.body_.root.load_acquire();
    if (const std::vector<Stripe*> one = wanted(); one.size() == 1) {
      lock_.emplace(segment(), *one[0]);
      if (!dict::is_moved(*one[0])) {
        change_.emplace(segment(), *one[0]);
        return;
      }
      lock_.reset();
    }
  }
  lock_all(wanted);
}

/// Holding a stripe that is not moved freezes the root.
template <class Wanted>
void Dict::Operation::lock_all(Wanted wanted) {
  transaction_.emplace(segment());
  references_.emplace(segment());
  for (;;) {
    root_ = dict_.body_.root.load_acquire();
    std::vector<Stripe*> stripes = wanted();
    Stripe& one = *stripes.front();
    transaction_->lock(std::move(stripes));
    if (!dict::is_moved(one)) return;
    transaction_->start_over();
    dict::await_move(segment(), dict_.body_, root_);
  }
}

Change& Dict::Operation::change(Stripe& stripe) {
  return change_ ? *change_ : transaction_->change(stripe);
}

// ---- tables --------------------------------------------------------------------------------------------------------

void Dict::Operation::make_room(Stripe& s, u64 n) {
  const u64 count = s.body[dict_count].load(), live = live_of(count);
  const Table old = Table::at(segment(), s.body[dict_table].load());
  if (std::max(s.body[dict_used].load(), cursor_of(count)) + n <= old.capacity) return;

  unsigned log2 = DictBody::embedded_log2;
  while ((u64{1} << log2) < live + n || (u64{1} << log2) * 3 / 4 < live) ++log2;
  if (log2 > most_capacity_log2) {
    throw ValueError("partage: a dict stripe holds at most " + std::to_string(u64{1} << most_capacity_log2) + " keys");
  }
  // Built aside, published by one commit of its own: what the dict holds does not change.
  Change rebuild(segment(), s);
  TableWord fresh{0, false, log2};
  const bool old_embedded = old.capacity != 0 && TableWord::of(s.body[dict_table].load()).embedded;
  Draft draft(dict_.body_.table, sizeof dict_.body_.table);
  if (&s == &dict_.body_.first && log2 == DictBody::embedded_log2 && !old_embedded) {
    fresh.offset = segment().offset_of(dict_.body_.table);
    fresh.embedded = true;
  } else {
    const Change::Run run = rebuild.take_run(TableWord::bytes(log2));
    fresh.offset = run.offset;
    draft = run.draft;
  }
  const Table t = Table::at(segment(), fresh.word());
  draft.zero(t.index, t.capacity);
  u64 k = 0;
  for (u64 i = 0; i < cursor_of(count); ++i) {
    const DictEntry& e = old.entries[i];
    const u64 meta = e.meta.load();
    if (meta == 0) continue;
    const Word* from = &e.meta;
    Word* to = &t.entries[k].meta;
    for (std::size_t w = 0; w < sizeof(DictEntry) / 8; ++w) draft.set(to[w], from[w].load());
    u64 slot = dict::first_slot(DictEntry::hash_of(meta)) & t.mask;
    while (t.slot(slot) != 0) slot = (slot + 1) & t.mask;
    draft.set(t.index_word(slot),
              Table::with_half(t.index_word(slot).load(), slot, dict::make_slot(DictEntry::hash_of(meta), k)));
    ++k;
  }
  if (old.capacity != 0 && !old_embedded) rebuild.retire_run(TableWord::of(s.body[dict_table].load()).offset);
  rebuild.put(s.body[dict_table], fresh.word());
  rebuild.put(s.body[dict_count], make_count(k, live));
  rebuild.put(s.body[dict_used], k);
  rebuild.commit();
}

// ---- values --------------------------------------------------------------------------------------------------------

u64 Dict::Operation::encode(Change& c, BytesView value, u64& code) {
  if (!value.refs.empty()) {
    if (!handles_) throw Corrupt("partage: a handle in a dict that was not made for handles");
    for (const ObjectRef ref : value.refs) references_->add(ref);
    if (value.size == 0 && value.refs.size() == 1) {
      code = DictEntry::reference_value;
      return value.refs[0];
    }
  } else if (value.size <= DictEntry::inline_value) {
    code = value.size;
    u64 word = 0;
    if (value.size != 0) std::memcpy(&word, value.data, value.size);
    return word;
  }
  code = DictEntry::blob_value;
  return c.make_blob(value);
}

void Dict::Operation::drop_refs(const DictEntry& e, u64 hand_over_to) {
  if (!handles_) return;
  std::vector<ObjectRef> refs;
  dict::value_refs(segment(), e, refs);
  for (const ObjectRef ref : refs) {
    if (hand_over_to != 0) {
      references_->hand_over(ref, hand_over_to);
    } else {
      references_->drop(ref);
    }
  }
}

void Dict::Operation::overwrite(Stripe& s, DictEntry& e, BytesView value) {
  Change& c = change(s);
  const u64 meta = e.meta.load();
  u64 code = 0;
  const u64 word = encode(c, value, code);
  drop_refs(e, 0);
  if (DictEntry::value_code(meta) == DictEntry::blob_value) c.retire_blob(e.value.load());
  c.put(e.value, word);
  if (code != DictEntry::value_code(meta)) c.put(e.meta, (meta & ~u64{0xF}) | code);
}

void Dict::Operation::place(Stripe& s, const Key& key, BytesView value) {
  Change& c = change(s);
  const Table t = Table::at(segment(), s.body[dict_table].load());
  const dict::Found at = dict::find_planned(segment(), t, key, c);
  const u64 count = c.get(s.body[dict_count]), number = cursor_of(count);
  DictEntry& e = t.entries[number];
  u64 code = 0;
  const u64 word = encode(c, value, code);
  const Draft draft(&e, sizeof e);  // behind the cursor: unreachable
  draft.set(e.value, word);
  draft.set(e.key[0], key.is_blob() ? c.make_blob(key.bytes) : key.word[0]);
  draft.set(e.key[1], key.word[1]);
  draft.set(e.key[2], key.word[2]);
  draft.set(e.meta, key.meta | code);
  Word& index = t.index_word(at.slot);
  c.put(index, Table::with_half(c.get(index), at.slot, dict::make_slot(key.hash(), number)));
  c.put(s.body[dict_count], make_count(number + 1, live_of(count) + 1));
  c.put(s.body[dict_last], 0);  // the number is drawn when the windows are open
  if (at.fresh) c.put(s.body[dict_used], c.get(s.body[dict_used]) + 1);
  if (fresh_count_++ == 0) {
    fresh_ = {&s, &e};
  } else {
    more_fresh_.push_back({&s, &e});
  }
}

void Dict::Operation::remove(Stripe& s, DictEntry& e, u64 number, u64 hand_over_to) {
  Change& c = change(s);
  const Table t = Table::at(segment(), s.body[dict_table].load());
  const u64 meta = e.meta.load(), hash = DictEntry::hash_of(meta);
  drop_refs(e, hand_over_to);
  if (DictEntry::value_code(meta) == DictEntry::blob_value) c.retire_blob(e.value.load());
  if (DictEntry::key_code(meta) == DictEntry::blob_key) c.retire_blob(e.key[0].load());
  c.put(e.meta, 0);
  const u64 slot = dict::slot_of(t, hash, number);
  Word& index = t.index_word(slot);
  c.put(index, Table::with_half(c.get(index), slot, dummy_entry));
  // The cursor falls back over a tail of tombstones, so that popitem stays O(1); nothing points at them any more.
  const u64 count = c.get(s.body[dict_count]);
  u64 cursor = cursor_of(count);
  if (number + 1 == cursor) {
    cursor = number;
    while (cursor != 0 && c.get(t.entries[cursor - 1].meta) == 0) --cursor;
    c.put(s.body[dict_last], cursor != 0 ? t.entries[cursor - 1].order.load() : 0);
  }
  c.put(s.body[dict_count], make_count(cursor, live_of(count) - 1));
}

void Dict::Operation::empty(Stripe& s) {
  if (s.body[dict_table].load() == no_table) return;
  Change& c = change(s);
  const TableWord where = TableWord::of(s.body[dict_table].load());
  const Table t = Table::at(segment(), where.word());
  for (u64 i = 0; i < cursor_of(s.body[dict_count].load()); ++i) {
    const DictEntry& e = t.entries[i];
    if (e.meta.load() == 0) continue;
    drop_refs(e, 0);
    dict_.for_each_own_run(e, [&](u64 run) { c.retire_run(run); });
  }
  c.retire_arena();
  if (!where.embedded) c.retire_run(where.offset);
  c.put(s.body[dict_table], no_table);
  c.put(s.body[dict_count], 0);
  c.put(s.body[dict_last], 0);
  c.put(s.body[dict_used], 0);
}

// ---- the commit ----------------------------------------------------------------------------------------------------

void Dict::Operation::draw_orders() {
  // One draw for all new keys; they stand in the order in which they were placed.
  u64 order = dict_.body_.order.draw(fresh_count_);
  const auto number = [&](const Fresh& f) {
    Draft(f.entry, sizeof *f.entry).set(f.entry->order, order);
    change(*f.stripe).put(f.stripe->body[dict_last], order);
    ++order;
  };
  number(fresh_);
  for (const Fresh& f : more_fresh_) number(f);
}

void Dict::Operation::commit() {
  if (!transaction_) {
    if (fresh_count_ != 0) {
      change_->prepare();
      dict_.body_.inserted.announce();
      change_->open();
      draw_orders();
    }
    change_->commit();
    return;
  }
  references_->lock(*transaction_);
  references_->plan(*transaction_);
  transaction_->prepare();
  if (fresh_count_ != 0) dict_.body_.inserted.announce();
  transaction_->open();
  if (fresh_count_ != 0) draw_orders();
  transaction_->commit();
  references_->committed();
}

void Dict::Operation::abandon() noexcept {
  if (change_) change_->abandon();
  if (lock_) lock_->abandon();
  if (transaction_) transaction_->abandon();
}

}  // namespace partage::kernel
