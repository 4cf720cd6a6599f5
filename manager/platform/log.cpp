#include "manager/platform/log.hpp"

#include <sched.h>

#include <memory>
#include <utility>

#include "manager/platform/process_epoch.hpp"

namespace partage {
namespace kernel::log {
namespace {

constexpr int nobody = static_cast<int>(LogLevel::error) + 1;

struct Sink {
  LogFunction function;
  LogLevel least;
  std::uint64_t epoch = process_epoch();
  std::atomic<int> references{1};
};

constinit Sink* sink = nullptr;
constinit std::atomic<std::uint64_t> lock_word{0};  // the process_epoch() of its holder
constinit thread_local bool within = false;

/// Guards `sink` for some instructions. In a forked child a holder that is a thread of the parent does not exist.
class Guard {
 public:
  Guard() noexcept {
    const std::uint64_t mine = process_epoch();
    for (std::uint64_t seen = 0; !lock_word.compare_exchange_weak(seen, mine);) {
      if (seen != mine) continue;  // free, or of no holder: tried with what was seen
      seen = 0;
      sched_yield();
    }
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { lock_word = 0; }
};

Sink* take() noexcept {
  const Guard guard;
  if (sink != nullptr) ++sink->references;
  return sink;
}

void drop(Sink* taken) noexcept {
  if (taken != nullptr && --taken->references == 0) delete taken;
}

void replace(Sink* by, int least) noexcept {
  Sink* old = nullptr;
  {
    const Guard guard;
    old = std::exchange(sink, by);
    detail::least = least;
  }
  // One of another process: threads that were in it there do not leave it here.
  if (old != nullptr && !within && old->epoch == process_epoch()) {
    while (old->references.load() > 1) sched_yield();
  }
  drop(old);
}

}  // namespace

void tell(LogLevel level, std::string_view message) noexcept {
  if (within || !wants(level)) return;
  Sink* const listener = take();
  if (listener != nullptr && level >= listener->least) {
    within = true;
    try {
      listener->function(level, message);
    } catch (...) {  // whoever logs has no use for what a log throws
    }
    within = false;
  }
  drop(listener);
}

void silence() noexcept {
  detail::least = nobody;
  sink = nullptr;
}

}  // namespace kernel::log

const char* name_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

void set_log(LogFunction function, LogLevel least) {
  using namespace kernel::log;
  if (!function) return replace(nullptr, nobody);
  auto made = std::make_unique<Sink>();
  made->function = std::move(function);
  made->least = least;
  replace(made.release(), static_cast<int>(least));
}

}  // namespace partage
