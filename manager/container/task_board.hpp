// Tasks of a pool in shared memory: workers claim chunks of them by one compare-and-swap, and what a killed worker had
// claimed is known to the task.
//
// The board and its jobs are private memory of the process that owns the pool: nothing in a container leads here, so rule
// R does not concern it, and all of it is given back when the owner dies (its workers are daemons and die with it).
// What lies between "claimed" and "done" is told by words that one process writes at a time; there are no locks.
//
//   owner                                            worker w
//   make(); jobs made by new_job(), filled           for (;;) {
//   post(job) while there is a slot                    while (claim(w, claim))
//   watch(): sleeps until something is finished          for each task: begin(), run it, finish();  done(claim)
//   reclaim(w) after the death of w                    if (!sleep(w)) break;          // until there is work; false: closed
//   retire(job), later free_job()                    }
//
// Layout of the board (64-byte lines)
//   head      work, sleepers, finished, watchers, closed, workers, slots
//   worker[w] hazard: 1 + the job slot it is looking at, 0 = none; claims: how many chunks it has claimed
//   slot[]    job: offset of the job posted there, 0 = free; id: jobs are served in the order of their ids
// Layout of a job
//   head      sizes and offsets; next: generation << 32 | the first chunk that may be free; claimed: chunks below the
//             highest that was ever claimed, that one included
//   chunk[]   u32: 0 = free, 1 + w = claimed by w, ~0 = done
//   state[]   u8 per task: TaskState
//   result[], call, inputs
//
// Invariants
//   1 Only the claimer of a chunk writes the states and results of its tasks, until it is done or the owner has seen it dead.
//   2 state `running` is stored before the task is called, the final one after its result stands.
//   3 All chunks below the hint are claimed or done: a claimer raises it by CAS, and the owner, who frees chunks of dead
//     workers, changes its generation, so that a raise that was planned before fails.
//   4 A worker looks into a job only while its hazard names the slot and the slot still names the job; the owner frees a
//     retired job only when no hazard names its slot.
// Dies after the claim -> reclaim() finds the chunk by its word: tasks that are `waiting` are free again, the one that
// was `running` has died. Dies after the result of the last task -> every task is finished, the chunk is closed by the owner.
// Dies between done() and the announcement -> the owner, told of the death, looks by itself.
//
// Thread safety: the owner's calls under one mutex, but for watch(); each worker is one thread of one process.
#pragma once

#include <atomic>
#include <optional>
#include <partage/bytes.hpp>
#include <vector>

#include "manager/segment/segment.hpp"

namespace partage::kernel {

enum class TaskState : std::uint8_t {
  waiting = 0,
  running = 1,
  has_result = 2,  // in its place in the job
  sent = 3,        // by mail: too large for its place, or an exception
  died = 4,        // the worker did while it ran it
};

/// Result places hold what is not longer than this.
inline constexpr u64 largest_result_place = 1024;

class Job {
 public:
  struct Plan {
    u64 id = 0;
    u64 tasks = 0;
    u64 chunk = 1;
    /// Bytes of a result's place; 0: all results come by mail or have no value.
    u64 result_bytes = 0;
    /// The owner is told of every chunk, not only when there is nothing more to claim.
    bool tell_each = false;
    BytesView call;
    /// All inputs have this size; 0: `ends` says where each of them ends.
    u64 input_bytes = 0;
    BytesView inputs;
    std::vector<u64> ends{};
  };

  Job() = default;
  Job(Segment& segment, u64 offset) noexcept : base_(segment.base() + offset), offset_(offset) {}

  u64 offset() const noexcept { return offset_; }
  u64 id() const noexcept;
  u64 tasks() const noexcept;
  u64 chunk() const noexcept;
  u64 chunks() const noexcept;
  BytesView call() const noexcept;
  BytesView input(u64 task) const noexcept;
  /// Bytes of each input, which stand one behind the other from input(0) on; 0: they differ.
  u64 input_bytes() const noexcept;
  u64 result_bytes() const noexcept;
  std::byte* result(u64 task) const noexcept;
  TaskState state(u64 task) const noexcept;
  bool is_done(u64 chunk) const noexcept;
  /// From this chunk on; chunks() when there is none.
  u64 first_not_done(u64 chunk) const noexcept;
  /// Tasks that have a result in its place.
  u64 results_there() const noexcept;
  /// No task from here on was ever begun. Never falls.
  u64 claimed() const noexcept;

  // The claimer's.
  void begin(u64 task) const noexcept;
  void finish(u64 task, TaskState state) const noexcept;
  /// Of all tasks, for who begins and finishes many: a TaskState each.
  std::atomic<std::uint8_t>* states() const noexcept { return &state_byte(0); }

 private:
  friend class TaskBoard;
  struct Sizes;
  struct Head;
  Head& head() const noexcept;
  std::atomic<u32>& chunk_word(u64 i) const noexcept;
  std::atomic<std::uint8_t>& state_byte(u64 i) const noexcept;

  std::byte* base_ = nullptr;
  u64 offset_ = 0;
};

class TaskBoard {
 public:
  /// Jobs that are posted beyond one for each worker: all workers can be busy, and find more when they are done.
  static constexpr u64 spare_slots = 64;

  struct Claim {
    Job job;
    u64 slot, chunk;
    u64 first, last;  // the tasks, without `last`
  };
  struct Death {
    Job job;
    std::optional<u64> task;  // that was running
  };

  TaskBoard(Segment& segment, u64 offset) noexcept : segment_(&segment), offset_(offset) {}
  u64 offset() const noexcept { return offset_; }

  // ---- the owner ---------------------------------------------------------------------------------------------------

  /// Throws OutOfMemory.
  static TaskBoard make(Segment& segment, u32 workers);
  void destroy() const noexcept;

  Job new_job(const Job::Plan& plan) const;
  void free_job(const Job& job) const noexcept;
  /// False: every slot is taken; later.
  bool post(const Job& job) const noexcept;
  /// Nobody begins to look into it any more. Free it when is_left().
  void retire(const Job& job) const noexcept;
  bool is_left(const Job& job) const noexcept;
  /// After the death of the worker: what it had claimed is free again, but for what it was running, which has died.
  std::vector<Death> reclaim(u32 worker) const;
  /// Chunks the worker has claimed since the last reclaim().
  u64 claims(u32 worker) const noexcept;
  /// Workers that find nothing to do end.
  void close() const noexcept;
  /// There is a chunk that nobody has claimed.
  bool has_work() const noexcept;
  void wake_workers() const noexcept;

  /// What to sleep on until something has finished, while a Watch lives; look at the jobs between seen() and the sleep.
  class Watch {
   public:
    explicit Watch(const TaskBoard& board) noexcept;
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    FutexWord seen() const noexcept;

   private:
    const TaskBoard& board_;
  };
  /// As if something had finished.
  void announce() const noexcept;

  // ---- the worker --------------------------------------------------------------------------------------------------

  /// The next chunk: of the job that was claimed from before, else of the oldest. False: nothing to do.
  bool claim(u32 worker, std::optional<Claim>& claim) const noexcept;
  void done(const Claim& claim) const noexcept;
  /// Claims nothing more, though there may be something.
  void leave(u32 worker) const noexcept;
  /// Until there may be something to claim. False: closed.
  bool sleep(u32 worker) const;

 private:
  struct Head;
  struct Worker;
  struct Slot;
  Head& head() const noexcept;
  Worker& worker(u64 i) const noexcept;
  Slot& slot(u64 i) const noexcept;
  Job job_in(u64 slot) const noexcept;
  bool try_claim(u32 worker, u64 slot, std::optional<Claim>& claim) const noexcept;
  /// The slot's job, which stays while the worker's hazard names the slot.
  bool look_into(u32 worker, u64 slot, Job& job) const noexcept;
  bool is_exhausted(const Job& job) const noexcept;
  /// has_work() as a worker may ask it: the owner's looks at jobs without a hazard.
  bool sees_work(u32 worker) const noexcept;

  Segment* segment_;
  u64 offset_;
};

}  // namespace partage::kernel
