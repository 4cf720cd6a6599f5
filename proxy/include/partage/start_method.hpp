// How a Process gets its child, and what a program does so that children can run it anew.
//
//   int main(int argc, char** argv) {
//     partage::init(argc, argv);                                    // first of all, for spawn and forkserver
//     partage::set_start_method(partage::StartMethod::spawn);       // or ProcessOptions{.start_method = ...} for one
//
//   fork        the child is a copy of this process at start(): fast, takes everything along. In a program with threads
//               only the starting thread is there, and locks that others held stay locked.
//   spawn       the program is run anew, with nothing of this process but what is passed on; 2 ms.
//   forkserver  a server is spawned once, which forks the children: a fresh process without threads at nearly the price
//               of a fork. The server is a child of the process that first needs it, and ends with it.
//
// In a child of spawn or forkserver, init() runs what the child is for and ends the process: main() goes no further
// there. What stands before init() in main() runs again in every such child. In the program's own process init() only
// notes that it was called: a start that needs it is refused otherwise, so that main() never runs twice.
//
// Thread safety: full. Errors: ProcessError.
#pragma once

#include <partage/export.hpp>

namespace partage {

enum class StartMethod { fork, spawn, forkserver };

/// The method of every Process, Pool and so on that does not choose one. Once: a second time is a ProcessError, as in
/// Python, unless `force`.
PARTAGE_API void set_start_method(StartMethod method, bool force = false);
/// fork, if none was set.
PARTAGE_API StartMethod get_start_method();
/// "fork", "spawn", "forkserver"
PARTAGE_API const char* name_of(StartMethod method);

/// Call it first in main().
PARTAGE_API void init(int argc, char** argv);

}  // namespace partage
