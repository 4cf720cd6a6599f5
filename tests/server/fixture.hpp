// A segment with a manager process, and looks at processes from outside.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <partage/error.hpp>

#include "manager/server/control.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/registry/signal_line.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {

using namespace std::chrono_literals;

/// A name for a segment that no other run of these tests uses.
inline std::string name_for(const std::string& what) {
  return "test-" + what + "-" + std::to_string(getpid());
}

inline bool is_gone(pid_t pid) {
  return !kernel::is_alive(kernel::identity_of(pid));
}

/// In a forked child: it has no slot of its own yet.
inline void join(kernel::Segment& segment) {
  segment.client_slot = 0;
  kernel::join_segment(segment);
}

class ManagerFixture {
 public:
  explicit ManagerFixture(const std::string& name = {})
      : segment_(kernel::make_segment({.initial = 0, .max = std::size_t{64} << 20}, name)),
        pid_(kernel::start_manager(*segment_, {})),
        hosting_(*segment_, kernel::Control::needs_manager) {
    if (!name.empty()) kernel::publish_segment(*segment_);
  }
  ~ManagerFixture() {
    kernel::stop_manager(*segment_);
    CHECK(eventually([&] { return is_gone(pid_); }, 10s));
  }
  ManagerFixture(const ManagerFixture&) = delete;
  ManagerFixture& operator=(const ManagerFixture&) = delete;

  kernel::Segment& segment() { return *segment_; }
  pid_t pid() const { return pid_; }
  Hosting* operator->() { return &hosting_; }

  void kill_manager() {
    REQUIRE(::kill(pid_, SIGKILL) == 0);
    REQUIRE(eventually([&] { return !kernel::is_manager_alive(*segment_); }, 10s));
  }
  void restart() { pid_ = kernel::start_manager(*segment_, {}); }

 private:
  std::shared_ptr<kernel::Segment> segment_;
  pid_t pid_;
  Hosting hosting_;
};

}  // namespace partage::test
