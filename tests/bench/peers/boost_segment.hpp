// A managed segment of Boost.Interprocess, with one interprocess_mutex beside the container, as its tutorial does it.
// The memory is an anonymous shared mapping, which needs no name that could be left behind; allocator, offset pointers
// and container are those of managed_shared_memory. All of it is there before the first measurement, in the parent and
// in each worker.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <boost/container_hash/hash.hpp>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/deque.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/unordered_map.hpp>

namespace bench {

namespace bip = boost::interprocess;

using BoostBuffer = bip::managed_external_buffer;
template <class T>
using BoostAllocator = bip::allocator<T, BoostBuffer::segment_manager>;
using BoostString = bip::basic_string<char, std::char_traits<char>, BoostAllocator<char>>;
using BoostVector = bip::vector<std::int64_t, BoostAllocator<std::int64_t>>;
using BoostDeque = bip::deque<std::int64_t, BoostAllocator<std::int64_t>>;

/// Heterogeneous: a lookup by std::string makes no string in the segment.
struct BoostStringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return boost::hash<std::string_view>()(text); }
  std::size_t operator()(const BoostString& text) const { return (*this)(std::string_view(text.data(), text.size())); }
};
struct BoostStringEqual {
  using is_transparent = void;
  static std::string_view view(const BoostString& text) { return {text.data(), text.size()}; }
  static std::string_view view(std::string_view text) { return text; }
  bool operator()(const auto& a, const auto& b) const { return view(a) == view(b); }
};
template <class V>
using BoostMap = boost::unordered_map<BoostString, V, BoostStringHash, BoostStringEqual,
                                      BoostAllocator<std::pair<const BoostString, V>>>;

class BoostSegment {
 public:
  explicit BoostSegment(std::size_t size) : size_(size) {
    memory_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    clear();
  }
  BoostSegment(const BoostSegment&) = delete;
  BoostSegment& operator=(const BoostSegment&) = delete;
  ~BoostSegment() { ::munmap(memory_, size_); }

  /// Empty as at first; what was in it is gone.
  void clear() { buffer_ = BoostBuffer(bip::create_only, memory_, size_); }
  BoostBuffer& buffer() { return buffer_; }

  /// In a worker: its page tables are filled too.
  void touch() const { ::madvise(memory_, size_, MADV_POPULATE_WRITE); }

 private:
  std::size_t size_;
  void* memory_;
  BoostBuffer buffer_;
};

}  // namespace bench
