#include "manager/segment/read_tally.hpp"

namespace partage::kernel {

constinit thread_local u32 ReadTally::left = ReadTally::every;

void ReadTally::settle(const Word& tally) noexcept {
  if (left != 0) return;
  left = every;
  Tally::add(const_cast<Word&>(tally), every);  // readers have containers as const; this word is none of their state
}

}  // namespace partage::kernel
