// A job as the pool's owner sees it: which of its tasks have ended, and what has become of them.
//
// All of it is guarded by the core's mutex. What the workers write (chunk words, states, results) is read at any time.
// A job is complete when all chunks are done and the mail of every task that has sent some is here; then it leaves
// the board. It is ready when its callbacks have run, too.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <partage/engine/pool.hpp>
#include <unordered_map>
#include <vector>

#include "manager/container/task_board.hpp"

namespace partage::engine::pool {

class JobImpl;

/// Gives each task that has ended once, in about the order of their ends.
class EndedTasks {
 public:
  std::optional<std::uint64_t> next(JobImpl& job);

 private:
  std::uint64_t seen_ = 0;           // tasks below are in open_, or were
  std::vector<std::uint64_t> open_;  // claimed, but not ended
  std::deque<std::uint64_t> ended_;
};

class JobImpl final : public PoolJob, public std::enable_shared_from_this<JobImpl> {
 public:
  JobImpl(std::shared_ptr<Core> core, std::string operation, JobInputs&& inputs);
  ~JobImpl() override;

  std::uint64_t tasks() const override { return tasks_; }
  bool ready() override;
  bool wait(const Deadline& deadline) override;
  bool wait_for(std::uint64_t task, const Deadline& deadline) override;
  std::optional<std::uint64_t> next_ended(const Deadline& deadline) override;
  Outcome outcome(std::uint64_t task) override;
  const std::byte* results_in_place() override;
  std::exception_ptr failure() override;
  void when_ready(std::function<void()> callback) override;
  [[noreturn]] void throw_timeout(const char* operation) override;
  [[noreturn]] void throw_not_ready(const char* operation) override;

 private:
  friend class Core;
  friend class EndedTasks;

  // Under the core's mutex:
  bool has_ended(std::uint64_t task) const;
  /// True: complete.
  bool look();
  bool is_ready() const { return complete_ && callbacks_.empty() && !in_callback_ && !progress_; }
  void fail(std::exception_ptr why);

  const std::shared_ptr<Core> core_;
  const std::string operation_;
  const std::uint64_t tasks_;
  std::vector<ObjectPtr> held_;
  std::vector<SessionPtr> segments_;

  kernel::Job job_{};  // offset 0: never made, because it has no tasks or the pool is broken
  bool on_board_ = false;
  std::uint64_t done_chunks_ = 0;  // that many from the beginning
  bool complete_ = false;
  bool all_in_place_ = false;  // when it is complete
  std::unordered_map<std::uint64_t, Parcel> mails_;
  std::map<std::uint64_t, std::exception_ptr> failures_;
  std::exception_ptr broken_;  // for the tasks that have not ended

  std::vector<std::function<void()>> callbacks_;
  bool in_callback_ = false;
  Progress progress_;  // until all of it was told
  EndedTasks told_, given_;
  std::uint64_t told_count_ = 0, given_count_ = 0;
};

}  // namespace partage::engine::pool
