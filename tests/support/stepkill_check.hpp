// The doctest side of the single-step kill harness.
//
//   check_atomic(pass(subject));                              // an operation that changes the state
//   check_atomic(pass(subject), Changes::nothing);            // one that leaves it, such as an insert that throws
//   check_atomic(recovery(subject, 20));                      // both ends need not show up
//   PARTAGE_SKIP_WITHOUT_STEPPING();                          // first line of such a test case
//
// Not covered: the numbers are printed by StepkillReport, not here.
#pragma once

#include "stepkill.hpp"
#include "stepkill_report.hpp"
#include "tracee.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace partage::test {

enum class Changes { the_state, nothing };

inline void check_atomic(const Result& result, Changes changes = Changes::the_state) {
  const std::string text = format(result);
  INFO(text);
  CHECK(result.error.empty());
  CHECK(result.bad == 0);
  CHECK(result.monotonic);
  CHECK(result.kills > 0);
  if (changes == Changes::nothing || std::string_view(result.mode) == "recovery") return;
  CHECK(result.old_states > 0);
  CHECK(result.new_states > 0);
}

}  // namespace partage::test

/// Ends the test case with a message where processes may not be traced.
#define PARTAGE_SKIP_WITHOUT_STEPPING()                                      \
  do {                                                                       \
    const std::string partage_why = ::partage::test::why_no_stepping();      \
    if (!partage_why.empty()) {                                              \
      MESSAGE("skipped, single steps are not possible here: ", partage_why); \
      return;                                                                \
    }                                                                        \
  } while (false)
