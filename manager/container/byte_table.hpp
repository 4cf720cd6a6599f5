// Many byte strings at once, as a snapshot or a slice returns them. Process-local: nothing here touches shared memory.
//
// Two modes, chosen by reset(): packed, where every element has the same size of 1 to 8 bytes and is the beginning of one
// word (packed_words() has them all, ready for memcpy when the size is 8), and variable, where bytes and references of all
// elements stand in two vectors of their own. A snapshot sets the mode of its table itself.
//
// Complexity: add() amortised O(bytes), [] O(1). Views stay valid until the next add(), reset() or clear().
// Thread safety: as std::vector.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <partage/bytes.hpp>
#include <span>
#include <vector>

namespace partage::kernel {

class ByteTable {
 public:
  /// `packed_size` 1..8: packed; 0: variable.
  explicit ByteTable(std::size_t packed_size = 0) noexcept : packed_size_(packed_size) {}

  void reset(std::size_t packed_size) {
    clear();
    packed_size_ = packed_size;
  }
  void clear() {
    words_.clear();
    entries_.clear();
    bytes_.clear();
    refs_.clear();
  }
  void reserve(std::size_t elements) {
    if (packed_size_ != 0) {
      words_.reserve(elements);
    } else {
      entries_.reserve(elements);
    }
  }

  std::size_t packed_size() const noexcept { return packed_size_; }
  std::size_t size() const noexcept { return packed_size_ != 0 ? words_.size() : entries_.size(); }
  bool empty() const noexcept { return size() == 0; }
  BytesView operator[](std::size_t i) const noexcept {
    if (packed_size_ != 0) return {&words_[i], packed_size_};
    const Entry& e = entries_[i];
    return {bytes_.data() + e.bytes_at, e.bytes, {refs_.data() + e.refs_at, e.refs}};
  }

  void add(BytesView value) {
    if (packed_size_ != 0) {
      assert(value.size == packed_size_ && value.refs.empty());
      std::uint64_t word = 0;
      std::memcpy(&word, value.data, packed_size_);
      words_.push_back(word);
      return;
    }
    const Room room = add_room(value.size, value.refs.size());
    if (value.size != 0) std::memcpy(room.bytes, value.data, value.size);
    if (!value.refs.empty()) std::memcpy(room.refs, value.refs.data(), value.refs.size_bytes());
  }

  /// Variable mode: a further element whose bytes and references the caller fills in at once.
  struct Room {
    std::byte* bytes;
    ObjectRef* refs;
  };
  Room add_room(std::size_t bytes, std::size_t refs) {
    assert(packed_size_ == 0);
    const Entry e{bytes_.size(), bytes, refs_.size(), refs};
    bytes_.resize(e.bytes_at + bytes);
    refs_.resize(e.refs_at + refs);
    entries_.push_back(e);
    return {bytes_.data() + e.bytes_at, refs_.data() + e.refs_at};
  }

  /// Packed mode: `elements` further words which the caller fills in at once.
  std::uint64_t* add_words(std::size_t elements) {
    assert(packed_size_ != 0);
    const std::size_t at = words_.size();
    words_.resize(at + elements);
    return words_.data() + at;
  }
  const std::uint64_t* packed_words() const noexcept { return words_.data(); }

 private:
  struct Entry {
    std::size_t bytes_at, bytes, refs_at, refs;
  };
  std::size_t packed_size_;
  std::vector<std::uint64_t> words_;
  std::vector<Entry> entries_;
  std::vector<std::byte> bytes_;
  std::vector<ObjectRef> refs_;
};

}  // namespace partage::kernel
