// Who sleeps where, and since when: for those who look (`partage locks`). No operation depends on it.
//
//   const ShownWait shown(segment, offset_of_the_wait_word, timed, since);   // for as long as this thread sleeps
//   for (const WaitSeen& wait : waits_in(segment)) ...
//
// An entry is taken by a thread that is about to sleep, by one compare-and-swap of its `client`, and left when it
// wakes. Who spins has none. When all are taken, a sleeper is not listed; ClientLife::waits_at still says where its
// process waits.
//
// Layout of an entry (32 bytes; 256 of them, at header().waits)
//     0  client  client that sleeps (client_life.hpp), 0 = free
//     8  at      offset of the wait word, or of the stripe whose lock is waited for; 0: not filled yet
//    16  since   when the wait began, of which this may not be the first sleep: CLOCK_MONOTONIC in nanoseconds
//    24  thread  its id | 1 << 63: it wakes at a time of its own
//
// Crash: the words say nothing of any other memory. A thread that dies asleep leaves its entry; as that names one use
// of a client slot, it is known for what it is, and taken by the next sleeper, when that use is over.
// Thread and process safety: full. Who looks sees entries of different moments. Errors: none.
#pragma once

#include <vector>

#include "manager/segment/client_life.hpp"

namespace partage::kernel {

inline constexpr std::size_t wait_entries = 256;

struct WaitEntry {
  static constexpr u64 timed = u64{1} << 63;

  Cell client;
  Word at;
  Word since;
  Word thread;
};
static_assert(sizeof(WaitEntry) == 32 && offsetof(WaitEntry, thread) == 24);

/// Puts the table into a fresh segment.
void make_wait_table(Segment& segment);

/// Scope of a sleep of this thread. A process that is not attached, or a segment without the table, shows nothing.
class ShownWait {
 public:
  ShownWait(Segment& segment, u64 at, bool timed, Clock::time_point since) noexcept;
  ShownWait(const ShownWait&) = delete;
  ShownWait& operator=(const ShownWait&) = delete;
  ~ShownWait();

 private:
  WaitEntry* entry_ = nullptr;
};

struct WaitSeen {
  ClientId client;
  pid_t thread = 0;
  u64 at = 0;
  Clock::time_point since;
  bool timed = false;
};
/// Those that are asleep now. Takes no lock.
std::vector<WaitSeen> waits_in(const Segment& segment);

}  // namespace partage::kernel
