// A change: one commit on one stripe, from plan to tidy-up. The containers' operations are written with it:
//
//     StripeLock lock(segment, stripe);
//     Change change(segment, stripe);
//     const Blob blob = change.make_blob(value);   // unreachable until the commit; may throw OutOfMemory
//     change.put(slot, blob.offset);               // planned
//     change.retire_blob(old);                     // freed by the same commit
//     change.commit();                             // or leave the scope: nothing happened
//
// The steps of commit() are open to operations that need them apart: prepare() reserves everything that may fail, open()
// opens the window, and nothing after it throws. A transaction (transaction.hpp) drives several changes through them.
//
// Memory. Runs taken are on the stripe's `pend` list until the commit links them and puts the retired ones there instead;
// after it they are freed. So at every instant `pend` names exactly the runs that are in nobody's structure.
// A blob freed by a change is not handed out again by the same change: its bytes stay readable until the commit.
// The link of a run that is on no list means nothing to anybody, so the retired runs are linked to each other before the
// commit, which then hangs them all on `pend` with one word: giving back needs no room, not even in a full segment.
//
// Crash: see journal/stripe.hpp; a change adds no state of its own to shared memory.
// Thread safety: none; a Change belongs to the thread that holds the stripe.
#pragma once

#include <cassert>
#include <partage/bytes.hpp>
#include <span>
#include <vector>

#include "manager/segment/arena.hpp"
#include "manager/segment/stripe_lock.hpp"

namespace partage::kernel {

class Change {
 public:
  /// The word of the body in which every stripe keeps its arena (arena.hpp).
  static constexpr std::size_t arena_word = 0;

  Change(Segment& segment, Stripe& stripe) noexcept : segment_(segment), stripe_(stripe) {}
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change();

  void put(Word& word, u64 value) { plan_.put(word, value); }
  u64 get(const Word& word) const { return plan_.get(word); }
  bool empty() const noexcept {
    return plan_.size() == 0 && retired_runs_.empty() && retired_chains_.empty() && retired_blobs_.empty();
  }

  struct Run {
    u64 offset;
    Draft draft;
  };
  /// A fresh run of the heap, unreachable until the commit. Its contents are unspecified.
  Run take_run(std::size_t bytes, Pool pool = Pool::none);
  /// The commit gives this run back to the heap. It is on no list; for those that are there is retire_chain().
  void retire_run(u64 run) { retired_runs_.push_back(run); }
  /// The commit gives back a whole list of runs, such as the chunks of an arena, and what it hangs on forgets it. 0: none.
  void retire_chain(u64 first) {
    if (first != 0) retired_chains_.push_back(first);
  }

  /// Stores bytes and references in a fresh blob of the stripe's arena, or in a run of their own when they are large.
  u64 make_blob(BytesView value);
  /// The commit frees this blob.
  void retire_blob(u64 blob) { retired_blobs_.push_back(blob); }
  /// The commit frees the whole arena at once, all blobs but the large ones included.
  void retire_arena();

  /// Everything that may fail. Afterwards only words already planned may be put again, with other values.
  void prepare();
  void open() noexcept;
  bool prepared() const noexcept { return prepared_; }

  /// One participant: the stripe's own commit word decides.
  void commit();

  // The halves of a commit for a transaction: lay() sets the commit word to the record, finish() applies and tidies up.
  void lay(u64 record_plus_1) noexcept;
  void apply() noexcept;
  void tidy() noexcept;

  /// Forgets everything without touching shared memory: for a forked child, which does not own the stripe.
  void abandon() noexcept { done_ = true; }

  Segment& segment() const noexcept { return segment_; }
  Stripe& stripe() const noexcept { return stripe_; }

 private:
  void finish_plan();
  void give_back() noexcept;
  void give_back_leftovers();

  Segment& segment_;
  Stripe& stripe_;
  Plan plan_;
  std::vector<u64> taken_runs_;
  std::vector<u64> retired_runs_;
  std::vector<u64> retired_chains_;
  std::vector<u64> retired_blobs_;
  bool prepared_ = false;
  bool done_ = false;
};

/// What runs in transit are to a check of a stripe that nobody works on. The heap may have been busy, or condemned, when they were
/// to be given back; then they stay until the next change of the stripe gives them back, and belong to it.
enum class Leftovers { damage, owned };
/// "" or what is half done in a stripe, for the holder of its lock. Adds the leftovers to `runs` if they may be there.
const char* half_done(Segment& segment, const Stripe& stripe, std::vector<u64>& runs, Leftovers leftovers);

/// A commit that changes one word of a stripe's structure and no memory: the word is its own log. Crash: the next locker
/// finds the word as it was or as it is to be, and closes the window.
inline void commit_word(Stripe& stripe, Word& word, u64 value) noexcept {
  Window::open(stripe);
  Log::commit_single(word, value);
  Window::close(stripe);
}

/// A commit of a few words of a stripe's structure that changes no memory, planned by hand: with the window open, which it
/// closes. At most Stripe::near_slots.
inline void commit_words(Segment& segment, Stripe& stripe, std::span<const Plan::Entry> words) noexcept {
  assert(words.size() <= Stripe::near_slots && Window::is_open(stripe));
  for (std::size_t i = 0; i < words.size(); ++i) Log::lay(stripe.slot(i), words[i], segment.base());
  Log::decide(stripe.commit, CommitWord::make(words.size(), false, 0));
  apply_log(segment, stripe);
  Window::close(stripe);
}

}  // namespace partage::kernel
