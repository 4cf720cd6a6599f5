// The segment of the process tree: where objects live that are made without a Manager (`partage::Value<int> v(0);`).
//
// One private segment, made with the first of them in a process. Children inherit it in a fork, also when another thread
// was just making it; a child whose parent had none makes its own, which its parent does not see. No manager process
// stands behind it: what a dead process held is taken back by the living ones, when they join it, fork, or need its
// place. It has no name, so the kernel frees it with the last process, however that ends. No operation_timeout.
//
// When to use: by the constructors of the hosted types; programs have no need of it.
// Thread and process safety: full.
// Errors: OutOfMemory when not even the tables of a segment fit.
// Different from Python: there each object has an arena of its own, and what a killed process held stays locked.
#pragma once

#include <partage/engine/session.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// The session of the process tree; the same for every call, as long as the process lives.
PARTAGE_API SessionPtr process_tree();

}  // namespace partage::engine
