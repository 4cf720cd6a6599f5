// Values of at most 8 bytes under keys of at most 24, as words: the short way of what a dict of numbers does most.
//
// A value in its entry is one word, so a new one is one store that commits itself: lock, open the window, store, close it,
// unlock. A key that is new is four words, where there is room for it (Dict::place_word). Whatever is more goes the long way:
// a value of another size, a table to grow, a stripe that has moved.
//
// Crash, for the holder of the lock that dies: before the store of the word nothing has happened, after it, it has; the next
// locker closes the window. Thread safety: as Dict. Inline everywhere, because calls and values in memory cost as much as the work,
// and the fewer instructions an operation has, the more of the next one's cache misses overlap with its own.
#pragma once

#include "manager/container/dict.hpp"
#include "manager/container/dict_probe.hpp"
#include "manager/container/dict_stripes.hpp"
#include "manager/segment/read_tally.hpp"
#include "manager/segment/stripe_lock.hpp"

namespace partage::kernel {

[[gnu::always_inline]] inline InPlace Dict::get_word(const ShortKey& short_key, std::size_t size, u64& word) {
  ReadTally::count(body_.reads);
  const dict::InlineKey key(short_key);
  const Stripe& s = dict::stripe_for(segment_, body_.root.load_acquire(), key.hash());
  u64 meta = 0, value = 0;
  const dict::Attempt attempt = dict::probe(segment_, s, key, [&](u64 m, u64 v, bool) {
    meta = m;
    value = v;
    return true;
  });
  bool found = attempt == dict::Attempt::found;
  if (attempt == dict::Attempt::disturbed) [[unlikely]] {
    u64 its_meta = 0, its_value = 0;
    found = get_word_again(segment_, body_, short_key, its_meta, its_value);
    meta = its_meta;
    value = its_value;
  }
  if (!found) return InPlace::absent;
  word = value;
  return DictEntry::value_code(meta) == size ? InPlace::done : InPlace::other;
}

[[gnu::always_inline]] inline StripeLock Dict::lock_stripe_of(u64 hash, Stripe*& stripe) {
  for (;;) {
    const u64 root = body_.root.load_acquire();
    stripe = &dict::stripe_for(segment_, root, hash);
    StripeLock lock(segment_, *stripe);
    if (!dict::is_moved(*stripe)) [[likely]]
      return lock;
    lock.unlock();
    dict::await_move(segment_, body_, root);
  }
}

[[gnu::always_inline]] inline void Dict::set_word(const ShortKey& short_key, std::size_t size, u64 word) {
  refuse_in_user_code("dict.set");
  if (has_handles()) [[unlikely]] {
    set(short_key, BytesView(&word, size));
    return;
  }
  const dict::InlineKey key(short_key);
  Stripe* s = nullptr;
  StripeLock lock = lock_stripe_of(key.hash(), s);
  DictEntry* const entry = dict::entry_of(segment_, *s, key);
  if (entry == nullptr || DictEntry::value_code(entry->meta.load()) != size) [[unlikely]]
    return set_locked(std::move(lock), *s, short_key, size, word);
  commit_word(*s, entry->value, word);
}

template <class Next>
[[gnu::always_inline]] inline InPlace Dict::change_word(const ShortKey& short_key, std::size_t size, Next&& next) {
  refuse_in_user_code("dict.modify");
  const dict::InlineKey key(short_key);
  Stripe* s = nullptr;
  const StripeLock lock = lock_stripe_of(key.hash(), s);
  DictEntry* const entry = dict::entry_of(segment_, *s, key);
  if (entry == nullptr) return InPlace::absent;
  if (DictEntry::value_code(entry->meta.load()) != size) return InPlace::other;
  commit_word(*s, entry->value, next(entry->value.load()));
  return InPlace::done;
}

}  // namespace partage::kernel
