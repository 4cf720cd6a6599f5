// A list as an engine offers it: byte strings with references, in one order. ListProxy<T> puts types on it.
//
// Indexes count from the end when negative. Every mutating member is one atomic step, whole or not at all.
// Thread and process safety: every member may be called by any thread of any attached process.
// Errors: ValueError when the handle is empty; ManagerShutdown after the manager's shutdown; IndexError for an index
// out of range; OutOfMemory, TimeoutError and UsageError (a write from inside modify) with nothing changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <partage/engine/deadline.hpp>
#include <partage/engine/function.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/value.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// Python's start:stop:step.
struct Slice {
  std::optional<std::ptrdiff_t> start{};
  std::optional<std::ptrdiff_t> stop{};
  std::ptrdiff_t step = 1;
};

class PARTAGE_API List {
 public:
  List() = default;
  explicit List(ObjectPtr object) noexcept : object_(std::move(object)) {}
  const ObjectPtr& object() const noexcept { return object_; }

  std::size_t size() const;
  void get(std::ptrdiff_t i, Value& out) const;
  void set(std::ptrdiff_t i, BytesView value) const;
  void append(BytesView value) const;
  void extend(std::span<const BytesView> values) const;
  void insert(std::ptrdiff_t i, BytesView value) const;
  void pop(std::ptrdiff_t i, Value& out) const;
  /// False: there was no such element before the deadline.
  bool pop_wait(std::ptrdiff_t i, Value& out, const Deadline& deadline) const;
  void erase(std::ptrdiff_t i) const;
  void modify(std::ptrdiff_t i, Modifier fn) const;

  // Of a list whose elements are packed (ListType::packed_size): an element is a word, with zeros above its bytes.

  std::uint64_t get_word(std::ptrdiff_t i) const;
  void set_word(std::ptrdiff_t i, std::uint64_t word) const;
  void append_word(std::uint64_t word) const;
  std::uint64_t pop_word(std::ptrdiff_t i) const;
  /// The element becomes next(element), in one step; returns it as it was. `next` only computes.
  std::uint64_t step_word(std::ptrdiff_t i, FunctionView<std::uint64_t(std::uint64_t)> next) const;
  /// Shows the words of a slice in one state, a piece after the other, with the number of those to come. Only copies them.
  using TakeWords = FunctionView<void(std::span<const std::uint64_t> words, std::size_t rest)>;
  void slice_words(const Slice& slice, TakeWords take) const;
  /// All of them; returns the version, see snapshot().
  std::uint64_t snapshot_words(TakeWords take) const;

  void slice(const Slice& slice, Snapshot& out) const;
  void assign_slice(const Slice& slice, std::span<const BytesView> values) const;
  void erase_slice(const Slice& slice) const;

  /// Equal versions, equal contents.
  std::uint64_t snapshot(Snapshot& out) const;
  bool erase_if(std::uint64_t version, std::size_t i) const;
  bool permute_if(std::uint64_t version, std::span<const std::uint32_t> order) const;
  /// permute_if under the lock, for those who never find a quiet moment.
  void reorder(Reordering fn) const;
  void reverse() const;
  void repeat(std::ptrdiff_t times) const;
  void clear() const;

 private:
  ObjectPtr object_;
};

}  // namespace partage::engine
