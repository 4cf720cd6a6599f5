// What stands in a segment at this moment, seen without taking a lock: its processes, its objects with who holds and
// who waits, the internal locks that are held, and the counts of what was done.
//
//   const Observation now = observe(segment);       // the segment is mapped; this process need not be attached
//
// For tools that must be able to look when a process is stopped in the middle of an operation: nothing is waited for,
// nothing is repaired, nothing is written. So what belongs together may be of several moments, and an object that is
// just going away may look odd. Every offset is bounded before it is followed: the segment may be damaged.
//
// What is not known: since when a lock is held (it would cost every acquire() a word), which thread of a process holds
// a Lock or a permit (an RLock knows), and who waits beyond the 256 threads of segment/wait_table.hpp: then which of a
// process' threads, and since when.
//
// Thread and process safety: full. Complexity: O(objects + clients).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/platform/process_identity.hpp"
#include "manager/registry/control_table.hpp"
#include "manager/segment/wait_table.hpp"

namespace partage::kernel {

struct SeenClient {
  ClientId id;
  ClientState state = ClientState::free;
  ProcessIdentity process;  // pid 0: reserved, or transit
  ClientId reserver;
  bool dead = false;  // its process is, and nobody has given back yet what it had
};

/// A lock, a permit, a place in a barrier or among those who wait to be notified.
struct SeenHolder {
  ClientId client;
  pid_t pid = 0;     // 0: it has ended in an orderly way, and left it taken
  pid_t thread = 0;  // 0: not known
  u64 count = 1;     // depth of an RLock, permits of a semaphore
};

struct SeenObject {
  ObjectRef ref = 0;
  std::string name;  // "" when anonymous
  ObjectKind kind{};
  bool quarantined = false;  // found damaged (quarantine.hpp): nothing below is known of it
  u64 body = 0;
  ObjectRef companion = 0;  // its lock, of a condition, a value or an array
  std::vector<SeenHolder> holders;
  std::vector<SeenHolder> enlisted;  // condition: who waits to be notified; barrier: who has come
  std::optional<u64> permits;        // semaphore: those that are left
  struct Stripe {
    u64 offset;
    u64 seq;
  };
  std::vector<Stripe> stripes;
  u64 elements = 0;   // of a list, queue or dict
  u64 bytes = 0;      // about: without large values of dicts, and large ones of a long list are estimated
  u64 reads = 0;      // about: read_tally.hpp
  u64 contended = 0;  // how often a lock of it was met busy
  u64 sleeps = 0;     // how often anybody slept until something happened to it, modulo 2^32 for each wait word
};

/// A thread that sleeps.
struct SeenWait {
  ClientId client;
  pid_t pid = 0;
  pid_t thread = 0;                        // 0: not known
  std::optional<Clock::time_point> since;  // nullopt: not known
  bool timed = false;
  ObjectRef object = 0;     // 0: of the segment itself
  const char* reason = "";  // "item", "room", "join", "key", "" (what the object is for), or "internal lock"
};

/// A lock of the segment that is taken for moments, and is at this one.
struct SeenInternal {
  ObjectRef object = 0;  // 0: one of the segment's own
  std::string what;      // "heap", "table of objects", "stripe"...
  pid_t thread = 0;      // that holds it
  bool dead = false;     // its holder died, and nobody has repaired yet what it guards
  u64 at = 0;            // offset of the lock
  u64 seq = 0;           // of a stripe: the window counter
};

struct Observation {
  std::vector<SeenClient> clients;
  std::vector<SeenObject> objects;  // by id, without those that nobody sees
  std::vector<SeenWait> waits;
  std::vector<SeenInternal> internals;
  u64 repairs = 0, contended = 0, sleeps = 0, used = 0, committed = 0, max = 0;

  const SeenObject* find(ObjectRef ref) const noexcept;
};

Observation observe(Segment& segment);

}  // namespace partage::kernel
