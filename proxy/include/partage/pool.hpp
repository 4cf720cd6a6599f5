// Pool: worker processes that run functions for this one.
//
//   partage::Pool pool(4);
//   std::vector<int> squares = pool.map([](int n) { return n * n; }, numbers);
//   auto later = pool.apply_async(is_prime, 104729);                   // AsyncResult<bool>
//   for (int n : pool.imap_unordered(square, numbers)) std::cout << n << '\n';
//
// What runs is a function, a lambda without captures, or a closure that may be copied bit by bit (numbers, not strings
// or handles: pass those as arguments). Inputs and results are what could be elements of a list, handles included.
// map() gives the inputs out in chunks; without `chunksize` of ceil(inputs / (4 * workers)), as Python does. Tasks and
// results lie in shared memory; a result with handles, one of plain bytes beyond 1 KiB, and any other beyond 63 bytes as it is
// written, come through a socket.
//
// A task that throws: the exception arrives with its type, if it is one of this library or of the standard, else as the
// nearest standard base; its text ends with the worker's pid. A worker that is killed, or ends by exit(): the task it was
// running fails with WorkerDied, the rest of its chunk is run by others, a new worker takes its place, and every result
// that was there is kept. (In Python the caller waits for ever.) An initializer that throws breaks the pool: what is
// submitted fails with its exception.
//
// Workers are daemonic processes of the creator, ended with it however it ends; they may have no children of their own.
// ~Pool is terminate() and join(), as leaving a `with` is in Python: get the results first.
// Belongs to the process that made it: a forked child's copy throws ProcessError.
// Thread safety: full. Errors: ValueError for a bad number of workers or chunk size, and after close(); OutOfMemory when
// the inputs do not fit into the segment; ProcessError when no process can be started.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/async_result.hpp>
#include <partage/engine/pool.hpp>
#include <partage/process.hpp>

namespace partage {

struct PoolOptions {
  /// 0: as many as there are processors that this process may use.
  int workers = 0;
  /// Chunks after which a worker is replaced by a fresh one; 0: never.
  int maxtasksperchild = 0;
  std::optional<StartMethod> start_method{};
};

namespace detail {

/// One input of type Input is what Fn is called with; `spread`: a tuple of its arguments.
template <class Fn, class Input, bool spread>
struct PoolCall {
  static_assert(std::is_trivially_copyable_v<Fn>,
                "partage: a pool runs functions, lambdas without captures, and closures that may be copied bit by bit; "
                "this one captures something else (a string, a handle): pass it as an argument, or through the "
                "initializer");
  static_assert(!std::is_member_function_pointer_v<Fn>,
                "partage: a pool cannot call a member function by its pointer; wrap the call into a lambda");
  static_assert(codec::Storable<Input>::value);

  static decltype(auto) call(const void* closure, Input& input) {
    const auto invoke = [&](auto&&... args) -> decltype(auto) {
      if constexpr (engine::process::is_function_pointer<Fn>) {
        return (*reinterpret_cast<Fn>(const_cast<void*>(closure)))(std::forward<decltype(args)>(args)...);
      } else {
        // A copy, as each call of a std::thread has one.
        alignas(Fn) std::byte copy[sizeof(Fn)];
        std::memcpy(copy, closure, sizeof(Fn));
        return std::invoke(*std::launder(reinterpret_cast<Fn*>(copy)), std::forward<decltype(args)>(args)...);
      }
    };
    if constexpr (spread) {
      return std::apply(invoke, std::move(input));
    } else {
      return invoke(std::move(input));
    }
  }
  using Result = std::decay_t<decltype(call(nullptr, std::declval<Input&>()))>;

  static void run(engine::pool::TaskCall& task) {
    Input input = [&] {
      if constexpr (codec::holds_handles<Input>) {
        return engine::unpack<Input>(*task.parcel);
      } else {
        codec::Reader reader(static_cast<const std::byte*>(task.input.data), task.input.size,
                             std::span<const engine::ObjectPtr>());
        return codec::decode_all<Input>(reader);
      }
    }();
    if constexpr (std::is_void_v<Result>) {
      call(task.closure, input);
      task.in_place = true;
    } else {
      static_assert(codec::Storable<Result>::value);
      TaskResult<Result>::put(task, call(task.closure, input));
    }
  }

  /// Inputs and results are plain bytes, so that a chunk is one loop.
  static constexpr bool is_plain = [] {
    if constexpr (std::is_void_v<Result>) {
      return codec::is_flat<Input>;
    } else {
      return codec::is_flat<Input> && TaskResult<Result>::is_flat;
    }
  }();

  static void run_all(engine::pool::TaskRun& tasks) {
    tasks.for_each([&](std::uint64_t task) {
      alignas(Input) std::byte copy[sizeof(Input)];
      std::memcpy(copy, tasks.inputs + task * sizeof(Input), sizeof(Input));
      Input& input = *std::launder(reinterpret_cast<Input*>(copy));
      if constexpr (std::is_void_v<Result>) {
        call(tasks.closure, input);
      } else {
        const Result result = call(tasks.closure, input);
        std::memcpy(tasks.places + task * sizeof(Result), &result, sizeof(Result));
      }
    });
  }

  static engine::pool::Callable callable(const Fn& fn) {
    engine::pool::Callable callable{engine::code_address_of(&run)};
    if constexpr (is_plain) callable.invoke_run = engine::code_address_of(&run_all);
    if constexpr (engine::process::is_function_pointer<Fn>) {
      callable.function = engine::code_address_of(fn);
    } else {
      callable.closure.resize(sizeof(Fn));
      std::memcpy(callable.closure.data(), &fn, sizeof(Fn));
    }
    return callable;
  }

  static void add(engine::pool::JobInputs& inputs, const Input& input) {
    if constexpr (codec::holds_handles<Input>) {
      inputs.add(engine::pack(input));
    } else {
      const codec::Scratch scratch;
      codec::encode(*scratch, input);
      inputs.add(scratch->view());
    }
  }

  template <class Range>
  static engine::pool::JobInputs inputs(Range&& range) {
    engine::pool::JobInputs inputs;
    inputs.handles = codec::holds_handles<Input>;
    if constexpr (codec::is_flat<Input>) inputs.stride = sizeof(Input);
    if constexpr (codec::is_flat<Input> && std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range>) {
      inputs.count = std::ranges::size(range);
      const auto* const first = reinterpret_cast<const std::byte*>(std::ranges::data(range));
      inputs.bytes.assign(first, first + inputs.count * sizeof(Input));
    } else {
      for (auto&& input : range) add(inputs, static_cast<Input>(std::forward<decltype(input)>(input)));
    }
    return inputs;
  }
};

template <class Fn, class Range, bool spread>
using MapCall = PoolCall<std::decay_t<Fn>, std::remove_cvref_t<std::ranges::range_value_t<Range>>, spread>;

/// What map() returns for results of type R.
template <class R>
struct MapResult {
  using type = std::vector<R>;
};
template <>
struct MapResult<void> {
  using type = void;
};

}  // namespace detail

class Pool {
 public:
  /// `n` 0: as many as there are processors that this process may use.
  explicit Pool(int n = 0) : Pool(PoolOptions{.workers = n}) {}
  /// Each worker calls initializer(args...) before its first task.
  template <class... Initializer>
  explicit Pool(const PoolOptions& options, Initializer&&... initializer)
      : Pool(engine::SessionPtr(), options, std::forward<Initializer>(initializer)...) {}
  template <class Fn, class... Args>
  requires(!std::is_convertible_v<Fn, engine::SessionPtr>) Pool(int n, Fn&& initializer, Args&&... args)
      : Pool(PoolOptions{.workers = n}, std::forward<Fn>(initializer), std::forward<Args>(args)...) {}
  /// For manager.Pool(): in the segment of that session.
  template <class... Initializer>
  Pool(engine::SessionPtr session, const PoolOptions& options, Initializer&&... initializer)
      : handle_(std::move(session), {options.workers, options.maxtasksperchild, options.start_method},
                initializer_task(std::forward<Initializer>(initializer)...)) {}
  Pool(Pool&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Pool& operator=(Pool&& other) noexcept {
    if (this != &other) {
      handle_.end();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Pool() { handle_.end(); }

  /// fn(args...) in a worker, waited for.
  template <class Fn, class... Args>
  auto apply(Fn&& fn, Args&&... args) const {
    return apply_async(std::forward<Fn>(fn), std::forward<Args>(args)...).get();
  }
  template <class Fn, class... Args>
  auto apply_async(Fn&& fn, Args&&... args) const {
    using Input = std::tuple<engine::process::Kept<Args>...>;
    using Call = detail::PoolCall<std::decay_t<Fn>, Input, true>;
    engine::pool::JobInputs inputs;
    inputs.handles = codec::holds_handles<Input>;
    Call::add(inputs, Input(std::forward<Args>(args)...));
    return AsyncResult<typename Call::Result>(submit<Call>(fn, std::move(inputs), 1, false, "apply"));
  }

  /// The results in the order of the inputs.
  template <class Fn, std::ranges::input_range Range>
  auto map(Fn&& fn, Range&& range, std::optional<std::ptrdiff_t> chunksize = {}) const {
    return map_async(std::forward<Fn>(fn), std::forward<Range>(range), chunksize).get();
  }
  template <class Fn, class T>
  auto map(Fn&& fn, std::initializer_list<T> list, std::optional<std::ptrdiff_t> chunksize = {}) const {
    return map(std::forward<Fn>(fn), std::vector<T>(list), chunksize);
  }
  template <class Fn, std::ranges::input_range Range>
  auto map_async(Fn&& fn, Range&& range, std::optional<std::ptrdiff_t> chunksize = {}) const {
    return start_map<false>(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, "map");
  }
  /// The inputs are tuples (or pairs) of the arguments.
  template <class Fn, std::ranges::input_range Range>
  auto starmap(Fn&& fn, Range&& range, std::optional<std::ptrdiff_t> chunksize = {}) const {
    return starmap_async(std::forward<Fn>(fn), std::forward<Range>(range), chunksize).get();
  }
  template <class Fn, std::ranges::input_range Range>
  auto starmap_async(Fn&& fn, Range&& range, std::optional<std::ptrdiff_t> chunksize = {}) const {
    return start_map<true>(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, "starmap");
  }
  /// The results one by one, in the order of the inputs.
  template <class Fn, std::ranges::input_range Range>
  auto imap(Fn&& fn, Range&& range, std::ptrdiff_t chunksize = 1) const {
    return start_imap(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, true, "imap");
  }
  /// In the order in which they end.
  template <class Fn, std::ranges::input_range Range>
  auto imap_unordered(Fn&& fn, Range&& range, std::ptrdiff_t chunksize = 1) const {
    return start_imap(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, false, "imap_unordered");
  }

  /// f(done, total) for each finished task of what is mapped from now on, in the callback thread, in order; all have
  /// been called when the map returns.
  void on_progress(std::function<void(std::size_t done, std::size_t total)> f) const {
    handle_.on_progress(std::move(f));
  }

  /// No more tasks; workers end when all are done.
  void close() const { handle_.close(); }
  /// Ends the workers at once; results that are not there fail with ProcessError.
  void terminate() const { handle_.terminate(); }
  /// Waits for the workers to end. ValueError before close() or terminate().
  void join() const { handle_.join(); }

  int workers() const { return handle_.workers(); }
  /// Of the workers at this moment.
  std::vector<pid_t> pids() const { return handle_.pids(); }

 private:
  static std::unique_ptr<engine::process::Task> initializer_task() { return nullptr; }
  template <class Fn, class... Args>
  static std::unique_ptr<engine::process::Task> initializer_task(Fn&& fn, Args&&... args) {
    return engine::process::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  template <class Call, class Fn>
  engine::pool::JobPtr submit(Fn& fn, engine::pool::JobInputs&& inputs, std::uint64_t chunk, bool tell_each,
                              const char* operation) const {
    const std::decay_t<Fn> function = fn;
    return handle_.submit(Call::callable(function), std::move(inputs),
                          {chunk, detail::TaskResult<typename Call::Result>::place, tell_each, operation});
  }

  template <bool spread, class Fn, class Range>
  auto start_map(Fn&& fn, Range&& range, std::optional<std::ptrdiff_t> chunksize, const char* operation) const {
    using Call = detail::MapCall<Fn, Range, spread>;
    using Result = typename detail::MapResult<typename Call::Result>::type;
    if (chunksize && *chunksize < 1) engine::pool::throw_bad_chunk(operation, *chunksize);
    engine::pool::JobInputs inputs = Call::inputs(range);
    const std::uint64_t chunk =
        chunksize ? static_cast<std::uint64_t>(*chunksize) : handle_.default_chunk(inputs.count);
    engine::pool::JobPtr job = submit<Call>(fn, std::move(inputs), chunk, false, operation);
    if constexpr (std::is_void_v<Result>) {
      return AsyncResult<void>(std::move(job));
    } else {
      return AsyncResult<Result>(std::move(job), true);
    }
  }

  template <class Fn, class Range>
  auto start_imap(Fn&& fn, Range&& range, std::ptrdiff_t chunksize, bool ordered, const char* operation) const {
    using Call = detail::MapCall<Fn, Range, false>;
    static_assert(!std::is_void_v<typename Call::Result>,
                  "partage: imap() of a function that returns nothing; use map()");
    if (chunksize < 1) engine::pool::throw_bad_chunk(operation, chunksize);
    return ImapResult<typename Call::Result>(
        submit<Call>(fn, Call::inputs(range), static_cast<std::uint64_t>(chunksize), true, operation), ordered);
  }

  engine::pool::PoolHandle handle_;
};

}  // namespace partage
