// How a manager is started: `partage::Manager manager({.name = "stock", .max_size = 1 << 30});`
//
// Thread safety: a plain value.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace partage {

struct ManagerOptions {
  /// Empty: private to this process and its children. Else others connect() by it, and a segment of that name whose
  /// manager died is adopted with everything in it.
  std::string name{};
  /// Bytes committed at start; 0: what the tables need.
  std::size_t initial_size = 0;
  /// Bytes reserved, in address space only; growth stops here. 0: 16 GiB, or less where the machine or its limits say
  /// so.
  std::size_t max_size = 0;
  /// An operation that waits longer than this for a container throws TimeoutError. Default: it waits.
  std::optional<std::chrono::milliseconds> operation_timeout{};
};

}  // namespace partage
