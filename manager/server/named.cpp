#include "manager/server/named.hpp"

#include <signal.h>

#include "manager/registry/service.hpp"

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

void serve_named(Segment& segment, const std::function<void()>& ready) {
  const SignalMask mask;
  serve(segment, Lifetime::until_told, [&] {
    publish_segment(segment);  // of those who began with nothing at the same time, one gets the name
    leave_segment(segment);    // the manager is no client
    if (ready) ready();
  });
}

NamedState state_of(const std::string& name) noexcept {
  try {
    auto object = MemoryObject::open(name);
    if (!object) return {};
    const auto segment = Segment::attach(std::move(*object));
    const pid_t pid = segment->live() ? manager_pid(*segment) : 0;
    if (pid == 0) return {};
    if (is_alive(identity_of(pid))) return {pid, false};
    return {0, true};
  } catch (...) {
    return {};
  }
}

}  // namespace partage::kernel
