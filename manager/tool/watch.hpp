// One look at a segment and at the processes in it: the material of `locks`, `doctor`, `stat` and `top`.
//
// It attaches to nothing and waits for nothing (registry/observation.hpp), so it serves when processes are stopped.
// Thread safety: none.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "manager/registry/observation.hpp"
#include "manager/tool/process_facts.hpp"
#include "manager/tool/wait_graph.hpp"

namespace partage::tool {

struct Watch {
  kernel::Observation seen;
  std::map<pid_t, ProcessFacts> processes;  // clients, holders, waiters and the threads that hold internal locks
  kernel::Clock::time_point at;

  /// "lock 'a'", "rlock of value 'x'", "dict #4294967300"; "" for 0.
  std::string name_of(ObjectRef ref) const;
  /// "the lock of dict 'stock'", "the heap".
  std::string name_of(const kernel::SeenInternal& lock) const;
  const ProcessFacts& process(pid_t pid) const;
  /// Whole and parts of seconds; 0 when it is not known.
  double seconds_since(const kernel::SeenWait& wait) const;
  /// What the search for deadlocks is made of, one for each of seen.waits.
  std::vector<BlockedThread> blocked() const;
  std::map<pid_t, std::size_t> threads() const;
};

Watch watch(kernel::Segment& segment);

}  // namespace partage::tool
