// The smallest crash-safe structure: a robust mutex, two words that always are equal, a redo log of two words. It is
// right; the self-tests break it in one place each to see whether the harness notices.
//
//   ToyMemory memory;                   // one shared page (or more), a = b = 1
//   Toy& toy = memory.toy();
//   toy.lock(); toy.set(2); toy.unlock();
//   toy_judge(toy, 1, 2)                // 0: both are 1; 1: both are 2; 2: neither; 3 and 4: the mutex is lost
//
// Not covered: readers, allocation; it is a toy.
#pragma once

#include "../support/image.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <new>
#include <stdexcept>

namespace partage::test {

struct Toy {
  pthread_mutex_t mutex;
  std::atomic<std::uint64_t> a, b;
  std::atomic<std::uint64_t> committed;  // the redo log: new values of a and b
  std::atomic<std::uint64_t> log_a, log_b;
  std::atomic<std::uint64_t> used;  // bytes in use, for tests of growth

  void repair() {
    if (committed) apply();
  }
  void apply() {
    a = log_a.load();
    b = log_b.load();
    committed = 0;
  }
  [[gnu::noinline]] void set(std::uint64_t value) {
    log_a = value;
    log_b = value;
    committed = 1;
    apply();
  }
  /// 0, or the error that makes the mutex unusable.
  int lock() { return locked(::pthread_mutex_lock(&mutex)); }
  /// The same, and ETIMEDOUT if nobody unlocks it for a tenth of a second.
  int lock_soon() {
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100'000'000;
    until.tv_sec += until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    return locked(::pthread_mutex_timedlock(&mutex, &until));
  }
  int locked(int error) {
    if (error != EOWNERDEAD) return error;
    repair();
    return ::pthread_mutex_consistent(&mutex);
  }
  void unlock() { ::pthread_mutex_unlock(&mutex); }
};

inline Toy& toy_in(const Image& image) {
  return *reinterpret_cast<Toy*>(image[0].base);
}

class ToyMemory {
 public:
  explicit ToyMemory(std::size_t bytes = 4096) : bytes_(bytes) {
    memory_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto* toy = new (memory_) Toy{};
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&toy->mutex, &attributes);
    toy->a = toy->b = 1;
    toy->used = bytes;
  }
  ~ToyMemory() { ::munmap(memory_, bytes_); }
  ToyMemory(const ToyMemory&) = delete;
  ToyMemory& operator=(const ToyMemory&) = delete;

  Toy& toy() { return *static_cast<Toy*>(memory_); }
  Image image() {
    return {{.base = static_cast<std::byte*>(memory_), .reserved = bytes_, .used = [](const std::byte* base) {
               return static_cast<std::size_t>(reinterpret_cast<const Toy*>(base)->used.load());
             }}};
  }

 private:
  std::size_t bytes_;
  void* memory_;
};

inline int toy_judge(Toy& toy, std::uint64_t before, std::uint64_t after) {
  if (toy.lock_soon() != 0) return 3;
  const std::uint64_t a = toy.a;
  const std::uint64_t b = toy.b;
  if (a != b || toy.committed) return 2;
  toy.set(99);
  toy.unlock();
  if (toy.lock_soon() != 0) return 4;  // the mutex must work again, not once only
  if (toy.a != 99 || toy.b != 99) return 5;
  return a == before ? 0 : a == after ? 1 : 6;
}

}  // namespace partage::test
