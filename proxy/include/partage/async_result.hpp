// AsyncResult: what a pool's task will give, or a map's tasks.
//
//   auto later = pool.apply_async(square, 7);            // AsyncResult<int>
//   later.then([](int n) { std::cout << n << '\n'; });   // in the pool's callback thread
//   int n = later.get(2s);                               // or TimeoutError; or what the task threw
//
//   auto all = pool.map_async(square, numbers);          // AsyncResult<std::vector<int>>
//   for (auto& one : all.partial()) if (one) use(*one);  // what is there by now, also when others have failed
//
// get() throws what a task threw, with its type (see pool.hpp); of a map the failed task with the smallest index, when all
// tasks have ended. partial() has the rest. Results stay until the last AsyncResult of them is gone, also when the pool has.
// Callbacks registered before the result is ready have run when get() returns, as in Python; what they throw is reported
// on stderr and concerns nobody else. A callback may use the pool, but not wait for its own result.
//
// A small value; copies mean the same result. Belongs to the process that made the pool.
// Thread safety: full. Errors: TimeoutError, ValueError from successful() before the end, and what the task threw.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <iterator>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/engine/pool.hpp>

namespace partage {

namespace detail {

/// How the results of type R come: as they are, as up to 63 bytes in their place, or by mail.
template <class R>
struct TaskResult {
  static constexpr bool is_flat = codec::is_flat<R> && sizeof(R) <= 1024;
  static constexpr bool is_inline = !is_flat && !codec::holds_handles<R>;
  static constexpr std::size_t place = is_flat ? sizeof(R) : is_inline ? 64 : 0;
  using Mail = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, R>;

  /// In the worker.
  static void put(engine::pool::TaskCall& call, const R& result) {
    if constexpr (is_flat) {
      std::memcpy(call.place, &result, sizeof(R));
      call.in_place = true;
    } else {
      if constexpr (is_inline) {
        const codec::Scratch scratch;
        codec::encode(*scratch, result);
        if (scratch->size() < place) {
          call.place[0] = static_cast<std::byte>(scratch->size());
          std::memcpy(call.place + 1, scratch->data(), scratch->size());
          call.in_place = true;
          return;
        }
      }
      call.result = engine::pack(Mail(call.job, call.task, engine::pool::mail_result, result));
    }
  }

  static R get(const engine::pool::Outcome& outcome) {
    if (outcome.kind == engine::pool::Outcome::Kind::parcel) return std::get<3>(engine::unpack<Mail>(*outcome.parcel));
    const std::byte* const place_of = static_cast<const std::byte*>(outcome.place.data);
    if constexpr (is_flat) {
      R result;
      std::memcpy(static_cast<void*>(&result), place_of, sizeof(R));
      return result;
    } else {
      codec::Reader reader(place_of + 1, std::to_integer<std::size_t>(place_of[0]),
                           std::span<const engine::ObjectPtr>());
      return codec::decode_all<R>(reader);
    }
  }
};
template <>
struct TaskResult<void> {
  static constexpr std::size_t place = 0;
};

template <class R>
R result_of(engine::pool::PoolJob& job, std::uint64_t task) {
  const engine::pool::Outcome outcome = job.outcome(task);
  if (outcome.exception) std::rethrow_exception(outcome.exception);
  if constexpr (!std::is_void_v<R>) return TaskResult<R>::get(outcome);
}

template <class R>
std::vector<R> results_of(engine::pool::PoolJob& job) {
  std::vector<R> results;
  const std::uint64_t tasks = job.tasks();
  results.reserve(tasks);
  if constexpr (TaskResult<R>::is_flat) {
    if (const std::byte* const places = job.results_in_place()) {
      for (std::uint64_t i = 0; i < tasks; ++i) {
        results.push_back(
            TaskResult<R>::get({engine::pool::Outcome::Kind::in_place, {places + i * sizeof(R), sizeof(R)}}));
      }
      return results;
    }
  }
  for (std::uint64_t i = 0; i < tasks; ++i) results.push_back(result_of<R>(job, i));
  return results;
}

/// What the results of AsyncResult<T> have in common.
class AsyncBase {
 public:
  void wait() const { job_->wait(std::nullopt); }
  /// False: not within that time.
  template <class Rep, class Period>
  bool wait(const std::chrono::duration<Rep, Period>& timeout) const {
    return job_->wait(engine::deadline_in(timeout));
  }
  bool ready() const { return job_->ready(); }
  /// No task failed. ValueError before the end.
  bool successful() const {
    if (!job_->ready()) job_->throw_not_ready("successful");
    return job_->failure() == nullptr;
  }
  /// f(std::exception_ptr) in the callback thread, when a task has failed.
  template <class F>
  const AsyncBase& on_error(F f) const {
    job_->when_ready([job = job_.get(), f = std::move(f)]() mutable {
      if (const std::exception_ptr failure = job->failure()) f(failure);
    });
    return *this;
  }

 protected:
  explicit AsyncBase(engine::pool::JobPtr job) : job_(std::move(job)) {}
  void wait_or_throw(const engine::Deadline& deadline) const {
    if (!job_->wait(deadline)) job_->throw_timeout("get");
    if (const std::exception_ptr failure = job_->failure()) std::rethrow_exception(failure);
  }

  engine::pool::JobPtr job_;
};

}  // namespace detail

template <class R>
class AsyncResult : public detail::AsyncBase {
 public:
  explicit AsyncResult(engine::pool::JobPtr job) : AsyncBase(std::move(job)) {}

  R get() const { return get_until(std::nullopt); }
  template <class Rep, class Period>
  R get(const std::chrono::duration<Rep, Period>& timeout) const {
    return get_until(engine::deadline_in(timeout));
  }
  /// f(result), or f() of a void one, in the callback thread, when the task has ended well.
  template <class F>
  const AsyncResult& then(F f) const {
    job_->when_ready([job = job_.get(), f = std::move(f)]() mutable {
      if (job->failure()) return;
      if constexpr (std::is_void_v<R>) {
        f();
      } else {
        f(detail::result_of<R>(*job, 0));
      }
    });
    return *this;
  }
  template <class F>
  const AsyncResult& on_error(F f) const {
    AsyncBase::on_error(std::move(f));
    return *this;
  }

 private:
  R get_until(const engine::Deadline& deadline) const {
    wait_or_throw(deadline);
    if constexpr (!std::is_void_v<R>) return detail::result_of<R>(*job_, 0);
  }
};

/// Of a map.
template <class R>
class AsyncResult<std::vector<R>> : public detail::AsyncBase {
 public:
  /// `of_map`: else one task that gives a vector.
  explicit AsyncResult(engine::pool::JobPtr job, bool of_map = false) : AsyncBase(std::move(job)), of_map_(of_map) {}

  std::vector<R> get() const { return get_until(std::nullopt); }
  template <class Rep, class Period>
  std::vector<R> get(const std::chrono::duration<Rep, Period>& timeout) const {
    return get_until(engine::deadline_in(timeout));
  }
  /// Per task: its result, if it has ended well by now.
  std::vector<std::optional<R>> partial() const {
    std::vector<std::optional<R>> results(job_->tasks());
    for (std::uint64_t i = 0; i < job_->tasks(); ++i) {
      const engine::pool::Outcome outcome = job_->outcome(i);
      if (outcome.kind == engine::pool::Outcome::Kind::nothing_yet || outcome.exception) continue;
      results[i] = detail::TaskResult<R>::get(outcome);
    }
    return results;
  }
  template <class F>
  const AsyncResult& then(F f) const {
    job_->when_ready([job = job_.get(), of_map = of_map_, f = std::move(f)]() mutable {
      if (!job->failure()) f(results(*job, of_map));
    });
    return *this;
  }
  template <class F>
  const AsyncResult& on_error(F f) const {
    AsyncBase::on_error(std::move(f));
    return *this;
  }

 private:
  static std::vector<R> results(engine::pool::PoolJob& job, bool of_map) {
    return of_map ? detail::results_of<R>(job) : detail::result_of<std::vector<R>>(job, 0);
  }
  std::vector<R> get_until(const engine::Deadline& deadline) const {
    wait_or_throw(deadline);
    return results(*job_, of_map_);
  }

  bool of_map_;
};

/// What imap() gives: results one by one, each as soon as it is there, in the order of the inputs or, unordered, of their
/// ends. A failed task throws when it is its turn; next() goes on after it.
///
///   for (int n : pool.imap(square, numbers)) ...
///   while (std::optional<int> n = results.next(1s)) ...
///
/// Goes through once; belongs to one thread.
template <class R>
class ImapResult {
 public:
  ImapResult(engine::pool::JobPtr job, bool ordered) : job_(std::move(job)), ordered_(ordered) {}

  /// Empty at the end.
  std::optional<R> next() { return next_until(std::nullopt); }
  /// TimeoutError when it is not there in time; it can be asked for again.
  template <class Rep, class Period>
  std::optional<R> next(const std::chrono::duration<Rep, Period>& timeout) {
    return next_until(engine::deadline_in(timeout));
  }

  class iterator {
   public:
    using value_type = R;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using reference = const R&;
    using pointer = const R*;

    iterator() = default;
    explicit iterator(ImapResult* results) : results_(results) { ++*this; }
    const R& operator*() const { return *current_; }
    iterator& operator++() {
      current_ = results_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) { return !it.current_.has_value(); }

   private:
    ImapResult* results_ = nullptr;
    std::optional<R> current_;
  };
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::optional<R> next_until(const engine::Deadline& deadline) {
    if (given_ == job_->tasks()) return std::nullopt;
    std::uint64_t task = given_;
    if (ordered_) {
      if (!job_->wait_for(task, deadline)) job_->throw_timeout("next");
    } else {
      task = *job_->next_ended(deadline);
    }
    ++given_;
    return detail::result_of<R>(*job_, task);
  }

  engine::pool::JobPtr job_;
  bool ordered_;
  std::uint64_t given_ = 0;
};

}  // namespace partage
