// What a read costs that has to wait for the one before: the limit of everything that follows offsets.
#pragma once

#include <cstddef>
#include <vector>

namespace bench {

struct MemoryLatency {
  std::size_t bytes;   // spread over as much shared memory
  double nanoseconds;  // of one read
};

/// For 1, 8 and 64 MiB, in pages of the usual size, as a segment has them. Takes about 0.2 s.
std::vector<MemoryLatency> memory_latencies();

}  // namespace bench
