// A list of byte strings in the segment: a ring of slots under one stripe. The byte level of ListProxy.
//
// What an element is: bytes, and references to shared objects when the list was made for handles. A list whose elements
// all have the same size of 1 to 8 bytes is packed (one word each); any other is variable (inline up to 15 bytes, else
// a blob of the list's arena). list_layout.hpp has every byte.
//
// A List is a process-local value of two pointers and the configuration; make one per call or keep it, as you like.
//
// Reads take no lock: get(), size() and small snapshots copy out optimistically and lock only after many disturbed
// tries. Every other operation is one lock and one commit. Indexes are resolved under the lock and count from the end
// when negative. Versions are values of the stripe's sequence word: equal versions, equal contents.
//
// Cell. A list made with `cell` is one element of 1 to 8 bytes for ever, in a word of the body: what a small Value is. get,
// set, modify, size and slices work on it without the lock; modify runs its function again when somebody was faster.
// Nothing that changes the number of elements may be called on it.
//
// Companion. A list can keep one object for its own purposes (the lock of a Value or Array): it is counted like a stored
// reference, and goes with the list.
//
// Handles. A list made with `handles` counts what it stores: any operation that stores or removes references is one
// transaction over the list and the registry. What it turns to garbage is reported through made_dying(). pop() hands
// the references of the element to this process' client slot, so they stay alive until it lets go of them.
//
// Crash: an operation has happened entirely or not at all. list_shift.hpp says how a long shift keeps to that.
// Complexity: append, pop(0), pop(-1), get, set O(1); insert, erase and pop elsewhere O(min(i, n - i)),
//   for handles O(n);
//   everything on the whole list, slices that change its length included, O(n) and built aside.
// Errors: OutOfMemory and ValueError with nothing changed; UsageError for writes from inside modify() or reorder().
// Thread and process safety: every member may be called by any thread of any attached process at any time.
#pragma once

#include <cassert>
#include <partage/bytes.hpp>
#include <partage/function_view.hpp>
#include <span>
#include <string>
#include <vector>

#include "manager/container/byte_table.hpp"
#include "manager/container/list_layout.hpp"
#include "manager/container/slice.hpp"
#include "manager/segment/change.hpp"

namespace partage::kernel {

class ListWrite;

class List {
 public:
  List(Segment& segment, ListBody& body) noexcept
      : segment_(&segment), body_(&body), config_(ListConfig::of(body.config.load())) {}
  List(Segment& segment, u64 body) noexcept : List(segment, segment.at<ListBody>(body)) {}

  /// Puts an empty list into `change` (of another stripe) and returns the offset of its body; it exists from that
  /// commit on.
  static u64 build(Change& change, ListConfig config);

  const ListConfig& config() const noexcept { return config_; }
  ListBody& body() const noexcept { return *body_; }
  bool is(const List& other) const noexcept { return body_ == other.body_; }

  // ---- one element --------------------------------------------------------------------------------------------------

  std::size_t size() const;
  /// False: no such element.
  bool get(std::ptrdiff_t i, Bytes& out) const;
  bool set(std::ptrdiff_t i, BytesView value) const;
  void append(BytesView value) const;
  /// All of them or none.
  void extend(std::span<const BytesView> values) const;
  /// Before element i; an index beyond either end means that end.
  void insert(std::ptrdiff_t i, BytesView value) const;
  bool pop(std::ptrdiff_t i, Bytes& out) const;
  /// pop() as soon as there is such an element. False: not before the deadline.
  bool pop_wait(std::ptrdiff_t i, Bytes& out, const Deadline& deadline) const;
  /// Until there is such an element; false: not before the deadline.
  bool await(std::ptrdiff_t i, const Deadline& deadline) const;
  bool erase(std::ptrdiff_t i) const;
  /// Erases only if the list still has that version (and the element).
  bool erase_if(u64 version, std::size_t i) const;

  /// `fn(current, next)` runs under the list's lock, on copies; what it leaves in `next` replaces the element in one
  /// commit. If it throws, nothing has changed. A child forked by it that comes back gets UsageError and touches
  /// nothing.
  bool modify(std::ptrdiff_t i, FunctionView<void(BytesView current, Bytes& next)> fn) const;

  // ---- one element of a packed list, as a word (list_words.hpp); not of a cell ----------------------------------------

  /// False: no such element.
  bool get_word(std::ptrdiff_t i, u64& out) const;
  /// One attempt, without a call and without a frame. False: ask get_word().
  static bool try_get_word(const SegmentHeader& header, const ListBody& body, std::ptrdiff_t i, u64& out) noexcept;
  // These are static because a List that is passed on has to be made in memory, which here costs as much as the work.
  static bool set_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64 word);
  static void append_word(Segment& segment, ListBody& body, u64 word);
  static bool pop_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64& out);
  /// The element, which was `before`, becomes next(before). `next` runs under the list's lock, but it is no user code: it
  /// computes, and touches nothing shared.
  template <class Next>
  static bool step_word(Segment& segment, ListBody& body, std::ptrdiff_t i, u64& before, Next&& next);
  /// Shows all words of a slice in one state, a piece after the other, with the number of those to come; once with none
  /// when it is empty. `take` runs under the list's lock, and only copies. Returns the version.
  u64 read_words(const Slice& slice, FunctionView<void(std::span<const u64> words, std::size_t rest)> take) const;

  // ---- slices -------------------------------------------------------------------------------------------------------

  void slice(const Slice& slice, ByteTable& out) const;
  /// Returns how many elements the slice had. Throws ValueError, with Python's text, when a stepped one has another
  /// size.
  std::size_t assign_slice(const Slice& slice, std::span<const BytesView> values) const;
  void erase_slice(const Slice& slice) const;

  // ---- the whole list -----------------------------------------------------------------------------------------------

  /// Replaces the contents of `out` by the elements; returns the version they are of.
  u64 snapshot(ByteTable& out) const;
  /// Element i becomes what element order[i] was, if the list still has that version.
  bool permute_if(u64 version, std::span<const u32> order) const;
  /// permute_if for those who never find a quiet moment: `fn` sees a snapshot and returns the order, under the list's
  /// lock.
  void reorder(FunctionView<std::vector<u32>(const ByteTable&)> fn) const;
  void reverse() const;
  void repeat(std::ptrdiff_t times) const;
  /// Gives all memory back but the body.
  void clear() const;

  // ---- the companion ------------------------------------------------------------------------------------------------

  /// 0: it has none. Lives as long as the list.
  ObjectRef companion() const noexcept { return body_->value.companion.load_acquire(); }
  /// The companion is this object unless there is one; returns the one there is now. One transaction.
  ObjectRef set_companion_if_none(ObjectRef ref) const;

  // ---- for the registry and for tools -------------------------------------------------------------------------------

  /// Removes up to `max` elements from the end, references included. False: there were none. Whoever takes a long list
  /// apart calls it until it says so, then dismantle().
  bool drop_some(std::size_t max) const;
  /// Gives the companion up, if there is one. For a list that nobody can reach any more.
  void drop_companion() const;
  /// Retires everything the list has, body included, into a change of another stripe. Only for a list that nobody can
  /// reach any more and whose elements hold no references.
  void dismantle(Change& change) const;
  /// Checks every invariant; "" or what is wrong. Appends every run the list owns.
  std::string verify(std::vector<u64>& runs, Leftovers leftovers = Leftovers::damage) const;
  /// Takes a damaged list out of use, and wakes who waits in it; a cell, which has no lock, stays readable. False: a living
  /// process holds its lock.
  bool condemn() const;
  /// Bytes of all runs the list owns.
  std::size_t bytes_used() const;

 private:
  friend class ListWrite;
  friend class Queue;

  // Of a list with `cell` (list_cell.cpp).
  bool get_cell(std::ptrdiff_t i, Bytes& out) const;
  bool set_cell(std::ptrdiff_t i, BytesView value) const;
  bool modify_cell(std::ptrdiff_t i, FunctionView<void(BytesView current, Bytes& next)> fn) const;
  u64 slice_cell(const Slice& slice, ByteTable& out) const;
  std::string verify_cell() const;

  // The long way of the operations on words (list_words.cpp). Results by value, because what a call could reach would have to
  // be in memory.
  static void append_word_slowly(Segment& segment, ListBody& body, u64 word);
  static std::optional<u64> pop_word_slowly(Segment& segment, ListBody& body, std::ptrdiff_t i);
  u64 word_of(BytesView value) const noexcept {
    assert(value.size == config_.packed_size && value.refs.empty());
    u64 word = 0;
    std::memcpy(&word, value.data, config_.packed_size);
    return word;
  }

  Stripe& stripe() const noexcept { return body_->stripe; }
  Ring ring() const noexcept { return Ring(*segment_, body_->stripe, config_.packed_size); }
  bool collect(const Selection& selection, ByteTable& out, const OptimisticRead* attempt) const;
  u64 read_slice(const Slice& slice, ByteTable& out) const;
  bool remove(std::ptrdiff_t i, const u64* version, Bytes* out) const;
  void remove(ListWrite& write, u64 index, bool to_us) const;
  void permute(ListWrite& write, std::span<const u32> order) const;
  void shrink() const;

  Segment* segment_;
  ListBody* body_;
  ListConfig config_;
};

/// Makes repairs of stripes know lists. Call once per process, before the first lock.
void register_list_repair() noexcept;

}  // namespace partage::kernel
