#include "manager/platform/process_epoch.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace partage::kernel {
namespace {

// Ordinary memory: inherited by the child, so that its number differs from the parent's.
std::atomic<std::uint64_t> last_epoch{0};

std::atomic<std::uint64_t>* make_word() noexcept {
  static std::atomic<std::uint64_t> fallback{
      1};  // without the page a fork is not noticed; the kernel has it since 4.14
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return &fallback;
  if (madvise(memory, page, MADV_WIPEONFORK) != 0) return &fallback;
  return new (memory) std::atomic<std::uint64_t>{0};
}

}  // namespace

std::uint64_t process_epoch() noexcept {
  static std::atomic<std::uint64_t>* const word = make_word();
  std::uint64_t epoch = word->load(std::memory_order_relaxed);
  if (epoch == 0) {
    const std::uint64_t next = last_epoch.fetch_add(1, std::memory_order_relaxed) + 1;
    epoch = word->compare_exchange_strong(epoch, next) ? next : word->load();
  }
  return epoch;
}

}  // namespace partage::kernel
