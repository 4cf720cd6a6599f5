// The fork server: a process that runs the program anew, up to init(), and then does nothing but fork.
//
// Each process that needs one has its own: the server is its child and ends when the socket to it closes. Its children
// are reaped by it, and their exit codes written into a pipe each.
//
//   owner                                                     server
//   start socket pair, exit pipe
//   request: the child's socket, the pipe's write end   ->    fork; the child follows the letter (letter.hpp)
//   {pid}, a pidfd                                      <-    keeps pidfd and pipe until the child ends, then writes the code
//   letter -> the child
//
// The server dies -> the pipes are at their end without a code: 255. A request that finds it dead starts another.
//
// Thread safety: full.
#pragma once

#include "proxy/process/child.hpp"
#include "proxy/process/letter.hpp"

namespace partage::engine::process {

Started start_by_fork_server(const Letter& letter);
/// At the end of this process.
void stop_fork_server() noexcept;

/// The server.
[[noreturn]] void serve_forks(kernel::OwnedDescriptor socket);

}  // namespace partage::engine::process
