// Starts workers together: processes by fork, in each of them threads, all held at a barrier until the last is ready.
// Every peer but Python is measured through this.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "tests/bench/workload.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

/// What one worker did.
struct Turn {
  std::uint64_t operations = 0;
  std::chrono::nanoseconds taken{};  ///< from the start of all to its own end
};

/// What a worker does from the start on, until `stop` or its own end: returns how many operations.
using Body = std::function<std::uint64_t(const std::atomic<bool>& stop)>;
/// Called in the worker before the start: connects, touches what it will use, and returns the body.
using Prepare = std::function<Body(int worker)>;

enum class Place { processes, threads_here };

/// Runs crew.workers() of them. With a window, `stop` comes after it; without, the bodies end by themselves.
/// threads_here: all as threads of this process, for containers that only it can reach. Throws what a worker threw, as
/// std::runtime_error; Interrupted after SIGINT or SIGTERM. No worker is left either way.
std::vector<Turn> work_together(const Crew& crew, Place place, std::optional<std::chrono::nanoseconds> window,
                                const Prepare& prepare);

/// Wall time over the operations of all workers, each counted over its own time.
double nanoseconds_per_operation(const std::vector<Turn>& turns);

/// An object that forked workers share with this process.
template <class T>
class SharedObject {
 public:
  SharedObject() {
    void* place = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::bad_alloc();
    object_ = new (place) T;
  }
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;
  ~SharedObject() {
    object_->~T();
    ::munmap(object_, sizeof(T));
  }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  T* object_;
};

/// The compiler must assume that `value` is used.
template <class T>
inline void keep(const T& value) {
  if constexpr (std::is_arithmetic_v<T>) {
    asm volatile("" : : "r"(value));
  } else {
    asm volatile("" : : "m"(value) : "memory");
  }
}

}  // namespace bench
