// Keys of up to 24 bytes as three words: the shape in which a dict stores them, hashes them and compares them.
//
// Made where the key is known by its type, in registers: bytes written to memory one by one and read back as words would
// wait for each other. Zero-padded, little-endian; equal keys have equal words and sizes.
//
// Thread safety: as an integer's. Nothing here touches shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <partage/bytes.hpp>

namespace partage {

struct ShortKey {
  static constexpr std::size_t capacity = 24;

  std::uint64_t word[3] = {0, 0, 0};
  std::size_t size = 0;

  ShortKey() = default;
  /// `n` <= capacity.
  ShortKey(const void* bytes, std::size_t n) noexcept : size(n) {
    const auto* p = static_cast<const std::byte*>(bytes);
    if (n >= 16) {
      word[0] = load(p);
      word[1] = load(p + 8);
      if (n > 16) word[2] = load(p + n - 8) >> (24 - n) * 8;
    } else if (n >= 8) {
      word[0] = load(p);
      if (n > 8) word[1] = load(p + n - 8) >> (16 - n) * 8;
    } else {
      word[0] = load_few(p, n);
    }
  }
  /// One byte more in front; `size` < capacity.
  void prepend(std::uint8_t byte) noexcept {
    word[2] = word[2] << 8 | word[1] >> 56;
    word[1] = word[1] << 8 | word[0] >> 56;
    word[0] = word[0] << 8 | byte;
    ++size;
  }
  BytesView view() const noexcept { return {word, size}; }

 private:
  static std::uint64_t load(const std::byte* p) noexcept {
    std::uint64_t w;
    std::memcpy(&w, p, 8);
    return w;
  }
  static std::uint64_t load_few(const std::byte* p, std::size_t n) noexcept {
    if (n >= 4) {  // two halves that overlap, and agree where they do
      std::uint32_t low, high;
      std::memcpy(&low, p, 4);
      std::memcpy(&high, p + n - 4, 4);
      return low | std::uint64_t{high} << (n - 4) * 8;
    }
    std::uint64_t w = 0;
    for (std::size_t i = 0; i < n; ++i) w |= std::uint64_t{std::to_integer<std::uint8_t>(p[i])} << i * 8;
    return w;
  }
};

}  // namespace partage
