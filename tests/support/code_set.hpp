// Says whether a stepped process is inside chosen functions, so that real kills can be spent on lock, commit and
// unlock.
//
//   CodeSet code = mutex_code();                  // glibc's lock, trylock, timedlock, clocklock, unlock, consistent
//   code.add_functions_named("RobustMutex::");    // from the symbol tables, demangled; throws if there is none
//   code.add_function(&commit_words);             // a function pointer
//   code_region_begin(); journal.commit(); code_region_end();   // inside the operation: code that is inlined away
//   CodeTracker tracker(code);  ...  if (tracker.inside(ip, sp)) ...     // once per instruction
//
// "Inside" lasts from the first instruction of a chosen function until it returns, with all it calls or jumps to. That
// matters: glibc's robust code is __pthread_mutex_lock_full and __pthread_mutex_unlock_usercnt, which have no symbol
// and are reached by a tail jump, so address ranges would miss exactly what is to be tested. Parts of a function
// entered elsewhere (".cold") count while the instruction pointer is in them.
// Not covered: functions the compiler inlined everywhere have no address; use a region. Stacks that grow upwards.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace partage::test {

class CodeSet {
 public:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
    bool operator<(const Range& other) const { return begin < other.begin; }
  };

  /// Adds a function, or a non-virtual member function, by its address.
  template <class Function>
  CodeSet& add_function(Function function) {
    std::uintptr_t address = 0;
    static_assert(sizeof function >= sizeof address);
    std::memcpy(&address, &function, sizeof address);  // Itanium ABI: the first word of a member pointer is the address
    return add_range({address, address + 1});
  }

  /// Adds every function of the program (not of the system's libraries) whose demangled name contains `part`.
  CodeSet& add_functions_named(const std::string& part);
  CodeSet& add_range(Range range);

  /// The range that contains the address, or null.
  const Range* find(std::uintptr_t address) const;

 private:
  std::vector<Range> ranges_;  // sorted by begin
};

/// The mutex functions of the C library.
CodeSet mutex_code();

/// Marks a region of the operation by hand. Does nothing but exist.
void code_region_begin();
void code_region_end();

/// Follows one process instruction by instruction.
class CodeTracker {
 public:
  explicit CodeTracker(const CodeSet& code) : code_(code) {}
  bool inside(std::uintptr_t instruction, std::uintptr_t stack);

 private:
  const CodeSet& code_;
  std::uintptr_t call_stack_ = 0;  // stack pointer at the entry of the outermost chosen call, 0 outside
  int regions_ = 0;
};

/// "partage::Journal::commit()+0x1c" for messages.
std::string symbol_at(std::uintptr_t address);

}  // namespace partage::test
