// Bytes and object references as they cross the border between proxies (which know types) and the manager's
// byte-level containers (which do not).
//
//   BytesView   what is stored: a run of bytes plus the references to shared objects inside it; borrows both
//   Bytes       what is read: the same, owned; 128 bytes live inside the object, longer ones on the heap
//
// Thread safety: as std::string. Nothing here touches shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <partage/copy.hpp>

namespace partage {

/// Names one object of a segment for ever: slot number in the low 32 bits, generation of the slot in the high 32.
/// A slot is reused with another generation, so an outdated reference is recognised. 0 is no object.
using ObjectRef = std::uint64_t;

struct BytesView {
  const std::byte* data = nullptr;
  std::size_t size = 0;
  std::span<const ObjectRef> refs{};

  BytesView() = default;
  BytesView(const void* d, std::size_t n, std::span<const ObjectRef> r = {})
      : data(static_cast<const std::byte*>(d)), size(n), refs(r) {}
};

class Bytes {
 public:
  static constexpr std::size_t inline_capacity = 128;

  Bytes() = default;
  Bytes(const Bytes& other) { assign(other.view()); }
  Bytes& operator=(const Bytes& other) {
    if (this != &other) assign(other.view());
    return *this;
  }
  Bytes(Bytes&& other) noexcept { steal(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    if (this != &other) steal(other);
    return *this;
  }
  ~Bytes() = default;

  /// Makes room for exactly `n` bytes whose contents are unspecified, and returns them.
  std::byte* resize(std::size_t n) {
    if (n > capacity()) {
      far_ = std::make_unique_for_overwrite<std::byte[]>(n);
      far_capacity_ = n;
    }
    size_ = n;
    return data();
  }
  void assign(BytesView v) {
    std::byte* to = resize(v.size);
    copy_bytes(to, v.data, v.size);
    refs_.assign(v.refs.begin(), v.refs.end());
  }
  void clear() {
    size_ = 0;
    refs_.clear();
  }

  std::byte* data() { return far_ ? far_.get() : near_; }
  const std::byte* data() const { return far_ ? far_.get() : near_; }
  std::size_t size() const { return size_; }
  std::vector<ObjectRef>& refs() { return refs_; }
  const std::vector<ObjectRef>& refs() const { return refs_; }
  BytesView view() const { return {data(), size_, refs_}; }

 private:
  std::size_t capacity() const { return far_ ? far_capacity_ : inline_capacity; }
  void steal(Bytes& other) noexcept {
    far_ = std::move(other.far_);
    far_capacity_ = other.far_capacity_;
    size_ = other.size_;
    if (!far_) std::memcpy(near_, other.near_, size_);
    refs_ = std::move(other.refs_);
    other.size_ = 0;
    other.refs_.clear();
  }

  std::size_t size_ = 0;
  std::size_t far_capacity_ = 0;
  std::unique_ptr<std::byte[]> far_;
  std::vector<ObjectRef> refs_;
  alignas(8) std::byte near_[inline_capacity];
};

}  // namespace partage
