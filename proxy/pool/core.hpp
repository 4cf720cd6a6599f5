// The owner's side of a pool: workers, jobs, and the threads that look after them.
//
//   supervisor   waits for the ends of workers and for mail; says what a dead worker was running, and starts another
//   callbacks    runs callbacks and progress, and posts jobs that found no slot; begun when it is first needed
//
// Who waits for a result sleeps on the board's word and looks at the job by itself: in the usual case no thread of the
// pool has anything to do.
// Lock order: mutex_, then whatever Process and sessions take; left_mutex_ last. User code runs without it. Fork: a worker has a copy of all this that
// it never touches; a forked child of the user's may only destroy it.
// Thread safety: full.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <partage/engine/channel.hpp>
#include <partage/engine/function.hpp>
#include <partage/engine/pool.hpp>
#include <partage/log.hpp>
#include <partage/process.hpp>
#include <thread>
#include <vector>

#include "manager/container/task_board.hpp"
#include "manager/platform/descriptors.hpp"
#include "proxy/engine/session.hpp"
#include "proxy/pool/job.hpp"

namespace partage::engine::pool {

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(SessionPtr session, const CoreOptions& options, std::unique_ptr<process::Task> initializer);
  ~Core();

  /// Starts the workers, and the supervisor. Throws ProcessError, with nothing left behind.
  void start();
  JobPtr submit(const Callable& callable, JobInputs inputs, const JobOptions& options);
  void on_progress(Progress progress);
  void close();
  void terminate();
  void join();
  /// Instead of join(), where that cannot be: the threads end by themselves.
  void abandon();
  bool is_owner() const noexcept;
  int workers() const noexcept { return static_cast<int>(workers_.size()); }
  std::vector<pid_t> pids();

 private:
  friend class JobImpl;
  enum class State { open, closed, terminated };

  // Under the mutex:
  void start_worker(std::uint32_t index);
  void report_end(pid_t pid, int exitcode, std::uint32_t index);
  void read_mail();
  /// Its exit code.
  int note_death(std::uint32_t index);
  bool needs_worker() const;
  void break_down(const std::exception_ptr& why);
  void post_pending();
  void close_board_if_done();
  void note_complete(JobImpl& job);
  void need_callbacks();

  void supervise();
  void tell_news(std::unique_lock<std::mutex>& lock);
  bool supervise_once(std::unique_lock<std::mutex>& lock);
  void run_callbacks();
  void wake_supervisor() noexcept;
  void free_left_jobs(const kernel::Job* more) noexcept;
  bool wait_until(const Deadline& deadline, FunctionView<bool()> predicate);
  /// Looks at all, so that those that are complete leave the board.
  void look_at_all();
  bool is_callback_thread() const noexcept { return std::this_thread::get_id() == callback_thread_id_.load(); }

  const SessionPtr session_;  // the manager's, if it is a manager's pool: stays attached
  // The board's own segment. Not that of the manager or the process tree: when the owner is killed its workers die with it, but a
  // moment later, and what others take back at once must not be what a dying worker still writes to. It goes with the last of them.
  const std::shared_ptr<kernel::Segment> segment_;
  const CoreOptions options_;
  const std::unique_ptr<process::Task> initializer_;
  const std::uint64_t epoch_;
  kernel::TaskBoard board_;
  Channel::Pointer mail_in_, mail_out_;
  kernel::OwnedDescriptor wake_;

  std::mutex mutex_;
  State state_ = State::open;
  bool board_closed_ = false;
  std::exception_ptr broken_;
  struct Worker {
    std::unique_ptr<Process> process;  // nullptr: none
    bool killed = false;
  };
  std::vector<Worker> workers_;
  std::vector<std::pair<LogLevel, std::string>> news_;  // for the log: told by the supervisor, without the mutex
  std::optional<std::chrono::steady_clock::time_point> kill_at_{};  // workers that are there then
  unsigned ended_idle_ = 0;  // workers in a row that ended before their first chunk
  std::uint64_t next_job_ = 1;
  std::map<std::uint64_t, std::shared_ptr<JobImpl>> active_;  // not complete, or with callbacks
  std::deque<std::shared_ptr<JobImpl>> pending_;              // found no slot
  Progress progress_;
  bool ended_ = false;  // no workers, and none will come

  // Each holds this object while it runs, so that also one of them may be the last to do so. In a forked child they are let
  // go of.
  std::unique_ptr<std::thread> supervisor_, callbacks_;
  bool callbacks_run_ = false;  // false: callbacks_, if there is one, needs the mutex no more
  std::atomic<std::thread::id> callback_thread_id_{};
  bool stop_callbacks_ = false;  // when there is nothing to do

  std::mutex left_mutex_;
  std::vector<kernel::Job> left_;  // retired, to be freed when no worker looks into them
  std::mutex join_mutex_;
};

}  // namespace partage::engine::pool
