// The thread of a pool that runs callbacks: those of jobs that are ready, and those that tell of progress. It is started when
// there is a first one. Callbacks run without the pool's lock, so they may use the pool.
#include <pthread.h>

#include <string>
#include <utility>

#include "manager/platform/futex.hpp"
#include "proxy/pool/core.hpp"
#include "proxy/process/bootstrap.hpp"

namespace partage::engine::pool {
namespace {

/// What a callback throws concerns nobody else.
template <class F>
void guarded(const char* what, F f) noexcept {
  try {
    f();
  } catch (const std::exception& error) {
    process::report((std::string("a ") + what + " of a pool threw: " + error.what()).c_str());
  } catch (...) {
    process::report((std::string("a ") + what + " of a pool threw an exception that is no std::exception").c_str());
  }
}

}  // namespace

void Core::need_callbacks() {
  if (!callbacks_run_) {
    // One that ended after join(), with a callback that came later still.
    if (callbacks_ && callbacks_->joinable()) callbacks_->join();
    callbacks_ = std::make_unique<std::thread>([self = shared_from_this()] { self->run_callbacks(); });
    callbacks_run_ = true;
  }
  board_.announce();
}

void Core::run_callbacks() {
  ::pthread_setname_np(::pthread_self(), "partage-calls");
  callback_thread_id_ = std::this_thread::get_id();
  const kernel::TaskBoard::Watch watch(board_);
  std::unique_lock lock(mutex_);
  for (;;) {
    const kernel::FutexWord seen = watch.seen();
    post_pending();
    bool did_something = false;
    std::vector<std::pair<std::uint64_t, std::shared_ptr<JobImpl>>> jobs(active_.begin(), active_.end());
    for (auto& [id, active] : jobs) {
      const std::shared_ptr<JobImpl>& job = active;  // which lambdas can capture
      const bool complete = job->look();
      while (job->progress_) {
        const auto task = job->told_.next(*job);
        if (!task && !complete) break;
        if (task) {
          const std::uint64_t done = ++job->told_count_;
          const Progress progress = job->progress_;
          lock.unlock();
          const std::uint64_t all = job->tasks();
          guarded("progress callback", [&] { progress(done, all); });
          lock.lock();
        }
        if (!task || job->told_count_ == job->tasks_) job->progress_ = nullptr;
        did_something = true;
      }
      while (complete && !job->callbacks_.empty()) {
        std::vector<std::function<void()>> callbacks = std::exchange(job->callbacks_, {});
        job->in_callback_ = true;
        lock.unlock();
        for (const auto& callback : callbacks) guarded("callback", callback);
        callbacks.clear();  // what they hold may be the last to hold the pool
        lock.lock();
        job->in_callback_ = false;
        did_something = true;
      }
      if (complete) active_.erase(id);
    }
    if (stop_callbacks_ && !did_something) {
      callbacks_run_ = false;
      board_.announce();  // join()
      return;
    }
    if (did_something) board_.announce();
    lock.unlock();
    jobs.clear();  // perhaps the last references
    if (!did_something) kernel::sleep_on({&seen, 1}, std::nullopt);
    lock.lock();
  }
}

}  // namespace partage::engine::pool
