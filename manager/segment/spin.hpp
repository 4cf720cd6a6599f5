// The short first part of a wait: looking at the object again and again, because what is waited for may come sooner than a sleep
// and a wake-up take (5 to 10 us over two CPUs; a put and a get that meet while both look: 0.5 us).
//
// A spinner reads the sequence word of the stripe, which every commit changes, and writes nothing: nobody has to wake it, nobody
// knows of it, and its death is none of anybody's business. What it has seen it looks at again under the lock. When its time is
// over it announces itself under that lock and sleeps, so no wake-up can fall between the two.
//
// It learns, each thread for each object: while spins end with what was waited for, the next wait spins too; after one in vain
// the next wait does not, after the second in a row the next three do not, and so on up to 63. So an idle waiter soon only
// sleeps (`most` in every 64th wait, and nothing between two waits), and on a machine with fewer CPUs than there is work, where
// spinning takes the time of whom it waits for, it soon stops. With a single CPU nobody ever spins.
//
// Thread safety: none, it belongs to a thread.
#pragma once

#include "manager/journal/stripe.hpp"

namespace partage::kernel {

class Spin {
 public:
  /// Longest spin of one wait: about what a sleep and a wake-up cost both sides.
  static constexpr std::chrono::microseconds most{10};

  Spin() = default;
  Spin(const Spin&) = delete;
  Spin& operator=(const Spin&) = delete;
  /// The wait has ended. While spinning: that is what makes the next one spin.
  ~Spin() {
    if (phase_ == Phase::spinning) learn(true);
  }

  /// There is nothing to do in the state of the stripe with this sequence word. True: the wait goes on with look_again(), and
  /// not with a sleep.
  bool begin(const Stripe& stripe, u64 seen) noexcept;
  bool goes_on() const noexcept { return phase_ == Phase::spinning; }
  /// Without the lock: until somebody has changed the stripe, or the spin or the wait is over.
  void look_again(const Deadline& deadline) noexcept;

 private:
  enum class Phase { not_begun, spinning, over };
  struct Experience;

  Experience& experience() const noexcept;
  void learn(bool paid) noexcept;

  Phase phase_ = Phase::not_begun;
  const Stripe* stripe_ = nullptr;
  u64 seen_ = 0;
  Clock::time_point until_{};
};

}  // namespace partage::kernel
