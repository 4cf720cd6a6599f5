// Prints what the single-step kill harness found: one line per operation, the first failures, a total.
//
//   StepkillReport report;                       // one per test executable or suite; its destructor prints the total
//   check_atomic(report.add(pass(subject)));     // prints and hands the result on
//   -> list append                       pass       1 204 instr     63 kills  old    41  new    22  bad 0    0.02 s
//
// Not covered: judging; see stepkill_check.hpp.
#pragma once

#include "stepkill.hpp"

#include <string>

namespace partage::test {

std::string format(const Result& result);

class StepkillReport {
 public:
  explicit StepkillReport(std::string title = "TOTAL") { total_.name = std::move(title); }
  ~StepkillReport();
  StepkillReport(const StepkillReport&) = delete;
  StepkillReport& operator=(const StepkillReport&) = delete;

  /// Prints the result, adds it to the total, returns it.
  const Result& add(const Result& result);
  const Result& total() const { return total_; }

 private:
  Result total_{};
  long operations_ = 0;
};

}  // namespace partage::test
