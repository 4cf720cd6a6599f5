// One wait of one thread: until something can be done, a time has come, or somebody whose death matters has died.
//
//   Waiting waiting(segment, deadline);
//   for (;;) {
//     {
//       lock;
//       if (it can be done) { do it; return true; }
//       if (waiting.expired()) return false;
//       waiting.expect(body.changed, stripe);          // look again when this is announced,
//       waiting.depends_on(holder);                    // or when that process dies
//     }
//     waiting.sleep();
//   }
//
// A wait may begin with a spin of some microseconds (segment/spin.hpp), which the first sleep()s are then. While nothing happens a
// waiter sleeps, and costs nothing. It wakes when the word is announced (journal/wait_word.hpp), when a process it depends on
// dies (segment/client_life.hpp), when the manager is shut down, and at the deadline.
//
// Two nets, only while a wait depends on somebody. The kernel wakes one sleeper of a dead process, who wakes the others; should
// that one be killed in between, the others look again after `net`. And a process whose life lock nobody holds at the moment,
// because the thread that held it has ended, cannot be watched: then the wait looks again every `nap`.
//
// Thread safety: none, it belongs to a thread. Errors: ManagerShutdown from sleep().
#pragma once

#include <vector>

#include "manager/journal/wait_word.hpp"
#include "manager/segment/client_life.hpp"
#include "manager/segment/spin.hpp"

namespace partage::kernel {

class Waiting {
 public:
  Waiting(Segment& segment, const Deadline& deadline) noexcept : segment_(segment), deadline_(deadline) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// The deadline of who does not wait at all.
  static Deadline never() noexcept { return Clock::time_point::min(); }
  const Deadline& deadline() const noexcept { return deadline_; }
  /// There is no time left for a sleep.
  bool expired() const noexcept { return deadline_ && Clock::now() >= *deadline_; }
  void expect(WaitWord& word) {
    if (deadline_ && *deadline_ == Clock::time_point::min()) return;  // it will not sleep, so nobody has to wake it
    words_.assign(1, word.expect());
    word_ = &word;
    clients_.clear();
  }
  /// The same where every change that is waited for is a commit of this one stripe, whose lock the caller has: may spin.
  void expect(WaitWord& word, const Stripe& stripe) {
    if (deadline_ && *deadline_ == Clock::time_point::min()) return;
    if (!spin_.begin(stripe, stripe.seq.load())) expect(word);
  }
  /// Spins without having had the lock, where the state `seen` (an even sequence word) has nothing to do. False: not this time;
  /// lock, expect() and sleep().
  bool spin(const Stripe& stripe, u64 seen) {
    if (deadline_ && *deadline_ == Clock::time_point::min()) return false;
    if (!spin_.begin(stripe, seen)) return false;
    spin_.look_again(deadline_);
    return true;
  }
  void depends_on(ClientId client);
  void sleep();

 private:
  static constexpr std::chrono::milliseconds net{500}, nap{20};

  Segment& segment_;
  Deadline deadline_;
  Clock::time_point since_{};  // of the first sleep, which those who look are told: of later ones too
  Spin spin_;
  WaitWord* word_ = nullptr;
  std::vector<FutexWord> words_;
  std::vector<ClientId> clients_;
};

}  // namespace partage::kernel
