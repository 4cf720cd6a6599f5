// One segment as one process has it: the mapping, the object behind it, and the way from offsets to memory.
//
// Exactly one mapping of a segment per process (callers keep it so through shared_ptr), reserved at the segment's maximum,
// so that growth by anybody needs no remapping and an offset is checked against `committed` alone.
//
// Thread safety: all members may be called by any thread. A Segment must outlive every lock held inside it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "manager/platform/memory_object.hpp"
#include "manager/segment/header.hpp"
#include "manager/segment/heap.hpp"

namespace partage::kernel {

/// While one lives, this thread waits for locks as long as it takes: a repair cannot be left half done.
class RepairScope {
 public:
  RepairScope() noexcept { ++depth(); }
  RepairScope(const RepairScope&) = delete;
  RepairScope& operator=(const RepairScope&) = delete;
  ~RepairScope() { --depth(); }
  static bool active() noexcept { return depth() != 0; }

 private:
  static int& depth() noexcept {
    static thread_local int d = 0;
    return d;
  }
};

class Segment {
 public:
  struct Size {
    std::size_t initial = 0;  // bytes committed at start, at least what the tables need
    std::size_t max = 0;      // bytes reserved; 0: 16 GiB, or what the machine and its limits allow
  };

  /// A new, unpublished segment: header and an empty heap; the tables are the callers'.
  static std::shared_ptr<Segment> create(const Size& size, const std::string& name = {});
  /// Maps an existing one after checking its header. Throws ConnectionError saying what differs.
  static std::shared_ptr<Segment> attach(MemoryObject object);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  std::byte* base() const noexcept { return base_; }
  SegmentHeader& header() const noexcept { return *reinterpret_cast<SegmentHeader*>(base_); }
  Heap& heap() const noexcept { return *reinterpret_cast<Heap*>(base_ + heap_offset); }
  SegmentManager* manager() const noexcept { return reinterpret_cast<SegmentManager*>(base_ + heap_offset); }
  Runs runs() noexcept { return Runs(*this); }
  const MemoryObject& object() const noexcept { return object_; }

  template <class T>
  T& at(u64 offset) const noexcept {
    return *reinterpret_cast<T*>(base_ + offset);
  }
  /// Where `offset` leads, which may be nowhere (a damaged word, or one that an optimistic reader saw in motion): whoever
  /// reads there asks holds() before.
  template <class T>
  T* perhaps_at(u64 offset) const noexcept {
    return reinterpret_cast<T*>(base_ + offset);
  }
  u64 offset_of(const void* p) const noexcept { return static_cast<u64>(static_cast<const std::byte*>(p) - base_); }

  /// [offset, offset + bytes) has memory behind it. An optimistic reader asks before it follows an offset: beyond
  /// `committed` even a read may raise SIGBUS when /dev/shm is full.
  bool holds(u64 offset, u64 bytes) const noexcept {
    const u64 committed =
        std::min<u64>(header().committed.load(), region_.get_size());  // that word may be damaged as well
    return offset <= committed && bytes <= committed - offset;
  }

  bool live() const noexcept { return header().state.load() == static_cast<u64>(SegmentState::live); }
  /// No manager process ever serves it.
  bool unmanaged() const noexcept { return (header().compat & compat_unmanaged) != 0; }
  /// From now on every operation of every process throws ManagerShutdown. For the manager's owner.
  void shut_down() noexcept;

  /// How long one lock may be waited for; nullopt: for ever.
  std::optional<std::chrono::milliseconds> operation_timeout;
  /// Until when a lock that is wanted now may be waited for.
  Deadline deadline() const {
    return operation_timeout && !RepairScope::active() ? Deadline(Clock::now() + *operation_timeout) : std::nullopt;
  }
  /// The client slot this process allocates private memory for; 0: none.
  u64 client_slot = 0;
  /// The thread of this process that holds the life lock of its slot (client_life.hpp); 0: none.
  std::atomic<pid_t> life_thread = 0;

  /// The mapped segment that holds this address; for the Heap's Boost interface, which is only handed `this`.
  static Segment& containing(const void* p);
  /// Begin and length of every mapping of this process; for a forked child that keeps only some.
  static std::vector<std::pair<void*, std::size_t>> mapped_ranges();

 private:
  Segment(MemoryObject object, boost::interprocess::mapped_region region);

  MemoryObject object_;
  boost::interprocess::mapped_region region_;
  std::byte* base_;
};

}  // namespace partage::kernel
