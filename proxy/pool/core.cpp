#include "proxy/pool/core.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <partage/error.hpp>
#include <tuple>

#include "manager/platform/futex.hpp"
#include "manager/platform/log.hpp"
#include "manager/platform/process_epoch.hpp"
#include "manager/server/manager.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/pool/call_text.hpp"
#include "proxy/pool/remote_exception.hpp"
#include "proxy/pool/worker.hpp"
#include "proxy/process/bootstrap.hpp"
#include "proxy/process/child.hpp"

namespace partage::engine::pool {

namespace {

using Clock = std::chrono::steady_clock;

/// How long a worker has to end of SIGTERM.
constexpr std::chrono::seconds worker_patience{1};

int usable_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

/// Known to the pool alone: no session has it, so no fork handler reserves slots in it and nobody reaps there.
std::shared_ptr<kernel::Segment> make_board_segment() {
  auto segment = kernel::make_unmanaged_segment();
  if (segment->client_slot == 0) kernel::join_segment(*segment);
  return segment;
}

int checked_workers(const CoreOptions& options) {
  if (options.workers < 0) {
    throw ValueError("partage: pool: " + std::to_string(options.workers) +
                     " workers: it needs at least one; 0 stands for one per processor");
  }
  if (options.maxtasksperchild < 0) {
    throw ValueError("partage: pool: maxtasksperchild is " + std::to_string(options.maxtasksperchild) +
                     "; it is a number of chunks, or 0 for no limit");
  }
  return options.workers == 0 ? usable_processors() : options.workers;
}

/// In this thread, and in what it starts.
class SigtermBlocked {
 public:
  SigtermBlocked() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~SigtermBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SigtermBlocked(const SigtermBlocked&) = delete;
  SigtermBlocked& operator=(const SigtermBlocked&) = delete;

 private:
  sigset_t before_;
};

std::string describe_end(int exitcode) {
  if (exitcode >= 0) return "ended with exit code " + std::to_string(exitcode);
  const char* const name = ::sigabbrev_np(-exitcode);
  return "was killed by signal " + std::to_string(-exitcode) +
         (name == nullptr ? "" : std::string(" (SIG") + name + ")");
}

MailHead head_of(const Parcel& mail) {
  MailHead head{};
  std::memcpy(&head, mail.bytes.data(), std::min(sizeof head, mail.bytes.size()));
  return head;
}

}  // namespace

Core::Core(SessionPtr session, const CoreOptions& options, std::unique_ptr<process::Task> initializer)
    : session_(std::move(session)),
      segment_(make_board_segment()),
      options_(options),
      initializer_(std::move(initializer)),
      epoch_(kernel::process_epoch()),
      board_(*segment_, 0),
      workers_(static_cast<std::size_t>(checked_workers(options))) {
  std::tie(mail_in_, mail_out_) = Channel::pair(false);
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.valid()) throw ProcessError("partage: pool: no descriptor is to be had (ulimit -n)");
  board_ = kernel::TaskBoard::make(*segment_, static_cast<std::uint32_t>(workers_.size()));
}

Core::~Core() {
  if (!is_owner()) {  // a forked child's copy: the threads are not here
    static_cast<void>(supervisor_.release());
    static_cast<void>(callbacks_.release());
    for (Worker& worker : workers_) static_cast<void>(worker.process.release());
    return;
  }
  for (const auto& thread : {supervisor_.get(), callbacks_.get()}) {
    if (thread == nullptr || !thread->joinable()) continue;
    if (thread->get_id() == std::this_thread::get_id()) {
      thread->detach();
    } else {
      thread->join();
    }
  }
  if (board_.offset() == 0) return;
  for (const kernel::Job& job : left_) board_.free_job(job);
  board_.destroy();
}

bool Core::is_owner() const noexcept {
  return epoch_ == kernel::process_epoch();
}

// ---- workers -----------------------------------------------------------------------------------------------------------

void Core::start_worker(std::uint32_t index) {
  WorkerText text;
  text.board = board_.offset();
  text.index = index;
  text.owner = ::getpid();
  text.chunks = options_.maxtasksperchild;
  auto task = std::make_unique<WorkerTask>(std::move(text), segment_, mail_out_, initializer_.get());
  auto worker = std::make_unique<Process>(ProcessOptions{.daemon = true, .start_method = options_.start_method});
  process::ProcessAccess::rename(*worker, "PoolWorker-");
  process::ProcessAccess::set_task(*worker, std::move(task));
  // A SIGTERM that comes before the worker has let go of this program's handler waits until then.
  const SigtermBlocked scope;
  worker->start();
  try {
    static_cast<void>(worker->sentinel());  // the descriptor: here it can still be refused
  } catch (...) {
    worker->kill();
    worker->join();
    throw;
  }
  workers_[index] = {std::move(worker), false};
}

void Core::start() {
  {
    const std::lock_guard guard(mutex_);
    try {
      for (std::uint32_t i = 0; i < workers_.size(); ++i) start_worker(i);
      supervisor_ = std::make_unique<std::thread>([self = shared_from_this()] { self->supervise(); });
      return;
    } catch (...) {
      for (Worker& worker : workers_) {
        if (!worker.process) continue;
        worker.process->kill();
        worker.process->join();
        worker.process.reset();
      }
      ended_ = true;
      throw;
    }
  }
}

std::vector<pid_t> Core::pids() {
  const std::lock_guard guard(mutex_);
  std::vector<pid_t> pids;
  for (const Worker& worker : workers_) {
    if (worker.process) pids.push_back(worker.process->pid());
  }
  return pids;
}

void Core::read_mail() {
  while (mail_in_->poll(at_once())) {
    Parcel mail;
    try {
      mail = mail_in_->recv();
    } catch (const Error& error) {
      // What was in it is lost (memory, descriptors): everybody is told, or somebody would wait for ever.
      break_down(
          std::make_exception_ptr(ProcessError(std::string("partage: pool: a result was lost: ") + error.what())));
      return;
    }
    const MailHead head = head_of(mail);
    if (head.kind == mail_initializer || head.kind == mail_exception) {
      using Mail = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, RemoteException>;
      const std::exception_ptr error = rebuild(std::get<3>(unpack<Mail>(mail)));
      if (head.kind == mail_initializer) {
        break_down(error);
      } else if (const auto job = active_.find(head.job); job != active_.end()) {
        job->second->failures_.emplace(head.task, error);
      }
    } else if (const auto job = active_.find(head.job); job != active_.end()) {
      job->second->mails_.emplace(head.task, std::move(mail));
    }
    board_.announce();
  }
}

int Core::note_death(std::uint32_t index) {
  Worker& worker = workers_[index];
  const pid_t pid = worker.process->pid();
  worker.process->join();
  const int exitcode = worker.process->exitcode().value_or(process::unknown_exitcode);
  worker.process.reset();
  read_mail();  // what it had sent comes first
  for (const kernel::TaskBoard::Death& death : board_.reclaim(index)) {
    if (!death.task) continue;
    const auto job = active_.find(death.job.id());
    if (job == active_.end()) continue;
    JobImpl& failed = *job->second;
    if (failed.mails_.contains(*death.task)) continue;  // it had sent the result, and not said so
    failed.failures_.emplace(
        *death.task,
        std::make_exception_ptr(WorkerDied(
            "partage: pool: " + failed.operation_ + ": worker " + std::to_string(pid) + " " + describe_end(exitcode) +
            " while it ran task " + std::to_string(*death.task) + " of " + std::to_string(failed.tasks_) +
            "; the other tasks have their results, see partial(), and the pool goes on")));
  }
  board_.announce();
  return exitcode;
}

/// After its death, and after another one took its place.
void Core::report_end(pid_t pid, int exitcode, std::uint32_t index) {
  const LogLevel level = exitcode == 0 || state_ == State::terminated ? LogLevel::debug : LogLevel::warning;
  if (!kernel::log::wants(level)) return;
  const Worker& next = workers_[index];
  news_.emplace_back(level, "pool: worker " + std::to_string(pid) + " " + describe_end(exitcode) +
                                (next.process ? "; worker " + std::to_string(next.process->pid()) + " takes its place"
                                              : "; no other one is needed in its place"));
}

void Core::tell_news(std::unique_lock<std::mutex>& lock) {
  if (news_.empty()) return;
  const auto news = std::exchange(news_, {});
  lock.unlock();
  for (const auto& [level, message] : news) kernel::log::tell(level, message);
  lock.lock();
}

bool Core::needs_worker() const {
  if (broken_ || state_ == State::terminated) return false;
  return state_ == State::open || !pending_.empty() || board_.has_work();
}

/// Nothing more will be done: every job that is not complete fails.
void Core::break_down(const std::exception_ptr& why) {
  look_at_all();
  if (!broken_) broken_ = why;
  for (auto& [id, job] : active_) job->fail(why);
  for (auto& job : pending_) job->fail(why);
  pending_.clear();
  std::erase_if(active_, [](const auto& entry) {
    return entry.second->callbacks_.empty() && !entry.second->progress_ && !entry.second->in_callback_;
  });
  board_.close();
  board_.announce();
}

void Core::wake_supervisor() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

bool Core::supervise_once(std::unique_lock<std::mutex>& lock) {
  std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}, {mail_in_->descriptor("supervise")->fd(), POLLIN, 0}};
  std::vector<std::uint32_t> indexes;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i].process) continue;
    fds.push_back({workers_[i].process->sentinel(), POLLIN, 0});
    indexes.push_back(i);
  }
  if (indexes.empty()) return false;
  int timeout = -1;
  if (kill_at_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*kill_at_ - Clock::now()).count();
    timeout = static_cast<int>(std::max<long>(left, 0));
    for (Worker& worker : workers_) {
      if (!worker.process || left > 0 || std::exchange(worker.killed, true)) continue;
      worker.process->kill();
    }
    if (left <= 0) timeout = -1;
  }

  lock.unlock();
  ::poll(fds.data(), fds.size(), timeout);
  lock.lock();

  std::uint64_t woken = 0;
  static_cast<void>(!::read(wake_.get(), &woken, sizeof woken));
  read_mail();
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (fds[i + 2].revents == 0) continue;
    const bool was_idle = board_.claims(indexes[i]) == 0;
    const pid_t pid = workers_[indexes[i]].process->pid();
    const int exitcode = note_death(indexes[i]);
    // One that was killed from outside did not end by what the initializer does.
    if (exitcode != -SIGKILL && exitcode != -SIGTERM) ended_idle_ = was_idle ? ended_idle_ + 1 : 0;
    if (ended_idle_ > 2 * workers_.size() + 8 && !broken_) {
      break_down(
          std::make_exception_ptr(ProcessError("partage: pool: its workers end before their first task, one after the "
                                               "other; does the initializer end them?")));
    }
    if (needs_worker()) start_worker(indexes[i]);
    report_end(pid, exitcode, indexes[i]);
  }
  // Those that ended because there was nothing to do may have left work that a death has freed since.
  if (needs_worker() && std::ranges::none_of(workers_, [](const Worker& worker) { return worker.process != nullptr; }))
    start_worker(0);
  return true;
}

void Core::supervise() {
  ::pthread_setname_np(::pthread_self(), "partage-pool");
  std::unique_lock lock(mutex_);
  for (;;) {
    try {
      const bool goes_on = supervise_once(lock);
      tell_news(lock);
      if (!goes_on) break;
    } catch (const std::exception& error) {
      if (!lock.owns_lock()) lock.lock();
      break_down(std::make_exception_ptr(ProcessError(
          std::string("partage: pool: a worker could not be replaced, and nothing more is done: ") + error.what())));
      kill_at_ = Clock::now();
      // Should it fail again, others get the mutex in between.
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      lock.lock();
    }
  }
  ended_ = true;
  if (!broken_) break_down(std::make_exception_ptr(ProcessError("partage: pool: it has ended; make another one")));
}

// ---- jobs --------------------------------------------------------------------------------------------------------------

JobPtr Core::submit(const Callable& callable, JobInputs inputs, const JobOptions& options) {
  CallText text{callable.invoke, callable.invoke_run, callable.function, callable.closure, inputs.handles, {}, {}};
  text.input_type = std::move(inputs.type);
  for (const SessionPtr& session : inputs.segments)
    text.segments.push_back({session->id(), session->segment().object().fd()});
  const codec::Scratch scratch;
  codec::encode(*scratch, text);

  kernel::Job::Plan plan;
  plan.tasks = inputs.count;
  plan.chunk = options.chunk;
  plan.result_bytes = options.result_bytes;
  plan.call = scratch->view();
  plan.input_bytes = inputs.stride;
  plan.inputs = {inputs.bytes.data(), inputs.bytes.size()};
  plan.ends = std::move(inputs.ends);

  const auto job = std::make_shared<JobImpl>(shared_from_this(), options.operation, std::move(inputs));
  const std::lock_guard guard(mutex_);
  if (state_ != State::open) {
    throw ValueError(std::string("partage: pool: ") + options.operation +
                     (state_ == State::closed ? ": it was closed" : ": it was terminated") +
                     ", and takes no more tasks; make another one");
  }
  if (broken_) {
    job->fail(broken_);
    return job;
  }
  free_left_jobs(nullptr);
  if (job->tasks_ == 0) {
    job->complete_ = true;
    return job;
  }
  const bool is_map = std::strcmp(options.operation, "apply") != 0;
  if (is_map) job->progress_ = progress_;
  plan.id = next_job_++;
  plan.tell_each = options.tell_each || job->progress_;
  job->job_ = board_.new_job(plan);
  active_.emplace(plan.id, job);
  pending_.push_back(job);
  post_pending();
  if (job->progress_ || !pending_.empty()) need_callbacks();
  return job;
}

void Core::post_pending() {
  while (!pending_.empty()) {
    JobImpl& job = *pending_.front();
    job.on_board_ = true;
    if (!board_.post(job.job_)) {
      job.on_board_ = false;
      // Jobs that nobody has asked about since they ended are in the way, perhaps.
      const auto before = active_.size();
      look_at_all();
      if (active_.size() == before) return;
      continue;
    }
    pending_.pop_front();
  }
  close_board_if_done();
}

void Core::close_board_if_done() {
  if (state_ == State::closed && pending_.empty() && !std::exchange(board_closed_, true)) board_.close();
}

void Core::note_complete(JobImpl& job) {
  if (job.on_board_) board_.retire(job.job_);
  job.on_board_ = false;
  job.held_.clear();
  if (job.callbacks_.empty() && !job.progress_ && !job.in_callback_) active_.erase(job.job_.id());
}

void Core::look_at_all() {
  const std::map<std::uint64_t, std::shared_ptr<JobImpl>> jobs = active_;  // complete ones leave it
  for (const auto& [id, job] : jobs) job->look();
}

void Core::free_left_jobs(const kernel::Job* more) noexcept {
  try {
    const std::lock_guard guard(left_mutex_);
    if (more != nullptr) left_.push_back(*more);
    std::erase_if(left_, [&](const kernel::Job& job) {
      if (!board_.is_left(job)) return false;
      board_.free_job(job);
      return true;
    });
  } catch (...) {  // no memory to remember it: given back with this process
  }
}

bool Core::wait_until(const Deadline& deadline, FunctionView<bool()> predicate) {
  const kernel::TaskBoard::Watch watch(board_);
  for (;;) {
    const kernel::FutexWord seen = watch.seen();
    {
      const std::lock_guard guard(mutex_);
      if (predicate()) return true;
    }
    if (deadline && Clock::now() >= *deadline) return false;
    kernel::sleep_on({&seen, 1}, deadline);
  }
}

// ---- the end -----------------------------------------------------------------------------------------------------------

void Core::on_progress(Progress progress) {
  const std::lock_guard guard(mutex_);
  progress_ = std::move(progress);
}

void Core::close() {
  const std::lock_guard guard(mutex_);
  if (state_ != State::open) return;
  state_ = State::closed;
  if (!pending_.empty()) need_callbacks();
  close_board_if_done();
}

void Core::terminate() {
  const std::lock_guard guard(mutex_);
  if (ended_ || state_ == State::terminated) return;
  state_ = State::terminated;
  kill_at_ = Clock::now() + worker_patience;
  read_mail();
  break_down(std::make_exception_ptr(ProcessError(
      "partage: pool: it was terminated before the task had ended; get() the results before, or close() and "
      "join() it")));
  for (const Worker& worker : workers_) {
    if (worker.process) worker.process->terminate();
  }
  wake_supervisor();
}

void Core::join() {
  {
    const std::lock_guard guard(mutex_);
    if (state_ == State::open && !broken_)
      throw ValueError("partage: pool: join: it is running; close() it first, or terminate() it");
    if (is_callback_thread()) throw ProcessError("partage: pool: join: a callback of the pool cannot wait for its end");
  }
  const std::lock_guard one_at_a_time(join_mutex_);
  if (supervisor_ && supervisor_->joinable()) supervisor_->join();
  abandon();
  wait_until(std::nullopt, [this] {
    if (callbacks_run_) return false;
    if (callbacks_ && callbacks_->joinable()) callbacks_->join();
    return true;
  });
}

void Core::abandon() {
  const std::lock_guard guard(mutex_);
  stop_callbacks_ = true;
  board_.announce();
}

}  // namespace partage::engine::pool
