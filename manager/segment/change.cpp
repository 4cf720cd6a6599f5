#include "manager/segment/change.hpp"

#include <algorithm>
#include <partage/error.hpp>

namespace partage::kernel {

Change::~Change() {
  if (done_) return;
  if (Window::is_open(stripe_)) Window::close(stripe_);
  if (!taken_runs_.empty() || stripe_.spill.load() != 0) give_back();
}

void Change::give_back() noexcept {
  try {
    Runs runs = segment_.runs();
    runs.release_all(stripe_.spill);
    runs.release_all(stripe_.pend);
  } catch (const TimeoutError&) {
    // The holder of the heap is stopped, but this change is over, one way or the other. The runs stay on their lists until
    // the next change of the stripe, or its repair, finds them there.
  } catch (const Corrupt&) {
    // The heap is quarantined: nothing is given back any more.
  }
}

void Change::give_back_leftovers() {
  if (taken_runs_.empty() && stripe_.pend.load() != 0) segment_.runs().release_all(stripe_.pend);
}

Change::Run Change::take_run(std::size_t bytes, Pool pool) {
  give_back_leftovers();
  Runs runs = segment_.runs();
  taken_runs_.push_back(0);  // before the run: this may throw, and then there must be nothing to take back
  const u64 run = taken_runs_.back() = runs.acquire(bytes, stripe_.pend, pool);
  return {run, Draft(segment_.base() + run, runs.payload_size(run))};
}

u64 Change::make_blob(BytesView value) {
  if (value.refs.size() > most_references) {
    throw ValueError("partage: a value holds " + std::to_string(value.refs.size()) + " handles; at most " +
                     std::to_string(most_references) + " fit into one element");
  }
  const BlobShape shape{value.size, value.refs.size()};
  const u64 blob = arena_take(*this, stripe_.body[arena_word], shape.payload());
  auto& head = segment_.at<BlobHead>(blob);
  const Draft draft(&head.shape, 8 + (shape.payload() + 7) / 8 * 8);
  draft.set(head.shape, shape.word());
  Word* payload = &head.shape + 1;
  draft.copy(payload, value.refs.data(), value.refs.size() * 8);
  draft.copy(payload + value.refs.size(), value.data, value.size);
  return blob;
}

void Change::retire_arena() {
  Word& arena = stripe_.body[arena_word];
  retire_chain(arena.load());
  if (arena.load() != 0) put(arena, 0);
}

// Last words of the plan: retired blobs onto their free lists, retired runs onto `pend` in place of the ones taken.
void Change::finish_plan() {
  for (const u64 blob : retired_blobs_) arena_give_back(*this, stripe_.body[arena_word], blob);
  retired_blobs_.clear();
  if (retired_runs_.empty() && retired_chains_.empty() && taken_runs_.empty()) return;
  Runs runs = segment_.runs();
  u64 next = 0;
  for (const u64 first : retired_chains_) {
    u64 last = first;
    while (get(runs.link(last)) != 0) last = get(runs.link(last));
    if (next != 0) put(runs.link(last), next);
    next = first;
  }
  std::ranges::sort(taken_runs_);
  for (std::size_t i = retired_runs_.size(); i-- > 0;) {
    Word& link = runs.link(retired_runs_[i]);
    if (std::ranges::binary_search(taken_runs_, retired_runs_[i])) {
      put(link, next);  // taken and retired by this very change: it is on `pend` now
    } else {
      Draft(&link, sizeof link).set(link, next);
    }
    next = retired_runs_[i];
  }
  put(stripe_.pend, next);
}

void Change::prepare() {
  if (prepared_) return;
  give_back_leftovers();
  finish_plan();
  if (plan_.size() > Stripe::near_slots) segment_.runs().acquire(plan_.size() * sizeof(LogSlot), stripe_.spill);
  prepared_ = true;
}

void Change::open() noexcept {
  Window::open(stripe_);
}

void Change::commit() {
  prepare();
  if (plan_.size() == 0) {
    done_ = true;
    if (Window::is_open(stripe_)) Window::close(stripe_);
    return;
  }
  open();
  if (plan_.size() == 1) {
    Log::commit_single(*plan_[0].word, plan_[0].value);
  } else {
    lay(0);  // the commit point is its last store
    apply_log(segment_, stripe_);
  }
  Window::close(stripe_);
  tidy();
}

void Change::lay(u64 record_plus_1) noexcept {
  if (plan_.size() == 0) return;
  const bool spilled = plan_.size() > Stripe::near_slots;
  LogSlot* far = spilled ? &segment_.at<LogSlot>(stripe_.spill.load()) : nullptr;
  for (std::size_t i = 0; i < plan_.size(); ++i)
    Log::lay(spilled ? far[i] : stripe_.slot(i), plan_[i], segment_.base());
  Log::decide(stripe_.commit, CommitWord::make(plan_.size(), spilled, record_plus_1));
}

void Change::apply() noexcept {
  if (stripe_.commit.load() != 0) apply_log(segment_, stripe_);
  if (Window::is_open(stripe_)) Window::close(stripe_);
}

void Change::tidy() noexcept {
  done_ = true;
  if (stripe_.spill.load() != 0 || stripe_.pend.load() != 0) give_back();
}

const char* half_done(Segment& segment, const Stripe& stripe, std::vector<u64>& runs, Leftovers leftovers) {
  if (stripe.commit.load() != 0) return "the log is not clean";
  if (Window::is_open(stripe)) return "the window is open";
  const Runs heap = segment.runs();
  for (const Word* list : {&stripe.pend, &stripe.spill}) {
    if (list->load() == 0) continue;
    if (leftovers == Leftovers::damage) return "runs in transit";
    if (!heap.looks_like_list(list->load())) return "memory in transit that is none";
    for (u64 run = list->load(); run != 0; run = heap.link(run).load()) runs.push_back(run);
  }
  return "";
}

}  // namespace partage::kernel
