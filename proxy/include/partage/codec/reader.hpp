// Where bytes become values again: a cursor over borrowed bytes and over the objects their references led to, which are
// handed out in the order in which the Writer collected them.
//
// Thread safety: none; one thread at a time. Nothing here touches shared memory: copy out first, then read.
// Invariants: never reads outside [data, data + size); input that is too short, too long or impossible throws Corrupt.
// Every encoded value takes at least one byte or one reference, so a count above what is left is recognised at once, and so
// are counts within each other that are too much together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <type_traits>

#include <partage/bytes.hpp>
#include <partage/codec/handle.hpp>
#include <partage/codec/passenger.hpp>
#include <partage/copy.hpp>
#include <partage/export.hpp>

namespace partage::codec {

class PARTAGE_API Reader {
 public:
  static constexpr unsigned depth_limit = 512;

  Reader(const std::byte* data, std::size_t size) : begin_(data), at_(data), end_(data + size) {}
  /// `objects`: any contiguous range of engine::ObjectPtr; borrowed.
  template <class Objects>
  Reader(const std::byte* data, std::size_t size, const Objects& objects)
      : begin_(data), at_(data), end_(data + size), objects_(std::data(objects)), object_count_(std::size(objects)) {}
  explicit Reader(BytesView v) : Reader(v.data, v.size) {}
  template <class Objects>
  Reader(BytesView v, const Objects& objects) : Reader(v.data, v.size, objects) {}

  /// The next `n` bytes, in place.
  const std::byte* take(std::size_t n) {
    if (n > left()) [[unlikely]]
      too_short(n);
    const std::byte* from = at_;
    at_ += n;
    return from;
  }
  void read(void* to, std::size_t n) {
    const std::byte* from = take(n);
    copy_bytes(to, from, n);
  }
  template <class T>
  T read_pod() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  /// See Writer::write_count.
  std::uint64_t read_count() {
    const auto first = read_pod<std::uint8_t>();
    return first < 0x80 ? first : read_long_count(first);
  }
  /// The count of elements that follow, each of at least one byte or one reference of its own. Lists in lists, too, cannot
  /// have more than those, so that whoever makes room for what is announced takes memory in proportion to the input.
  std::size_t read_element_count() {
    const std::uint64_t n = read_count();
    if (n > left() + objects_left() || n > static_cast<std::size_t>(end_ - begin_) + object_count_ - announced_)
        [[unlikely]]
      impossible_count(n);
    announced_ += static_cast<std::size_t>(n);
    return static_cast<std::size_t>(n);
  }
  /// The object of the next reference. `Pointer` is engine::ObjectPtr: a parameter only because it is incomplete here.
  template <class Pointer = engine::ObjectPtr>
  const Pointer& next_object() {
    if (next_object_ == object_count_) [[unlikely]]
      no_more_objects();
    return static_cast<const Pointer*>(objects_)[next_object_++];
  }

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t objects_left() const { return object_count_ - next_object_; }
  /// Everything was consumed, or Corrupt.
  void finish() const {
    if (at_ != end_ || next_object_ != object_count_) [[unlikely]]
      not_finished();
  }
  [[noreturn]] void corrupt(const char* what) const;  ///< throws Corrupt: "... at byte N of M"

  /// While true the bytes were written by encode_key (see key.hpp).
  bool canonical() const { return canonical_; }
  void set_canonical(bool on) { canonical_ = on; }

  /// Where what came beside the bytes is; nullptr: nothing came.
  Arriving* arriving() const { return arriving_; }
  void set_arriving(Arriving* from) { arriving_ = from; }

  void enter() {
    if (++depth_ > depth_limit) [[unlikely]]
      corrupt("it nests deeper than 512 levels");
  }
  void leave() { --depth_; }

 private:
  std::uint64_t read_long_count(std::uint8_t first);
  [[noreturn]] void too_short(std::size_t wanted) const;
  [[noreturn]] void impossible_count(std::uint64_t n) const;
  [[noreturn]] void no_more_objects() const;
  [[noreturn]] void not_finished() const;

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  const void* objects_ = nullptr;
  std::size_t object_count_ = 0;
  std::size_t next_object_ = 0;
  std::size_t announced_ = 0;
  unsigned depth_ = 0;
  bool canonical_ = false;
  Arriving* arriving_ = nullptr;
};

}  // namespace partage::codec
