// What Manager::objects() and `partage ls` say of one hosted object. A plain value; it was true when it was made.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace partage {

struct ObjectInfo {
  std::uint64_t id = 0;        ///< names the object for ever
  std::string name;            ///< "" when anonymous
  std::string kind;            ///< "list", "dict", ...
  std::string types;           ///< its description: "list<i64>", "dict<str,list<f64>>"
  std::size_t size = 0;        ///< elements
  std::size_t bytes = 0;       ///< bytes of the segment it occupies
  std::size_t references = 0;  ///< containers and processes that refer to it, its name included
  pid_t owner_pid = 0;         ///< the process that made it
  std::size_t waiters = 0;     ///< processes that wait in it
  bool quarantined = false;    ///< damaged: out of use, or on the way there; size and bytes are not known then
};

}  // namespace partage
