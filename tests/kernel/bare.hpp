// The bytes of a segment, for tests that read them as docs/format.md says and not as the library does.
//
//   const Bare bare(segment);
//   CHECK(bare.word(stripe + 88) == (run << 8 | 3));
//   INFO(bare.dump(stripe, 256));
//
// Not covered: what changes meanwhile; nobody may be working in the segment.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "manager/segment/segment.hpp"

#define PARTAGE_CHECK_OFFSET(type, member, offset) CHECK(offsetof(type, member) == (offset))

namespace partage::test {

/// A copy of the bytes of a segment, read without any of the library's types.
class Bare {
 public:
  explicit Bare(const kernel::Segment& s) : bytes_(s.base(), s.base() + s.header().committed.load()) {}
  kernel::u64 word(kernel::u64 at) const {
    REQUIRE(at % 8 == 0);
    REQUIRE(at + 8 <= bytes_.size());
    kernel::u64 v = 0;
    for (unsigned i = 0; i < 8; ++i) v |= static_cast<kernel::u64>(bytes_[at + i]) << 8 * i;
    return v;
  }
  kernel::u32 half(kernel::u64 at) const { return static_cast<kernel::u32>(word(at / 8 * 8) >> at % 8 * 8); }
  std::string text(kernel::u64 at, kernel::u64 n) const {
    REQUIRE(at + n <= bytes_.size());
    return {reinterpret_cast<const char*>(&bytes_[at]), n};
  }
  std::string dump(kernel::u64 at, kernel::u64 n) const {
    std::string s;
    char line[64];
    for (kernel::u64 i = 0; i < n; i += 8) {
      std::snprintf(line, sizeof line, "\n  +%-4llu %016llx", static_cast<unsigned long long>(i),
                    static_cast<unsigned long long>(word(at + i)));
      s += line;
    }
    return s;
  }
  kernel::u64 size() const { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace partage::test
