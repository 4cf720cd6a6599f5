// A segment with its tables, plain stripes and words in it, and processes that hold locks, for tests of the kernel.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include <partage/error.hpp>

#include "manager/segment/object_table.hpp"
#include "manager/segment/segment.hpp"
#include "manager/segment/transaction.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {

using namespace std::chrono_literals;
using kernel::u32;
using kernel::u64;

class KernelFixture {
 public:
  explicit KernelFixture(std::size_t max = std::size_t{64} << 20, std::size_t initial = 64 << 10)
      : segment_(kernel::Segment::create({.initial = initial, .max = max})) {
    kernel::make_transaction_records(*segment_);
    kernel::Objects::make(*segment_);
  }
  kernel::Segment& segment() { return *segment_; }
  kernel::HeapState& heap() { return segment_->at<kernel::HeapState>(kernel::heap_offset); }

  /// Zeroed words in the segment.
  std::span<kernel::Word> words(std::size_t n) {
    auto* p = static_cast<kernel::Word*>(segment_->heap().allocate(n * 8));
    kernel::Draft(p, n * 8).zero(p, n);
    return {p, n};
  }
  /// Stripes of no container, in ascending order.
  std::span<kernel::Stripe> stripes(std::size_t n) {
    auto* p = static_cast<kernel::Stripe*>(segment_->heap().allocate(n * sizeof(kernel::Stripe)));
    for (std::size_t i = 0; i < n; ++i) {
      new (&p[i].mutex) kernel::RobustMutex;
      kernel::Draft(&p[i], sizeof p[i]).zero(&p[i].commit, (sizeof p[i] - offsetof(kernel::Stripe, commit)) / 8);
    }
    return {p, n};
  }

 private:
  std::shared_ptr<kernel::Segment> segment_;
};

/// For code in child processes, where CHECK would not be seen.
inline void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// A child that holds a lock until it is killed or told to end. Returns when it holds it.
inline pid_t hold(ChildGroup& group, kernel::RobustMutex& mutex) {
  const pid_t pid = group.start([&mutex] {
    (void)mutex.acquire();
    for (;;) ::pause();
  });
  REQUIRE(eventually([&] { return mutex.owner() == pid; }, 5s));
  return pid;
}

/// Leaves the lock behind as a killed process does.
inline void die_holding(kernel::RobustMutex& mutex) {
  ChildGroup group;
  group.kill(hold(group, mutex));
  REQUIRE(mutex.owner_dead());
}

/// Runs fn in a child that ends by SIGKILL right after it, with whatever locks it has.
template <class Fn>
void die_after(Fn fn) {
  const ChildResult r = run_child(
      [&]() -> int {
        fn();
        ::raise(SIGKILL);
        return 1;
      },
      10s);
  REQUIRE_MESSAGE(r.end == ChildResult::End::signaled, r.describe());
}

template <class Fn>
std::string message_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace partage::test
