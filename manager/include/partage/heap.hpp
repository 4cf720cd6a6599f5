// The heap of a segment as Boost.Interprocess sees it: a MemoryAlgorithm whose every step survives a SIGKILL.
//
// The library's own structures use it through the kernel. You meet it when you put a Boost container for the private use
// of one process into the segment (`Manager::segment_manager()`), for instance to hand its bytes to a device or a child:
//
//     auto* segment = manager.segment_manager();
//     boost::interprocess::vector<int, partage::private_allocator<int>> v(segment);
//
// Such memory belongs to the process that allocated it and is taken back when that process dies. Boost's containers are not
// crash-safe: only the heap under them is. Never share one between processes; use Manager::list and friends for that.
//
// Thread and process safety: every member may be called by any thread of any attached process at any time.
// Errors: what does not fit throws boost::interprocess::bad_alloc, as Boost's segment manager does, with nothing changed
// (the nothrow forms return nullptr); TimeoutError when the heap stays locked longer than operation_timeout.
#pragma once

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/allocation_type.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/indexes/null_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/detail/mem_algo_common.hpp>
#include <boost/interprocess/offset_ptr.hpp>
#include <cstddef>

#include <partage/export.hpp>

namespace partage {

/// Boost's MemoryAlgorithm concept over the crash-safe heap. Lives in shared memory at a fixed place of the segment; its
/// state is opaque here (manager/segment/heap.hpp has the layout).
class PARTAGE_API Heap {
 public:
  /// Required by the concept for the locks of a named index. The segment has no such index (its registry is our own), so
  /// these are never locked.
  struct mutex_family {
    struct mutex_type {
      void lock() {}
      void unlock() {}
      bool try_lock() { return true; }
    };
    using recursive_mutex_type = mutex_type;
  };
  using void_pointer = boost::interprocess::offset_ptr<void>;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using multiallocation_chain = boost::interprocess::ipcdetail::basic_multiallocation_chain<void_pointer>;

  static constexpr size_type Alignment = 64;             // NOLINT(readability-identifier-naming): as Boost calls it
  static constexpr size_type PayloadPerAllocation = 16;  // NOLINT(readability-identifier-naming): as Boost calls it

  Heap(size_type segment_size, size_type extra_header_bytes);
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  static size_type get_min_size(size_type extra_header_bytes);

  void* allocate(size_type bytes);
  void* allocate_aligned(size_type bytes, size_type alignment);
  void deallocate(void* p);
  size_type size(const void* p) const;
  size_type get_size() const;
  size_type get_free_memory() const;
  /// No effect: the segment grows by itself, up to the maximum it was created with.
  void grow(size_type) {}
  void shrink_to_fit() {}
  void zero_free_memory() {}
  bool all_memory_deallocated();
  bool check_sanity();

  template <class T>
  T* allocation_command(boost::interprocess::allocation_type command, size_type limit, size_type& preferred,
                        T*& reuse) {
    void* raw = reuse;
    void* result = raw_allocation_command(command, limit, preferred, raw, sizeof(T));
    reuse = static_cast<T*>(raw);
    return static_cast<T*>(result);
  }
  void* raw_allocation_command(boost::interprocess::allocation_type command, size_type limit, size_type& preferred,
                               void*& reuse, size_type object_size = 1);
  void allocate_many(size_type bytes, size_type count, multiallocation_chain& chain);
  void allocate_many(const size_type* sizes, size_type count, size_type object_size, multiallocation_chain& chain);
  void deallocate_many(multiallocation_chain& chain);

 private:
  alignas(64) std::byte state_[3584];
};

using ManagedSegment = boost::interprocess::basic_managed_external_buffer<char, Heap, boost::interprocess::null_index>;
using SegmentManager = ManagedSegment::segment_manager;
template <class T>
using private_allocator = boost::interprocess::allocator<T, SegmentManager>;

}  // namespace partage
