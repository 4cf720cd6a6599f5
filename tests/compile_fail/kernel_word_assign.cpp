// expect: use of deleted function .*Word::operator=|overload resolution selected deleted operator|no match for .operator=.
// A word of shared memory cannot be assigned: what is reachable changes only through the log.
#include "manager/segment/segment.hpp"

void shut_down(partage::kernel::Segment& segment, const partage::kernel::Word& value) {
#ifdef PARTAGE_CONTROL
  partage::kernel::Log::decide(segment.header().state, value.load());
#else
  segment.header().state = value;
#endif
}
