// Queue, JoinableQueue, SimpleQueue: items from many processes to many, first in, first out, each to one of them.
//
//   partage::Queue<int> jobs;                             // or manager.Queue<int>(10): put() waits while 10 are in it
//   partage::Process worker([=] { while (jobs.get() != 0) work(); });
//   jobs.put(7);
//   int next = jobs.get(100ms);                           // Empty when none came
//   std::optional<int> perhaps = jobs.try_get();
//
//   partage::JoinableQueue<Task> tasks;
//   Task t = tasks.get();  work(t);  tasks.task_done();   // a worker killed in between: the task goes back to the front
//   tasks.join();                                         // until everything put is done
//
// An item is stored when put() returns: no thread feeds it, so nothing is lost when the producer ends, and no put() is lost with
// a consumer that dies waiting. An item got from a Queue is gone, whatever its consumer does. One got from a JoinableQueue stays
// until task_done(), and goes back to the front when its consumer ends before, in whatever way; then there may be more than
// maxsize. task_done() means the caller's oldest item, or else the oldest of all that are taken.
// close() is for everybody: put() throws ShutDown, and get() as soon as everything has been got (and, of a JoinableQueue, done
// by the others).
//
// Use a Queue for work, a ListProxy for what is also looked at. Differences to std::queue: a handle; waiting; no front().
// Differences to Python: qsize(), empty() and full() are exact for the moment; no feeder thread, so no join_thread(); close() is
// queue.shutdown().
// Thread and process safety: full. Errors: Empty, Full, ShutDown; ValueError from task_done() when no item is taken;
// ManagerShutdown, OutOfMemory, UsageError inside modify(), with nothing changed.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <partage/detail/encoded.hpp>
#include <partage/detail/hosted_handle.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/queue.hpp>

namespace partage {

/// What all queues have.
template <class Self, class T>
class SimpleQueueMembers {
 public:
  using value_type = T;

  void put(const T& item) const { put_until(item, std::nullopt, "put"); }
  T get() const { return get_until(std::nullopt, "get"); }
  /// It has no item, at this moment.
  bool empty() const { return at().size() == 0; }
  void close() const { at().close(); }
  bool closed() const { return at().closed(); }

 protected:
  decltype(auto) at() const { return static_cast<const Self&>(*this).hosted_engine(); }

  bool offer(const T& item, const engine::Deadline& deadline) const {
    decltype(auto) queue = at();
    return queue.put(detail::Encoded<T>(item, queue.object()).view(), deadline);
  }
  std::optional<T> take(const engine::Deadline& deadline) const {
    engine::Value value;
    if (!at().get(value, deadline)) return std::nullopt;
    return detail::decode<T>(value);
  }
  void put_until(const T& item, const engine::Deadline& deadline, const char* operation) const {
    if (!offer(item, deadline)) at().throw_full(operation);
  }
  T get_until(const engine::Deadline& deadline, const char* operation) const {
    std::optional<T> item = take(deadline);
    if (!item) at().throw_empty(operation);
    return std::move(*item);
  }
};

template <class Self, class T>
class QueueMembers : public SimpleQueueMembers<Self, T> {
 public:
  using SimpleQueueMembers<Self, T>::put;
  using SimpleQueueMembers<Self, T>::get;

  /// Full: no room within that time. A negative one is none.
  template <class Rep, class Period>
  void put(const T& item, const std::chrono::duration<Rep, Period>& timeout) const {
    this->put_until(item, engine::deadline_in(timeout), "put");
  }
  void put_nowait(const T& item) const { this->put_until(item, engine::at_once(), "put_nowait"); }
  /// False: no room.
  bool try_put(const T& item) const { return this->offer(item, engine::at_once()); }

  /// Empty: no item within that time.
  template <class Rep, class Period>
  T get(const std::chrono::duration<Rep, Period>& timeout) const {
    return this->get_until(engine::deadline_in(timeout), "get");
  }
  T get_nowait() const { return this->get_until(engine::at_once(), "get_nowait"); }
  std::optional<T> try_get() const { return this->take(engine::at_once()); }

  std::size_t qsize() const { return this->at().size(); }
  /// put() would wait, at this moment.
  bool full() const { return this->at().full(); }
};

template <class Self, class T>
class JoinableQueueMembers : public QueueMembers<Self, T> {
 public:
  /// An item that was got is done with.
  void task_done() const { this->at().task_done(); }
  /// Waits until every item is done with.
  void join() const { this->at().join(std::nullopt); }
  /// False: not within that time.
  template <class Rep, class Period>
  bool join(const std::chrono::duration<Rep, Period>& timeout) const {
    return this->at().join(engine::deadline_in(timeout));
  }
  /// How often an item went back to the front because its consumer ended.
  std::size_t redeliveries() const { return this->at().redeliveries(); }
};

namespace detail {

template <class H, class T>
engine::QueueType queue_type(engine::QueueKind kind, std::ptrdiff_t maxsize) {
  static_assert(codec::Storable<T>::value);
  constexpr std::size_t size = codec::fixed_size<T>;
  constexpr bool handles = codec::holds_handles<T>;
  return {engine::TypeOf<H>::text(), size <= 8 && !handles ? size : 0, handles, kind, maxsize};
}

template <class H>
H new_queue(const engine::SessionPtr& session, std::ptrdiff_t maxsize) {
  return H(engine::create_queue(session, H::type(maxsize), ""));
}
template <class H>
H named_queue(const engine::SessionPtr& session, const std::string& name, std::ptrdiff_t maxsize) {
  const auto create = [&] { return engine::create_queue(session, H::type(maxsize), name); };
  return codec::HandleTraits<H>::make(engine::open_or_create(session, name, create));
}

}  // namespace detail

template <class T>
class Queue : public detail::HostedHandle<Queue<T>, engine::Queue>, public QueueMembers<Queue<T>, T> {
 public:
  /// A new one, of this process and the children it will have. `maxsize` 0 or less: no bound.
  explicit Queue(std::ptrdiff_t maxsize = 0)
      : Queue(detail::in_process_tree(
            [&](const engine::SessionPtr& tree) { return engine::create_queue(tree, type(maxsize), ""); })) {}
  explicit Queue(engine::ObjectPtr object) : detail::HostedHandle<Queue, engine::Queue>(std::move(object)) {}

  static engine::QueueType type(std::ptrdiff_t maxsize) {
    return detail::queue_type<Queue, T>(engine::QueueKind::plain, maxsize);
  }
};

template <class T>
class JoinableQueue : public detail::HostedHandle<JoinableQueue<T>, engine::Queue>,
                      public JoinableQueueMembers<JoinableQueue<T>, T> {
 public:
  explicit JoinableQueue(std::ptrdiff_t maxsize = 0)
      : JoinableQueue(detail::in_process_tree(
            [&](const engine::SessionPtr& tree) { return engine::create_queue(tree, type(maxsize), ""); })) {}
  explicit JoinableQueue(engine::ObjectPtr object)
      : detail::HostedHandle<JoinableQueue, engine::Queue>(std::move(object)) {}

  static engine::QueueType type(std::ptrdiff_t maxsize) {
    return detail::queue_type<JoinableQueue, T>(engine::QueueKind::joinable, maxsize);
  }
};

template <class T>
class SimpleQueue : public detail::HostedHandle<SimpleQueue<T>, engine::Queue>,
                    public SimpleQueueMembers<SimpleQueue<T>, T> {
 public:
  SimpleQueue()
      : SimpleQueue(detail::in_process_tree(
            [](const engine::SessionPtr& tree) { return engine::create_queue(tree, type(0), ""); })) {}
  explicit SimpleQueue(engine::ObjectPtr object)
      : detail::HostedHandle<SimpleQueue, engine::Queue>(std::move(object)) {}

  static engine::QueueType type(std::ptrdiff_t) {
    return detail::queue_type<SimpleQueue, T>(engine::QueueKind::simple, 0);
  }
};

namespace codec {
template <class T>
struct HandleTraits<Queue<T>> : partage::detail::HostedTraits<Queue<T>> {
  static std::string description() { return "queue<" + codec::description<T>() + '>'; }
};
template <class T>
struct HandleTraits<JoinableQueue<T>> : partage::detail::HostedTraits<JoinableQueue<T>> {
  static std::string description() { return "joinable_queue<" + codec::description<T>() + '>'; }
};
template <class T>
struct HandleTraits<SimpleQueue<T>> : partage::detail::HostedTraits<SimpleQueue<T>> {
  static std::string description() { return "simple_queue<" + codec::description<T>() + '>'; }
};
}  // namespace codec

template <class Self, class T>
class ElementMembers<Self, Queue<T>> : public detail::ReferredEngine<Self>, public QueueMembers<Self, T> {};
template <class Self, class T>
class ElementMembers<Self, JoinableQueue<T>> : public detail::ReferredEngine<Self>,
                                               public JoinableQueueMembers<Self, T> {};
template <class Self, class T>
class ElementMembers<Self, SimpleQueue<T>> : public detail::ReferredEngine<Self>, public SimpleQueueMembers<Self, T> {};

}  // namespace partage
