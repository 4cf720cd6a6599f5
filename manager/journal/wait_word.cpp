#include "manager/journal/wait_word.hpp"

namespace partage::kernel {

void WaitWord::wake_sleepers() noexcept {
  u32 announced = __atomic_add_fetch(half(), 2, __ATOMIC_SEQ_CST);
  wake_all(half());
  // A word of several locks (a dict's) may have got a new sleeper meanwhile, who has another value; then the bit stays.
  __atomic_compare_exchange_n(half(), &announced, announced & ~static_cast<u32>(waiting), false, __ATOMIC_SEQ_CST,
                              __ATOMIC_RELAXED);
}

}  // namespace partage::kernel
