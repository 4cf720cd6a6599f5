// Starting the program anew: as a child of this process, and as its fork server.
//
// posix_spawn() runs no fork handlers and shares no locks with this process' threads, so a program with threads may do
// it at any time. The child knows by its arguments what it is: --partage-child FD or --partage-fork-server FD.
//
// Thread safety: full. Errors: ProcessError.
#pragma once

#include "manager/platform/descriptors.hpp"
#include "proxy/process/child.hpp"

namespace partage::engine::process {

inline constexpr const char* child_argument = "--partage-child";
inline constexpr const char* server_argument = "--partage-fork-server";

/// By spawn or forkserver, as the child says.
Started start_anew(Child& child, Process& process);

struct Program {
  pid_t pid;
  kernel::OwnedDescriptor socket;  // SOCK_SEQPACKET; its other end is FD
};
/// Runs this program with that argument, and FD.
Program run_program(const char* argument, const std::string& for_whom);
/// Two ends of a SOCK_SEQPACKET connection.
std::pair<kernel::OwnedDescriptor, kernel::OwnedDescriptor> socket_pair(const std::string& for_whom);

/// init() was called in this process, or in one it was forked from.
bool is_initialised() noexcept;

}  // namespace partage::engine::process
