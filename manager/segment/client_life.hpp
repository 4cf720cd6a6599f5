// Whether the processes that others wait for still live, at the price of one load, and noticed the moment they die.
//
// Who holds a lock, has taken a permit or an item, or waits in a barrier is written down as a client: {slot, generation}. Such
// a process holds the life lock of its slot, a robust lock whose word the kernel changes when it dies. Waiters look at the word,
// and sleep on it beside what they wait for.
//
//   Lives lives(segment);
//   const ClientId me = lives.self();                 // from now on this process' death shows
//   lives.of(holder) == Life::dead                    // then what it held is to be given back
//
// Layout of a life (64 bytes; one per client slot, at header().lives; type-stable)
//     0  mutex     RobustMutex, held by a thread of the client for as long as it is attached
//    40  client    generation << 32 | slot of the client the slot is now, 0 = nobody
//    48  waits_at  offset of the wait word a thread of it sleeps on, 0 = none: for those who look
//    56  thread    that holds the mutex for this client, 0 = none does
//
// alive   the lock is held by `thread`; or it is not (that thread has ended, or the process that had the slot before has left
//         the lock to its end), and the process is found alive by asking the system
// dead    the slot is still in this use, and its process is dead: whatever it was is given back, by whoever notices
// ended   the slot is in another use by now: the process left in an orderly way, or everything was given back at its death.
//         So what an ended client still seems to hold, it has left behind on purpose.
//
// Crash: `client` is written after the slot was taken and cleared after it was given back, one store each. A death before leaves
// 0, or the client of a free slot: "ended" in both cases.
// Thread and process safety: full. Cost: of() one or two loads while the client lives.
#pragma once

#include <optional>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

inline constexpr std::size_t client_slots = 512;  // slot 0 is nobody

/// One use of a slot, for ever.
struct ClientId {
  u32 slot = 0;
  u32 generation = 0;
  static ClientId of(u64 word) noexcept { return {static_cast<u32>(word), static_cast<u32>(word >> 32)}; }
  u64 word() const noexcept { return u64{generation} << 32 | slot; }
  bool operator==(const ClientId&) const = default;
};

struct alignas(64) ClientLife {
  RobustMutex mutex;
  Word client;
  Word waits_at;
  Word thread;
};
static_assert(sizeof(ClientLife) == 64 && offsetof(ClientLife, client) == 40);

enum class Life { alive, dead, ended };

class Lives {
 public:
  explicit Lives(Segment& segment) noexcept : segment_(&segment) {}

  /// Puts the table into a fresh segment.
  static void make(Segment& segment);
  /// Who can tell whether the process behind a slot lives when its life lock does not say so: the registry. Once per process.
  using Judge = Life (*)(Segment&, ClientId);
  static void set_judge(Judge judge) noexcept;

  /// The slot is this client's now, is nobody's any more. For those who hand out slots.
  void begin(ClientId client) noexcept;
  void end(ClientId client) noexcept;
  /// This process gives up its life lock, if this is the thread that has it; before its slot is another's.
  void release() noexcept;

  /// This process, which others may wait for from now on.
  ClientId self();
  Life of(ClientId client) const;
  /// What to sleep on until the client dies or ends; nullopt: look again soon.
  std::optional<FutexWord> watch(ClientId client) const noexcept;
  /// For objects(): this process sleeps at that offset; 0: no more. Of several threads, the last word counts.
  void waits_at(u64 offset) noexcept { Log::commit_single(at(segment_->client_slot).waits_at, offset); }
  /// Processes that sleep there.
  std::size_t waiters(u64 offset) const noexcept;

  /// Where the client sleeps; 0: it does not.
  u64 waits_at_of(ClientId client) const noexcept {
    return at(client.slot).client.load() == client.word() ? at(client.slot).waits_at.load() : 0;
  }

  /// The kernel wakes one of those who watched a client that has died: wakes the others.
  void wake_watchers(ClientId client) const noexcept { at(client.slot).mutex.wake_watchers(); }

 private:
  static bool held(const ClientLife& life) noexcept {
    const pid_t owner = life.mutex.owner();
    return owner != 0 && static_cast<u64>(owner) == life.thread.load();
  }
  ClientLife& at(u64 slot) const noexcept {
    return (&segment_->at<ClientLife>(segment_->header().lives))[slot % client_slots];
  }
  Segment* segment_;
};

}  // namespace partage::kernel
