#include "proxy/pool/job.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "proxy/pool/core.hpp"
#include "proxy/pool/remote_exception.hpp"

namespace partage::engine::pool {

using kernel::TaskState;

PoolJob::~PoolJob() = default;

JobImpl::JobImpl(std::shared_ptr<Core> core, std::string operation, JobInputs&& inputs)
    : core_(std::move(core)),
      operation_(std::move(operation)),
      tasks_(inputs.count),
      held_(std::move(inputs.held)),
      segments_(std::move(inputs.segments)) {}

JobImpl::~JobImpl() {
  if (job_.offset() == 0 || !core_->is_owner()) return;
  core_->free_left_jobs(&job_);  // not on the board: the core holds those that are
}

// ---- what has ended ----------------------------------------------------------------------------------------------------

bool JobImpl::has_ended(std::uint64_t task) const {
  if (broken_) return true;
  if (job_.offset() == 0) return false;
  switch (job_.state(task)) {
    case TaskState::has_result:
      return true;
    case TaskState::sent:
    case TaskState::died:  // perhaps after it had sent its result
      return mails_.contains(task) || failures_.contains(task);
    default:
      return false;
  }
}

bool JobImpl::look() {
  if (complete_) return true;
  if (job_.offset() == 0) return false;
  done_chunks_ = job_.first_not_done(done_chunks_);
  if (done_chunks_ < job_.chunks()) return false;
  // What was sent was sent before the state said so, and is in the socket at least.
  const std::uint64_t sent = tasks_ - job_.results_there();
  if (sent != mails_.size() + failures_.size()) return false;
  complete_ = true;
  all_in_place_ = sent == 0;
  core_->note_complete(*this);
  return true;
}

void JobImpl::fail(std::exception_ptr why) {
  if (complete_) return;
  if (on_board_) core_->board_.retire(job_);
  on_board_ = false;
  broken_ = std::move(why);
  complete_ = true;
}

std::optional<std::uint64_t> EndedTasks::next(JobImpl& job) {
  if (ended_.empty()) {
    // Tasks that no worker can have begun are not looked at one by one.
    const std::uint64_t claimed = job.broken_ ? job.tasks_ : job.job_.offset() == 0 ? 0 : job.job_.claimed();
    for (; seen_ < claimed; ++seen_) open_.push_back(seen_);
    const auto still_open =
        std::stable_partition(open_.begin(), open_.end(), [&](std::uint64_t task) { return !job.has_ended(task); });
    ended_.insert(ended_.end(), still_open, open_.end());
    open_.erase(still_open, open_.end());
  }
  if (ended_.empty()) return std::nullopt;
  const std::uint64_t task = ended_.front();
  ended_.pop_front();
  return task;
}

// ---- waiting -----------------------------------------------------------------------------------------------------------

bool JobImpl::ready() {
  const std::lock_guard guard(core_->mutex_);
  look();
  return is_ready();
}

bool JobImpl::wait(const Deadline& deadline) {
  if (core_->is_callback_thread()) {  // its own callbacks have not run when they run
    return core_->wait_until(deadline, [&] { return look(); });
  }
  return core_->wait_until(deadline, [&] {
    look();
    return is_ready();
  });
}

bool JobImpl::wait_for(std::uint64_t task, const Deadline& deadline) {
  return core_->wait_until(deadline, [&] {
    if (!has_ended(task)) return false;
    if (task + 1 == tasks_) look();
    return true;
  });
}

std::optional<std::uint64_t> JobImpl::next_ended(const Deadline& deadline) {
  std::optional<std::uint64_t> task;
  const bool there = core_->wait_until(deadline, [&] {
    if (!(task = given_.next(*this))) return false;
    if (++given_count_ == tasks_) look();
    return true;
  });
  if (!there) throw_timeout("next");
  return task;
}

// ---- results -----------------------------------------------------------------------------------------------------------

Outcome JobImpl::outcome(std::uint64_t task) {
  const std::lock_guard guard(core_->mutex_);
  if (const auto failed = failures_.find(task); failed != failures_.end())
    return {.kind = Outcome::Kind::exception, .exception = failed->second};
  if (job_.offset() != 0) {
    if (job_.state(task) == TaskState::has_result)
      return {.kind = Outcome::Kind::in_place, .place = {job_.result(task), job_.result_bytes()}};
    if (const auto mail = mails_.find(task); mail != mails_.end())
      return {.kind = Outcome::Kind::parcel, .parcel = &mail->second};
  }
  if (broken_) return {.kind = Outcome::Kind::exception, .exception = broken_};
  return {.kind = Outcome::Kind::nothing_yet};
}

const std::byte* JobImpl::results_in_place() {
  const std::lock_guard guard(core_->mutex_);
  return all_in_place_ ? job_.result(0) : nullptr;
}

std::exception_ptr JobImpl::failure() {
  const std::lock_guard guard(core_->mutex_);
  if (broken_) return broken_;
  return failures_.empty() ? nullptr : failures_.begin()->second;
}

void JobImpl::when_ready(std::function<void()> callback) {
  const std::lock_guard guard(core_->mutex_);
  callbacks_.push_back(std::move(callback));
  core_->active_.try_emplace(job_.offset() == 0 ? core_->next_job_++ : job_.id(), shared_from_this());
  core_->need_callbacks();
}

void JobImpl::throw_timeout(const char* operation) {
  throw TimeoutError("partage: pool: " + operation_ + ": " + operation +
                     ": not there in the given time; ask again later");
}

void JobImpl::throw_not_ready(const char* operation) {
  throw ValueError("partage: pool: " + operation_ + ": " + operation + ": it has not ended; wait() first");
}

}  // namespace partage::engine::pool
