// Does to a copy of shared memory what the kernel does to the robust mutexes of a thread that dies.
//
//   std::vector<std::size_t> held = held_robust_mutexes({base, bytes}, victim);   // found by their contents
//   mark_owner_dead(base, held, victim);                                        // or with offsets you know
//
// A mutex counts as held if its futex word (the first int of glibc's pthread_mutex_t) carries the thread's id: the
// kernel looks at nothing else. held_robust_mutexes() accepts aligned words with that id whose __kind word, 16 bytes
// later, says robust and process-shared; a pid stored in user data is therefore no hit.
// Not covered: whether the mutex really stands in the dead thread's robust list (private memory). Only a real kill
// tells.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

namespace partage::test {

/// Offsets of the robust process-shared pthread mutexes in `memory` whose owner is `tid`.
std::vector<std::size_t> held_robust_mutexes(std::span<const std::byte> memory, pid_t tid);

/// Gives every listed mutex that `tid` owns the owner-died bit. Returns how many there were.
std::size_t mark_owner_dead(void* image_base, std::span<const std::size_t> mutex_offsets, pid_t tid);

}  // namespace partage::test
