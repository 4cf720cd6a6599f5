// The shared memory of this layer: who is attached, and the locks of those who clear up.
//
// Layout of the table (header().clients; 34176 bytes, 64-aligned; made by Registry::format, never moved)
//      0  stripe         guards the client slots; its body words are unused
//    256  reaper         lock of the one who takes back what dead clients held
//    320  collector[16]  per registry stripe: lock of the one who takes its dying objects apart
//   1344  pid_namespace  inode of the pid namespace whose pids the slots hold, 0 = unknown
//   1352  control_number in the name of the manager's control socket: random, drawn anew by each manager; 0 = none so far
//   1360  reserved[6]
//   1400  pad
//   1408  slots[512]     slot 0 is nobody and stays free
// Layout of a client slot (64 bytes)
//      0  state     generation << 32 | ClientState
//      8  pid       0: reserved, and the child has not said or been told who it is; or transit
//     16  start     its start time, 0 = unknown
//     24  image     its stack, which exec() changes; 0 = unknown (platform/process_identity.hpp)
//     32  reserver  slot | generation << 32 of the client that reserved it for its child, 0 = attached by itself
//     40  ended     1: the process is in exit(), so its death will be an orderly end (Clients::end)
//     48  reserved[2]
//
// A client is named by {slot, generation}: a slot is reused with another generation. References (bits in
// object_table.hpp) and private runs (heap.hpp) name only the slot, because they are gone before it is free.
//
// Crash: slots change through the log of `stripe`, one commit each. A slot that is not free always tells who is to
// blame for it: the process in `pid`, or while that is 0 its reserver. reap.hpp judges and takes back.
// A transit client is no process: it holds what is inside messages that are on their way (transit.hpp). It lives as long as
// somebody, or a message, has the descriptor that holds the lock on its byte of the segment's file: byte
// transit_lock_offset + slot, which is far beyond its end.
// The two kinds of lock below guard no words: the work done under them consists of commits of their own and starts over
// from what it finds, so the next holder after a death has nothing to repair.
//
// Lock order: reaper -> collector (ascending; one at a time but for verify) -> transaction record -> stripes.
#pragma once

#include "manager/segment/object_table.hpp"

namespace partage::kernel {

/// DO NOT CHANGE THESE VALUES: they are in segments.
enum class ClientState : u64 { free = 0, reserved = 1, live = 2, transit = 3 };

inline constexpr u64 transit_lock_offset = u64{1} << 62;

struct alignas(64) ClientSlot {
  Word state;
  Word pid;
  Word start;
  Word image;
  Word reserver;
  Word ended;
  Word reserved[2];
};
static_assert(sizeof(ClientSlot) == 64 && offsetof(ClientSlot, reserver) == 32);

/// A lock that guards an activity instead of words.
struct alignas(64) ActivityLock {
  RobustMutex mutex;
};
static_assert(sizeof(ActivityLock) == 64);

struct ControlTable {
  Stripe stripe;
  ActivityLock reaper;
  ActivityLock collector[ObjectTable::stripe_count];
  Word pid_namespace;
  Word control_number;
  Word reserved[6];
  ClientSlot slots[client_slots];
};
static_assert(offsetof(ControlTable, reaper) == 256 && offsetof(ControlTable, collector) == 320);
static_assert(offsetof(ControlTable, pid_namespace) == 1344 && offsetof(ControlTable, control_number) == 1352);
static_assert(offsetof(ControlTable, slots) == 1408);
static_assert(sizeof(ControlTable) == 1408 + 64 * client_slots);

inline ControlTable& control_table(const Segment& segment) noexcept {
  return segment.at<ControlTable>(segment.header().clients);
}

/// The tables that the header names lie in the segment, so that they may be looked at: it may be damaged since it was attached.
bool has_tables(const Segment& segment) noexcept;

/// Puts the table into a fresh segment.
void make_control_table(Segment& segment);

/// Scope of an activity lock.
class ActivityGuard {
 public:
  /// Waits, at most for operation_timeout: then TimeoutError naming the holder and `what` it does.
  ActivityGuard(const Segment& segment, ActivityLock& lock, const char* what);
  /// Does not wait; ask held().
  explicit ActivityGuard(ActivityLock& lock);
  ActivityGuard(const ActivityGuard&) = delete;
  ActivityGuard& operator=(const ActivityGuard&) = delete;
  ~ActivityGuard() { release(); }

  bool held() const noexcept { return lock_ != nullptr; }
  void release() noexcept {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->mutex.release();
  }

 private:
  void settle(ActivityLock& lock, Acquired acquired) noexcept;

  ActivityLock* lock_ = nullptr;
};

}  // namespace partage::kernel
