// A case whose workers repeat one operation until the window is over. Derived classes say what the operation is.
#pragma once

#include <memory>

#include "tests/bench/harness.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/peer.hpp"

namespace bench {

/// What one worker repeats. Made in the worker, after the fork: so it may hold connections.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual void run(std::size_t times) = 0;
};

/// The loop whose operation is `step()`.
template <class Step>
class StepLoop final : public Loop {
 public:
  explicit StepLoop(Step step) : step_(std::move(step)) {}
  void run(std::size_t times) override {
    for (; times != 0; --times) step_();
  }

 private:
  Step step_;
};
template <class Step>
std::unique_ptr<Loop> loop_of(Step step) {
  return std::make_unique<StepLoop<Step>>(std::move(step));
}

class LoopCase : public Case {
 public:
  double measure(const Crew& crew, std::chrono::nanoseconds window) final;
  std::optional<Latency> latency(const Crew& crew, std::chrono::nanoseconds window) final;

 protected:
  /// In this process, before the workers of a window start.
  virtual void reset() {}
  virtual std::unique_ptr<Loop> loop(int worker, int workers) = 0;

  Place place_ = Place::processes;
  std::size_t batch_ = 64;  ///< operations between two looks at the stop flag
  double units_ = 1;        ///< what one operation counts for
};

/// A case of operations that time themselves, one after the other in this process.
class RepeatCase final : public Case {
 public:
  using Once = std::function<std::chrono::nanoseconds()>;
  explicit RepeatCase(Once once, double units = 1) : once_(std::move(once)), units_(units) {}
  double measure(const Crew&, std::chrono::nanoseconds window) override;

 private:
  Once once_;
  double units_;
};

}  // namespace bench
