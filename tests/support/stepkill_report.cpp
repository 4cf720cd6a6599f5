#include "stepkill_report.hpp"

#include <cstdio>

namespace partage::test {

std::string format(const Result& result) {
  char line[512];
  std::snprintf(line, sizeof line, "%-40s %-8s %8ld instr %6ld kills  old %6ld  new %6ld  bad %ld%s  %.2f s\n",
                result.name.c_str(), result.mode, result.instructions, result.kills, result.old_states,
                result.new_states, result.bad, result.monotonic ? "" : "  NOT MONOTONIC", result.seconds);
  std::string text = line;
  if (result.strayed > 0) text += "    strayed from the surveyed path: " + std::to_string(result.strayed) + "\n";
  for (const Failure& failure : result.failures) {
    text += "    killed before instruction " + std::to_string(failure.instruction);
    if (failure.recovery_instruction >= 0)
      text += ", recovery before its " + std::to_string(failure.recovery_instruction);
    text += " (" + failure.where + "): " + failure.what + "\n";
  }
  if (!result.error.empty()) text += "    the operation " + result.error + "\n";
  return text;
}

const Result& StepkillReport::add(const Result& result) {
  std::fputs(format(result).c_str(), stdout);
  ++operations_;
  total_.instructions += result.instructions;
  total_.first_kills += result.first_kills;
  total_.kills += result.kills;
  total_.old_states += result.old_states;
  total_.new_states += result.new_states;
  total_.bad += result.bad;
  total_.strayed += result.strayed;
  total_.monotonic = total_.monotonic && result.monotonic;
  total_.seconds += result.seconds;
  return result;
}

StepkillReport::~StepkillReport() {
  if (operations_ == 0) return;
  std::printf("%s: %ld runs\n", total_.name.c_str(), operations_);
  std::fputs(format(total_).c_str(), stdout);
}

}  // namespace partage::test
