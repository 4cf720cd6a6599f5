#include "proxy/pool/worker.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <partage/error.hpp>
#include <tuple>

#include "manager/container/task_board.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/pool/call_text.hpp"
#include "proxy/pool/remote_exception.hpp"
#include "proxy/process/bootstrap.hpp"

namespace partage::engine::pool {

namespace {

using kernel::TaskBoard;
using kernel::TaskState;

void send_exception(Channel& mail, std::uint64_t job, std::uint64_t task, std::uint64_t kind) {
  mail.send(pack(std::tuple(job, task, kind, describe_current_exception())));
}

/// The call of one job, ready to be made.
class Call {
 public:
  std::uint64_t job = 0;  // 0: none yet

  void load(const kernel::Job& from, pid_t owner) {
    const BytesView bytes = from.call();
    codec::Reader reader(static_cast<const std::byte*>(bytes.data), bytes.size, std::span<const ObjectPtr>());
    text_ = codec::decode_all<CallText>(reader);
    invoke_ = reinterpret_cast<Invoke>(code_at(text_.invoke));
    const bool by_runs = text_.invoke_run.size != 0 && from.input_bytes() != 0;
    invoke_run_ = by_runs ? reinterpret_cast<InvokeRun>(code_at(text_.invoke_run)) : nullptr;
    function_ = text_.function.size == 0 ? nullptr : reinterpret_cast<const void*>(code_at(text_.function));
    sessions_.clear();
    for (const SegmentEntry& entry : text_.segments) sessions_.push_back(session_of(entry, owner));
    job = from.id();
  }

  void make(TaskCall& call) {
    call.closure = closure();
    if (!text_.handles) return invoke_(call);
    const Parcel parcel = parcel_of(call.input);
    call.parcel = &parcel;
    invoke_(call);
  }
  /// The tasks can be made by make_run().
  bool by_runs() const noexcept { return invoke_run_ != nullptr; }
  void make_run(TaskRun& run) {
    run.closure = closure();
    invoke_run_(run);
  }

 private:
  static SessionPtr session_of(const SegmentEntry& entry, pid_t owner) {
    if (SessionPtr there = Sessions::find(entry.id)) return there;
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/fd/%d", owner, entry.descriptor);
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
      throw ConnectionError("partage: pool: a handle's manager cannot be reached from a worker; is /proc mounted?");
    return Sessions::of(kernel::Segment::attach(kernel::MemoryObject(fd)));
  }

  Parcel parcel_of(BytesView input) const {
    Parcel parcel;
    parcel.type = text_.input_type;
    const auto* at = static_cast<const std::byte*>(input.data);
    std::uint32_t references = 0;
    std::memcpy(&references, at, sizeof references);
    at += sizeof references;
    for (std::uint32_t i = 0; i < references; ++i) {
      std::uint32_t segment = 0;
      ObjectRef ref{};
      std::memcpy(&segment, at, sizeof segment);
      std::memcpy(&ref, at + sizeof segment, sizeof ref);
      at += sizeof segment + sizeof ref;
      parcel.objects.push_back(sessions_.at(segment)->adopt(ref));
    }
    parcel.bytes.assign(at, static_cast<const std::byte*>(input.data) + input.size);
    return parcel;
  }

  const void* closure() const noexcept { return function_ != nullptr ? function_ : text_.closure.data(); }

  CallText text_;
  Invoke invoke_ = nullptr;
  InvokeRun invoke_run_ = nullptr;
  const void* function_ = nullptr;
  std::vector<SessionPtr> sessions_;
};

static_assert(TaskRun::waiting == static_cast<std::uint8_t>(TaskState::waiting) &&
              TaskRun::running == static_cast<std::uint8_t>(TaskState::running) &&
              TaskRun::has_result == static_cast<std::uint8_t>(TaskState::has_result));

void run_at_once(const TaskBoard::Claim& claim, Call& call, Channel& mail) {
  const kernel::Job& job = claim.job;
  TaskRun run{};
  run.inputs = static_cast<const std::byte*>(job.input(0).data);
  run.places = job.result(0);
  run.states = job.states();
  run.last = claim.last;
  for (run.task = claim.first; run.task < run.last; ++run.task) {
    try {
      return call.make_run(run);
    } catch (...) {
      send_exception(mail, job.id(), run.task, mail_exception);
      job.finish(run.task, TaskState::sent);
    }
  }
}

void run_chunk(const TaskBoard::Claim& claim, Call& call, Channel& mail, pid_t owner) {
  const kernel::Job& job = claim.job;
  if (call.job != job.id()) {
    try {
      call.load(job, owner);
    } catch (...) {  // each task below says so
    }
  }
  if (call.job == job.id() && call.by_runs()) return run_at_once(claim, call, mail);
  for (std::uint64_t task = claim.first; task < claim.last; ++task) {
    if (job.state(task) != TaskState::waiting) continue;  // a worker that died had done it
    job.begin(task);
    TaskCall made{};
    made.input = job.input(task);
    made.place = job.result(task);
    made.place_bytes = job.result_bytes();
    made.job = job.id();
    made.task = task;
    try {
      if (call.job != job.id()) call.load(job, owner);
      call.make(made);
      if (!made.in_place) mail.send(std::move(made.result));
    } catch (...) {
      made.in_place = false;
      send_exception(mail, job.id(), task, mail_exception);
    }
    job.finish(task, made.in_place ? TaskState::has_result : TaskState::sent);
  }
}

}  // namespace

void WorkerTask::run() {
  // What ends workers is the pool; a terminal's Ctrl-C goes to its owner, who ends them.
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_IGN);
  sigset_t sigterm;
  sigemptyset(&sigterm);
  sigaddset(&sigterm, SIGTERM);
  ::pthread_sigmask(SIG_UNBLOCK, &sigterm, nullptr);  // Core::start_worker
  if (process::Task* const initializer = own_initializer_ ? own_initializer_.get() : initializer_) {
    try {
      initializer->run();
    } catch (...) {
      send_exception(*mail_, 0, 0, mail_initializer);
      throw;
    }
  }
  const TaskBoard board(*segment_, text_.board);
  std::optional<TaskBoard::Claim> claim;
  Call call;
  int chunks = 0;
  do {
    while (board.claim(text_.index, claim)) {
      run_chunk(*claim, call, *mail_, text_.owner);
      if (::__fpending(stdout) != 0) std::fflush(stdout);  // what a task prints is there when its result is
      board.done(*claim);
      if (text_.chunks != 0 && ++chunks == text_.chunks) return board.leave(text_.index);
    }
    process::flush_output();
  } while (board.sleep(text_.index));
}

// ---- for a worker that runs the program anew ---------------------------------------------------------------------------

process::Order WorkerTask::order() const {
  WorkerText text = text_;
  const int segment = ::fcntl(segment_->object().fd(), F_DUPFD_CLOEXEC, 0);
  if (segment < 0) throw ProcessError("partage: pool: no descriptor is to be had for a worker (ulimit -n)");
  process::Order order{code_address_of(&WorkerTask::make), {}};
  Parcel& parcel = order.arguments;
  parcel.type = "pool worker";
  parcel.descriptors = {std::make_shared<const Descriptor>(segment), mail_->descriptor("start")};
  if (initializer_ != nullptr) {
    process::Order inner = initializer_->order();
    text.initializer = std::move(inner.entry);
    text.initializer_type = std::move(inner.arguments.type);
    text.initializer_bytes = std::move(inner.arguments.bytes);
    parcel.objects = std::move(inner.arguments.objects);
    for (SharedDescriptor& descriptor : inner.arguments.descriptors)
      parcel.descriptors.push_back(std::move(descriptor));
  }
  const codec::Scratch scratch;
  codec::encode(*scratch, text);
  parcel.bytes.assign(scratch->data(), scratch->data() + scratch->size());
  return order;
}

std::unique_ptr<process::Task> WorkerTask::make(const Parcel& parcel) {
  codec::Reader reader(parcel.bytes.data(), parcel.bytes.size(), std::span<const ObjectPtr>());
  auto text = codec::decode_all<WorkerText>(reader);
  const int segment = ::fcntl(parcel.descriptors.at(0)->fd(), F_DUPFD_CLOEXEC, 0);
  std::shared_ptr<kernel::Segment> board = kernel::Segment::attach(kernel::MemoryObject(segment));
  auto mail = std::make_shared<Channel>(parcel.descriptors.at(1), false, true);
  std::unique_ptr<process::Task> initializer;
  if (text.initializer.size != 0) {
    const Parcel inner{text.initializer_type,
                       text.initializer_bytes,
                       parcel.objects,
                       {parcel.descriptors.begin() + 2, parcel.descriptors.end()}};
    initializer = reinterpret_cast<process::Entry>(code_at(text.initializer))(inner);
  }
  auto task = std::make_unique<WorkerTask>(std::move(text), std::move(board), std::move(mail), nullptr);
  task->own_initializer_ = std::move(initializer);
  return task;
}

}  // namespace partage::engine::pool
