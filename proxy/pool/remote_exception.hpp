// An exception on its way from a worker to the pool's owner: the name of its type, its text, and whose it was.
//
// Types of this library and of the standard arrive as what they were; one derived from them as the nearest of those bases;
// anything else as std::runtime_error.
// Thread safety: full.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <exception>
#include <string>

namespace partage::engine::pool {

struct RemoteException {
  std::string type;
  std::string text;
  std::int32_t pid = 0;
  std::int32_t code = 0;                         // of a std::system_error
  bool is_generic = false;                       // its category: generic, else system
  std::uint64_t limit = 0, used = 0, asked = 0;  // of an OutOfMemory
};

/// Of the exception that is being handled.
RemoteException describe_current_exception();
std::exception_ptr rebuild(const RemoteException& description);

}  // namespace partage::engine::pool
