// Where a test of CPython runs here: with workers that are threads or forked processes, on objects with a manager or
// without one.
//
//   TEST_CASE("_TestQueue.test_qsize: ...") {
//     in_each_world([](World& world) {
//       const auto q = world.Queue<int>();
//       Worker worker = world.start([=] { expect(q.get() == 1, "the item"); });    // captures copies, no references
//       q.put(1);
//       CHECK(worker.join() == "");
//     });
//   }
//
// CPython runs a class "with processes" (without a manager), "with threads" (no manager) and "with a manager" (forked),
// and the whole suite once for each start method. What says something about processes runs with each of these here:
//
//   in_each_way_to_start([](World& world) {
//     Worker worker = world.start([](const Queue<int>& q) { expect(q.get() == 1, "the item"); }, q);   // no captures
//   });
//   with_each_start_method([](StartMethod method) {
//     Child child(ProcessOptions{.start_method = method}, work, q);
//     child->start();
//   });
//
// A CHECK in a worker is not seen by the test: it calls expect(), or throws otherwise, and join() says what it was. A
// worker that is still running when its Worker goes is killed, or, a thread, left alone; a join() gives up after a
// minute.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <partage/partage.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#include "tests/support/processes.hpp"

namespace partage::test {

using namespace std::chrono_literals;

/// How long CPython's own tests wait to see that nothing happens, and the shortest of their timeouts, scaled down.
inline constexpr auto moment = 20ms;
inline constexpr auto timeout = 50ms;

/// How long a test waits for what has to happen: no working program needs as long.
inline constexpr auto long_enough = 20s;

/// For workers.
inline void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("expected: " + what);
}

/// True if fn() takes that long, or longer.
template <class Duration, class Fn>
bool takes(Duration at_least, Fn fn) {
  const auto start = std::chrono::steady_clock::now();
  fn();
  return std::chrono::steady_clock::now() - start >= at_least;
}

/// A Process that is killed when this goes and it still runs, so that a test that fails leaves none behind.
class Child {
 public:
  template <class... Args>
  explicit Child(ProcessOptions options, Args&&... args) : process_(std::move(options), std::forward<Args>(args)...) {}
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) = delete;
  ~Child() {
    try {
      if (!process_.is_alive()) return;
      process_.kill();
      process_.join(long_enough);
    } catch (const std::exception&) {  // it was moved away or closed
    }
  }

  Process* operator->() { return &process_; }
  Process& operator*() { return process_; }
  /// It has ended within a time that no working program needs.
  bool ends() { return process_.join(long_enough); }
  /// Starts it and waits for its end; empty: it has not come to it.
  std::optional<int> run() {
    process_.start();
    return ends() ? process_.exitcode() : std::nullopt;
  }

 private:
  Process process_;
};

class Worker {
 public:
  enum class Kind { thread, process };

  /// A thread, or a forked process, that calls fn(args...).
  template <class Fn, class... Args>
  Worker(Kind kind, Fn fn, Args... args) {
    if (kind == Kind::process) {
      process_ = forked(std::move(fn), std::move(args)...);
      process_->start();
      return;
    }
    auto end = std::make_shared<std::promise<std::string>>();
    end_ = end->get_future();
    thread_ = std::thread([=, end = std::move(end), fn = std::move(fn)]() mutable {
      auto call = [&] { fn(args...); };
      end->set_value(outcome(call));
    });
  }
  /// A process. Its function has no captures, or could not be given to a spawned one.
  template <class Fn, class... Args>
  Worker(StartMethod method, Fn fn, Args... args)
      : process_(method == StartMethod::fork
                     ? forked(fn, std::move(args)...)
                     : std::make_unique<Process>(ProcessOptions{.start_method = method}, fn, std::move(args)...)) {
    static_assert(std::is_empty_v<Fn>);
    process_->start();
  }
  Worker(Worker&&) noexcept = default;
  Worker& operator=(Worker&&) = delete;
  ~Worker() {
    if (thread_.joinable()) thread_.detach();
    if (process_ && process_->is_alive()) {
      process_->kill();
      process_->join();
    }
  }

  /// Waits for its end: "", or how it failed. Once.
  std::string join() {
    if (process_) {
      if (!process_->join(3 * long_enough)) return "it is still running";
      const int code = process_->exitcode().value();
      return code == 0 ? "" : "exit code " + std::to_string(code);
    }
    if (end_.wait_for(3 * long_enough) != std::future_status::ready) return "it is still running";
    thread_.join();
    return end_.get();
  }
  bool is_running() { return process_ ? process_->is_alive() : end_.wait_for(0s) != std::future_status::ready; }

 private:
  /// Without doctest's handlers, which a spawned process does not come to.
  template <class Fn, class... Args>
  static std::unique_ptr<Process> forked(Fn fn, Args... args) {
    return std::make_unique<Process>([=, fn = std::move(fn)]() mutable {
      reset_fatal_signals();
      fn(args...);
    });
  }

  template <class Fn>
  static std::string outcome(Fn& fn) {
    try {
      fn();
      return "";
    } catch (const std::exception& e) {
      return e.what();
    }
  }

  std::unique_ptr<Process> process_;
  std::thread thread_;
  std::future<std::string> end_;
};

/// The list that CPython's tests append to and measure; without a manager there are no lists, and a number counts.
class Counter {
 public:
  explicit Counter(ListProxy<int> list) : in_(std::move(list)) {}
  explicit Counter(partage::Value<std::size_t> number) : in_(std::move(number)) {}

  void append() const {
    if (const auto* list = std::get_if<ListProxy<int>>(&in_)) return list->append(1);
    std::get<partage::Value<std::size_t>>(in_) += 1;
  }
  std::size_t size() const {
    if (const auto* list = std::get_if<ListProxy<int>>(&in_)) return list->size();
    return std::get<partage::Value<std::size_t>>(in_).get();
  }

 private:
  std::variant<ListProxy<int>, partage::Value<std::size_t>> in_;
};

class World {
 public:
  World(Worker::Kind workers, bool managed) : workers_(workers) {
    if (managed) manager_.emplace();
  }
  explicit World(StartMethod method) : workers_(Worker::Kind::process), method_(method) {}

  bool managed() const { return manager_.has_value(); }
  bool forks() const { return workers_ == Worker::Kind::process; }
  const Manager& manager() const { return *manager_; }

  template <class Fn, class... Args>
  Worker start(Fn fn, Args... args) const {
    if constexpr (std::is_empty_v<Fn>) {
      if (forks()) return Worker(method_, std::move(fn), std::move(args)...);
    } else {
      REQUIRE(method_ == StartMethod::fork);  // what a lambda has captured is not given to spawned processes
    }
    return Worker(workers_, std::move(fn), std::move(args)...);
  }

  // As members of Manager, which they are in two of the worlds.

  partage::Lock Lock() const { return managed() ? manager_->Lock() : partage::Lock(); }
  partage::RLock RLock() const { return managed() ? manager_->RLock() : partage::RLock(); }
  partage::Semaphore Semaphore(std::ptrdiff_t permits, SemaphoreOptions options = {}) const {
    return managed() ? manager_->Semaphore(permits, options) : partage::Semaphore(permits, options);
  }
  partage::BoundedSemaphore BoundedSemaphore(std::ptrdiff_t permits) const {
    return managed() ? manager_->BoundedSemaphore(permits) : partage::BoundedSemaphore(permits);
  }
  partage::Condition Condition() const { return managed() ? manager_->Condition() : partage::Condition(); }
  partage::Event Event() const { return managed() ? manager_->Event() : partage::Event(); }
  template <class... More>
  partage::Barrier Barrier(std::ptrdiff_t parties, More... more) const {
    return managed() ? manager_->Barrier(parties, more...) : partage::Barrier(parties, more...);
  }
  template <class T>
  partage::Queue<T> Queue(std::ptrdiff_t maxsize = 0) const {
    return managed() ? manager_->Queue<T>(maxsize) : partage::Queue<T>(maxsize);
  }
  template <class T>
  partage::JoinableQueue<T> JoinableQueue(std::ptrdiff_t maxsize = 0) const {
    return managed() ? manager_->JoinableQueue<T>(maxsize) : partage::JoinableQueue<T>(maxsize);
  }
  template <class T>
  partage::SimpleQueue<T> SimpleQueue() const {
    return managed() ? manager_->SimpleQueue<T>() : partage::SimpleQueue<T>();
  }
  template <class T>
  partage::Value<T> Value(const T& x) const {
    return managed() ? manager_->Value<T>(x) : partage::Value<T>(x);
  }
  /// Of a size, or of contents.
  template <class T, class From>
  partage::Array<T> Array(const From& from) const {
    return managed() ? manager_->Array<T>(from) : partage::Array<T>(from);
  }
  test::Counter Counter() const {
    return managed() ? test::Counter(manager_->list<int>()) : test::Counter(Value<std::size_t>(0));
  }

 private:
  Worker::Kind workers_;
  StartMethod method_ = StartMethod::fork;
  std::optional<Manager> manager_;
};

/// Runs a test that needs a manager with both kinds of workers.
template <class Body>
void in_each_managed_world(Body body) {
  SUBCASE("processes, with a manager") {
    World world(Worker::Kind::process, true);
    body(world);
  }
  SUBCASE("threads, with a manager") {
    World world(Worker::Kind::thread, true);
    body(world);
  }
}

/// Runs a test of what needs no manager, and is the same with one, with both kinds of workers.
template <class Body>
void in_each_unmanaged_world(Body body) {
  SUBCASE("processes, without a manager") {
    World world(Worker::Kind::process, false);
    body(world);
  }
  SUBCASE("threads, without a manager") {
    World world(Worker::Kind::thread, false);
    body(world);
  }
}

/// Runs a test of processes with each start method.
template <class Body>
void with_each_start_method(Body body) {
  SUBCASE("fork") {
    body(StartMethod::fork);
  }
  SUBCASE("spawn") {
    body(StartMethod::spawn);
  }
  SUBCASE("forkserver") {
    body(StartMethod::forkserver);
  }
}

/// Runs a test of what needs no manager with processes of each start method, and with threads.
template <class Body>
void in_each_way_to_start(Body body) {
  with_each_start_method([&](StartMethod method) {
    World world(method);
    body(world);
  });
  SUBCASE("threads") {
    World world(Worker::Kind::thread, false);
    body(world);
  }
}

/// Runs a test four times.
template <class Body>
void in_each_world(Body body) {
  in_each_unmanaged_world(body);
  in_each_managed_world(body);
}

}  // namespace partage::test
