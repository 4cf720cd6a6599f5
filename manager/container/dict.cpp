// The mutating operations of the dict. Every one is an Operation (dict_operation.hpp): lock, plan, one commit.
//
// Crash, for all of them: before the commit point the next locker finds the old contents, after it the new ones; runs in
// transit are on `pend` and go back to the heap. What lies behind the cursor, and an order number drawn, count for nothing.
// A table that is rebuilt to make room is a commit of its own, which changes no contents.

#include "manager/container/dict.hpp"

#include <bit>
#include <new>
#include <optional>
#include <partage/error.hpp>
#include <string_view>
#include <unordered_map>

#include "manager/container/dict_operation.hpp"
#include "manager/container/dict_stripes.hpp"
#include "manager/container/dict_words.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {

using dict::Found;
using dict::Key;
using dict::Table;

namespace {
Found find_in(const Segment& segment, const Stripe& s, const Key& key) {
  return dict::find(segment, Table::at(segment, s.body[dict_table].load()), key);
}
}  // namespace

void dict::make_stripe(const Draft& draft, Stripe& s, u64 owner, bool fresh) {
  if (fresh) new (&s.mutex) RobustMutex;
  draft.zero(&s.commit, (sizeof s - offsetof(Stripe, commit)) / 8);
  draft.set(s.body[dict_table], no_table);
  draft.set(s.owner, owner);
}

dict::StripeArray dict::make_stripe_array(Change& change, unsigned log2, u64 body) {
  Segment& segment = change.segment();
  const Change::Run memory = change.take_run(sizeof(StripeArrayHead) + (sizeof(Stripe) << log2), stripe_pool(log2));
  auto& head = segment.at<StripeArrayHead>(memory.offset);
  const std::span stripes(reinterpret_cast<Stripe*>(&head + 1), std::size_t{1} << log2);
  for (Stripe& s : stripes) {
    make_stripe(memory.draft, s, body | static_cast<u64>(StripeKind::dict), head.made.load() == 0);
  }
  compiler_barrier();
  memory.draft.set(head.made, 1);
  return {memory.offset, segment.offset_of(stripes.data()) << 8 | log2, stripes, memory.draft};
}

u64 Dict::build(Change& change, const DictConfig& config) {
  Segment& segment = change.segment();
  const Change::Run run = change.take_run(sizeof(DictBody), Pool::dict_body);
  auto& body = segment.at<DictBody>(run.offset);
  const bool fresh_body = body.root.load() == 0;
  run.draft.zero(&body.config, (offsetof(DictBody, first) - offsetof(DictBody, config)) / 8);
  run.draft.set(body.config, ConfigWord{config.handles, config.split_log2}.word());
  dict::make_stripe(run.draft, body.first, run.offset | static_cast<u64>(StripeKind::dict_first), fresh_body);
  u64 root = segment.offset_of(&body.first) << 8;
  if (config.stripes_log2 != 0) {
    const unsigned log2 = std::min(config.stripes_log2, most_stripes_log2);
    const dict::StripeArray array = dict::make_stripe_array(change, log2, run.offset);
    root = array.root;
    run.draft.set(body.array, array.run);
    change.put(segment.runs().link(array.run), 0);
  }
  compiler_barrier();
  run.draft.set(body.root, root);  // last: from now on the body's locks exist
  change.put(segment.runs().link(run.offset), 0);
  return run.offset;
}

void Dict::for_each_own_run(const DictEntry& e, FunctionView<void(u64)> fn) const {
  const u64 meta = e.meta.load();
  if (meta == 0) return;
  const auto visit = [&](u64 blob) {
    if ((segment_.at<BlobHead>(blob).head.load() & 255) == own_run_class) fn(blob);
  };
  if (DictEntry::key_code(meta) == DictEntry::blob_key) visit(e.key[0].load());
  if (DictEntry::value_code(meta) == DictEntry::blob_value) visit(e.value.load());
}

bool Dict::set(BytesView key, BytesView value) {
  return set_key(Key(key), value);
}
bool Dict::set(const ShortKey& key, BytesView value) {
  return set_key(Key(key), value);
}

namespace {
/// The entry holds a value of this size in place.
bool holds_word(const Found& found, std::size_t size) noexcept {
  return found.entry != nullptr && DictEntry::value_code(found.entry->meta.load()) == size;
}
u64 word_of(BytesView value) noexcept {
  return ShortKey(value.data, value.size).word[0];
}
}  // namespace

bool Dict::set_key(const Key& key, BytesView value) {
  refuse_in_user_code("dict.set");
  Stripe* s = nullptr;
  bool is_new = false;
  if (has_handles()) {
    Operation op(*this, key.hash());
    s = &op.stripe_for(key.hash());
    is_new = put(op, *s, key, find_in(segment_, *s, key), value);
  } else {
    StripeLock lock = lock_stripe_of(key.hash(), s);
    const Found found = find_in(segment_, *s, key);
    if (value.size <= DictEntry::inline_value && holds_word(found, value.size)) {
      commit_word(*s, found.entry->value, word_of(value));
      return false;
    }
    Operation op(*this, *s, std::move(lock));
    is_new = put(op, *s, key, found, value);
  }
  if (is_new) split_if_large(*s);
  return is_new;
}

bool Dict::put(Operation& op, Stripe& s, const Key& key, const Found& found, BytesView value) {
  if (found.entry != nullptr) {
    op.overwrite(s, *found.entry, value);
  } else {
    op.make_room(s, 1);
    op.place(s, key, value);
  }
  op.commit();
  return found.entry == nullptr;
}

/// A new key with its value in the entry, where there is room for one: what lies behind the cursor is a draft, and four words
/// take it in. False: nothing has happened.
bool Dict::place_word(Stripe& s, const dict::InlineKey& key, std::size_t size, u64 word) {
  const Table t = Table::at(segment_, s.body[dict_table].load());
  const u64 count = s.body[dict_count].load(), used = s.body[dict_used].load(), number = dict::cursor_of(count);
  if (std::max(used, number) >= t.capacity || (s.pend.load() | s.spill.load()) != 0) return false;
  const u64 slot = dict::slot_for_new(t, key.hash());
  DictEntry& e = t.entries[number];
  const Draft draft(&e, sizeof e);
  draft.set(e.meta, key.meta | size);
  draft.set(e.value, word);
  for (std::size_t i = 0; i < 3; ++i) draft.set(e.key[i], key.word[i]);

  body_.inserted.announce();  // before the commit, see wait_word.hpp
  Window::open(s);
  const u64 order = body_.order.draw();  // with the window open (rule W)
  draft.set(e.order, order);
  Word& index = t.index_word(slot);
  const Plan::Entry words[] = {
      {&index, Table::with_half(index.load(), slot, dict::make_slot(key.hash(), number))},
      {&s.body[dict_count], dict::make_count(number + 1, dict::live_of(count) + 1)},
      {&s.body[dict_last], order},
      {&s.body[dict_used], used + 1},
  };
  const bool fresh = t.slot(slot) == 0;
  commit_words(segment_, s, std::span(words).first(fresh ? 4 : 3));
  return true;
}

void Dict::set_locked(StripeLock lock, Stripe& s, const ShortKey& short_key, std::size_t size, u64 word) {
  const Key key(short_key);
  const Found found = find_in(segment_, s, key);
  bool is_new = found.entry == nullptr;
  if (is_new && place_word(s, key, size, word)) {
    lock.unlock();
  } else {
    Operation op(*this, s, std::move(lock));
    is_new = put(op, s, key, found, BytesView(&word, size));
  }
  if (is_new) split_if_large(s);
}

bool Dict::setdefault(BytesView key_bytes, BytesView value, Bytes& out) {
  refuse_in_user_code("dict.setdefault");
  const Key key(key_bytes);
  Stripe* stripe = nullptr;
  {
    Operation op(*this, key.hash());
    Stripe& s = op.stripe_for(key.hash());
    if (const Found found = find_in(segment_, s, key); found.entry != nullptr) {
      dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), out, false);
      return false;
    }
    op.make_room(s, 1);
    op.place(s, key, value);
    op.commit();
    stripe = &s;
  }
  out.assign(value);
  split_if_large(*stripe);
  return true;
}

bool Dict::erase(BytesView key_bytes) {
  refuse_in_user_code("dict.erase");
  const Key key(key_bytes);
  Operation op(*this, key.hash());
  Stripe& s = op.stripe_for(key.hash());
  const Found found = find_in(segment_, s, key);
  if (found.entry == nullptr) return false;
  op.remove(s, *found.entry, found.number);
  op.commit();
  return true;
}

bool Dict::pop(BytesView key_bytes, Bytes& out) {
  refuse_in_user_code("dict.pop");
  const Key key(key_bytes);
  Operation op(*this, key.hash());
  Stripe& s = op.stripe_for(key.hash());
  const Found found = find_in(segment_, s, key);
  if (found.entry == nullptr) return false;
  dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), out, false);
  op.remove(s, *found.entry, found.number, segment_.client_slot);
  op.commit();
  return true;
}

bool Dict::popitem(Bytes& key, Bytes& value) {
  refuse_in_user_code("dict.popitem");
  Operation op(*this, std::span<const u64>{});
  Stripe* newest = nullptr;
  for (Stripe& s : op.stripes()) {
    const u64 last = s.body[dict_last].load();
    if (last != 0 && (newest == nullptr || last > newest->body[dict_last].load())) newest = &s;
  }
  if (newest == nullptr) return false;
  const Table t = Table::at(segment_, newest->body[dict_table].load());
  const u64 number = dict::cursor_of(newest->body[dict_count].load()) - 1;
  DictEntry& e = t.entries[number];
  dict::read_key(segment_, e, key);
  dict::read_value(segment_, e.meta.load(), e.value.load(), value, false);
  op.remove(*newest, e, number, segment_.client_slot);
  op.commit();
  return true;
}

bool Dict::wait(BytesView key_bytes, Bytes& out, const Deadline& deadline) {
  if (get(key_bytes, out)) return true;
  refuse_in_user_code("dict.wait");
  const Key key(key_bytes);
  Waiting waiting(segment_, deadline);
  for (;;) {
    {
      Stripe* s = nullptr;
      const StripeLock lock = lock_stripe_of(key.hash(), s);
      if (const Found found = find_in(segment_, *s, key); found.entry != nullptr) {
        dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), out, false);
        return true;
      }
      if (waiting.expired()) return false;
      waiting.expect(body_.inserted);
    }
    waiting.sleep();
  }
}

bool Dict::modify(BytesView key_bytes, const BytesView* initial, const Modifier& fn) {
  refuse_in_user_code("dict.modify");
  const Key key(key_bytes);
  std::optional<Operation> operation(std::in_place, *this, key.hash());
  Operation& op = *operation;
  Stripe& s = op.stripe_for(key.hash());
  const Found found = find_in(segment_, s, key);
  if (found.entry == nullptr && initial == nullptr) return false;
  Bytes current, next;
  if (found.entry != nullptr) {
    dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), current, false);
  }
  run_user_code(
      s, [&] { fn(found.entry != nullptr ? current.view() : *initial, next); }, [&] { op.abandon(); });
  const bool is_new = put(op, s, key, found, next.view());
  operation.reset();
  if (is_new) split_if_large(s);
  return true;
}

void Dict::update(std::span<const KeyValue> pairs) {
  refuse_in_user_code("dict.update");
  put_all(pairs, false);
}

std::optional<std::size_t> Dict::insert(std::span<const KeyValue> pairs) {
  refuse_in_user_code("dict.insert");
  return put_all(pairs, true);
}

std::optional<std::size_t> Dict::put_all(std::span<const KeyValue> pairs, bool only_new) {
  if (pairs.empty()) return std::nullopt;
  // The last value of a key counts, at the place of its first mention.
  std::vector<std::pair<Key, BytesView>> unique;
  std::unordered_map<std::string_view, std::size_t> seen;
  std::vector<u64> hashes;
  for (const KeyValue& p : pairs) {
    const std::string_view text(reinterpret_cast<const char*>(p.key.data), p.key.size);
    const auto [it, fresh] = seen.try_emplace(text, unique.size());
    if (fresh) {
      unique.emplace_back(Key(p.key), p.value);
      hashes.push_back(unique.back().first.hash());
    } else {
      unique[it->second].second = p.value;
    }
  }
  std::optional<Operation> operation(std::in_place, *this, hashes);
  Operation& op = *operation;
  // Room first, in commits of their own: a table must not move once entries of it are planned.
  std::unordered_map<Stripe*, u64> missing;
  for (std::size_t i = 0; only_new && i < pairs.size(); ++i) {
    const Key key(pairs[i].key);
    if (find_in(segment_, op.stripe_for(key.hash()), key).entry != nullptr) return i;
  }
  for (const auto& [key, value] : unique) {
    Stripe& s = op.stripe_for(key.hash());
    if (find_in(segment_, s, key).entry == nullptr) ++missing[&s];
  }
  for (const auto& [stripe, n] : missing) op.make_room(*stripe, n);
  for (const auto& [key, value] : unique) {
    Stripe& s = op.stripe_for(key.hash());
    if (const Found found = find_in(segment_, s, key); found.entry != nullptr) {
      op.overwrite(s, *found.entry, value);
    } else {
      op.place(s, key, value);
    }
  }
  op.commit();
  operation.reset();
  for (const auto& [stripe, n] : missing) split_if_large(*stripe);
  return std::nullopt;
}

void Dict::clear() {
  refuse_in_user_code("dict.clear");
  Operation op(*this, std::span<const u64>{});
  for (Stripe& s : op.stripes()) op.empty(s);
  op.commit();
}

bool Dict::drop_some(std::size_t most) {
  Operation op(*this, std::span<const u64>{});
  std::size_t dropped = 0;
  for (Stripe& s : op.stripes()) {
    const Table t = Table::at(segment_, s.body[dict_table].load());
    const u64 number = dict::cursor_of(s.body[dict_count].load());
    if (number == 0 || dropped == most) continue;
    op.remove(s, t.entries[number - 1], number - 1);
    ++dropped;
  }
  op.commit();
  return dropped != 0;
}

void Dict::dismantle(Change& change) {
  const u64 root = body_.root.load();
  for (u64 i = 0; i < dict::stripe_count(root); ++i) {
    Stripe& s = (&segment_.at<Stripe>(root >> 8))[i];
    const u64 table = s.body[dict_table].load();
    const Table t = Table::at(segment_, table);
    for (u64 n = 0; n < dict::cursor_of(s.body[dict_count].load()); ++n) {
      for_each_own_run(t.entries[n], [&](u64 run) { change.retire_run(run); });
    }
    if (t.capacity != 0 && !TableWord::of(table).embedded) change.retire_run(TableWord::of(table).offset);
    change.retire_chain(s.body[Change::arena_word].load());
  }
  change.retire_chain(body_.array.load());
  change.retire_run(segment_.offset_of(&body_));
}

void Dict::repair_dead() {
  for_each_stripe([&](Stripe& s) {
    if (s.mutex.owner_dead()) StripeLock(segment_, s).unlock();
  });
}

void Dict::for_each_stripe(FunctionView<void(Stripe&)> fn) {
  fn(body_.first);
  for (u64 run = body_.array.load(); run != 0; run = segment_.runs().link(run).load()) {
    const u64 bytes = segment_.runs().payload_size(run) - sizeof(StripeArrayHead);
    auto* stripes = reinterpret_cast<Stripe*>(&segment_.at<StripeArrayHead>(run) + 1);
    for (u64 i = 0; i < std::bit_floor(bytes / sizeof(Stripe)); ++i) fn(stripes[i]);
  }
}

}  // namespace partage::kernel
