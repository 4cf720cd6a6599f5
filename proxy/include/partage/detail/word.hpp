// Elements that are one word: what a T of up to 8 bytes looks like in a packed list or a small Value, without a codec.
//
//   is_word<T>    the encoding of a T is its object representation of at most 8 bytes, or that of a bool
//   to_word(x), from_word<T>(word)
//   append_words(out, words)   many at once, without writing the memory of `out` twice
//
// Thread safety: full.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <partage/codec/traits.hpp>

namespace partage::detail {

static_assert(std::endian::native == std::endian::little);

template <class T>
inline constexpr bool is_word = (codec::is_flat<T> && sizeof(T) <= 8) || std::is_same_v<T, bool>;

template <class T>
std::uint64_t to_word(const T& x) {
  std::uint64_t word = 0;
  std::memcpy(&word, &x, sizeof x);
  return word;
}

template <class T>
T from_word(std::uint64_t word) {
  if constexpr (std::is_same_v<T, bool>) {
    return word != 0;
  } else {
    std::array<std::byte, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &word, sizeof(T));
    return std::bit_cast<T>(bytes);
  }
}

/// The low halves of `n` words. Four at a time, where a loop over one would be bound by its stores.
inline void low_halves(std::byte* to, const std::uint64_t* words, std::size_t n) {
  std::size_t i = 0;
#if defined(__GNUC__)
  using Four __attribute__((vector_size(16))) = std::uint32_t;
  for (; i + 4 <= n; i += 4) {
    Four a, b;
    std::memcpy(&a, words + i, sizeof a);
    std::memcpy(&b, words + i + 2, sizeof b);
    const Four low = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    std::memcpy(to + 4 * i, &low, sizeof low);
  }
#endif
  for (; i < n; ++i) std::memcpy(to + 4 * i, words + i, 4);
}

template <class T>
void append_words(std::vector<T>& out, std::span<const std::uint64_t> words) {
  if constexpr (!std::is_trivial_v<T> || std::is_same_v<T, bool>) {
    for (const std::uint64_t word : words) out.push_back(from_word<T>(word));
  } else if constexpr (sizeof(T) == 8) {
    const T* first = reinterpret_cast<const T*>(words.data());
    out.insert(out.end(), first, first + words.size());  // a memmove
  } else {
    std::array<T, 512> some;  // stays in the nearest cache
    for (std::size_t i = 0; i < words.size(); i += some.size()) {
      const std::size_t n = std::min(some.size(), words.size() - i);
      if constexpr (sizeof(T) == 4) {
        low_halves(reinterpret_cast<std::byte*>(some.data()), words.data() + i, n);
      } else {
        for (std::size_t k = 0; k < n; ++k) some[k] = from_word<T>(words[i + k]);
      }
      out.insert(out.end(), some.data(), some.data() + n);
    }
  }
}

}  // namespace partage::detail
