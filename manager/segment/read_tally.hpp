// How many reads a container has seen, about, for `partage stat`.
//
// A read takes no lock and writes no line that others have, so it cannot count itself in shared memory. A thread counts
// down, in a word of its own, and each `every`th read adds that many to the tally of the container that it happens to
// read. So the sums are right on average, whatever a thread reads in whatever order, and one write of a shared line is
// spread over a thousand reads. `every` is a prime, so that a program that reads its containers in turns does not hit
// the same one each time.
//
// Cost: three instructions a read. Thread safety: full.
#pragma once

#include "manager/journal/word.hpp"

namespace partage::kernel {

class ReadTally {
 public:
  static constexpr u32 every = 1021;

  [[gnu::always_inline]] static void count(const Word& tally) noexcept {
    if (is_due()) [[unlikely]]
      settle(tally);
  }
  /// In two parts, where a call on the way would cost more than the read: counts, and says that settle() is to follow.
  [[gnu::always_inline]] static bool is_due() noexcept { return --left == 0; }
  /// Adds what was counted, if it is due.
  [[gnu::cold, gnu::noinline]] static void settle(const Word& tally) noexcept;

 private:
  // As UserCodeScope::innermost: one instruction in place of a call.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local u32 left;
};

}  // namespace partage::kernel
