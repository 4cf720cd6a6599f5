// What a job says is to be called, as it stands in shared memory (Job::call()).
//
// Inputs with handles: u32 references, then 12 bytes each (u32 index of the segment, u64 reference), then the value's bytes.
// Their objects are held by the owner until the job is done. A worker that is not attached to a segment opens the owner's
// descriptor of it through /proc.
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <partage/engine/pool.hpp>
#include <string>
#include <vector>

namespace partage::engine::pool {

struct SegmentEntry {
  std::uint64_t id = 0;
  std::int32_t descriptor = -1;  // of the owner
};

struct CallText {
  CodeAddress invoke, invoke_run, function;
  std::vector<std::byte> closure;
  bool handles = false;
  std::string input_type;
  std::vector<SegmentEntry> segments;
};

}  // namespace partage::engine::pool
