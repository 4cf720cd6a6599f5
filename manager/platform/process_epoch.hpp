// Tells a process from the child it forked, for less than a nanosecond and without a system call.
//
// The word lives on a page with MADV_WIPEONFORK: in a child it reads 0 after fork, _Fork and raw clone alike, where
// pthread_atfork handlers see fork only. The first call in a child gives it the next number.
#pragma once

#include <cstdint>

namespace partage::kernel {

/// A number that is the same as long as this is the same process, and another one in every forked child.
std::uint64_t process_epoch() noexcept;

}  // namespace partage::kernel
