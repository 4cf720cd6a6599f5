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
// CPython runs a class "with processes" (forked, without a manager), "with threads" (no manager) and "with a manager"
// (forked). A CHECK in a worker is not seen by the test: it calls expect(), or throws otherwise, and join() says what
// it was. A worker that is still running when its Worker goes is killed, or, a thread, left alone; a join() gives up
// after a minute.
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
#include <utility>
#include <variant>

#include "tests/support/processes.hpp"

namespace partage::test {

using namespace std::chrono_literals;

/// How long CPython's own tests wait to see that nothing happens, and the shortest of their timeouts, scaled down.
inline constexpr auto moment = 20ms;
inline constexpr auto timeout = 50ms;

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

class Worker {
 public:
  enum class Kind { thread, process };

  template <class Fn>
  Worker(Kind kind, Fn fn) {
    if (kind == Kind::thread) {
      auto end = std::make_shared<std::promise<std::string>>();
      end_ = end->get_future();
      thread_ = std::thread([end = std::move(end), fn = std::move(fn)]() mutable { end->set_value(outcome(fn)); });
    } else {
      process_ = std::make_unique<Process>([fn = std::move(fn)]() mutable {
        reset_fatal_signals();
        fn();
      });
      process_->start();
    }
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
    constexpr auto patience = 60s;
    if (process_) {
      if (!process_->join(patience)) return "it is still running";
      const int code = process_->exitcode().value();
      return code == 0 ? "" : "exit code " + std::to_string(code);
    }
    if (end_.wait_for(patience) != std::future_status::ready) return "it is still running";
    thread_.join();
    return end_.get();
  }
  bool is_running() { return process_ ? process_->is_alive() : end_.wait_for(0s) != std::future_status::ready; }

 private:
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

  bool managed() const { return manager_.has_value(); }
  bool forks() const { return workers_ == Worker::Kind::process; }
  const Manager& manager() const { return *manager_; }

  template <class Fn>
  Worker start(Fn fn) const {
    return Worker(workers_, std::move(fn));
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

/// Runs a test four times.
template <class Body>
void in_each_world(Body body) {
  in_each_unmanaged_world(body);
  in_each_managed_world(body);
}

}  // namespace partage::test
