#include "proxy/engine/fork_guard.hpp"

#include <pthread.h>

#include <mutex>

namespace partage::engine {

namespace {

// Never destroyed: static handles of the user may outlive it.
std::mutex& mutex() {
  static auto* const m = new std::mutex;
  return *m;
}

[[maybe_unused]] const int handlers =
    (mutex(), pthread_atfork([] { mutex().lock(); }, [] { mutex().unlock(); }, [] { mutex().unlock(); }));

}  // namespace

ForkGuard::ForkGuard() noexcept {
  mutex().lock();
}
ForkGuard::~ForkGuard() {
  mutex().unlock();
}

}  // namespace partage::engine
