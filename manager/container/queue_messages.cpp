// Queues of messages: taking an item by its type.
//
// Crash: the message at either end goes by one commit of the ends word. One in the middle is decided by the commit of a shift's
// intent, and its neighbours are moved by whoever has the lock:
//   dies before that commit       the message stands where it stood
//   dies after it                 the next locker finishes the shift (list_shift.hpp): the message has gone, its blob is free, and
//                                 the others are in their order
// Waiters. Everybody who waits for a message is woken by every send: which of them it is for only they know. So none is missed
// when the one it was for dies, and nobody has to be told that another did not want it.
// Memory: none is needed, so a full segment can be emptied.
#include <limits>

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"
#include "manager/container/queue.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {
namespace {

std::int64_t type_of(const Segment& segment, SlotWords slot) noexcept {
  if (slot.kind() <= SlotWords::most_inline) return static_cast<std::int64_t>(slot.first);
  return static_cast<std::int64_t>((&segment.at<BlobHead>(slot.first).shape + 1)->load());
}

std::optional<u64> first_of_type(const Segment& segment, const Ring& ring, std::int64_t wanted) noexcept {
  if (ring.count() == 0) return std::nullopt;
  if (wanted == 0) return 0;
  if (wanted > 0) {
    for (u64 i = 0; i < ring.count(); ++i) {
      if (type_of(segment, ring.load(i)) == wanted) return i;
    }
    return std::nullopt;
  }
  constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  std::optional<u64> found;
  std::int64_t least = wanted < -greatest ? greatest : -wanted;
  for (u64 i = 0; i < ring.count(); ++i) {
    const std::int64_t type = type_of(segment, ring.load(i));
    if (found ? type >= least : type > least) continue;
    found = i;
    least = type;
  }
  return found;
}

}  // namespace

QueueOutcome Queue::receive(std::int64_t type, Bytes& out, const Deadline& deadline) const {
  refuse_in_user_code("message_queue.receive");
  assert(!joinable() && config().packed_size == 0 && !config().handles);
  Waiting waiting(*segment_, deadline);
  for (;;) {
    bool got = false, sparse = false;
    {
      ListWrite write(list_, false);
      if (Limit::of(*this).closed) return QueueOutcome::closed;
      const Ring& now = write.ring();
      if (const auto i = first_of_type(*segment_, now, type)) {
        read_element(*segment_, now, 0, *i, out, nullptr);
        sparse = now.sparse_with(now.count() - 1);
        list_.remove(write, *i, false);
        got = true;
      } else {
        if (waiting.expired()) return QueueOutcome::timeout;
        waiting.expect(body().items, stripe());
      }
    }
    if (sparse) list_.shrink();
    if (got) return QueueOutcome::done;
    waiting.sleep();
  }
}

}  // namespace partage::kernel
