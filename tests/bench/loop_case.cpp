#include "tests/bench/loop_case.hpp"

#include <array>

#include "tests/bench/interrupt.hpp"

namespace bench {

double LoopCase::measure(const Crew& crew, std::chrono::nanoseconds window) {
  reset();
  const auto prepare = [&](int worker) -> Body {
    const std::shared_ptr<Loop> repeated = loop(worker, crew.workers());
    return [repeated, batch = batch_](const std::atomic<bool>& stop) {
      std::uint64_t done = 0;
      do {  // once even where all the others let it start only after the window
        repeated->run(batch);
        done += batch;
      } while (!stop.load(std::memory_order_relaxed));
      return done;
    };
  };
  return nanoseconds_per_operation(work_together(crew, place_, window, prepare)) / units_;
}

std::optional<Latency> LoopCase::latency(const Crew& crew, std::chrono::nanoseconds window) {
  reset();
  const SharedObject<std::array<Histogram, 64>> histograms;
  const auto prepare = [&](int worker) -> Body {
    const std::shared_ptr<Loop> repeated = loop(worker, crew.workers());
    return [repeated, &mine = (*histograms)[static_cast<std::size_t>(worker)]](const std::atomic<bool>& stop) {
      std::uint64_t done = 0;
      for (auto before = Clock::now(); !stop.load(std::memory_order_relaxed); ++done) {
        repeated->run(1);
        const auto after = Clock::now();
        mine.add(static_cast<std::uint64_t>((after - before).count()));
        before = after;
      }
      return done;
    };
  };
  work_together(crew, place_, window, prepare);
  Histogram all;
  for (const Histogram& each : *histograms) all += each;
  return all.latency();
}

double RepeatCase::measure(const Crew&, std::chrono::nanoseconds window) {
  std::chrono::nanoseconds total{};
  int times = 0;
  for (const auto end = Clock::now() + window; times < 3 || Clock::now() < end; ++times) {
    throw_if_interrupted();
    total += once_();
  }
  return static_cast<double>(total.count()) / times / units_;
}

}  // namespace bench
