// The pool as its templates see it: calls, inputs and results are bytes here.
//
// Thread safety: PoolHandle and PoolJob full; JobInputs and TaskCall belong to a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <partage/bytes.hpp>
#include <partage/engine/code_address.hpp>
#include <partage/engine/deadline.hpp>
#include <partage/engine/parcel.hpp>
#include <partage/engine/session.hpp>
#include <partage/engine/task.hpp>
#include <partage/export.hpp>
#include <partage/start_method.hpp>

namespace partage::engine::pool {

// ---- in the worker ---------------------------------------------------------------------------------------------------

/// One task.
struct TaskCall {
  const void* closure;  // the function object, or a pointer to the function
  BytesView input;
  const Parcel* parcel;  // instead of `input`, when there may be handles in it

  std::byte* place;  // for the result
  std::size_t place_bytes;
  bool in_place = false;  // the call has put it there
  Parcel result{};        // otherwise here
  std::uint64_t job = 0, task = 0;
};
/// Throws what the function throws.
using Invoke = void (*)(TaskCall&);

/// The tasks of a chunk whose inputs and results are plain bytes: one behind the other in their places.
struct TaskRun {
  /// kernel::TaskState
  static constexpr std::uint8_t waiting = 0, running = 1, has_result = 2;

  const void* closure;
  const std::byte* inputs;  // of all tasks of the job, as are the two below
  std::byte* places;
  std::atomic<std::uint8_t>* states;
  std::uint64_t task, last;  // from here on, without `last`

  /// Calls one(task) for each that is waiting. When that throws, `task` is the one.
  template <class One>
  void for_each(One one) {
    for (; task < last; ++task) {
      if (states[task].load(std::memory_order_relaxed) != waiting) continue;  // a worker that died had done it
      states[task].store(running, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);  // a SIGKILL sees the order of the program
      one(task);
      states[task].store(has_result, std::memory_order_release);
    }
  }
};
/// Throws what the function throws, and can be called again for the tasks behind.
using InvokeRun = void (*)(TaskRun&);

/// What a mail to the pool's owner begins with.
struct MailHead {
  std::uint64_t job, task;
  std::uint64_t kind;
};
inline constexpr std::uint64_t mail_result = 0, mail_exception = 1, mail_initializer = 2;

// ---- what is called --------------------------------------------------------------------------------------------------

/// A function that may run in a worker: its code, and what it carries along, bit by bit.
struct Callable {
  CodeAddress invoke;
  CodeAddress invoke_run{};  // size 0: each task is called by itself
  CodeAddress function{};    // size 0: `closure` holds the object
  std::vector<std::byte> closure{};
};

/// The inputs of a job, one behind the other.
struct PARTAGE_API JobInputs {
  std::uint64_t count = 0;
  std::uint64_t stride = 0;  // 0: see ends
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> ends;
  bool handles = false;         // each is a parcel as add(Parcel) writes it
  std::string type{};           // then: of the inputs
  std::vector<ObjectPtr> held;  // by this process, until the job is done
  std::vector<SessionPtr> segments;

  void add(BytesView input);
  /// Throws UsageError when there are descriptors in it.
  void add(Parcel&& parcel);
};

struct JobOptions {
  std::uint64_t chunk = 1;
  std::uint64_t result_bytes = 0;
  bool tell_each = false;  // somebody waits for single results
  const char* operation = "map";
};

class Core;
class PoolJob;
using JobPtr = std::shared_ptr<PoolJob>;

/// What has become of a task.
struct Outcome {
  enum class Kind { nothing_yet, in_place, parcel, exception } kind;
  BytesView place{};
  const Parcel* parcel = nullptr;
  std::exception_ptr exception{};
};

class PARTAGE_API PoolJob {
 public:
  virtual ~PoolJob();
  virtual std::uint64_t tasks() const = 0;
  /// All tasks have ended, and the callbacks registered before have run.
  virtual bool ready() = 0;
  virtual bool wait(const Deadline& deadline) = 0;
  /// Waits for one task. False: not within that time.
  virtual bool wait_for(std::uint64_t task, const Deadline& deadline) = 0;
  /// The next task that has ended, each once; nullopt: all were given. Throws TimeoutError.
  virtual std::optional<std::uint64_t> next_ended(const Deadline& deadline) = 0;
  virtual Outcome outcome(std::uint64_t task) = 0;
  /// The places of all results, when every task has ended and its result stands there; else nullptr.
  virtual const std::byte* results_in_place() = 0;
  /// Of the first task that failed; nullptr: none did. After ready().
  virtual std::exception_ptr failure() = 0;
  /// Runs in the callback thread when the job is ready.
  virtual void when_ready(std::function<void()> callback) = 0;
  [[noreturn]] virtual void throw_timeout(const char* operation) = 0;
  [[noreturn]] virtual void throw_not_ready(const char* operation) = 0;
};

using Progress = std::function<void(std::size_t done, std::size_t total)>;

struct CoreOptions {
  int workers = 0;           // 0: as many as processors this process may use
  int maxtasksperchild = 0;  // 0: no limit
  std::optional<StartMethod> start_method{};
};

class PARTAGE_API PoolHandle {
 public:
  PoolHandle() = default;
  /// `initializer`: nullptr, or run first by each worker. `session`: nullptr for the process tree.
  PoolHandle(SessionPtr session, const CoreOptions& options, std::unique_ptr<process::Task> initializer);

  JobPtr submit(const Callable& callable, JobInputs inputs, const JobOptions& options) const;
  /// Python's rule: a quarter of an equal share.
  std::uint64_t default_chunk(std::uint64_t tasks) const;
  void on_progress(Progress progress) const;
  void close() const;
  void terminate() const;
  void join() const;
  /// terminate() and join(), in the process that made the pool.
  void end() const noexcept;
  int workers() const;
  std::vector<pid_t> pids() const;

 private:
  Core& core(const char* operation) const;

  std::shared_ptr<Core> core_;
};

/// Throws ValueError: map(..., chunksize).
[[noreturn]] PARTAGE_API void throw_bad_chunk(const char* operation, std::ptrdiff_t chunk);

}  // namespace partage::engine::pool
