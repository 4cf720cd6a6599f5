// The number by which the kernel knows this thread.
//
// gettid() is a system call. The answer is kept per thread, and per process: the one thread of a forked child has another number.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "manager/platform/process_epoch.hpp"

namespace partage::kernel {

inline std::uint32_t this_thread() noexcept {
  static constinit thread_local std::uint64_t epoch = ~std::uint64_t{0};
  static constinit thread_local std::uint32_t thread = 0;
  if (epoch != process_epoch()) {
    epoch = process_epoch();
    thread = static_cast<std::uint32_t>(::gettid());
  }
  return thread;
}

}  // namespace partage::kernel
