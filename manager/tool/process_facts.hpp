// What /proc says of a process of this machine: for tables, and for finding out why it does not go on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace partage::tool {

struct ProcessFacts {
  pid_t pid = 0;
  pid_t process = 0;  // differs from pid where that is one of its threads; 0: there is none
  std::string name = "?";
  char state = '?';  // 'R', 'S', 'D', 'T' (stopped), 't' (traced), 'Z' (zombie)
  std::size_t threads = 1;
  std::uint64_t cpu_ticks = 0;  // used so far, by all of its threads

  bool exists() const noexcept { return process != 0; }
  bool stopped() const noexcept { return state == 'T' || state == 't'; }
};

/// Of a process or of one thread. Nothing is thrown: what cannot be read keeps its value from above.
ProcessFacts process_facts(pid_t pid);

/// "running", "sleeping", "stopped"...
const char* word_for_state(char state) noexcept;

}  // namespace partage::tool
