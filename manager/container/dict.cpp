// The mutating operations of the dict. Every one is an Operation (dict_operation.hpp): lock, plan, one commit.
//
// Crash, for all of them: before the commit point the next locker finds the old contents, after it the new ones; runs in
// transit are on `pend` and go back to the heap. What lies behind the cursor, and an order number drawn, count for nothing.
// A table that is rebuilt to make room is a commit of its own, which changes no contents.

#include "manager/container/dict.hpp"

#include <new>
#include <partage/error.hpp>
#include <string_view>
#include <unordered_map>

#include "manager/container/dict_operation.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {

using dict::Found;
using dict::Key;
using dict::Table;

namespace {
Found find_in(const Segment& segment, const Stripe& s, const Key& key) {
  return dict::find(segment, Table::at(segment, s.body[dict_table].load()), key);
}

/// `fresh`: this memory never held a lock. A lock that exists is not made again: a repairer may be about to take it.
void make_stripe(const Draft& draft, Stripe& s, u64 owner, bool fresh) {
  if (fresh) new (&s.mutex) RobustMutex;
  draft.zero(&s.commit, (sizeof s - offsetof(Stripe, commit)) / 8);
  draft.set(s.body[dict_table], no_table);
  draft.set(s.owner, owner);
}
}  // namespace

u64 Dict::build(Change& change, const DictConfig& config) {
  Segment& segment = change.segment();
  const Change::Run run = change.take_run(sizeof(DictBody), Pool::dict_body);
  auto& body = segment.at<DictBody>(run.offset);
  const bool fresh_body = body.root.load() == 0;
  run.draft.zero(&body.config, (offsetof(DictBody, first) - offsetof(DictBody, config)) / 8);
  run.draft.set(body.config, config.handles ? handles_config : 0);
  make_stripe(run.draft, body.first, run.offset | static_cast<u64>(StripeKind::dict_first), fresh_body);
  u64 root = segment.offset_of(&body.first) << 8;
  if (config.stripes_log2 != 0) {
    const unsigned log2 = std::min(config.stripes_log2, most_stripes_log2);
    const Change::Run memory = change.take_run(sizeof(StripeArrayHead) + (sizeof(Stripe) << log2), stripe_pool(log2));
    auto& head = segment.at<StripeArrayHead>(memory.offset);
    auto* stripes = reinterpret_cast<Stripe*>(&head + 1);
    for (u64 i = 0; i < u64{1} << log2; ++i) {
      make_stripe(memory.draft, stripes[i], run.offset | static_cast<u64>(StripeKind::dict), head.made.load() == 0);
    }
    compiler_barrier();
    memory.draft.set(head.made, 1);
    root = segment.offset_of(stripes) << 8 | log2;
    run.draft.set(body.array, memory.offset);
    change.put(segment.runs().link(memory.offset), 0);
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

bool Dict::set(BytesView key_bytes, BytesView value) {
  refuse_in_user_code("dict.set");
  const Key key(key_bytes);
  Operation op(*this, key.hash());
  Stripe& s = op.stripe_for(key.hash());
  const Found found = find_in(segment_, s, key);
  if (found.entry != nullptr) {
    op.overwrite(s, *found.entry, value);
  } else {
    op.make_room(s, 1);
    op.place(s, key, value);
  }
  op.commit();
  return found.entry == nullptr;
}

bool Dict::setdefault(BytesView key_bytes, BytesView value, Bytes& out) {
  refuse_in_user_code("dict.setdefault");
  const Key key(key_bytes);
  Operation op(*this, key.hash());
  Stripe& s = op.stripe_for(key.hash());
  if (const Found found = find_in(segment_, s, key); found.entry != nullptr) {
    dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), out, false);
    return false;
  }
  op.make_room(s, 1);
  op.place(s, key, value);
  op.commit();
  out.assign(value);
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
      Stripe& s = dict::stripe_for(segment_, body_.root.load_acquire(), key.hash());
      const StripeLock lock(segment_, s);
      if (const Found found = find_in(segment_, s, key); found.entry != nullptr) {
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
  Operation op(*this, key.hash());
  Stripe& s = op.stripe_for(key.hash());
  const Found found = find_in(segment_, s, key);
  if (found.entry == nullptr && initial == nullptr) return false;
  Bytes current, next;
  if (found.entry != nullptr) {
    dict::read_value(segment_, found.entry->meta.load(), found.entry->value.load(), current, false);
  }
  run_user_code(
      s, [&] { fn(found.entry != nullptr ? current.view() : *initial, next); }, [&] { op.abandon(); });
  if (found.entry != nullptr) {
    op.overwrite(s, *found.entry, next.view());
  } else {
    op.make_room(s, 1);
    op.place(s, key, next.view());
  }
  op.commit();
  return true;
}

void Dict::update(std::span<const KeyValue> pairs) {
  refuse_in_user_code("dict.update");
  if (pairs.empty()) return;
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
  Operation op(*this, hashes);
  // Room first, in commits of their own: a table must not move once entries of it are planned.
  std::unordered_map<Stripe*, u64> missing;
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
  if (body_.array.load() != 0) change.retire_run(body_.array.load());
  change.retire_run(segment_.offset_of(&body_));
}

void Dict::repair_dead() {
  const u64 root = body_.root.load_acquire();
  for (u64 i = 0; i < dict::stripe_count(root); ++i) {
    Stripe& s = (&segment_.at<Stripe>(root >> 8))[i];
    if (s.mutex.owner_dead()) StripeLock(segment_, s).unlock();
  }
}

}  // namespace partage::kernel
