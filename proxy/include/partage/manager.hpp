// Manager: starts a manager process, or connects to one, and makes shared objects.
//
//   partage::Manager manager;                                            // private to this process and its children
//   auto numbers = manager.list<int>({1, 2, 3});
//   auto counter = manager.dict<std::string, int>({{"n", 0}});
//   auto stock = manager.dict<std::string, int>(partage::named("stock"));   // opened, or created
//
//   partage::Manager hub({.name = "hub"});                               // others: partage::Manager::connect("hub")
//
// The manager process owns the shared memory and looks after processes that die; operations on objects do not pass
// through it. The Manager that started it ends it: shutdown(), or the destructor, after which every operation on its
// objects throws ManagerShutdown. Every other Manager, one from connect() or a forked child's copy, only detaches;
// handles stay valid.
// One Manager is enough for a program. Do not start one for every object.
//
// Differences to Python: no start() and no context manager, the constructor and destructor do it; no register(),
// because any type can be stored; connect() needs no key, the file system and the user id decide who may.
// Movable, not copyable. Thread safety: every member may be called by several threads; moving and destroying may not.
// Errors: of the constructors, what stopped the manager process, with its own reason; ConnectionError when nobody
// serves the address. Afterwards ManagerShutdown after shutdown(), ManagerLost from calls that need the process when it
// has died.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/array.hpp>
#include <partage/barrier.hpp>
#include <partage/condition.hpp>
#include <partage/dict.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/session.hpp>
#include <partage/event.hpp>
#include <partage/export.hpp>
#include <partage/heap.hpp>
#include <partage/list.hpp>
#include <partage/lock.hpp>
#include <partage/manager_options.hpp>
#include <partage/named.hpp>
#include <partage/namespace.hpp>
#include <partage/object_info.hpp>
#include <partage/pool.hpp>
#include <partage/queue.hpp>
#include <partage/semaphore.hpp>
#include <partage/set.hpp>
#include <partage/value.hpp>

namespace partage {

class PARTAGE_API Manager {
 public:
  Manager();
  explicit Manager(const ManagerOptions& options);
  /// "name" or "shm://name".
  static Manager connect(const std::string& address);
  Manager(Manager&& other) noexcept;
  Manager& operator=(Manager&& other) noexcept;
  ~Manager();  ///< shutdown()

  /// Ends the manager process if this Manager started it, else detaches. A second call does nothing.
  void shutdown();
  /// After the manager process died: starts another one on the same segment; all objects are still there.
  void restart();
  /// For connect(): "shm://name", or the address of a private manager, which only its own processes can use.
  std::string address() const;
  pid_t pid() const;
  bool is_alive() const;

  // ---- objects ---------------------------------------------------------------------------------------------------

  template <class T>
  ListProxy<T> list() const {
    return new_list<T>({}, std::initializer_list<T>{});
  }
  template <class T>
  ListProxy<T> list(std::initializer_list<T> contents) const {
    return new_list<T>({}, contents);
  }
  /// Contents: any range of what converts to T; a dict gives its keys.
  template <class T, detail::RangeOf<T> Range>
  ListProxy<T> list(Range&& contents) const {
    return new_list<T>({}, detail::elements_of<T>(std::forward<Range>(contents)));
  }
  /// Opens the object of that name, or creates it with the contents.
  template <class T>
  ListProxy<T> list(const Named& name, std::initializer_list<T> contents = {}) const {
    return named_list<T>(name.name, contents);
  }
  template <class T, detail::RangeOf<T> Range>
  ListProxy<T> list(const Named& name, Range&& contents) const {
    return named_list<T>(name.name, detail::elements_of<T>(std::forward<Range>(contents)));
  }

  template <class K, class V>
  DictProxy<K, V> dict() const {
    return new_dict<K, V>({}, std::initializer_list<std::pair<K, V>>{});
  }
  template <class K, class V>
  DictProxy<K, V> dict(std::initializer_list<std::pair<K, V>> contents) const {
    return new_dict<K, V>({}, contents);
  }
  /// Contents: any range of pairs, a map, another dict.
  template <class K, class V, detail::PairsOf<K, V> Range>
  DictProxy<K, V> dict(Range&& contents) const {
    return new_dict<K, V>({}, contents);
  }
  template <class K, class V>
  DictProxy<K, V> dict(const Named& name, std::initializer_list<std::pair<K, V>> contents = {}) const {
    return named_dict<K, V>(name.name, contents);
  }
  template <class K, class V, detail::PairsOf<K, V> Range>
  DictProxy<K, V> dict(const Named& name, Range&& contents) const {
    return named_dict<K, V>(name.name, contents);
  }

  // Locks and the like: the same types as without a manager, see their headers. With named(): opened, or created.

  partage::Lock Lock() const { return new_sync<partage::Lock>({.kind = engine::SyncKind::lock}); }
  partage::Lock Lock(const Named& name) const {
    return named_sync<partage::Lock>(name, {.kind = engine::SyncKind::lock});
  }
  partage::RLock RLock() const { return new_sync<partage::RLock>({.kind = engine::SyncKind::rlock}); }
  partage::RLock RLock(const Named& name) const {
    return named_sync<partage::RLock>(name, {.kind = engine::SyncKind::rlock});
  }
  partage::Semaphore Semaphore(std::ptrdiff_t permits = 1, SemaphoreOptions options = {}) const {
    return new_sync<partage::Semaphore>(partage::Semaphore::type(permits, options));
  }
  partage::Semaphore Semaphore(const Named& name, std::ptrdiff_t permits = 1, SemaphoreOptions options = {}) const {
    return named_sync<partage::Semaphore>(name, partage::Semaphore::type(permits, options));
  }
  partage::BoundedSemaphore BoundedSemaphore(std::ptrdiff_t permits = 1) const {
    return new_sync<partage::BoundedSemaphore>(partage::BoundedSemaphore::type(permits));
  }
  partage::BoundedSemaphore BoundedSemaphore(const Named& name, std::ptrdiff_t permits = 1) const {
    return named_sync<partage::BoundedSemaphore>(name, partage::BoundedSemaphore::type(permits));
  }
  /// With an RLock of its own, or of a Lock or RLock of this manager.
  partage::Condition Condition() const { return new_sync<partage::Condition>(partage::Condition::type()); }
  template <class L>
  requires(std::same_as<L, partage::Lock> || std::same_as<L, partage::RLock>) partage::Condition
      Condition(const L& lock)
  const { return new_sync<partage::Condition>(partage::Condition::type(lock.hosted_engine().object())); }
  partage::Condition Condition(const Named& name) const {
    return named_sync<partage::Condition>(name, partage::Condition::type());
  }
  template <class L>
  requires(std::same_as<L, partage::Lock> || std::same_as<L, partage::RLock>) partage::Condition
      Condition(const Named& name, const L& lock)
  const { return named_sync<partage::Condition>(name, partage::Condition::type(lock.hosted_engine().object())); }
  partage::Event Event() const { return new_sync<partage::Event>({.kind = engine::SyncKind::event}); }
  partage::Event Event(const Named& name) const {
    return named_sync<partage::Event>(name, {.kind = engine::SyncKind::event});
  }
  partage::Barrier Barrier(std::ptrdiff_t parties) const {
    return new_sync<partage::Barrier>(partage::Barrier::type(parties));
  }
  template <class Rep, class Period>
  partage::Barrier Barrier(std::ptrdiff_t parties, const std::chrono::duration<Rep, Period>& timeout) const {
    return new_sync<partage::Barrier>(partage::Barrier::type(parties, timeout));
  }
  /// The action is run by the last to come, and known to copies of this handle.
  template <detail::BarrierAction Fn>
  partage::Barrier Barrier(std::ptrdiff_t parties, Fn&& action) const {
    return barrier_with(partage::Barrier::type(parties), std::forward<Fn>(action));
  }
  template <detail::BarrierAction Fn, class Rep, class Period>
  partage::Barrier Barrier(std::ptrdiff_t parties, Fn&& action,
                           const std::chrono::duration<Rep, Period>& timeout) const {
    return barrier_with(partage::Barrier::type(parties, timeout), std::forward<Fn>(action));
  }
  partage::Barrier Barrier(const Named& name, std::ptrdiff_t parties) const {
    return named_sync<partage::Barrier>(name, partage::Barrier::type(parties));
  }
  template <class Rep, class Period>
  partage::Barrier Barrier(const Named& name, std::ptrdiff_t parties,
                           const std::chrono::duration<Rep, Period>& timeout) const {
    return named_sync<partage::Barrier>(name, partage::Barrier::type(parties, timeout));
  }

  /// `maxsize` 0 or less: no bound.
  template <class T>
  partage::Queue<T> Queue(std::ptrdiff_t maxsize = 0) const {
    return detail::new_queue<partage::Queue<T>>(session("Queue"), maxsize);
  }
  template <class T>
  partage::Queue<T> Queue(const Named& name, std::ptrdiff_t maxsize = 0) const {
    return detail::named_queue<partage::Queue<T>>(session("Queue"), name.name, maxsize);
  }
  /// Worker processes, children of this process, whose tasks travel through the manager's segment: Pool(4), or
  /// Pool(PoolOptions{...}, initializer, args...).
  partage::Pool Pool(int n = 0) const { return Pool(PoolOptions{.workers = n}); }
  template <class... Initializer>
  partage::Pool Pool(const PoolOptions& options, Initializer&&... initializer) const {
    return partage::Pool(session("Pool"), options, std::forward<Initializer>(initializer)...);
  }
  template <class T>
  partage::JoinableQueue<T> JoinableQueue(std::ptrdiff_t maxsize = 0) const {
    return detail::new_queue<partage::JoinableQueue<T>>(session("JoinableQueue"), maxsize);
  }
  template <class T>
  partage::JoinableQueue<T> JoinableQueue(const Named& name, std::ptrdiff_t maxsize = 0) const {
    return detail::named_queue<partage::JoinableQueue<T>>(session("JoinableQueue"), name.name, maxsize);
  }
  template <class T>
  partage::SimpleQueue<T> SimpleQueue() const {
    return detail::new_queue<partage::SimpleQueue<T>>(session("SimpleQueue"), 0);
  }
  template <class T>
  partage::SimpleQueue<T> SimpleQueue(const Named& name) const {
    return detail::named_queue<partage::SimpleQueue<T>>(session("SimpleQueue"), name.name, 0);
  }

  // ---- sets and namespaces -----------------------------------------------------------------------------------------

  template <class T>
  SetProxy<T> set(std::initializer_list<T> contents = {}) const {
    return detail::new_set<T>(session("set"), {}, contents);
  }
  /// Contents: any range of what converts to T; a dict gives its keys.
  template <class T, detail::ElementsOf<T> Range>
  SetProxy<T> set(Range&& contents) const {
    return detail::new_set<T>(session("set"), {}, std::forward<Range>(contents));
  }
  template <class T>
  SetProxy<T> set(const Named& name, std::initializer_list<T> contents = {}) const {
    return detail::named_set<T>(session("set"), name.name, contents);
  }
  template <class T, detail::ElementsOf<T> Range>
  SetProxy<T> set(const Named& name, Range&& contents) const {
    return detail::named_set<T>(session("set"), name.name, std::forward<Range>(contents));
  }

  /// The attributes: {{"x", 1}, {"name", "widget"}}, each of a type of its own.
  partage::Namespace Namespace(std::initializer_list<Attribute> attributes = {}) const {
    return detail::new_namespace(session("Namespace"), {}, attributes);
  }
  partage::Namespace Namespace(const Named& name, std::initializer_list<Attribute> attributes = {}) const {
    return detail::named_namespace(session("Namespace"), name.name, attributes);
  }
  // ---- Value and Array (value.hpp, array.hpp) ----------------------------------------------------------------------

  template <class T>
  partage::Value<T> Value(const T& x) const {
    return detail::new_value<T>(session("Value"), {}, x);
  }
  template <class T>
  partage::Value<T> Value(const Named& name, const T& x) const {
    return detail::named_value<T>(session("Value"), name.name, x);
  }
  /// `size` zeros.
  template <class T>
  partage::Array<T> Array(std::ptrdiff_t size) const {
    return detail::new_array<T>(session("Array"), {}, size);
  }
  template <class T>
  partage::Array<T> Array(std::initializer_list<T> contents) const {
    return detail::new_array<T>(session("Array"), {}, contents);
  }
  template <class T, detail::RangeOf<T> Range>
  partage::Array<T> Array(Range&& contents) const {
    return detail::new_array<T>(session("Array"), {}, std::forward<Range>(contents));
  }
  template <class T>
  partage::Array<T> Array(const Named& name, std::ptrdiff_t size) const {
    return detail::named_array<T>(session("Array"), name.name, size);
  }
  template <class T>
  partage::Array<T> Array(const Named& name, std::initializer_list<T> contents) const {
    return detail::named_array<T>(session("Array"), name.name, contents);
  }
  template <class T, detail::RangeOf<T> Range>
  partage::Array<T> Array(const Named& name, Range&& contents) const {
    return detail::named_array<T>(session("Array"), name.name, std::forward<Range>(contents));
  }

  // ---- names and lists of them -------------------------------------------------------------------------------------

  /// Takes the name away; the object lives as long as handles refer to it. KeyError: there is no such name.
  void remove(const std::string& name) const;
  /// All objects of the manager.
  std::vector<ObjectInfo> objects() const;

  /// For Boost containers of this process alone, see heap.hpp.
  SegmentManager* segment_manager() const;

 private:
  struct Impl;
  explicit Manager(std::unique_ptr<Impl> impl);

  /// Throws ManagerShutdown after shutdown().
  engine::SessionPtr session(const char* operation) const;

  template <class H>
  H new_sync(const engine::SyncType& type) const {
    return detail::new_sync<H>(session("creating an object"), type);
  }
  template <class H>
  H named_sync(const Named& name, const engine::SyncType& type) const {
    return detail::named_sync<H>(session("opening an object"), name.name, type);
  }
  template <class Fn>
  partage::Barrier barrier_with(engine::SyncType type, Fn&& action) const {
    type.has_action = true;
    return partage::Barrier(engine::create_sync(session("creating an object"), type, ""),
                            partage::Barrier::shared(std::forward<Fn>(action)));
  }

  template <class T, class Range>
  ListProxy<T> new_list(const std::string& name, Range&& contents) const {
    static_assert(codec::Storable<T>::value);
    const engine::SessionPtr where = session("list");
    const detail::EncodedRange<T> encoded(contents, where);
    return ListProxy<T>(engine::create_list(where, list_type<T>(), name, encoded.views()));
  }
  template <class T, class Range>
  ListProxy<T> named_list(const std::string& name, Range&& contents) const {
    const auto create = [&] { return new_list<T>(name, contents).list_engine().object(); };
    return codec::HandleTraits<ListProxy<T>>::make(engine::open_or_create(session("list"), name, create));
  }
  template <class K, class V, class Range>
  DictProxy<K, V> new_dict(const std::string& name, Range&& contents) const {
    static_assert(codec::Storable<V>::value);
    static_assert(detail::DictKey<K>::value);
    const engine::SessionPtr where = session("dict");
    const detail::EncodedPairs<K, V> encoded(contents, where);
    return DictProxy<K, V>(engine::create_dict(where, dict_type<K, V>(), name, encoded.pairs()));
  }
  template <class K, class V, class Range>
  DictProxy<K, V> named_dict(const std::string& name, Range&& contents) const {
    const auto create = [&] { return new_dict<K, V>(name, contents).dict_engine().object(); };
    return codec::HandleTraits<DictProxy<K, V>>::make(engine::open_or_create(session("dict"), name, create));
  }

  template <class T>
  static engine::ListType list_type() {
    constexpr std::size_t size = codec::fixed_size<T>;
    constexpr bool handles = codec::holds_handles<T>;
    return {engine::TypeOf<ListProxy<T>>::text(), size <= 8 && !handles ? size : 0, handles};
  }
  template <class K, class V>
  static engine::DictType dict_type() {
    return {engine::TypeOf<DictProxy<K, V>>::text(), codec::holds_handles<V>};
  }

  std::unique_ptr<Impl> impl_;
};

}  // namespace partage
