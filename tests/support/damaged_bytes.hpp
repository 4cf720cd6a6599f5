// Damaged forms of a good encoding, for tests of whatever decodes it.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace partage::test {

/// `good` with one to three bytes changed, inserted or erased.
inline std::string damaged(std::mt19937_64& random, const std::string& good) {
  std::string bad = good;
  for (std::uint64_t n = random() % 3 + 1; n != 0 && !bad.empty(); --n) {
    const std::size_t at = random() % bad.size();
    const char byte = static_cast<char>(random() % 3 == 0 ? random() : random() % 2 == 0 ? 0xff : 0x80);
    switch (random() % 3) {
      case 0:
        bad[at] = byte;
        break;
      case 1:
        bad.insert(at, 1, byte);
        break;
      default:
        bad.erase(at, 1);
    }
  }
  return bad;
}

}  // namespace partage::test
