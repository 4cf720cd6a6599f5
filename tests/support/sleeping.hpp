// Whether a child has come to where it waits.
#pragma once

#include <chrono>
#include <thread>

#include "tests/support/processes.hpp"

namespace partage::test {

/// The process sleeps in a system call, and stays there. Waits for it, at most 10 s.
inline bool sleeps(pid_t pid) {
  using namespace std::chrono_literals;
  return eventually(
      [&] {
        if (process_state(pid) != 'S') return false;
        std::this_thread::sleep_for(5ms);
        return process_state(pid) == 'S';
      },
      10s);
}

}  // namespace partage::test
