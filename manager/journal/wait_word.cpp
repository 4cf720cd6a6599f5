#include "manager/journal/wait_word.hpp"

namespace partage::kernel {

void WaitWord::wake_sleepers() noexcept {
  u64 announced = __atomic_add_fetch(&word_.value_, 2, __ATOMIC_SEQ_CST);
  wake_all(futex());
  // A word of several locks (a dict's) may have got a new sleeper meanwhile, who has another value; then the bit stays.
  __atomic_compare_exchange_n(&word_.value_, &announced, announced & ~waiting, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_RELAXED);
}

}  // namespace partage::kernel
