// Who waits for whom, and who therefore waits for ever: a pure function over what was seen.
//
// A wait goes on for ever if everybody who could end it waits for ever himself. So, beginning with all waits, those are
// struck out that somebody may end: a wait with a timeout; one for which nobody in particular is waited (an event, an
// item of a queue: anybody may come and set it); one of whose holders somebody is awake. What is left waits for ever,
// and each of it leads into a circle.
//
// A Lock or a permit is held by a process, and any of its threads may release it. A circle in which such a holder has a
// thread that does not wait is reported as doubtful: nobody but the program knows what that thread is for.
//
// Complexity: O(waits^2) at worst.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace partage::tool {

struct LockHolder {
  pid_t pid = 0;
  pid_t thread = 0;  // 0: any thread of the process may release it
};

struct BlockedThread {
  pid_t pid = 0;
  pid_t thread = 0;                 // 0: not known
  std::string object;               // "lock 'a'"
  std::vector<LockHolder> holders;  // any of them may end the wait; none: who may is not known
  bool timed = false;
};

struct Deadlock {
  std::vector<std::size_t>
      circle;                // of the waits: each for what the next one's process holds, the last for the first's
  bool certain = true;       // false: it is only one if nobody else of its processes releases anything
  std::vector<pid_t> awake;  // of those, the ones with a thread that does not wait in a circle; sorted
};

/// `threads`: how many each process has; one that is not named has 1.
std::vector<Deadlock> deadlocks(const std::vector<BlockedThread>& waits, const std::map<pid_t, std::size_t>& threads);

/// "Deadlock: process 12 waits for lock 'b', which process 13 holds, and process 13 waits for lock 'a', which process
/// 12 holds."
std::string sentence_for(const Deadlock& deadlock, const std::vector<BlockedThread>& waits);

}  // namespace partage::tool
