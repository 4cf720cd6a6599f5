// The redo log: what a commit is going to write, first planned in private memory, then laid down in shared slots, then
// decided by one store, then applied.
//
//   Plan      process-local: the words of one commit, with read-your-own-writes
//   LogSlot   shared: {offset of the word, value}; 16 bytes
//   Log       lays a plan into slots and applies slots to their words; the only code that writes reachable words
//
// Layout: LogSlot = offset u64 (from the segment's base) | value u64.
// Crash:  values are absolute, so applying a log twice, or half of it and then all of it, gives the same words.
//         Slots are written only while no commit word says that they count.
//         Apply order is slot order: write "look there" before the word that makes "there" unreachable.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "manager/journal/word.hpp"

namespace partage::kernel {

class LogSlot {
 public:
  u64 offset() const noexcept { return offset_; }
  u64 value() const noexcept { return value_; }

 private:
  friend class Log;
  u64 offset_;
  u64 value_;
};
static_assert(sizeof(LogSlot) == 16);

/// The words one commit will write, in the order of their first put(). Lives on the stack; the first 24 words cost no heap.
class Plan {
 public:
  struct Entry {
    Word* word;
    u64 value;
  };

  void put(Word& word, u64 value) {
    if (Entry* e = find(&word)) {
      e->value = value;
    } else {
      append(Entry{&word, value});
    }
  }
  /// What the word will hold after the commit: the planned value, or else the present one.
  u64 get(const Word& word) const {
    const Entry* e = find(&word);
    return e != nullptr ? e->value : word.load();
  }
  std::size_t size() const noexcept { return size_; }
  const Entry& operator[](std::size_t i) const noexcept {
    return i < near_.size() ? near_[i] : (*far_).entries[i - near_.size()];
  }
  void clear() noexcept {
    size_ = 0;
    far_.reset();
  }

 private:
  // Long plans (an update of thousands of keys) find their words by an open-addressing index; short ones by a look along
  // the line, which is faster than hashing.
  struct Far {
    std::vector<Entry> entries;
    std::vector<u32> index;  // entry number + 1, 0 = empty; a power of two, at most half full
  };

  Entry* find(const Word* word) { return const_cast<Entry*>(std::as_const(*this).find(word)); }
  const Entry* find(const Word* word) const {
    if (far_) return find_far(word);
    for (std::size_t i = 0; i < size_; ++i) {
      if (near_[i].word == word) return &near_[i];
    }
    return nullptr;
  }
  void append(Entry e) {
    if (size_ < near_.size() && !far_) {
      near_[size_++] = e;
    } else {
      append_far(e);
    }
  }
  const Entry* find_far(const Word* word) const;
  void append_far(Entry e);
  void index_entry(std::size_t number);

  std::size_t size_ = 0;
  std::array<Entry, 24> near_;
  std::unique_ptr<Far> far_;
};

class Log {
 public:
  /// Writes entry `i` of the plan into a slot. Only while no commit word makes the slot count.
  static void lay(LogSlot& slot, const Plan::Entry& entry, const std::byte* base) noexcept {
    // Atomic, because a spilled log may stand in reused memory that an optimistic reader still looks at.
    const auto offset = static_cast<u64>(reinterpret_cast<const std::byte*>(entry.word) - base);
    __atomic_store_n(&slot.offset_, offset, __ATOMIC_RELAXED);
    __atomic_store_n(&slot.value_, entry.value, __ATOMIC_RELAXED);
  }
  static void apply(const LogSlot& slot, std::byte* base) noexcept {
    // Released, because a word may publish what was drafted: who reads a dict's root without a lock finds its locks made.
    reinterpret_cast<Word*>(base + slot.offset_)->store_release(slot.value_);
  }
  /// Stores a commit or decision word: everything before is laid down when the word is seen.
  static void decide(Word& word, u64 value) noexcept {
    compiler_barrier();
    word.store_release(value);
    compiler_barrier();
  }
  /// A commit of a single word is its own log: the store happens or it does not.
  static void commit_single(Word& word, u64 value) noexcept { word.store(value); }
};

/// Every slot names a word of a segment of so many bytes: what a log that somebody else left must do before it is applied.
inline bool logs_within(std::span<const LogSlot> slots, u64 bytes) noexcept {
  return std::ranges::all_of(
      slots, [&](const LogSlot& s) { return s.offset() % 8 == 0 && s.offset() < bytes && bytes - s.offset() >= 8; });
}

}  // namespace partage::kernel
