// The segments of message queues: one named, unmanaged segment per key, which lives until the queue is removed.
//
//   std::string name = message_queue_name("jobs");             // "mq.jobs", so /dev/shm/partage.mq.jobs
//   if (auto segment = find_message_queue(name)) ...           // not attached yet
//   auto made = make_unmanaged_segment({}, name);  ... fill it ...  made->object().publish(name)   // false: another was faster
//   take_name_away(*segment);
//
// A segment gets its name when everything is in it, by one link(2), so nobody finds half of one, and of two creators one wins.
// Taking the name away is two steps, a look whose it is and an unlink. Whoever does that holds the segment's `service` lock, as
// managers and `partage clean` do, so that it cannot hit a segment that has got the name meanwhile: the name can only pass on
// from this one by somebody with this very lock.
//
// Crash: dies with the lock -> the next one gets it owner-dead; there is nothing to repair, the name is there or not.
// Thread and process safety: full.
// Errors: ValueError for a key that cannot name a queue; ConnectionError when what has the name is no message queue.
#pragma once

#include <memory>
#include <string>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

/// The name of the segment. ValueError: no such key is possible.
std::string message_queue_name(const std::string& key);
/// The name of a segment is one of those.
bool is_message_queue_name(const std::string& name);
/// Back again.
std::string message_queue_key(const Segment& segment);

/// nullptr: there is none. One that somebody ended but left its name is taken away on the way.
std::shared_ptr<Segment> find_message_queue(const std::string& name);

/// The segment's name, if it still has it, is free afterwards.
void take_name_away(Segment& segment);

}  // namespace partage::kernel
