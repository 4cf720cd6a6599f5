// A queue between processes: the byte level of Queue, JoinableQueue and SimpleQueue. A list that is waited on at both ends.
//
// Layout: a ListBody (list_layout.hpp), whose own words are
//     queue[0]  limit      most items that may stand in it, 0 = any number | closed << 63
//     queue[1]  counts     items that are taken and not finished | finished items not removed yet << 32
//     queue[2]  returned   items that went back to the front because their taker ended
//   A joinable queue is a list with owners: get() leaves the item where it stands and writes into the upper part of the slot's
//   second word who has taken it: slot | generation << 16 of the client; 0 = nobody; `finished` = task_done(), and the item has
//   been dropped. Finished items in front are removed with the one that makes them the front.
//   So an item goes back to the front, in its order, by clearing one word; and an item whose taker has died is as good as there.
//
// Messages. The items of a queue may be messages: the first 8 bytes of each are its type, a positive number. receive() takes one
//   from wherever it stands, by a shift of the list (list_shift.hpp). Such a queue is neither joinable nor packed, and its items
//   hold no references.
//
// Death: an item is put or not, got or not. A joinable one that was got is in the queue until task_done(), and goes back when
// its taker ends, in any way. A dead waiter takes nothing: who waits is written down nowhere.
// Crash: every operation is one commit of the list's stripe (a transaction when items hold references).
//        The common case has a path of its own (queue_quick.cpp).
// Complexity: put, get O(1); of a joinable queue O(items taken); receive() O(messages it looks at).
// Thread and process safety: full. Errors: OutOfMemory, UsageError, ManagerShutdown, TimeoutError, with nothing changed.
#pragma once

#include "manager/container/list.hpp"
#include "manager/segment/client_life.hpp"

namespace partage::kernel {

class Waiting;

enum class QueueOutcome { done, timeout, closed };

class Queue {
 public:
  static constexpr u64 finished = (u64{1} << 56) - 1;

  Queue(Segment& segment, u64 body) noexcept : segment_(&segment), list_(segment, body) {}

  /// The body of an empty one.
  static u64 build(Change& change, ListConfig config, u64 limit);
  const ListConfig& config() const noexcept { return list_.config(); }
  bool joinable() const noexcept { return list_.config().owners; }
  Stripe& stripe() const noexcept { return list_.stripe(); }
  ListBody& body() const noexcept { return list_.body(); }

  QueueOutcome put(BytesView value, const Deadline& deadline) const;
  /// The caller's process holds what references the item has.
  QueueOutcome get(Bytes& out, const Deadline& deadline) const;
  /// Of messages: the first of this type; 0: the first of all; negative: the first of the lowest type that is at most -type.
  /// `closed` as soon as it is closed, whatever stands in it.
  QueueOutcome receive(std::int64_t type, Bytes& out, const Deadline& deadline) const;
  /// Until there may be an item to get, or it is closed, or the deadline has passed; takes nothing.
  void await_item(const Deadline& deadline) const;
  /// Of a joinable queue: the caller's oldest item is done with, else the oldest of all that are taken. False: none is.
  bool task_done() const;
  /// Until every item that was put is done with. False: not before the deadline.
  bool join(const Deadline& deadline) const;
  /// Nothing can be put any more; what stands in it can be got.
  void close() const;

  /// Items that can be got.
  std::size_t size() const;
  std::size_t limit() const noexcept { return static_cast<std::size_t>(Limit::of(*this).most); }
  bool closed() const noexcept { return Limit::of(*this).closed; }
  std::size_t returned() const noexcept { return static_cast<std::size_t>(own(2).load()); }
  /// The items that can be got, in order.
  void snapshot(ByteTable& out) const { collect(out, false); }
  /// A client has ended: what it has taken goes back.
  void give_back(ClientId client) const;

  // ---- for the registry ---------------------------------------------------------------------------------------------

  bool drop_some(std::size_t max) const { return list_.drop_some(max); }
  void clear() const { list_.clear(); }
  void dismantle(Change& change) const { list_.dismantle(change); }
  std::size_t bytes_used() const { return list_.bytes_used(); }
  std::string verify(std::vector<u64>& runs, Leftovers leftovers = Leftovers::damage) const;
  bool condemn() const { return list_.condemn(); }
  /// Every item that is not finished.
  void all_items(ByteTable& out) const { collect(out, true); }

 private:
  struct Limit {
    u64 most;
    bool closed;
    static Limit of(const Queue& queue) noexcept {
      const u64 word = queue.own(0).load_acquire();
      return {word & ~(u64{1} << 63), word >> 63 != 0};
    }
  };
  struct Counts {
    u32 taken, finished;
    static Counts of(u64 word) noexcept { return {static_cast<u32>(word), static_cast<u32>(word >> 32)}; }
    u64 word() const noexcept { return taken | u64{finished} << 32; }
  };

  Word& own(std::size_t i) const noexcept { return list_.body().queue[i]; }
  Counts counts() const noexcept { return Counts::of(own(1).load()); }
  u64 unfinished(const Ring& ring) const noexcept { return ring.count() - counts().finished; }
  // queue_quick.cpp

  /// What stood in front before the lock was taken.
  struct Seen {
    enum class Front { nothing, here, elsewhere } front;
    bool copied = false;  // it was copied out
    u64 seq = 0, run = 0, capacity = 0;
    u32 head = 0;
  };
  Seen look(Bytes& out) const;
  /// False: not done, take the long way.
  bool put_quickly(BytesView value) const;
  bool get_quickly(const Seen& seen, Bytes& out) const;
  bool is_first(const Seen& seen, const Ring& now) const noexcept;
  void prefetch_blob(u64 bytes) const noexcept;

  bool is_there(SlotWords slot) const;
  bool take_first(ListWrite& write, Bytes& out) const;
  bool take_place(ListWrite& write, Bytes& out) const;
  bool depends(const Ring& ring, Waiting& waiting) const;
  std::optional<QueueOutcome> wait_for_more(const Ring& ring, Waiting& waiting) const;
  bool any_there(const Ring& ring) const;
  void finish(ListWrite& write, u64 i) const;
  void collect(ByteTable& out, bool taken_too) const;

  Segment* segment_;
  List list_;
};

}  // namespace partage::kernel
