// What is wrong with the managers of this machine, and what to do: a pure function over what was seen of them.
//
// Each manager is looked at twice, a moment apart: a dead process that is just being cleared up after, or a lock that
// is held for the length of an operation, is no finding.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/tool/published.hpp"
#include "manager/tool/watch.hpp"

namespace partage::tool {

/// Bytes of something that can run out.
struct Store {
  std::uint64_t used = 0;
  std::uint64_t size = 0;  // 0: not known, or no limit
};

struct ManagerFacts {
  std::string name;
  std::string error;  // why it cannot be looked at; then nothing below counts
  Service service = Service::serving;
  ProcessFacts manager;  // of the process that serves it
  Watch before, now;
  bool directory = false;  // it is one, and so no segment
};

/// What lies in /dev/shm, looks like ours and is no segment.
struct Litter {
  std::string file;
  bool directory = false;
};

struct MachineFacts {
  Store shared_memory;  // /dev/shm
  Store memory;         // what the control group of this process may use
  std::vector<Litter> litter;
  std::vector<ManagerFacts> managers;
  double long_wait = 60;  // seconds
};

struct Diagnosis {
  std::string kind;     // for programs: "stopped_holder"...
  std::string manager;  // "": of the machine
  std::string problem;  // a sentence
  std::string advice;   // another one
};

/// In order of the managers; what stops others comes first.
std::vector<Diagnosis> diagnose(const MachineFacts& facts);

}  // namespace partage::tool
