// Whether a manager process serves the segment, as everybody can see it from the segment alone.
//
// The manager holds header().service, a robust lock, for its lifetime: the kernel marks the lock word when it dies,
// however it dies. So asking costs one load and no message; a stopped manager (SIGSTOP) is alive.
//
// Thread and process safety: all functions, at any time.
#pragma once

#include <sys/types.h>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

/// One load.
inline bool is_manager_alive(const Segment& segment) noexcept {
  return segment.header().service.owner() != 0;
}
/// Its pid, 0 when there is none.
inline pid_t manager_pid(const Segment& segment) noexcept {
  return is_manager_alive(segment) ? static_cast<pid_t>(segment.header().manager_pid.load()) : 0;
}
/// How many manager processes have served the segment so far.
inline u64 manager_epoch(const Segment& segment) noexcept {
  return segment.header().manager_epoch.load();
}

/// Throws ManagerShutdown after an orderly end; `call` is what the user wanted, such as "list.append()".
void require_live(const Segment& segment, const char* call);
/// The same, and ManagerLost when the manager process is dead: for calls that need one.
void require_manager(const Segment& segment, const char* call);

}  // namespace partage::kernel
