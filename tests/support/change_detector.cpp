#include "change_detector.hpp"

#include "processes.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace partage::test {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t max_pages = 16384;
constexpr unsigned sweep_every = 256;

/// Written by the child's fault handler, read by the parent.
struct FaultLog {
  std::size_t count;
  bool overflow;
  PageRef pages[max_pages];
};

FaultLog* fault_log = nullptr;  // these two are used in the child only
const Image* protected_image = nullptr;

void on_fault(int, siginfo_t* info, void*) {
  auto* address = static_cast<std::byte*>(info->si_addr);
  for (std::size_t i = 0; i < protected_image->size(); ++i) {
    const Part& part = (*protected_image)[i];
    if (address < part.base || address >= part.base + part.reserved) continue;
    const std::size_t offset = static_cast<std::size_t>(address - part.base) / page_size * page_size;
    if (fault_log->count < max_pages)
      fault_log->pages[fault_log->count++] = {i, offset};
    else
      fault_log->overflow = true;
    if (::mprotect(part.base + offset, std::min(page_size, part.reserved - offset), PROT_READ | PROT_WRITE) == 0)
      return;
  }
  ::signal(SIGSEGV, SIG_DFL);  // a fault of the operation's own: let it die of it
}

int run_protected(const Image& image, const std::function<void()>& operation, FaultLog* log) {
  fault_log = log;
  protected_image = &image;
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGSEGV, &action, nullptr);
  for (const Part& part : image)
    if (::mprotect(part.base, part.reserved, PROT_READ) != 0) return 1;
  operation();
  return 0;
}

}  // namespace

std::optional<PageList> written_pages(const Image& image, const std::function<void()>& operation,
                                      std::chrono::milliseconds timeout) {
  void* memory = ::mmap(nullptr, sizeof(FaultLog), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::nullopt;
  auto* log = static_cast<FaultLog*>(memory);
  const ChildResult result = run_child([&] { return run_protected(image, operation, log); }, timeout);
  std::optional<PageList> pages;
  if (result.ok() && !log->overflow) pages.emplace(log->pages, log->pages + log->count);
  ::munmap(memory, sizeof(FaultLog));
  return pages;
}

ChangeDetector::ChangeDetector(const Image& watched, std::optional<PageList> pages)
    : watched_(watched), pages_(std::move(pages)), last_(watched) {
  last_.take(watched_);
  for (const Part& part : watched_) used_.push_back(part.used_bytes());
}

bool ChangeDetector::changed() {
  bool result = false;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const std::size_t used = watched_[i].used_bytes();
    if (used == used_[i]) continue;
    const std::size_t known = std::min(used, used_[i]);
    std::memcpy(last_.image()[i].base + known, watched_[i].base + known, used - known);
    used_[i] = used;
    result = true;
  }
  if (!pages_) return sweep() || result;
  for (const PageRef& page : *pages_) {
    if (page.offset >= used_[page.part]) continue;
    const std::size_t bytes = std::min(page_size, used_[page.part] - page.offset);
    std::byte* now = watched_[page.part].base + page.offset;
    std::byte* then = last_.image()[page.part].base + page.offset;
    if (std::memcmp(now, then, bytes) == 0) continue;
    std::memcpy(then, now, bytes);
    result = true;
  }
  if (++calls_ % sweep_every == 0 && sweep()) result = missed_ = true;
  return result;
}

bool ChangeDetector::sweep() {
  bool result = false;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    if (std::memcmp(watched_[i].base, last_.image()[i].base, used_[i]) == 0) continue;
    std::memcpy(last_.image()[i].base, watched_[i].base, used_[i]);
    result = true;
  }
  return result;
}

}  // namespace partage::test
