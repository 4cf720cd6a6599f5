// Sleeps that only slow a demonstration down, so that one can watch it: PARTAGE_EXAMPLE_SPEED=100 makes them 100 times
// shorter.
#pragma once

#include <chrono>
#include <cstdlib>
#include <thread>

inline void slow_down(std::chrono::duration<double> time) {
  const char* const speed = std::getenv("PARTAGE_EXAMPLE_SPEED");
  const double times = speed == nullptr ? 1 : std::atof(speed);
  std::this_thread::sleep_for(times > 0 ? time / times : time);
}
