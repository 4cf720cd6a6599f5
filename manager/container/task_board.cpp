#include "manager/container/task_board.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <partage/error.hpp>
#include <utility>

#include "manager/platform/futex.hpp"

namespace partage::kernel {

namespace {

constexpr u32 chunk_free = 0, chunk_done = ~u32{0};

constexpr u64 align(u64 n) noexcept {
  return (n + 63) & ~u64{63};
}

/// Zeros in the first `zeroed` bytes.
void* allocate(Segment& segment, u64 bytes, u64 zeroed) {
  // The nothrow form: what Boost throws says nothing.
  if (void* run = segment.manager()->allocate(bytes, std::nothrow)) return std::memset(run, 0, zeroed);
  throw OutOfMemory(
      "partage: pool: the tasks do not fit into the shared memory; map fewer at a time, or make the pool of "
      "a Manager with a larger ManagerOptions::max_size",
      segment.header().max, segment.runs().used(), bytes);
}

const u32* futex(const std::atomic<u32>& word) noexcept {
  return reinterpret_cast<const u32*>(&word);
}

}  // namespace

struct Job::Sizes {
  u64 id, tasks, chunk, chunks;
  u64 result_bytes, tell_each;
  u64 chunk_at, state_at, result_at, call_at, call_bytes, ends_at, input_at, input_bytes;
};
struct Job::Head : Job::Sizes {
  alignas(64) std::atomic<u64> next;
  std::atomic<u64> claimed;  // chunks; never falls
};

struct TaskBoard::Head {
  alignas(64) std::atomic<u32> work;
  std::atomic<u32> sleepers, closed;
  u32 workers, slots;
  alignas(64) std::atomic<u32> finished;
  std::atomic<u32> watchers;
};

struct alignas(64) TaskBoard::Worker {
  std::atomic<u64> hazard, claims;
};

struct TaskBoard::Slot {
  std::atomic<u64> job, id;
};

// ---- jobs ------------------------------------------------------------------------------------------------------------

Job::Head& Job::head() const noexcept {
  return *reinterpret_cast<Head*>(base_);
}
std::atomic<u32>& Job::chunk_word(u64 i) const noexcept {
  return reinterpret_cast<std::atomic<u32>*>(base_ + head().chunk_at)[i];
}
std::atomic<std::uint8_t>& Job::state_byte(u64 i) const noexcept {
  return reinterpret_cast<std::atomic<std::uint8_t>*>(base_ + head().state_at)[i];
}

u64 Job::id() const noexcept {
  return head().id;
}
u64 Job::tasks() const noexcept {
  return head().tasks;
}
u64 Job::chunk() const noexcept {
  return head().chunk;
}
u64 Job::chunks() const noexcept {
  return head().chunks;
}
u64 Job::result_bytes() const noexcept {
  return head().result_bytes;
}
BytesView Job::call() const noexcept {
  return {base_ + head().call_at, static_cast<std::size_t>(head().call_bytes)};
}
BytesView Job::input(u64 task) const noexcept {
  const Head& h = head();
  if (h.input_bytes != 0) return {base_ + h.input_at + task * h.input_bytes, static_cast<std::size_t>(h.input_bytes)};
  const u64* const ends = reinterpret_cast<const u64*>(base_ + h.ends_at);
  const u64 begin = task == 0 ? 0 : ends[task - 1];
  return {base_ + h.input_at + begin, static_cast<std::size_t>(ends[task] - begin)};
}
u64 Job::input_bytes() const noexcept {
  return head().input_bytes;
}
std::byte* Job::result(u64 task) const noexcept {
  return base_ + head().result_at + task * head().result_bytes;
}
TaskState Job::state(u64 task) const noexcept {
  return static_cast<TaskState>(state_byte(task).load(std::memory_order_acquire));
}
bool Job::is_done(u64 chunk) const noexcept {
  return chunk_word(chunk).load(std::memory_order_acquire) == chunk_done;
}
u64 Job::first_not_done(u64 i) const noexcept {
  const u64 n = chunks();
  const std::atomic<u32>* const words = &chunk_word(0);
  while (i < n && words[i].load(std::memory_order_acquire) == chunk_done) ++i;
  return i;
}
u64 Job::results_there() const noexcept {
  u64 there = 0;
  const std::atomic<std::uint8_t>* const bytes = states();
  for (u64 i = 0, n = tasks(); i < n; ++i) {
    there += bytes[i].load(std::memory_order_relaxed) == static_cast<std::uint8_t>(TaskState::has_result);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  return there;
}
u64 Job::claimed() const noexcept {
  return std::min(head().claimed.load() * chunk(), tasks());
}
void Job::begin(u64 task) const noexcept {
  state_byte(task).store(static_cast<std::uint8_t>(TaskState::running), std::memory_order_release);
}
void Job::finish(u64 task, TaskState state) const noexcept {
  state_byte(task).store(static_cast<std::uint8_t>(state), std::memory_order_release);
}

Job TaskBoard::new_job(const Job::Plan& plan) const {
  const u64 chunks = (plan.tasks + plan.chunk - 1) / plan.chunk;
  Job::Sizes h{};
  h.id = plan.id;
  h.tasks = plan.tasks;
  h.chunk = plan.chunk;
  h.chunks = chunks;
  h.result_bytes = plan.result_bytes;
  h.tell_each = plan.tell_each;
  u64 at = align(sizeof(Job::Head));
  const auto place = [&](u64 bytes) { return std::exchange(at, align(at + bytes)); };
  h.chunk_at = place(chunks * sizeof(u32));
  h.state_at = place(plan.tasks);
  h.result_at = place(plan.tasks * plan.result_bytes);
  h.call_at = place(plan.call.size);
  h.call_bytes = plan.call.size;
  h.ends_at = place(plan.ends.size() * sizeof(u64));
  h.input_at = place(plan.inputs.size);
  h.input_bytes = plan.input_bytes;

  auto* const base = static_cast<std::byte*>(allocate(*segment_, at, h.call_at));
  new (base) Job::Head{h, {}, {}};
  const auto copy = [&](u64 to, const void* from, u64 bytes) {
    if (bytes != 0) std::memcpy(base + to, from, bytes);
  };
  copy(h.call_at, plan.call.data, plan.call.size);
  copy(h.ends_at, plan.ends.data(), plan.ends.size() * sizeof(u64));
  copy(h.input_at, plan.inputs.data, plan.inputs.size);
  return Job(*segment_, segment_->offset_of(base));
}

void TaskBoard::free_job(const Job& job) const noexcept {
  try {
    segment_->manager()->deallocate(job.base_);
  } catch (...) {  // the heap is locked by a stopped process: given back with this process
  }
}

// ---- the board -------------------------------------------------------------------------------------------------------

TaskBoard::Head& TaskBoard::head() const noexcept {
  return segment_->at<Head>(offset_);
}
TaskBoard::Worker& TaskBoard::worker(u64 i) const noexcept {
  return (&segment_->at<Worker>(offset_ + sizeof(Head)))[i];
}
TaskBoard::Slot& TaskBoard::slot(u64 i) const noexcept {
  return (&segment_->at<Slot>(offset_ + sizeof(Head) + head().workers * sizeof(Worker)))[i];
}
Job TaskBoard::job_in(u64 i) const noexcept {
  return Job(*segment_, slot(i).job.load());
}

TaskBoard TaskBoard::make(Segment& segment, u32 workers) {
  const u64 bytes = sizeof(Head) + workers * sizeof(Worker) + (workers + spare_slots) * sizeof(Slot);
  void* const run = allocate(segment, bytes, bytes);
  const TaskBoard board(segment, segment.offset_of(run));
  board.head().workers = workers;
  board.head().slots = workers + spare_slots;
  return board;
}

void TaskBoard::destroy() const noexcept {
  try {
    segment_->manager()->deallocate(&head());
  } catch (...) {  // as in free_job()
  }
}

bool TaskBoard::post(const Job& job) const noexcept {
  for (u64 i = 0; i < head().slots; ++i) {
    Slot& s = slot(i);
    if (s.job.load() != 0) continue;
    // A worker may still be leaving the job that was here before; it compares the offset, which may come again.
    bool looked_at = false;
    for (u64 w = 0; w < head().workers; ++w) looked_at |= worker(w).hazard.load() == i + 1;
    if (looked_at) continue;
    s.id.store(job.id());
    s.job.store(job.offset());
    wake_workers();
    return true;
  }
  return false;
}

void TaskBoard::retire(const Job& job) const noexcept {
  for (u64 i = 0; i < head().slots; ++i) {
    if (slot(i).job.load() == job.offset()) slot(i).job.store(0);
  }
}

bool TaskBoard::is_left(const Job& job) const noexcept {
  for (u64 w = 0; w < head().workers; ++w) {
    // The slot is not remembered; one that is looked at and empty may be the job's.
    const u64 hazard = worker(w).hazard.load();
    if (hazard != 0 && (slot(hazard - 1).job.load() == 0 || slot(hazard - 1).job.load() == job.offset())) return false;
  }
  return true;
}

void TaskBoard::wake_workers() const noexcept {
  head().work.fetch_add(1);
  if (head().sleepers.load() != 0) wake_all(futex(head().work));
}

void TaskBoard::close() const noexcept {
  head().closed.store(1);
  wake_workers();
}

bool TaskBoard::is_exhausted(const Job& job) const noexcept {
  return static_cast<u32>(job.head().next.load()) >= job.chunks();
}

bool TaskBoard::has_work() const noexcept {
  for (u64 i = 0; i < head().slots; ++i) {
    if (slot(i).job.load() != 0 && !is_exhausted(job_in(i))) return true;
  }
  return false;
}

std::vector<TaskBoard::Death> TaskBoard::reclaim(u32 w) const {
  std::vector<Death> deaths;
  bool freed = false;
  for (u64 i = 0; i < head().slots; ++i) {
    if (slot(i).job.load() == 0) continue;
    const Job job = job_in(i);
    for (u64 c = 0; c < job.chunks(); ++c) {
      if (job.chunk_word(c).load() != w + 1) continue;
      Death death{job, std::nullopt};
      bool waiting = false;
      const u64 last = std::min((c + 1) * job.chunk(), job.tasks());
      for (u64 t = c * job.chunk(); t < last; ++t) {
        if (job.state(t) == TaskState::running) {
          death.task = t;
          job.finish(t, TaskState::died);
        }
        waiting |= job.state(t) == TaskState::waiting;
      }
      job.chunk_word(c).store(waiting ? chunk_free : chunk_done);
      if (waiting) {
        // Another generation, so that no claimer raises the hint past this one (invariant 3).
        std::atomic<u64>& next = job.head().next;
        u64 seen = next.load();
        while (!next.compare_exchange_weak(seen, ((seen >> 32) + 1) << 32 | std::min<u64>(c, static_cast<u32>(seen)))) {
        }
        freed = true;
      }
      deaths.push_back(death);
    }
  }
  worker(w).hazard.store(0);
  worker(w).claims.store(0);
  if (freed) wake_workers();
  announce();
  return deaths;
}

u64 TaskBoard::claims(u32 w) const noexcept {
  return worker(w).claims.load();
}

TaskBoard::Watch::Watch(const TaskBoard& board) noexcept : board_(board) {
  board_.head().watchers.fetch_add(1);
}
TaskBoard::Watch::~Watch() {
  board_.head().watchers.fetch_sub(1);
}
FutexWord TaskBoard::Watch::seen() const noexcept {
  return {futex(board_.head().finished), board_.head().finished.load()};
}

void TaskBoard::announce() const noexcept {
  head().finished.fetch_add(1);
  if (head().watchers.load() != 0) wake_all(futex(head().finished));
}

// ---- the worker ------------------------------------------------------------------------------------------------------

bool TaskBoard::look_into(u32 w, u64 i, Job& job) const noexcept {
  const u64 offset = slot(i).job.load();
  if (offset == 0) return false;
  if (worker(w).hazard.load(std::memory_order_relaxed) != i + 1) worker(w).hazard.store(i + 1);
  if (slot(i).job.load() != offset) return false;  // retired meanwhile
  job = Job(*segment_, offset);
  return true;
}

bool TaskBoard::try_claim(u32 w, u64 i, std::optional<Claim>& claim) const noexcept {
  Job job;
  if (!look_into(w, i, job)) return false;
  std::atomic<u64>& next = job.head().next;
  for (;;) {
    u64 hint = next.load();
    const u64 chunks = job.chunks();
    u64 c = static_cast<u32>(hint);
    while (c < chunks && job.chunk_word(c).load(std::memory_order_relaxed) != chunk_free) ++c;
    if (c == chunks) {
      // The hint says so to everybody from now on, unless a chunk has become free.
      if (static_cast<u32>(hint) == chunks || next.compare_exchange_strong(hint, hint >> 32 << 32 | chunks))
        return false;
      continue;
    }
    u32 expected = chunk_free;
    if (!job.chunk_word(c).compare_exchange_strong(expected, w + 1)) continue;
    next.compare_exchange_strong(hint, hint >> 32 << 32 | (c + 1));
    // Not the hint, which may lag behind and falls when a chunk becomes free.
    std::atomic<u64>& claimed = job.head().claimed;
    u64 highest = claimed.load();
    while (highest <= c && !claimed.compare_exchange_weak(highest, c + 1)) {
    }
    std::atomic<u64>& claims = worker(w).claims;  // of this worker alone
    claims.store(claims.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    claim = Claim{job, i, c, c * job.chunk(), std::min((c + 1) * job.chunk(), job.tasks())};
    return true;
  }
}

bool TaskBoard::claim(u32 w, std::optional<Claim>& claim) const noexcept {
  if (claim) {
    if (try_claim(w, claim->slot, claim)) return true;
    // Whoever finishes a job's last chunk finds nothing more in it afterwards, and so comes here.
    announce();
    claim.reset();
  }
  for (;;) {
    // The oldest first; one that has nothing left is passed over.
    u64 best = head().slots, best_id = ~u64{0};
    for (u64 i = 0; i < head().slots; ++i) {
      if (slot(i).job.load() == 0 || slot(i).id.load() >= best_id) continue;
      Job job;
      if (!look_into(w, i, job) || is_exhausted(job)) continue;
      best = i;
      best_id = slot(i).id.load();
    }
    if (best == head().slots) break;
    if (try_claim(w, best, claim)) return true;
  }
  worker(w).hazard.store(0);
  return false;
}

void TaskBoard::done(const Claim& claim) const noexcept {
  claim.job.chunk_word(claim.chunk).store(chunk_done, std::memory_order_release);
  if (claim.job.head().tell_each != 0) announce();
}

void TaskBoard::leave(u32 w) const noexcept {
  worker(w).hazard.store(0);
  announce();
}

bool TaskBoard::sees_work(u32 w) const noexcept {
  bool found = false;
  for (u64 i = 0; i < head().slots && !found; ++i) {
    Job job;
    found = look_into(w, i, job) && !is_exhausted(job);
  }
  worker(w).hazard.store(0);
  return found;
}

bool TaskBoard::sleep(u32 w) const {
  // What is posted or closed from here on changes the word, and so ends the sleep.
  const u32 seen = head().work.load();
  const bool closed = head().closed.load() != 0;
  if (sees_work(w)) return true;
  if (closed) return false;
  head().sleepers.fetch_add(1);
  const FutexWord word{futex(head().work), seen};
  sleep_on({&word, 1}, std::nullopt);
  head().sleepers.fetch_sub(1);
  return true;
}

}  // namespace partage::kernel
