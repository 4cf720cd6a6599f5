// The operations of the dict that take a set of keys: what sets are changed with. Each is one Operation, and so one
// commit, however many keys and stripes.
//
// Crash: as in dict.cpp. Entries are placed before others are removed: what is placed goes behind the cursor, where
// nobody can reach it, and only the commit moves the cursor.
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "manager/container/dict_operation.hpp"

namespace partage::kernel {

using dict::Found;
using dict::Key;
using dict::Table;

namespace {

std::string_view text_of(BytesView key) noexcept {
  return {reinterpret_cast<const char*>(key.data), key.size};
}

/// The keys, each once, in the order of their first mention.
struct Keys {
  explicit Keys(std::span<const BytesView> all) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(all.size());
    for (const BytesView key : all) {
      if (!seen.insert(text_of(key)).second) continue;
      unique.emplace_back(key);
      hashes.push_back(unique.back().hash());
    }
  }
  std::vector<Key> unique;
  std::vector<u64> hashes;
};

Found find_in(const Segment& segment, const Stripe& s, const Key& key) {
  return dict::find(segment, Table::at(segment, s.body[dict_table].load()), key);
}

}  // namespace

void Dict::erase_many(std::span<const BytesView> all) {
  refuse_in_user_code("dict.erase");
  if (all.empty()) return;
  const Keys keys(all);
  Operation op(*this, keys.hashes);
  for (const Key& key : keys.unique) {
    Stripe& s = op.stripe_for(key.hash());
    if (const Found found = find_in(segment_, s, key); found.entry != nullptr) op.remove(s, *found.entry, found.number);
  }
  op.commit();
}

void Dict::retain(std::span<const BytesView> all) {
  refuse_in_user_code("dict.retain");
  std::unordered_set<std::string_view> kept;
  kept.reserve(all.size());
  for (const BytesView key : all) kept.insert(text_of(key));
  Operation op(*this, std::span<const u64>{});
  Bytes key;
  std::vector<u64> gone;
  for (Stripe& s : op.stripes()) {
    const u64 count = s.body[dict_count].load();
    const Table t = Table::at(segment_, s.body[dict_table].load());
    gone.clear();
    for (u64 i = 0; i < dict::cursor_of(count); ++i) {
      if (t.entries[i].meta.load() == 0) continue;
      key.clear();
      dict::read_key(segment_, t.entries[i], key);
      if (!kept.contains(text_of(key.view()))) gone.push_back(i);
    }
    if (!gone.empty() && gone.size() == dict::live_of(count)) {
      op.empty(s);  // gives the memory back
      continue;
    }
    for (const u64 i : gone) op.remove(s, t.entries[i], i);
  }
  op.commit();
}

void Dict::toggle(std::span<const BytesView> all) {
  refuse_in_user_code("dict.toggle");
  if (all.empty()) return;
  const Keys keys(all);
  Operation op(*this, keys.hashes);
  std::unordered_map<Stripe*, u64> missing;
  for (const Key& key : keys.unique) {
    Stripe& s = op.stripe_for(key.hash());
    if (find_in(segment_, s, key).entry == nullptr) ++missing[&s];
  }
  for (const auto& [stripe, n] : missing) op.make_room(*stripe, n);
  std::vector<std::pair<Stripe*, Found>> gone;
  for (const Key& key : keys.unique) {
    Stripe& s = op.stripe_for(key.hash());
    if (const Found found = find_in(segment_, s, key); found.entry != nullptr) {
      gone.emplace_back(&s, found);
    } else {
      op.place(s, key, {});
    }
  }
  for (const auto& [stripe, found] : gone) op.remove(*stripe, *found.entry, found.number);
  op.commit();
}

}  // namespace partage::kernel
