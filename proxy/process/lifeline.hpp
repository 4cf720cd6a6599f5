// By which a child notices the end of its parent, however that comes.
//
// The write end of a pipe is in one process only, the parent: a fork handler closes it in every child, exec() does, and
// the kernel does when the parent ends. Children hold the read end, which is at its end from then on.
// A daemonic child has the kernel send it SIGKILL when that happens (F_SETSIG on a description of its own, for the owner
// and the signal belong to the description). Unlike the parent-death signal it is sent when the process ends, not
// when the thread ends that started the child; and it needs no thread in the child.
// Only a child of _Fork() or clone() without exec(), which no handler sees, keeps a write end, and so the daemons, alive.
//
// Thread safety: full.
#pragma once

namespace partage::engine::process {

/// Of this process, for its children: the read end. -1: no descriptors are left.
int lifeline() noexcept;

/// In a child: the read end of its parent's. Becomes readable when the parent ends.
void set_parent_lifeline(int fd) noexcept;
int parent_lifeline() noexcept;
/// This process is killed when its parent ends; at once if it has ended. False: the system refused.
bool die_with_parent() noexcept;

}  // namespace partage::engine::process
