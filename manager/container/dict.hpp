// The byte-level dict: insertion-ordered, keys and small values inline, one stripe or several, reads without a lock.
//
// A process-local view of one dict in a mapped segment; cheap to make. It knows bytes, never types. The layout is in
// dict_layout.hpp, the steps of every operation and what a death leaves behind in dict.cpp and dict_sets.cpp.
//
// Thread and process safety: every member may be called by any thread of any attached process at any time. Each
// mutating member is one atomic step. get(), contains() and size() take no lock and write nothing shared unless a
// writer keeps getting in the way or died, in which case they take the lock, which repairs.
// Errors: OutOfMemory, TimeoutError; then nothing has changed. Complexity: O(1) per key unless said.
//
// Keys are equal when their bytes are. Handles (references) in values need DictConfig::handles; keys have none.
#pragma once

#include <optional>
#include <partage/bytes.hpp>
#include <partage/function_view.hpp>
#include <partage/short_key.hpp>
#include <span>
#include <string>
#include <vector>

#include "manager/container/byte_table.hpp"
#include "manager/container/dict_layout.hpp"
#include "manager/segment/object_table.hpp"

namespace partage::kernel {

struct DictConfig {
  unsigned stripes_log2 = 0;  // 0: one stripe, ... 6: 64 stripes
  bool handles = false;       // values may hold references
  unsigned split_log2 = 9;    // one stripe splits at 2^9 = 512 keys, one of several at twice that; 0: never
};

namespace dict {
struct InlineKey;
struct Key;
struct Found;
}  // namespace dict

struct KeyValue {
  BytesView key;
  BytesView value;
};

/// What became of an operation on a value of at most 8 bytes that lies in its entry. `other`: the value that is there is
/// none of that size; nothing has happened.
enum class InPlace { absent, done, other };

class Dict {
 public:
  /// Computes the next value from the present one, under the lock, in a UserCodeScope.
  using Modifier = FunctionView<void(BytesView current, Bytes& next)>;

  Dict(Segment& segment, DictBody& body) noexcept : segment_(segment), body_(body) {}

  /// Takes and fills the body of an empty dict; for Objects::create.
  static u64 build(Change& change, const DictConfig& config);

  std::size_t size();
  bool contains(BytesView key);
  /// Fetches what a look for the key will read first (index) or then (entry) into the cache. Of many keys, first the one for
  /// all, then the other, then the looks: so their cache misses overlap. No promise, no effect.
  enum class Ahead { index, entry };
  void prefetch(const ShortKey& key, Ahead what) const noexcept;
  bool get(BytesView key, Bytes& out);
  bool get(const ShortKey& key, Bytes& out);
  /// A value of `size` <= 8 bytes, padded with zeros.
  InPlace get_word(const ShortKey& key, std::size_t size, u64& word);  // dict_words.hpp, as the other two
  /// get() as soon as the key is there. False: not before the deadline.
  bool wait(BytesView key, Bytes& out, const Deadline& deadline);

  /// True: the key is new.
  bool set(BytesView key, BytesView value);
  bool set(const ShortKey& key, BytesView value);
  /// A value of `size` <= 8 bytes, padded with zeros.
  void set_word(const ShortKey& key, std::size_t size, u64 word);
  /// One step: word = next(word), for a value of `size` <= 8 bytes. `next` runs under the lock and must be arithmetic: it
  /// may not throw, nor touch a shared object.
  template <class Next>
  InPlace change_word(const ShortKey& key, std::size_t size, Next&& next);
  /// Inserts unless there; `out` is the value that is there afterwards. True: inserted.
  bool setdefault(BytesView key, BytesView value, Bytes& out);
  bool erase(BytesView key);
  /// False: no such key. The caller's process holds what references were in the value from the same commit on.
  bool pop(BytesView key, Bytes& out);
  /// The key inserted last; false: empty.
  bool popitem(Bytes& key, Bytes& value);
  /// All pairs, in their order, as ONE step; a later pair of the same key wins.
  void update(std::span<const KeyValue> pairs);
  /// update() if none of the keys is there; else the place of the first that is, and nothing has happened.
  std::optional<std::size_t> insert(std::span<const KeyValue> pairs);
  /// Each of these as ONE step; a key that comes twice counts once.
  void erase_many(std::span<const BytesView> keys);
  /// Erases all other keys.
  void retain(std::span<const BytesView> keys);
  /// Erases those of the keys that are there, and inserts the others in their order, with empty values.
  void toggle(std::span<const BytesView> keys);
  /// One step: next = fn(present). `initial`: what a missing key counts as; without it false for a missing key.
  bool modify(BytesView key, const BytesView* initial, const Modifier& fn);
  void clear();

  /// One consistent state in insertion order. Either table may be null. O(n).
  void snapshot(ByteTable* keys, ByteTable* values);

  /// Drops up to `most` values with references; false when none are left. For the end of a dict of handles.
  bool drop_some(std::size_t most);
  /// Gives every run back in a commit of another stripe. Nobody may refer to the dict any more.
  void dismantle(Change& change);
  /// Locks and unlocks every stripe whose holder died, which repairs it.
  void repair_dead();
  /// Another number after each change. Without the locks.
  u64 version() const;
  /// Takes a damaged dict out of use, and wakes who waits in it. False: a living process holds one of its locks.
  bool condemn();
  /// One of its locks is.
  bool condemned();
  /// Checks every invariant, under the locks; appends every run the dict owns. "" or what is wrong. Follows no word before it
  /// has been bounded, so the dict may be damaged.
  std::string verify(std::vector<u64>& runs, Leftovers leftovers = Leftovers::damage);
  /// Bytes of the segment it occupies, without locks; approximate while it is being changed.
  std::size_t bytes_used();

 private:
  class Operation;
  friend class Operation;
  bool has_handles() const noexcept { return (body_.config.load() & handles_config) != 0; }
  /// The rest of get_word() after the first attempt met a writer. False: it is not there. Static, so that a caller has no need
  /// of a Dict in memory.
  static bool get_word_again(Segment& segment, const DictBody& body, const ShortKey& key, u64& meta, u64& word);
  /// set_word() of what is not one store.
  void set_locked(StripeLock lock, Stripe& stripe, const ShortKey& key, std::size_t size, u64 word);
  bool place_word(Stripe& stripe, const dict::InlineKey& key, std::size_t size, u64 word);
  /// The stripe that holds the keys of this hash, locked.
  StripeLock lock_stripe_of(u64 hash, Stripe*& stripe);
  /// After an insert into this stripe, without locks: more stripes if it has become large (dict_split.cpp).
  void split_if_large(const Stripe& stripe) noexcept;
  void split(u64 root);
  /// Those in use and those that were left by splits.
  void for_each_stripe(FunctionView<void(Stripe&)> fn);
  /// Throws Corrupt when its words lead to no stripes: before all are looked at for people.
  void refuse_damaged_root() const;
  bool set_key(const dict::Key& key, BytesView value);
  /// The rest of an operation that gives a key a value. True: the key is new.
  bool put(Operation& op, Stripe& stripe, const dict::Key& key, const dict::Found& found, BytesView value);
  /// Both update() and insert().
  std::optional<std::size_t> put_all(std::span<const KeyValue> pairs, bool only_new);
  /// Calls fn(run) for the key and the value of an entry when they are runs of their own.
  void for_each_own_run(const DictEntry& entry, FunctionView<void(u64 run)> fn) const;
  Segment& segment_;
  DictBody& body_;
};

}  // namespace partage::kernel
