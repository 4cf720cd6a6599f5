// What was done between two looks at a manager: a pure function.
//
// Changes are counted exactly: each opens a window of its stripe once, which counts them already, at no cost. Reads of
// lists and dicts are counted about, a thousand at a time (segment/read_tally.hpp). A small Value stands outside all of
// that: neither its reads nor its changes are counted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/tool/watch.hpp"

namespace partage::tool {

/// All per second, but for the last four.
struct ObjectRates {
  ObjectRef ref = 0;
  std::string name;  // "" when anonymous
  std::string kind;
  double changes = 0, reads = 0;
  double busy = 0;    // a lock of it was held by somebody else
  double sleeps = 0;  // somebody slept until something happened to it
  std::uint64_t elements = 0, bytes = 0;
  std::size_t holders = 0, waiters = 0;
};

struct ProcessRates {
  pid_t pid = 0;
  std::string name, state;
  double cpu = 0;  // of one CPU, 1 = all of it
  std::size_t threads = 1;
  std::vector<std::string> holds;  // "lock 'a'"
  std::vector<std::string> waits;  // "lock 'b', 3.2 s"
};

struct Rates {
  double seconds = 0;
  double changes = 0, reads = 0, busy = 0, sleeps = 0;
  std::uint64_t repairs = 0;  // in all
  double new_repairs = 0;     // per second
  std::uint64_t used = 0, committed = 0, max = 0;
  double growth = 0;                    // bytes in use, per second; may be negative
  std::vector<ObjectRates> objects;     // by id
  std::vector<ProcessRates> processes;  // by pid
  std::vector<std::string> deadlocks;   // sentences
};

Rates rates(const Watch& before, const Watch& now);

/// "0", "0.3", "12", "1.2k", "34k", "5.6M".
std::string rate_text(double rate);

}  // namespace partage::tool
