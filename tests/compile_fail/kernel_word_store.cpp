// expect: 'void partage::kernel::Word::store\(.*\)' is private|'store' is a private member of 'partage::kernel::Word'
// A word of shared memory cannot be stored to: what is reachable changes only through the log.
#include "manager/segment/change.hpp"

void set(partage::kernel::Segment& segment, partage::kernel::Stripe& stripe) {
  partage::kernel::StripeLock lock(segment, stripe);
#ifdef PARTAGE_CONTROL
  partage::kernel::Change change(segment, stripe);
  change.put(stripe.body[1], 1);
  change.commit();
#else
  stripe.body[1].store(1);
#endif
}
