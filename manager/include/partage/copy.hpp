// memcpy() without its weakness for long copies.
//
// Thread safety: full.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace partage {

/// From 2 KiB on glibc copies by `rep movsb` where the processor says that is fast. Some (Zen 3 and 4) are then four times slower
/// than usual when the two places lie alike in their pages, which values in a segment and in a heap often do (glibc bug
/// 30994). Pieces of 1 KiB are copied by vector registers everywhere, at the full speed.
inline void copy_bytes(void* to, const void* from, std::size_t n) noexcept {
  constexpr std::size_t piece = 1024;
  auto* t = static_cast<std::byte*>(to);
  const auto* f = static_cast<const std::byte*>(from);
  for (; n > piece; t += piece, f += piece, n -= piece) {
    std::size_t length = piece;
    asm("" : "+r"(length));  // a constant would become `rep movs` in place
    std::memcpy(t, f, length);
  }
  if (n != 0) std::memcpy(t, f, n);
}

}  // namespace partage
