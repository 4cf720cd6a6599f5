// expect: LogSlot::value_' is private|'value_' is a private member of 'partage::kernel::LogSlot'
// A slot of the log is laid down by the log only: a slot that a commit word counts must not change.
#include "manager/journal/stripe.hpp"

void lay(partage::kernel::Stripe& stripe, const partage::kernel::Plan& plan, const std::byte* base) {
#ifdef PARTAGE_CONTROL
  partage::kernel::Log::lay(stripe.slot(0), plan[0], base);
#else
  stripe.slot(0).value_ = plan[0].value + static_cast<partage::kernel::u64>(base != nullptr);
#endif
}
