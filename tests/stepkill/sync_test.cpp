// Every operation of locks, semaphores, conditions, events and barriers, and what gives back for the dead: killed after every
// change of the segment, repaired and reaped by another process, and that one killed likewise.
#include <thread>

#include "tests/stepkill/sync_bench.hpp"

namespace partage::test {
namespace {

using kernel::Deadline;
using kernel::u64;
using kernel::Waiting;

constexpr Deadline forever = std::nullopt;
Deadline at_once() {
  return Waiting::never();
}

// ---- locks ----------------------------------------------------------------------------------------------------------

const std::vector<SyncOperation>& lock_operations() {
  static const SyncOperation::Step taken_by_first = [](Party& p) { p.lock().acquire(at_once()); };
  static const SyncOperation::Step dead_holder = [](Party& p) {
    p.as_one_that_dies([](Party& dead) { dead.lock().acquire(at_once()); });
  };
  static const SyncOperation::Step twice = [](Party& p) {
    p.rlock().acquire(at_once());
    p.rlock().acquire(at_once());
  };
  static const std::vector<SyncOperation> all = {
      {.name = "lock acquire",
       .run = [](Party& p) { p.lock().acquire(forever); },
       .before = "lock: free",
       .after = "lock: free, its holder died"},
      {.name = "lock acquire, from one that died",
       .set = dead_holder,
       .run = [](Party& p) { p.lock().acquire(forever); },
       .before = "lock: free, its holder died",
       .after = "lock: free, its holder died"},
      {.name = "lock acquire, from one that died and was reaped",
       .set =
           [](Party& p) {
             dead_holder(p);
             kernel::reap_all_dead(p.segment());
           },
       .run = [](Party& p) { p.lock().acquire(forever); },
       .before = "lock: free, its holder died",
       .after = "lock: free, its holder died"},
      {.name = "lock acquire, taken, without waiting",
       .set = taken_by_first,
       .run = [](Party& p) { p.lock().acquire(at_once()); },
       .after = "lock: held by 1",
       .visible = false},
      {.name = "lock acquire, taken, its time is over",
       .set = taken_by_first,
       .run = [](Party& p) { p.lock().acquire(long_ago()); },
       .after = "lock: held by 1",
       .visible = false},
      {.name = "lock acquire, taken, sleeps in vain",
       .set = taken_by_first,
       .run = [](Party& p) { p.lock().acquire(soon()); },
       .after = "lock: held by 1",
       .visible = false},
      {.name = "lock release",
       .prepare = [](Party& p) { p.lock().acquire(at_once()); },
       .run = [](Party& p) { p.lock().release(); },
       .before = "lock: free, its holder died",
       .after = "lock: free"},
      {.name = "lock release, another waits",
       .prepare =
           [](Party& p) {
             p.lock().acquire(at_once());
             p.as_first([](Party& first) { first.lock().acquire(long_ago()); });
           },
       .run = [](Party& p) { p.lock().release(); },
       .before = "lock: free, its holder died",
       .after = "lock: free"},
      {.name = "lock release, of another's",
       .set = taken_by_first,
       .run = [](Party& p) { p.lock().release(); },
       .before = "lock: held by 1",
       .after = "lock: free"},
      {.name = "lock release, of a free one",
       .run = [](Party& p) { p.lock().release(); },
       .after = "lock: free",
       .visible = false},
      {.name = "lock owner_died",
       .set = dead_holder,
       .prepare = [](Party& p) { p.lock().acquire(at_once()); },
       .run = [](Party& p) { p.lock().owner_died(); },
       .after = "lock: free, its holder died"},
      {.name = "lock given back for one that died",
       .set = dead_holder,
       .run = [](Party& p) { p.lock().give_back(kernel::Clients(p.segment()).info(2).id); },
       .after = "lock: free, its holder died"},
      {.name = "rlock acquire",
       .run = [](Party& p) { p.rlock().acquire(forever); },
       .before = "rlock: free",
       .after = "rlock: free, its holder died"},
      {.name = "rlock acquire, again",
       .prepare = twice,
       .run = [](Party& p) { p.rlock().acquire(forever); },
       .before = "rlock: free, its holder died",
       .after = "rlock: free, its holder died"},
      {.name = "rlock acquire, from one that died",
       .set = [](Party& p) { p.as_one_that_dies(twice); },
       .run = [](Party& p) { p.rlock().acquire(forever); },
       .after = "rlock: free, its holder died"},
      {.name = "rlock release, one of two",
       .prepare = twice,
       .run = [](Party& p) { p.rlock().release(); },
       .before = "rlock: free, its holder died",
       .after = "rlock: free, its holder died"},
      {.name = "rlock release, the last",
       .prepare = [](Party& p) { p.rlock().acquire(at_once()); },
       .run = [](Party& p) { p.rlock().release(); },
       .before = "rlock: free, its holder died",
       .after = "rlock: free"},
      {.name = "rlock release, of another's",
       .set = twice,
       .run = [](Party& p) { p.rlock().release(); },
       .after = "rlock: held by 1 times 2",
       .visible = false},
      {.name = "rlock release_all",
       .prepare = twice,
       .run = [](Party& p) { p.rlock().release_all(); },
       .before = "rlock: free, its holder died",
       .after = "rlock: free"},
      {.name = "rlock acquire_again",
       .run = [](Party& p) { p.rlock().acquire_again(3); },
       .before = "rlock: free",
       .after = "rlock: free, its holder died"},
      {.name = "rlock given back for one that died",
       .set = [](Party& p) { p.as_one_that_dies(twice); },
       .run = [](Party& p) { p.rlock().give_back(kernel::Clients(p.segment()).info(2).id); },
       .after = "rlock: free, its holder died"},
  };
  return all;
}

// ---- semaphores -----------------------------------------------------------------------------------------------------

SyncOperation::Step take(std::size_t permits) {
  return [permits](Party& p) {
    for (std::size_t i = 0; i < permits; ++i) p.semaphore().acquire(at_once());
  };
}

const std::vector<SyncOperation>& semaphore_operations() {
  static const SyncOperation::Step both = [](Party& p) {
    for (int i = 0; i < 2; ++i) p.bounded().acquire(at_once());
  };
  static const SyncOperation::Step both_by_dead = [](Party& p) { p.as_one_that_dies(both); };
  static const std::vector<SyncOperation> all = {
      {.name = "semaphore acquire, the first record",
       .run = [](Party& p) { p.semaphore().acquire(forever); },
       .before = "semaphore: 100 left, taken by",
       .after = "semaphore: 100 left, taken by"},
      {.name = "semaphore acquire, others have some",
       .set = take(2),
       .run = [](Party& p) { p.semaphore().acquire(forever); },
       .before = "semaphore: 98 left, taken by 1 1",
       .after = "semaphore: 98 left, taken by 1 1"},
      {.name = "semaphore acquire, the roster grows",
       .set = take(8),
       .run = [](Party& p) { p.semaphore().acquire(forever); },
       .after = "semaphore: 92 left, taken by 1 1 1 1 1 1 1 1"},
      {.name = "semaphore acquire, of those of the dead",
       .set = both_by_dead,
       .run = [](Party& p) { p.bounded().acquire(forever); },
       .before = "bounded: 2 left, taken by",
       .after = "bounded: 2 left, taken by",
       .several = true},
      {.name = "semaphore acquire, none left, without waiting",
       .set = both,
       .run = [](Party& p) { p.bounded().acquire(at_once()); },
       .after = "bounded: 0 left, taken by 1 1",
       .visible = false},
      {.name = "semaphore acquire, none left, its time is over",
       .set = both,
       .run = [](Party& p) { p.bounded().acquire(long_ago()); },
       .after = "bounded: 0 left, taken by 1 1",
       .visible = false},
      {.name = "semaphore acquire, none left, sleeps in vain",
       .set = both,
       .run = [](Party& p) { p.bounded().acquire(soon()); },
       .after = "bounded: 0 left, taken by 1 1",
       .visible = false},
      {.name = "semaphore release, its own, the only one",
       .prepare = take(1),
       .run = [](Party& p) { p.semaphore().release(); },
       .after = "semaphore: 100 left, taken by"},
      {.name = "semaphore release, its own, from the middle",
       .set = take(1),
       .prepare =
           [](Party& p) {
             take(1)(p);
             p.as_first(take(1));
           },
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 98 left, taken by 1 1",
       .after = "semaphore: 98 left, taken by 1 1"},
      {.name = "semaphore release, its own, beside a hole",
       .set =
           [](Party& p) {
             take(1)(p);
             p.as_one_that_dies(take(1));
           },
       .prepare =
           [](Party& p) {
             take(1)(p);
             p.as_first(take(1));
             kernel::reap_all_dead(p.segment());
             p.as_first([](Party& first) { first.semaphore().release(); });
           },
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 99 left, taken by 1",
       .after = "semaphore: 99 left, taken by 1"},
      {.name = "semaphore release, of another's",
       .set = take(2),
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 98 left, taken by 1 1",
       .after = "semaphore: 99 left, taken by 1"},
      {.name = "semaphore release, nobody has one",
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 100 left, taken by",
       .after = "semaphore: 101 left, taken by"},
      {.name = "semaphore release, the roster is given up",
       .set =
           [](Party& p) {
             take(65)(p);
             for (int i = 0; i < 64; ++i) p.semaphore().release();
           },
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 99 left, taken by 1",
       .after = "semaphore: 100 left, taken by"},
      {.name = "semaphore release, bounded, one waits",
       .set = both,
       .prepare = [](Party& p) { p.as_first([](Party& first) { first.bounded().acquire(long_ago()); }); },
       .run = [](Party& p) { p.bounded().release(); },
       .before = "bounded: 0 left, taken by 1 1",
       .after = "bounded: 1 left, taken by 1"},
      {.name = "semaphore release, bounded, it has all",
       .run = [](Party& p) { p.bounded().release(); },
       .after = "bounded: 2 left, taken by",
       .visible = false},
      {.name = "semaphore acquire, signal",
       .run = [](Party& p) { p.signal().acquire(forever); },
       .before = "signal: 1 left, taken by",
       .after = "signal: 0 left, taken by"},
      {.name = "semaphore release, signal",
       .run = [](Party& p) { p.signal().release(); },
       .before = "signal: 1 left, taken by",
       .after = "signal: 2 left, taken by"},
      {.name = "semaphore value, gives back for the dead",
       .set = both_by_dead,
       .run = [](Party& p) { p.bounded().value(); },
       .after = "bounded: 2 left, taken by",
       .several = true},
      {.name = "semaphore given back for one that died",
       .set = both_by_dead,
       .run = [](Party& p) { p.bounded().give_back(kernel::Clients(p.segment()).info(2).id); },
       .after = "bounded: 2 left, taken by",
       .several = true},
      {.name = "semaphore given back, not above what it began with",
       .set = [](Party& p) { p.semaphore().release(); },
       .prepare = take(2),
       .run = [](Party& p) { p.semaphore().release(); },
       .before = "semaphore: 100 left, taken by",
       .after = "semaphore: 100 left, taken by"},
  };
  return all;
}

// ---- conditions -----------------------------------------------------------------------------------------------------

const std::vector<SyncOperation>& condition_operations() {
  const auto enlist = [](std::size_t waiters) -> SyncOperation::Step {
    return [waiters](Party& p) {
      for (std::size_t i = 0; i < waiters; ++i) p.ticket = p.condition().enlist();
    };
  };
  // The operator waits, notified, and after it another that is not.
  static const SyncOperation::Step notified = [](Party& p) {
    p.ticket = p.condition().enlist();
    p.as_first([](Party& first) {
      first.condition().enlist();
      first.condition().notify(1);
    });
  };
  static const std::vector<SyncOperation> all = {
      {.name = "condition enlist",
       .run = [](Party& p) { p.condition().enlist(); },
       .before = "condition: waiting",
       .after = "condition: waiting"},
      {.name = "condition enlist, the roster grows",
       .set = enlist(8),
       .run = [](Party& p) { p.condition().enlist(); },
       .after = "condition: waiting 1 1 1 1 1 1 1 1"},
      {.name = "condition enlist, one died notified before",
       .set =
           [](Party& p) {
             p.as_one_that_dies([](Party& dead) {
               dead.condition().enlist();
               dead.condition().notify(1);
             });
           },
       .run = [](Party& p) { p.as_first([](Party& first) { first.condition().enlist(); }); },
       .before = "condition: waiting",
       .after = "condition: waiting 1",
       .several = true},
      {.name = "condition leave, not notified",
       .set = enlist(1),
       .prepare = enlist(1),
       .run = [](Party& p) { p.condition().leave(p.ticket); },
       .before = "condition: waiting 1",
       .after = "condition: waiting 1"},
      {.name = "condition leave, notified",
       .prepare = notified,
       .run = [](Party& p) { p.condition().leave(p.ticket); },
       .before = "condition: waiting 1!",
       .after = "condition: waiting 1"},
      {.name = "condition await, notified",
       .prepare = notified,
       .run = [](Party& p) { p.condition().await(p.ticket, forever); },
       .after = "condition: waiting 1!",
       .visible = false},
      {.name = "condition await, without waiting",
       .set = enlist(1),
       .prepare = enlist(1),
       .run = [](Party& p) { p.condition().await(p.ticket, at_once()); },
       .after = "condition: waiting 1",
       .visible = false},
      {.name = "condition await, its time is over",
       .prepare = enlist(1),
       .run = [](Party& p) { p.condition().await(p.ticket, long_ago()); },
       .after = "condition: waiting",
       .visible = false},
      {.name = "condition await, sleeps in vain beside one that is notified",
       .set =
           [](Party& p) {
             p.condition().enlist();
             p.condition().notify(1);
           },
       .prepare = enlist(1),
       .run = [](Party& p) { p.condition().await(p.ticket, soon()); },
       .after = "condition: waiting 1!",
       .visible = false},
      {.name = "condition await, another died notified",
       .set =
           [](Party& p) {
             p.as_one_that_dies([](Party& dead) {
               dead.condition().enlist();
               dead.as_first([](Party& first) { first.ticket = first.condition().enlist(); });
               dead.condition().notify(1);
             });
             p.ticket = 2;
           },
       .run = [](Party& p) { p.as_first([](Party& first) { first.condition().await(first.ticket, forever); }); },
       .before = "condition: waiting 1!",
       .after = "condition: waiting 1!",
       .several = true},
      {.name = "condition notify, one of two",
       .set = enlist(2),
       .run = [](Party& p) { p.condition().notify(1); },
       .before = "condition: waiting 1 1",
       .after = "condition: waiting 1! 1"},
      {.name = "condition notify, two of three",
       .set = enlist(3),
       .run = [](Party& p) { p.condition().notify(2); },
       .before = "condition: waiting 1 1 1",
       .after = "condition: waiting 1! 1! 1"},
      {.name = "condition notify, all",
       .set = enlist(3),
       .prepare = enlist(1),
       .run = [](Party& p) { p.condition().notify(~u64{0}); },
       .before = "condition: waiting 1 1 1",
       .after = "condition: waiting 1! 1! 1!"},
      {.name = "condition notify, they sleep",
       .set =
           [](Party& p) {
             p.ticket = p.condition().enlist();
             p.condition().await(p.ticket, long_ago());
           },
       .run = [](Party& p) { p.condition().notify(1); },
       .before = "condition: waiting 1",
       .after = "condition: waiting 1!"},
      {.name = "condition notify, nobody waits",
       .run = [](Party& p) { p.condition().notify(1); },
       .after = "condition: waiting",
       .visible = false},
      {.name = "condition notify, the first one is dead",
       .set =
           [](Party& p) {
             p.as_one_that_dies([](Party& dead) {
               dead.condition().enlist();
               dead.as_first([](Party& first) {
                 first.condition().enlist();
                 first.condition().enlist();
               });
             });
           },
       .run = [](Party& p) { p.condition().notify(1); },
       .before = "condition: waiting 1 1",
       .after = "condition: waiting 1! 1",
       .several = true},
      {.name = "condition notify, of itself, and it dies",
       .prepare =
           [](Party& p) {
             p.condition().enlist();
             p.as_first([](Party& first) { first.condition().enlist(); });
           },
       .run = [](Party& p) { p.condition().notify(1); },
       .before = "condition: waiting 1",
       .after = "condition: waiting 1!"},
      {.name = "condition, a whole wait, notified at once",
       .prepare = [](Party& p) { p.rlock().acquire(at_once()); },
       .run =
           [](Party& p) {
             const u64 ticket = p.condition().enlist();
             const kernel::u32 depth = p.rlock().release_all();
             p.condition().notify(1);
             p.condition().await(ticket, forever);
             p.rlock().acquire_again(depth);
             p.condition().leave(ticket);
           },
       .before = "rlock: free, its holder died",
       .after = "rlock: free, its holder died",
       .several = true,
       .between = "rlock: free"},
      {.name = "condition given back for one that died notified",
       .set =
           [](Party& p) {
             p.as_one_that_dies([](Party& dead) {
               dead.condition().enlist();
               dead.as_first([](Party& first) { first.condition().enlist(); });
               dead.condition().notify(1);
             });
           },
       .run = [](Party& p) { p.condition().give_back(kernel::Clients(p.segment()).info(2).id); },
       .before = "condition: waiting 1!",
       .after = "condition: waiting 1!"},
      {.name = "condition given back, the next one is dead too",
       .set =
           [](Party& p) {
             p.as_one_that_dies([](Party& dead) {
               // Two clients of one process, and then two waiters that live on; the first is notified.
               dead.condition().enlist();
               kernel::Clients(dead.segment()).attach();
               dead.condition().enlist();
               dead.as_first([](Party& first) {
                 first.condition().enlist();
                 first.condition().enlist();
                 first.condition().notify(1);
               });
             });
           },
       .run = [](Party& p) { p.condition().give_back(kernel::Clients(p.segment()).info(2).id); },
       .before = "condition: waiting 1! 1",
       .after = "condition: waiting 1! 1",
       .several = true},
  };
  return all;
}

// ---- events ---------------------------------------------------------------------------------------------------------

const std::vector<SyncOperation>& event_operations() {
  static const SyncOperation::Step set = [](Party& p) { p.event().set(); };
  static const std::vector<SyncOperation> all = {
      {.name = "event set", .run = set, .before = "event: clear", .after = "event: set"},
      {.name = "event set, one waits",
       .set = [](Party& p) { p.event().wait(long_ago()); },
       .run = set,
       .before = "event: clear",
       .after = "event: set"},
      {.name = "event set, it is set", .set = set, .run = set, .after = "event: set", .visible = false},
      {.name = "event clear",
       .set = set,
       .run = [](Party& p) { p.event().clear(); },
       .before = "event: set",
       .after = "event: clear"},
      {.name = "event wait, it is set",
       .set = set,
       .run = [](Party& p) { p.event().wait(forever); },
       .after = "event: set",
       .visible = false},
      {.name = "event wait, sleeps in vain",
       .run = [](Party& p) { p.event().wait(soon()); },
       .after = "event: clear",
       .visible = false},
  };
  return all;
}

// ---- barriers -------------------------------------------------------------------------------------------------------

const std::vector<SyncOperation>& barrier_operations() {
  static const SyncOperation::Step arrive = [](Party& p) { p.ticket = p.barrier().arrive(false, at_once()).ticket; };
  static const SyncOperation::Step act = [](Party& p) { p.ticket = p.barrier().arrive(true, at_once()).ticket; };
  static const SyncOperation::Step dead_in_it = [](Party& p) { p.as_one_that_dies(arrive); };
  static const std::vector<SyncOperation> all = {
      {.name = "barrier arrive, the first",
       .run = [](Party& p) { p.barrier().arrive(false, forever); },
       .before = "barrier: filling, in it",
       .after = "barrier: broken, in it"},
      {.name = "barrier arrive, the last",
       .set = arrive,
       .run = [](Party& p) { p.barrier().arrive(false, forever); },
       .before = "barrier: filling, in it 1",
       .after = "barrier: draining, in it 1"},
      {.name = "barrier arrive, the last, they sleep",
       .set =
           [](Party& p) {
             arrive(p);
             p.barrier().broken();
             p.as_one_that_dies([](Party&) {});
           },
       .run = [](Party& p) { p.barrier().arrive(false, forever); },
       .before = "barrier: filling, in it 1",
       .after = "barrier: draining, in it 1"},
      {.name = "barrier arrive, the last, with an action",
       .set = arrive,
       .run = [](Party& p) { p.barrier().arrive(true, forever); },
       .before = "barrier: filling, in it 1",
       .after = "barrier: broken, in it 1"},
      {.name = "barrier arrive, one that stood in it is dead",
       .set = dead_in_it,
       .run = [](Party& p) { p.barrier().arrive(false, forever); },
       .before = "barrier: broken, in it",
       .after = "barrier: broken, in it"},
      {.name = "barrier arrive, the round before is leaving, in vain",
       .set =
           [](Party& p) {
             arrive(p);
             arrive(p);
           },
       .run = [](Party& p) { p.barrier().arrive(false, long_ago()); },
       .after = "barrier: draining, in it 1 1",
       .visible = false},
      {.name = "barrier finish",
       .set = arrive,
       .prepare = act,
       .run = [](Party& p) { p.barrier().finish(p.ticket, false); },
       .before = "barrier: broken, in it 1",
       .after = "barrier: draining, in it 1",
       .several = true},
      {.name = "barrier finish, the action has failed",
       .set = arrive,
       .prepare = act,
       .run = [](Party& p) { p.barrier().finish(p.ticket, true); },
       .before = "barrier: broken, in it 1",
       .after = "barrier: broken, in it 1",
       .several = true},
      {.name = "barrier await, all have come",
       .prepare =
           [](Party& p) {
             arrive(p);
             p.as_first(arrive);
             --p.ticket;
           },
       .run = [](Party& p) { p.barrier().await(p.ticket, forever); },
       .before = "barrier: draining, in it 1",
       .after = "barrier: draining, in it 1"},
      {.name = "barrier await, the last one leaves",
       .prepare =
           [](Party& p) {
             arrive(p);
             p.as_first([](Party& first) {
               arrive(first);
               first.barrier().await(first.ticket, at_once());
               --first.ticket;
             });
           },
       .run = [](Party& p) { p.barrier().await(p.ticket, forever); },
       .before = "barrier: filling, in it",
       .after = "barrier: filling, in it"},
      {.name = "barrier await, nobody comes",
       .prepare = arrive,
       .run = [](Party& p) { p.barrier().await(p.ticket, at_once()); },
       .before = "barrier: broken, in it",
       .after = "barrier: broken, in it",
       .several = true},
      {.name = "barrier await, sleeps, and nobody comes",
       .prepare = arrive,
       .run = [](Party& p) { p.barrier().await(p.ticket, soon()); },
       .after = "barrier: broken, in it",
       .several = true},
      {.name = "barrier, a whole round of the last one",
       .set = arrive,
       .run =
           [](Party& p) {
             const auto arrival = p.barrier().arrive(true, forever);
             p.barrier().finish(arrival.ticket, false);
           },
       .before = "barrier: filling, in it 1",
       .after = "barrier: draining, in it 1",
       .several = true,
       .between = "barrier: broken, in it 1"},
      {.name = "barrier abort",
       .set = arrive,
       .run = [](Party& p) { p.barrier().abort(); },
       .before = "barrier: filling, in it 1",
       .after = "barrier: broken, in it 1"},
      {.name = "barrier reset, broken and empty",
       .set = [](Party& p) { p.barrier().abort(); },
       .run = [](Party& p) { p.barrier().reset(); },
       .before = "barrier: broken, in it",
       .after = "barrier: filling, in it"},
      {.name = "barrier reset, one stands in it",
       .set = arrive,
       .run = [](Party& p) { p.barrier().reset(); },
       .before = "barrier: filling, in it 1",
       .after = "barrier: resetting, in it 1"},
      {.name = "barrier reset, after a death in it",
       .set = dead_in_it,
       .run = [](Party& p) { p.barrier().reset(); },
       .before = "barrier: broken, in it",
       .after = "barrier: filling, in it",
       .several = true},
      {.name = "barrier broken, sees the death",
       .set = dead_in_it,
       .run = [](Party& p) { p.barrier().broken(); },
       .after = "barrier: broken, in it"},
      {.name = "barrier given back for one that died",
       .set =
           [](Party& p) {
             arrive(p);
             p.as_one_that_dies([](Party& dead) { dead.barrier().arrive(true, at_once()); });
           },
       .run = [](Party& p) { p.barrier().give_back(kernel::Clients(p.segment()).info(2).id); },
       .before = "barrier: broken, in it 1",
       .after = "barrier: broken, in it 1"},
      {.name = "barrier given back for one that died leaving",
       .set =
           [](Party& p) {
             arrive(p);
             dead_in_it(p);
           },
       .run = [](Party& p) { p.barrier().give_back(kernel::Clients(p.segment()).info(2).id); },
       .before = "barrier: draining, in it 1",
       .after = "barrier: draining, in it 1"},
  };
  return all;
}

// ---- lives, and all at once -------------------------------------------------------------------------------------------

const std::vector<SyncOperation>& life_operations() {
  static const SyncOperation::Step everything = [](Party& p) {
    const SyncRefs& r = p.refs();
    Bytes out;
    p.lock().acquire(at_once());
    p.rlock().acquire(at_once());
    p.rlock().acquire(at_once());
    for (int i = 0; i < 2; ++i) p.semaphore().acquire(at_once());
    p.signal().acquire(at_once());
    p.condition().enlist();
    p.barrier().arrive(false, at_once());
    for (const ObjectRef ref : {r.queue, r.parcels, r.joinable, r.deliveries}) p.queue(ref).get(out, at_once());
  };
  static const std::vector<SyncOperation> all = {
      {.name = "lives, the first use", .run = [](Party& p) { p.lives().self(); }, .visible = false},
      {.name = "lives, after the thread that held the life lock",
       .prepare = [](Party& p) { std::thread([&p] { p.lives().self(); }).join(); },
       .run = [](Party& p) { p.lives().self(); },
       .visible = false},
      {.name = "lives, given up",
       .prepare = [](Party& p) { p.lives().self(); },
       .run = [](Party& p) { p.lives().release(); },
       .visible = false},
      {.name = "condition created with its lock, by one that dies",
       .run =
           [](Party& p) {
             kernel::Registry registry(p.segment(), kernel::Control::alone);
             registry.create_sync("condition", "", {.kind = kernel::SyncKind::condition, .companion = p.refs().rlock},
                                  kernel::ObjectKind::condition);
           },
       .visible = false},
      {.name = "everything given back for one that died",
       .set = [](Party& p) { p.as_one_that_dies(everything); },
       .run = [](Party& p) { kernel::reap_all_dead(p.segment()); },
       .before = "joinable: in b*60, 1 back",
       .after = "joinable: in b*60, 1 back",
       .several = true},
      {.name = "everything kept or given back, detached",
       .prepare = everything,
       .run = [](Party& p) { kernel::Clients(p.segment()).detach(); },
       .before = "lock: free, its holder died",
       .after = "lock: held by 2",
       .several = true},
  };
  return all;
}

const std::vector<SyncOperation>* const every_list[] = {&lock_operations(),      &semaphore_operations(),
                                                        &condition_operations(), &event_operations(),
                                                        &barrier_operations(),   &life_operations()};

}  // namespace

TEST_CASE("locks: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL locks", lock_operations());
}
TEST_CASE("semaphores: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL semaphores", semaphore_operations());
}
TEST_CASE("conditions: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL conditions", condition_operations());
}
TEST_CASE("events: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL events", event_operations());
}
TEST_CASE("barriers: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL barriers", barrier_operations());
}
TEST_CASE("lives and what the dead held: killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL lives", life_operations());
}

TEST_CASE("synchronisation: real SIGKILLs at every change and in lock and commit") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL synchronisation, real kills");
  for (const char* name : {"lock acquire", "semaphore acquire, others have some", "condition notify, one of two"}) {
    for (const auto* list : every_list) {
      for (const SyncOperation& operation : *list) {
        if (operation.name != std::string(name)) continue;
        SyncBench bench(operation);
        check_atomic(report.add(real(bench.subject(Look::at_remains), Selection::changed_and(commit_code()))));
      }
    }
  }
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("synchronisation: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL synchronisation, every instruction");
    for (const auto* list : every_list) {
      for (const SyncOperation& operation : *list) kill_at_every_instruction(report, operation);
    }
  }
  TEST_CASE("synchronisation: the repair of every operation is killed after every change of the segment") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL synchronisation, repairs");
    for (const auto* list : every_list) {
      for (const SyncOperation& operation : *list) kill_every_repair(report, operation);
    }
  }
}

}  // namespace partage::test
