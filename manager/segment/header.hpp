// The first page of a segment: what it is, whether this program may touch it, and where its fixed tables stand.
//
// Layout (4096 bytes; everything but the marked words is written once, before the segment is published)
//     0  magic            "PARTAGE1"
//     8  format           version of docs/format.md; another version is refused
//    16  compat           features an older program may ignore: bit 0 = no manager process ever serves it
//    24  incompat         features an older program must not ignore: an unknown bit is refused
//    32  abi[4]           pointer size, byte order, page size | mutex size and alignment | libc version | Boost version
//    64  committed        bytes from the base that have memory behind them (changed by the heap's log; never shrinks)
//    72  state            0 live, 1 shut down (changed by one store; never back)
//    80  max              bytes reserved: the length of the object and of every mapping
//    88  id               random
//    96  records clients registry   offsets of the tables of transaction records, client slots, object registry
//   120  heap             offset of Boost's segment manager, which starts with the Heap
//   128  name[128]        the manager's name, NUL-terminated; empty for a private segment
//   256  manager          the service lock and the words of the manager process (manager/server)
//   312  repairs          how often anybody found a lock of this segment with a dead owner; only ever counted up
//   320  lives            offset of the table of life locks (client_life.hpp)
//   328  waits            offset of the table of waits (wait_table.hpp), 0 = none
//   336  contended        how often a lock of a stripe was met busy; a Tally, as the next
//   344  sleeps           how often anybody slept until something happened to an object
//   352  seal             hash of the words that never change, written last; 0: never sealed
//
// Crash: a segment is filled before it is published (private: before anybody else has it; named: link(2) of an unnamed
// object), so nobody ever sees half a header.
#pragma once

#include "manager/journal/robust_mutex.hpp"
#include "manager/journal/word.hpp"

namespace partage::kernel {

inline constexpr u64 segment_magic = 0x3145474154524150ull;  // "PARTAGE1" in little-endian
inline constexpr u64 segment_format = 1;
inline constexpr u64 known_incompat = 0;
/// Bit of `compat`: no manager process ever serves this segment (of a process tree or a message queue), so nobody misses one.
inline constexpr u64 compat_unmanaged = 1;

/// DO NOT CHANGE THESE VALUES: they are in segments.
enum class SegmentState : u64 { live = 0, shut_down = 1 };

struct SegmentHeader {
  u64 magic;
  u64 format;
  u64 compat;
  u64 incompat;
  u64 abi[4];
  Word committed;
  Word state;
  u64 max;
  u64 id;
  u64 records;
  u64 clients;
  u64 registry;
  u64 heap;
  char name[128];
  // The manager process: it holds `service` for its lifetime, so the lock word tells whether it lives, to everybody, for
  // one load. A successor acquires it owner-dead.
  RobustMutex service;
  Word manager_pid;
  Word manager_epoch;
  Ticket repairs;
  u64 lives;
  u64 waits;
  Word contended;
  Word sleeps;
  u64 seal;
  std::byte reserved[4096 - 360];
};
static_assert(sizeof(SegmentHeader) == 4096);
static_assert(offsetof(SegmentHeader, abi) == 32 && offsetof(SegmentHeader, committed) == 64);
static_assert(offsetof(SegmentHeader, heap) == 120 && offsetof(SegmentHeader, name) == 128);
static_assert(offsetof(SegmentHeader, service) == 256 && offsetof(SegmentHeader, manager_pid) == 296);
static_assert(offsetof(SegmentHeader, repairs) == 312 && offsetof(SegmentHeader, lives) == 320);
static_assert(offsetof(SegmentHeader, waits) == 328 && offsetof(SegmentHeader, contended) == 336);
static_assert(offsetof(SegmentHeader, seal) == 352);

inline constexpr u64 heap_offset = sizeof(SegmentHeader);

/// The four ABI words of this program.
struct AbiWords {
  u64 word[4];
};
AbiWords this_program_abi() noexcept;

/// What `seal` has to be.
u64 seal_of(const SegmentHeader& header) noexcept;

/// Throws ConnectionError naming the first thing that differs; `object_size` is the size of the file behind the mapping.
void check_header(const SegmentHeader& header, std::size_t object_size);

}  // namespace partage::kernel
