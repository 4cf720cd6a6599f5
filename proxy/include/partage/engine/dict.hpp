// A dict as an engine offers it: byte strings under byte strings, in the order of insertion. DictProxy<K, V>,
// SetProxy<T> and Namespace put types on it.
//
// Keys are equal when their bytes are. Every mutating member is one atomic step, whole or not at all; `false` says that
// the key is not there.
// Thread and process safety: every member may be called by any thread of any attached process.
// Errors: ValueError when the handle is empty; ManagerShutdown after the manager's shutdown; OutOfMemory, TimeoutError
// and UsageError (a write from inside modify) with nothing changed.
#pragma once

#include <cstddef>
#include <span>

#include <partage/engine/deadline.hpp>
#include <partage/engine/function.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/value.hpp>
#include <partage/export.hpp>
#include <partage/function_view.hpp>
#include <partage/short_key.hpp>

namespace partage::engine {

struct KeyValue {
  BytesView key;
  BytesView value;
};

/// What became of an operation on a value that is stored as a word: `other`: what is there is none of that size, and nothing
/// has happened.
enum class WordResult { absent, done, other };

class PARTAGE_API Dict {
 public:
  Dict() = default;
  explicit Dict(ObjectPtr object) noexcept : object_(std::move(object)) {}
  const ObjectPtr& object() const noexcept { return object_; }

  std::size_t size() const;
  bool contains(BytesView key) const;
  bool get(BytesView key, Value& out) const;
  bool get(const ShortKey& key, Value& out) const;
  /// Fetches into the cache what a look for this key reads first, or then; see detail/dict_batch.hpp. No other effect.
  void prefetch_index(const ShortKey& key) const noexcept;
  void prefetch_entry(const ShortKey& key) const noexcept;
  /// The value of `size` <= 8 bytes, padded with zeros.
  WordResult get_word(const ShortKey& key, std::size_t size, std::uint64_t& word) const;
  /// get() as soon as the key is there; false: not before the deadline.
  bool wait(BytesView key, Value& out, const Deadline& deadline) const;
  void set(BytesView key, BytesView value) const;
  void set(const ShortKey& key, BytesView value) const;
  void set_word(const ShortKey& key, std::size_t size, std::uint64_t word) const;
  /// One step: word = next(word). `next` is arithmetic: it throws nothing and touches no shared object.
  WordResult change_word(const ShortKey& key, std::size_t size, FunctionView<std::uint64_t(std::uint64_t)> next) const;
  /// `out`: what is there afterwards.
  void setdefault(BytesView key, BytesView value, Value& out) const;
  bool erase(BytesView key) const;
  bool pop(BytesView key, Value& out) const;
  /// The pair inserted last; false: empty.
  bool popitem(Bytes& key, Value& value) const;
  /// All pairs in their order, as one step.
  void update(std::span<const KeyValue> pairs) const;
  /// `initial`: what a missing key counts as; nullptr: false for a missing key.
  bool modify(BytesView key, const BytesView* initial, Modifier fn) const;
  void clear() const;

  // For sets: keys whose values are empty. Each is one step, and a key that comes twice counts once.

  /// Inserts the key unless it is there.
  void add(BytesView key) const;
  void add_many(std::span<const BytesView> keys) const;
  void erase_many(std::span<const BytesView> keys) const;
  /// Erases all other keys.
  void retain(std::span<const BytesView> keys) const;
  /// Erases those of the keys that are there and inserts the others, in their order.
  void toggle(std::span<const BytesView> keys) const;

  /// One state, in the order of insertion. Either may be null.
  void snapshot(Snapshot* keys, Snapshot* values) const;

 private:
  ObjectPtr object_;
};

}  // namespace partage::engine
