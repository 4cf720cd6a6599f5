#include "manager/server/named.hpp"

#include <signal.h>

#include "manager/registry/service.hpp"
#include "manager/segment/published.hpp"

namespace partage::kernel {
namespace {

class SignalMask {
 public:
  SignalMask() noexcept { pthread_sigmask(SIG_BLOCK, nullptr, &before_); }
  SignalMask(const SignalMask&) = delete;
  SignalMask& operator=(const SignalMask&) = delete;
  ~SignalMask() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

std::shared_ptr<Segment> segment_to_serve(const std::string& name, const Segment::Size& size) {
  if (auto segment = orphaned_segment(name)) return segment;
  return make_segment(size, name);
}

void serve_named(Segment& segment, const ServiceHooks& hooks) {
  const SignalMask mask;
  const auto ready = [&] {
    publish_segment(segment);  // of those who began with nothing at the same time, one gets the name
    leave_segment(segment);    // the manager is no client
    if (hooks.ready) hooks.ready();
  };
  serve(segment, Lifetime::until_told, {ready, hooks.ending, hooks.ended});
}

NamedState state_of(const std::string& name) noexcept {
  try {
    const auto segment = attach_published(name);
    if (!segment) return {};
    if (!segment->live()) return {0, is_manager_alive(*segment)};
    const pid_t pid = manager_pid(*segment);
    if (pid == 0) return {};
    if (is_alive(identity_of(pid))) return {pid, false};
    return {0, true};
  } catch (...) {
    return {};
  }
}

}  // namespace partage::kernel
