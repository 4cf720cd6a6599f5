// Peer: a library that offers some of the operations. Case: one workload on one peer, set up and ready to be measured
// as often as there are rounds. A new peer implements both; the stores in dict_case.hpp and list_case.hpp spare it most
// of it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/bench/workload.hpp"

namespace bench {

/// Of single operations, in nanoseconds, the clock's own cost included.
struct Latency {
  double p50 = 0, p99 = 0, p999 = 0;
};

class Case {
 public:
  virtual ~Case() = default;
  /// Wall time over the operations of all workers, in nanoseconds; or what else the operation's unit says.
  virtual double measure(const Crew& crew, std::chrono::nanoseconds window) = 0;
  /// A pass of its own, which times each operation. nullopt: single operations cannot be timed.
  virtual std::optional<Latency> latency(const Crew&, std::chrono::nanoseconds) { return std::nullopt; }
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string_view name() const = 0;
  /// Why it cannot be measured here: "not installed". Empty: it can.
  virtual std::string missing() { return {}; }
  virtual bool offers(const Workload& workload) const = 0;
  virtual std::unique_ptr<Case> open(const Workload& workload) = 0;
};

}  // namespace bench
