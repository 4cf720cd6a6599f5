// The list of a process' mapped segments over a fork: it is locked before and unlocked after, in both processes, so that a child
// does not find it locked by a thread that it does not have. For those who install fork handlers; taken last, nothing waits
// under it.
#pragma once

namespace partage::kernel {

void lock_mappings() noexcept;
void unlock_mappings() noexcept;

}  // namespace partage::kernel
