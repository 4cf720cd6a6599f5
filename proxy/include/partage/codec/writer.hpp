// Where values become bytes: an append-only sink with room for 128 bytes inside itself, and the references to shared
// objects met on the way, in order. Made to be reused (see scratch.hpp): clear() keeps what the heap gave, up to 1 MiB.
//
// Thread safety: none; one thread at a time. Nothing here touches shared memory.
// Invariants: size <= capacity; what was written never moves relative to the beginning; refs are in encoding order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include <partage/bytes.hpp>
#include <partage/codec/passenger.hpp>
#include <partage/copy.hpp>
#include <partage/export.hpp>

namespace partage::codec {

class PARTAGE_API Writer {
 public:
  static constexpr std::size_t inline_capacity = 128;
  static constexpr std::size_t keep_at_most = std::size_t{1} << 20;
  static constexpr unsigned depth_limit = 512;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// `n` fresh bytes at the end, contents unspecified; valid until the next call.
  std::byte* extend(std::size_t n) {
    if (n > capacity_ - size_) [[unlikely]]
      grow(n);
    std::byte* at = data_ + size_;
    size_ += n;
    return at;
  }
  void write(const void* from, std::size_t n) {
    if (n != 0) copy_bytes(extend(n), from, n);
  }
  template <class T>
  void write_pod(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(extend(sizeof value), &value, sizeof value);
  }
  /// A count or length: 7 bits a byte, least first, the high bit says that more follow (LEB128), never
  /// longer than needed.
  void write_count(std::uint64_t n) {
    while (n >= 0x80) {
      write_pod(static_cast<std::uint8_t>(n | 0x80));
      n >>= 7;
    }
    write_pod(static_cast<std::uint8_t>(n));
  }
  /// Overwrites bytes written before.
  void patch(std::size_t at, const void* from, std::size_t n) { std::memcpy(data_ + at, from, n); }
  /// Appends a reference. Whoever holds the handle keeps the object alive until the bytes are committed.
  void object(ObjectRef ref) { refs_.push_back(ref); }

  void clear();
  std::size_t size() const { return size_; }
  const std::byte* data() const { return data_; }
  const std::vector<ObjectRef>& refs() const { return refs_; }
  BytesView view() const { return {data_, size_, refs_}; }

  /// While true, equal values get equal bytes: -0.0 becomes 0.0, NaN throws ValueError (see key.hpp).
  bool canonical() const { return canonical_; }
  void set_canonical(bool on) { canonical_ = on; }

  /// Where what goes beside the bytes is put; nullptr: the bytes are for a container, in which nothing else can go.
  Departing* departing() const { return departing_; }
  void set_departing(Departing* to) { departing_ = to; }

  /// Nesting of recursive values; ValueError beyond depth_limit, because such a value could not be read back.
  void enter() {
    if (++depth_ > depth_limit) [[unlikely]]
      too_deep();
  }
  void leave() { --depth_; }

 private:
  void grow(std::size_t n);
  [[noreturn]] void too_deep();

  std::byte* data_ = near_;
  std::size_t size_ = 0;
  std::size_t capacity_ = inline_capacity;
  std::unique_ptr<std::byte[]> far_;
  std::vector<ObjectRef> refs_;
  unsigned depth_ = 0;
  bool canonical_ = false;
  Departing* departing_ = nullptr;
  alignas(8) std::byte near_[inline_capacity];
};

}  // namespace partage::codec
