// One process that is executed instruction by instruction (PTRACE_SINGLESTEP), and killed where you like.
//
//   Tracee victim([] { warm_up(); }, [&] { list.append("x"); });   // stands before the first instruction of the second
//   while (victim.step()) look_at(victim.registers().instruction, shared_memory);
//   if (!victim.failure().empty()) ...                             // threw, crashed, got stuck, started a process
//   victim.run_to(address, 3);                                     // software breakpoint: its 4th passing, at full
//   speed victim.kill();                                                 // a real SIGKILL: the kernel walks the robust
//   list
//
// A boundary is the state before an instruction. Each iteration of a REP instruction and each system call is one step.
// The destructor kills. Victims also die with the process that traces them. A victim that needs more
// than `stuck` for one step (a deadlock) is killed by a SIGALRM timer of this process: so only one thread may step, and
// SIGALRM is taken while a Tracee lives.
// Not covered: operations that start processes or threads (reported as failure); other architectures than x86-64.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace partage::test {

class Tracee {
 public:
  struct Registers {
    std::uintptr_t instruction;
    std::uintptr_t stack;
  };

  /// `stuck`: a victim that takes longer over one step is in a deadlock.
  Tracee(const std::function<void()>& prepare, const std::function<void()>& body,
         std::chrono::seconds stuck = std::chrono::seconds(20));
  ~Tracee();
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;

  /// Executes one instruction. False at the end of the body, or if the victim failed.
  bool step();
  /// Runs until `address` is about to be executed and has been passed `passings` times. False if that does not happen.
  bool run_to(std::uintptr_t address, long passings);
  /// SIGKILL, and wait until it is dead.
  void kill();

  pid_t pid() const { return pid_; }
  const Registers& registers() const { return registers_; }
  /// Why the victim cannot go on; empty if it can, or came to its end.
  const std::string& failure() const { return failure_; }

 private:
  bool resume(int request);
  void read_registers();
  bool at_end() const;

  pid_t pid_ = -1;
  int stuck_seconds_;
  int text_fd_ = -1;
  int signal_ = 0;  // to be delivered with the next step
  bool alive_ = false;
  Registers registers_{};
  std::string failure_;
};

/// Why nothing can be stepped here, as a sentence; empty if it can. Tests skip with it.
std::string why_no_stepping();

/// Keeps this thread, and the children it starts, on one processor while it lives: a step is then a plain context
/// switch instead of a wake-up of another processor (measured: 2 to 3 times as many steps a second).
class OneProcessor {
 public:
  OneProcessor();
  ~OneProcessor();
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  unsigned char saved_[128];
  bool pinned_ = false;
};

}  // namespace partage::test
