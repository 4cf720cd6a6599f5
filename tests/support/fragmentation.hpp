// How broken up the free memory of a segment is, for reports of long runs.
//
//   MESSAGE(fragmentation(segment).describe());   // "3.1 MiB free in 214 runs, the largest 1.9 MiB; 5.0 of 8.2 MiB in use"
//
// What lies behind the last block, up to what is committed, is free too, as one run. Kept for the next objects are pooled runs, for
// bodies of the same kind, and the places of the table of objects: as much as the most objects that there were at a time.
// Thread and process safety: full.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>

#include "manager/segment/object_table.hpp"
#include "manager/segment/segment.hpp"

namespace partage::test {

struct Fragmentation {
  std::size_t free_bytes = 0, largest = 0, runs = 0;
  std::size_t used = 0, kept = 0, committed = 0;

  std::string describe() const {
    char text[200];
    constexpr double mib = 1 << 20;
    std::snprintf(text, sizeof text,
                  "%.2f MiB free in %zu runs, the largest %.2f MiB; %.2f MiB in use, %.2f of them kept for objects; "
                  "%.2f MiB committed",
                  static_cast<double>(free_bytes) / mib, runs, static_cast<double>(largest) / mib,
                  static_cast<double>(used) / mib, static_cast<double>(kept) / mib,
                  static_cast<double>(committed) / mib);
    return text;
  }
};

inline Fragmentation fragmentation(kernel::Segment& segment) {
  Fragmentation f;
  f.committed = segment.header().committed.load();
  std::size_t end = 0;
  segment.runs().for_each([&](kernel::u64 run, std::size_t bytes, bool free, kernel::Pool) {
    end = run + bytes;
    if (free) {
      ++f.runs;
      f.free_bytes += bytes;
      f.largest = std::max(f.largest, bytes);
    } else {
      f.used += bytes;
    }
  });
  kernel::Runs runs = segment.runs();
  for (const kernel::u64 run : runs.pooled()) f.kept += runs.payload_size(run);
  const auto& table = segment.at<kernel::ObjectTable>(segment.header().registry);
  for (const kernel::Word& chunk : table.chunks) {
    if (chunk.load() != 0) f.kept += runs.payload_size(chunk.load());
  }
  if (f.committed > end) {
    ++f.runs;
    f.free_bytes += f.committed - end;
    f.largest = std::max(f.largest, f.committed - end);
  }
  return f;
}

}  // namespace partage::test
