#include "manager/container/queue.hpp"

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"
#include "manager/segment/waiting.hpp"

namespace partage::kernel {
namespace {

u64 owner_word(ClientId client) noexcept {
  return client.slot | u64{client.generation} << 16;
}
ClientId client_of(u64 owner) noexcept {
  return {static_cast<u32>(owner & 0xFFFF), static_cast<u32>(owner >> 16)};
}
bool is_taken(SlotWords slot) noexcept {
  return slot.owner() != 0 && slot.owner() != Queue::finished;
}
u64 second_word(u64 kind, u64 owner) noexcept {
  return kind | owner << 8;
}

}  // namespace

u64 Queue::build(Change& change, ListConfig config, u64 limit) {
  config.queue = true;
  const u64 body = List::build(change, config);
  auto& words = change.segment().at<ListBody>(body);
  Draft(&words.queue[0], sizeof words.queue[0]).set(words.queue[0], limit);
  return body;
}

/// It can be got: nobody has taken it, or who did has ended.
bool Queue::is_there(SlotWords slot) const {
  if (!joinable() || slot.owner() == 0) return true;
  return is_taken(slot) && Lives(*segment_).of(client_of(slot.owner())) != Life::alive;
}

QueueOutcome Queue::put(BytesView value, const Deadline& deadline) const {
  refuse_in_user_code("queue.put");
  if (put_quickly(value)) return QueueOutcome::done;
  Waiting waiting(*segment_, deadline);
  for (;;) {
    {
      ListWrite write(list_, !value.refs.empty());
      const Limit limit = Limit::of(*this);
      if (limit.closed) return QueueOutcome::closed;
      if (limit.most == 0 || unfinished(write.ring()) - counts().taken < limit.most) {
        write.push_back({&value, 1});
        write.commit();
        return QueueOutcome::done;
      }
      if (waiting.expired()) return QueueOutcome::timeout;
      waiting.expect(body().room, stripe());
    }
    waiting.sleep();
  }
}

bool Queue::take_first(ListWrite& write, Bytes& out) const {
  const Ring& now = write.ring();
  if (now.count() == 0) return false;
  read_element(*segment_, now, config().packed_size, 0, out, nullptr);
  write.drop(now.load(0), true);
  write.set_ends(now.place(1), now.count() - 1);
  return true;
}

bool Queue::take_place(ListWrite& write, Bytes& out) const {
  const Ring& now = write.ring();
  for (u64 i = 0; i < now.count(); ++i) {
    const SlotWords slot = now.load(i);
    if (!is_there(slot)) continue;
    read_element(*segment_, now, 0, i, out, nullptr);
    if (!out.refs().empty()) write.hold(out.refs());
    Change& change = write.change();
    change.put(now.slot(i)[1], second_word(slot.kind(), owner_word(Lives(*segment_).self())));
    if (is_taken(slot)) {
      change.put(own(2), own(2).load() + 1);
    } else {
      Counts next = counts();
      ++next.taken;
      change.put(own(1), next.word());
    }
    return true;
  }
  return false;
}

/// Nothing can be got now; `waiting` depends on those who have taken something. True: something may come back from them, and
/// the caller may wait for it: who has items that are not done with must not, or two of that kind would wait for each other.
bool Queue::depends(const Ring& ring, Waiting& waiting) const {
  bool others = false, own_items = false;
  u32 left = counts().taken;
  for (u64 i = 0; left != 0 && i < ring.count(); ++i) {
    const SlotWords slot = ring.load(i);
    if (!is_taken(slot)) continue;
    --left;
    const ClientId client = client_of(slot.owner());
    (client.slot == segment_->client_slot ? own_items : others) = true;
    waiting.depends_on(client);
  }
  return others && !own_items;
}

/// Nothing can be got now: what that means, or nullopt to sleep and look again.
std::optional<QueueOutcome> Queue::wait_for_more(const Ring& ring, Waiting& waiting) const {
  const bool closed = Limit::of(*this).closed;
  if (!waiting.expired()) waiting.expect(body().items, stripe());
  const bool others = joinable() && depends(ring, waiting);
  if (closed && !others) return QueueOutcome::closed;
  return waiting.expired() ? std::optional(QueueOutcome::timeout) : std::nullopt;
}

QueueOutcome Queue::get(Bytes& out, const Deadline& deadline) const {
  refuse_in_user_code("queue.get");
  Waiting waiting(*segment_, deadline);
  for (;;) {
    const Seen seen = look(out);
    if (seen.front == Seen::Front::nothing && waiting.spin(stripe(), seen.seq)) continue;
    if (seen.front == Seen::Front::here && get_quickly(seen, out)) return QueueOutcome::done;
    bool got = false, sparse = false;
    {
      ListWrite write(list_, config().handles);
      got = joinable() ? take_place(write, out) : take_first(write, out);
      if (got) {
        sparse = !joinable() && write.ring().sparse_with(write.ring().count() - 1);
        body().room.announce();
        write.commit();
      } else if (const auto outcome = wait_for_more(write.ring(), waiting)) {
        return *outcome;
      }
    }
    if (sparse) list_.shrink();
    if (got) return QueueOutcome::done;
    waiting.sleep();
  }
}

bool Queue::any_there(const Ring& ring) const {
  for (u64 i = 0; i < ring.count(); ++i) {
    if (is_there(ring.load(i))) return true;
  }
  return false;
}

void Queue::await_item(const Deadline& deadline) const {
  Waiting waiting(*segment_, deadline);
  for (;;) {
    {
      const StripeLock lock(*segment_, stripe());
      if (any_there(list_.ring()) || wait_for_more(list_.ring(), waiting)) return;
    }
    waiting.sleep();
  }
}

/// Plans that item i is done with.
void Queue::finish(ListWrite& write, u64 i) const {
  const Ring& now = write.ring();
  write.drop(now.load(i));
  Counts next = counts();
  --next.taken;
  ++next.finished;
  u64 first = 0;
  while (first < now.count() && (first == i || now.load(first).owner() == finished)) ++first;
  if (first > i) {
    next.finished -= static_cast<u32>(first);
    write.set_ends(now.place(first), now.count() - first);
  } else {
    write.change().put(now.slot(i)[0], 0);
    write.change().put(now.slot(i)[1], second_word(0, finished));
  }
  write.change().put(own(1), next.word());
}

bool Queue::task_done() const {
  refuse_in_user_code("queue.task_done");
  bool sparse = false;
  {
    const u64 me = owner_word(Lives(*segment_).self());
    ListWrite write(list_, config().handles);
    const Ring& now = write.ring();
    u64 done = now.count();
    for (u64 i = 0; i < now.count(); ++i) {
      const SlotWords slot = now.load(i);
      if (slot.owner() == me) {
        done = i;
        break;
      }
      if (is_taken(slot) && done == now.count()) done = i;
    }
    if (done == now.count()) return false;
    finish(write, done);
    sparse = now.sparse_with(unfinished(now) - 1);
    body().done.announce();
    if (Limit::of(*this).closed) body().items.announce();
    write.commit();
  }
  if (sparse) list_.shrink();
  return true;
}

bool Queue::join(const Deadline& deadline) const {
  Waiting waiting(*segment_, deadline);
  for (;;) {
    {
      const StripeLock lock(*segment_, stripe());
      if (unfinished(list_.ring()) == 0) return true;
      refuse_in_user_code("queue.join");
      if (waiting.expired()) return false;
      waiting.expect(body().done, stripe());
    }
    waiting.sleep();
  }
}

void Queue::close() const {
  refuse_in_user_code("queue.close");
  const StripeLock lock(*segment_, stripe());
  if (Limit::of(*this).closed) return;
  body().items.announce();
  body().room.announce();
  Change change(*segment_, stripe());
  change.put(own(0), own(0).load() | u64{1} << 63);
  change.commit();
}

std::size_t Queue::size() const {
  const ReadLock lock(*segment_, stripe());
  const Ring now = list_.ring();
  if (counts().word() == 0) return static_cast<std::size_t>(now.count());
  std::size_t there = 0;
  for (u64 i = 0; i < now.count(); ++i) there += is_there(now.load(i));
  return there;
}

void Queue::collect(ByteTable& out, bool taken_too) const {
  if (!joinable()) {
    list_.snapshot(out);
    return;
  }
  const ReadLock lock(*segment_, stripe());
  const Ring now = list_.ring();
  out.clear();
  for (u64 i = 0; i < now.count(); ++i) {
    const SlotWords slot = now.load(i);
    if (is_there(slot) || (taken_too && is_taken(slot))) read_slot(*segment_, slot, nullptr, sink_into(out));
  }
}

void Queue::give_back(ClientId client) const {
  if (!joinable() || counts().taken == 0) return;
  for (bool more = true; more;) {
    more = false;
    const StripeLock lock(*segment_, stripe());
    const Ring now = list_.ring();
    for (u64 i = 0; i < now.count() && !more; ++i) {
      const SlotWords slot = now.load(i);
      if (slot.owner() != owner_word(client)) continue;
      more = true;
      Change change(*segment_, stripe());
      Counts next = counts();
      --next.taken;
      change.put(own(1), next.word());
      change.put(own(2), own(2).load() + 1);
      change.put(now.slot(i)[1], second_word(slot.kind(), 0));
      body().items.announce();
      change.commit();
    }
  }
}

std::string Queue::verify(std::vector<u64>& runs, Leftovers leftovers) const {
  if (std::string problem = list_.verify(runs, leftovers); !problem.empty() || !joinable()) return problem;
  const ReadLock lock(*segment_, stripe());
  const Ring now = list_.ring();
  Counts found{0, 0};
  for (u64 i = 0; i < now.count(); ++i) {
    found.taken += is_taken(now.load(i));
    found.finished += now.load(i).owner() == finished;
  }
  if (now.count() != 0 && now.load(0).owner() == finished) return "queue: a finished item in front";
  return found.word() == counts().word() ? "" : "queue: the counts of taken and finished items are wrong";
}

}  // namespace partage::kernel
