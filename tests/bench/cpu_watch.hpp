// How much of the CPU other programs used meanwhile: what /proc/stat counts as busy, less what this process and its
// descendants used. With a core taken by somebody else contention disappears, and every ratio with it. The counts are
// in ticks of 10 ms, so of a window of 0.1 s a few per cent mean nothing.
#pragma once

#include <chrono>

namespace bench {

class CpuWatch {
 public:
  CpuWatch();
  /// Since the construction, of all CPU time there was: 0 to 1.
  double foreign_share() const;

 private:
  struct Reading {
    double busy = 0, own = 0;  // seconds
  };
  static Reading read();

  Reading begin_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace bench
