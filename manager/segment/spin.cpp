#include "manager/segment/spin.hpp"

#include <algorithm>
#include <array>

#include "manager/platform/cpu.hpp"

namespace partage::kernel {
namespace {

constexpr unsigned first_pause = 30, longest_pause = 500;  // ns
constexpr unsigned most_skipped_log2 = 6;

}  // namespace

/// Of this thread with some objects.
struct Spin::Experience {
  u8 in_vain = 0;  // spins in a row
  u8 skip = 0;     // waits to come that do not spin
};

Spin::Experience& Spin::experience() const noexcept {
  static thread_local std::array<Experience, 16> all;
  return all[(reinterpret_cast<std::uintptr_t>(stripe_) / sizeof(Stripe)) % all.size()];
}

void Spin::learn(bool paid) noexcept {
  Experience& past = experience();
  past.in_vain = paid ? 0 : static_cast<u8>(std::min<unsigned>(past.in_vain + 1U, most_skipped_log2));
  past.skip = static_cast<u8>((1U << past.in_vain) - 1);
}

bool Spin::begin(const Stripe& stripe, u64 seen) noexcept {
  if (phase_ == Phase::not_begun) {
    phase_ = Phase::over;
    stripe_ = &stripe;
    if (!several_cpus()) return false;
    if (Experience& past = experience(); past.skip != 0) {
      --past.skip;
      return false;
    }
    phase_ = Phase::spinning;
    until_ = Clock::now() + most;
  }
  seen_ = seen;
  return phase_ == Phase::spinning;
}

void Spin::look_again(const Deadline& deadline) noexcept {
  const auto until = deadline ? std::min(until_, *deadline) : until_;
  // Each look takes the line of the stripe from whoever works on it. Later and later ones let a producer do several operations
  // in between, and an answer that takes long is noticed late by a third of its time.
  for (unsigned pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    const u64 now = stripe_->seq.load_acquire();
    // Who has changed it has the lock for another moment.
    if (now != seen_ && (now & 1) == 0 && stripe_->mutex.owner() == 0) return;
    if (Clock::now() >= until) break;
    relax_cpu_for(pause);
  }
  phase_ = Phase::over;
  learn(false);
}

}  // namespace partage::kernel
