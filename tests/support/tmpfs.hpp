// Runs a function where /dev/shm is a small tmpfs of its own, so that "shared memory is full" can be tested.
//
//   TmpfsRun run = run_on_small_shm(64 << 20, [] { fill_until_out_of_memory(); }, 30s);
//   if (!run.why_not.empty()) { MESSAGE("skipped: ", run.why_not); return; }
//   CHECK_MESSAGE(run.result.ok(), run.result.describe());
//
// The function runs in a forked child with a private mount namespace (as root, else in a user namespace of its own),
// which goes with the child. Its rules are those of run_child: throw, or return a code.
// Not covered: memfds, which do not live in /dev/shm and are not limited by it.
#pragma once

#include "processes.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace partage::test {

struct TmpfsRun {
  std::string why_not{};  ///< a sentence if the system does not permit it: then nothing ran
  ChildResult result{};
};

namespace detail {
TmpfsRun run_on_small_shm(std::size_t bytes, const std::function<int()>& body, std::chrono::milliseconds timeout);
}

template <class Fn>
TmpfsRun run_on_small_shm(std::size_t bytes, Fn fn, std::chrono::milliseconds timeout) {
  return detail::run_on_small_shm(bytes, detail::as_body(std::move(fn)), timeout);
}

}  // namespace partage::test
