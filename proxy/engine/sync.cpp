// The facades of locks, semaphores, conditions, events and barriers: checks, calls the kernel, turns `false` into errors.
#include <partage/engine/sync.hpp>

#include <partage/engine/error.hpp>
#include <partage/engine/storing.hpp>
#include <partage/error.hpp>

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/registry/registry.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {

template <class Kernel>
Kernel at(const SharedObject& o) {
  return Kernel(*o.segment, o.body);
}

/// The lock of a condition. The condition counts it, so it stays as long as this process has the condition.
kernel::Lock lock_of(const SharedObject& condition) {
  const ObjectRef ref = at<kernel::Condition>(condition).body().companion.load();
  const kernel::ObjectSlot* slot = kernel::Objects(*condition.segment).find(kernel::index_of(ref));
  if (ref == 0 || slot == nullptr) throw Corrupt(message_start(condition, "lock") + "it has lost its lock");
  return {*condition.segment, slot->body.load()};
}

kernel::SyncConfig config_of(const SyncType& type) {
  using namespace kernel;
  switch (type.kind) {
    case SyncKind::lock:
      return {.kind = kernel::SyncKind::lock};
    case SyncKind::rlock:
      return {.kind = kernel::SyncKind::rlock};
    case SyncKind::semaphore:
    case SyncKind::bounded_semaphore: {
      const u64 bounded = type.kind == SyncKind::bounded_semaphore ? sync_flag::bounded : 0;
      return {.kind = kernel::SyncKind::semaphore,
              .flags = bounded | (type.signal ? sync_flag::signal : 0),
              .initial = static_cast<u64>(type.initial)};
    }
    case SyncKind::condition:
      return {.kind = kernel::SyncKind::condition};
    case SyncKind::event:
      return {.kind = kernel::SyncKind::event};
    case SyncKind::barrier:
      return {.kind = kernel::SyncKind::barrier,
              .flags = type.has_action ? sync_flag::action : 0,
              .initial = static_cast<u64>(type.initial),
              .patience = type.patience ? static_cast<u64>(std::max<std::int64_t>(type.patience->count(), 0)) + 1 : 0};
  }
  return {};
}

kernel::ObjectKind kind_of(SyncKind kind) {
  return static_cast<kernel::ObjectKind>(static_cast<kernel::u64>(kernel::ObjectKind::lock) +
                                         static_cast<kernel::u64>(kind));
}

void check(const SyncType& type) {
  const std::string value = std::to_string(type.initial);
  const bool semaphore = type.kind == SyncKind::semaphore || type.kind == SyncKind::bounded_semaphore;
  if (semaphore && type.initial < 0) {
    throw ValueError("partage: a semaphore cannot begin with " + value + " permits; use 0 or more");
  }
  if (type.kind == SyncKind::barrier && type.initial < 1) {
    throw ValueError("partage: a barrier cannot have " + value + " parties; use 1 or more");
  }
}

[[noreturn]] void throw_broken(const SharedObject& o) {
  throw BrokenBarrierError(message_start(o, "wait") +
                           "the barrier is broken: a party died, timed out, failed in the action, or called abort() or "
                           "reset(); reset() makes it usable again");
}

std::string owner_text(const SharedObject& o, const kernel::Lock& lock) {
  const auto holder = lock.holder();
  if (!holder) return "owner=None";
  const kernel::ClientInfo client = kernel::Clients(*o.segment).info(holder->slot);
  const bool there = client.id == *holder && client.state != kernel::ClientState::free;
  return there ? "owner=" + std::to_string(client.process.pid) : "owner=a process that has ended";
}

std::string repr_of_lock(const SharedObject& o, const kernel::Lock& lock) {
  if (lock.body().kind() == kernel::SyncKind::lock) return "<Lock(" + owner_text(o, lock) + ")>";
  return "<RLock(" + owner_text(o, lock) + ", count=" + std::to_string(lock.depth()) + ")>";
}

}  // namespace

std::string description_of(SyncKind kind) {
  return kernel::name_of(kind_of(kind));
}

ObjectPtr create_sync(const SessionPtr& session, const SyncType& type, const std::string& name) {
  check(type);
  kernel::SyncConfig config = config_of(type);
  ObjectPtr lock = type.lock;
  if (type.kind == SyncKind::condition) {
    if (!lock) lock = create_sync(session, {.kind = SyncKind::rlock}, "");
    const Storing scope(session);
    config.companion = storable(lock).ref();
  }
  const Session::HandOver scope(*session);
  kernel::Registry registry(session->segment());
  ObjectPtr object = session->adopt(registry.create_sync(description_of(type.kind), name, config, kind_of(type.kind)));
  if (!object) throw Corrupt("partage: an object went away while this process held it");
  return object;
}

ObjectPtr create_beside(const ObjectPtr& other, const SyncType& type) {
  return create_sync(object_of(other, "use as the lock of a condition").session, type, "");
}

std::string SyncEngine::repr() const {
  const SharedObject& o = object_of(object_, "print");
  switch (o.kind) {
    case kernel::ObjectKind::lock:
    case kernel::ObjectKind::rlock:
      return repr_of_lock(o, at<kernel::Lock>(o));
    case kernel::ObjectKind::semaphore:
      return "<Semaphore(value=" + std::to_string(at<kernel::Semaphore>(o).value()) + ")>";
    case kernel::ObjectKind::bounded_semaphore:
      return "<BoundedSemaphore(value=" + std::to_string(at<kernel::Semaphore>(o).value()) +
             ", maxvalue=" + std::to_string(at<kernel::Semaphore>(o).body().initial.load()) + ")>";
    case kernel::ObjectKind::condition:
      return "<Condition(" + repr_of_lock(o, lock_of(o)) + ", " + std::to_string(at<kernel::Condition>(o).waiting()) +
             ")>";
    case kernel::ObjectKind::event:
      return std::string("<Event: ") + (at<kernel::Event>(o).is_set() ? "set" : "unset") + '>';
    case kernel::ObjectKind::barrier: {
      const auto barrier = at<kernel::Barrier>(o);
      if (barrier.broken()) return "<Barrier: broken>";
      return "<Barrier: waiters=" + std::to_string(barrier.waiting()) + '/' + std::to_string(barrier.parties()) + '>';
    }
    default:
      return '<' + describe(o) + '>';
  }
}

// ---- locks -----------------------------------------------------------------------------------------------------------

namespace {
void release_or_throw(const SharedObject& o, const kernel::Lock& lock) {
  if (lock.release()) return;
  const bool reentrant = lock.body().kind() == kernel::SyncKind::rlock;
  throw ValueError(message_start(o, "release") +
                   (reentrant && lock.locked()
                        ? "another thread has it; only the thread that acquired an RLock can release it"
                        : "it is not locked; release it once for every acquire"));
}
}  // namespace

bool Lock::acquire(const Deadline& deadline) const {
  return at<kernel::Lock>(acting_object_of(object_, "acquire")).acquire(deadline);
}
void Lock::release() const {
  const SharedObject& o = acting_object_of(object_, "release");
  release_or_throw(o, at<kernel::Lock>(o));
}
bool Lock::locked() const {
  return at<kernel::Lock>(object_of(object_, "locked")).locked();
}
bool Lock::owner_died() const {
  return at<kernel::Lock>(acting_object_of(object_, "owner_died")).owner_died();
}

// ---- semaphores ------------------------------------------------------------------------------------------------------

bool Semaphore::acquire(const Deadline& deadline) const {
  return at<kernel::Semaphore>(acting_object_of(object_, "acquire")).acquire(deadline);
}
void Semaphore::release() const {
  const SharedObject& o = acting_object_of(object_, "release");
  if (at<kernel::Semaphore>(o).release()) return;
  throw ValueError(message_start(o, "release") + "it has all of its " +
                   std::to_string(at<kernel::Semaphore>(o).body().initial.load()) +
                   " permits already; release it once for every acquire, or use a Semaphore without a bound");
}
std::size_t Semaphore::value() const {
  return static_cast<std::size_t>(at<kernel::Semaphore>(object_of(object_, "get_value")).value());
}

// ---- conditions ------------------------------------------------------------------------------------------------------

bool Condition::acquire(const Deadline& deadline) const {
  return lock_of(acting_object_of(object_, "acquire")).acquire(deadline);
}
void Condition::release() const {
  const SharedObject& o = acting_object_of(object_, "release");
  release_or_throw(o, lock_of(o));
}
bool Condition::locked() const {
  return lock_of(object_of(object_, "locked")).locked();
}
bool Condition::owner_died() const {
  return lock_of(acting_object_of(object_, "owner_died")).owner_died();
}

bool Condition::wait(const Deadline& deadline) const {
  const SharedObject& o = acting_object_of(object_, "wait");
  const kernel::Lock lock = lock_of(o);
  const auto condition = at<kernel::Condition>(o);
  if (!lock.held_here()) {
    throw ValueError(message_start(o, "wait") +
                     "its lock is not held; acquire the condition first, and look at what it is "
                     "about before waiting");
  }
  const kernel::u64 ticket = condition.enlist();
  const kernel::u32 depth = lock.release_all();
  try {
    condition.await(ticket, deadline);
  } catch (const ManagerShutdown&) {  // nobody waits any more, and there is no lock to take back
    throw;
  } catch (...) {
    lock.acquire_again(depth);
    condition.leave(ticket);
    throw;
  }
  lock.acquire_again(depth);
  return condition.leave(ticket);
}

void Condition::notify(std::uint64_t n) const {
  const SharedObject& o = acting_object_of(object_, "notify");
  if (!lock_of(o).held_here()) {
    throw ValueError(message_start(o, "notify") +
                     "its lock is not held; acquire the condition first, so that no waiter is "
                     "between looking and waiting");
  }
  at<kernel::Condition>(o).notify(n);
}

// ---- events ----------------------------------------------------------------------------------------------------------

bool Event::is_set() const {
  return at<kernel::Event>(object_of(object_, "is_set")).is_set();
}
void Event::set() const {
  at<kernel::Event>(object_of(object_, "set")).set();
}
void Event::clear() const {
  at<kernel::Event>(object_of(object_, "clear")).clear();
}
bool Event::wait(const Deadline& deadline) const {
  return at<kernel::Event>(acting_object_of(object_, "wait")).wait(deadline);
}

// ---- barriers --------------------------------------------------------------------------------------------------------

std::size_t Barrier::wait(const std::optional<Deadline>& given, const FunctionView<void()>* action) const {
  const SharedObject& o = acting_object_of(object_, "wait");
  const auto barrier = at<kernel::Barrier>(o);
  const bool has_action = (barrier.body().flags() & kernel::sync_flag::action) != 0;
  if (has_action && action == nullptr) {
    throw UsageError(
        message_start(o, "wait") +
        "it was made with an action, which this handle does not know, because it came out of a container, by name "
        "or from an archive; copy the handle it was made with");
  }
  const auto patience = barrier.patience();
  const Deadline deadline = given ? *given : patience ? deadline_in(*patience) : std::nullopt;
  const kernel::Barrier::Arrival arrival = barrier.arrive(has_action, deadline);
  if (arrival.broken) throw_broken(o);
  if (!arrival.last) {
    if (!barrier.await(arrival.ticket, deadline)) throw_broken(o);
    return static_cast<std::size_t>(arrival.index);
  }
  try {
    if (has_action) (*action)();
  } catch (...) {
    barrier.finish(arrival.ticket, true);
    throw;
  }
  if (!barrier.finish(arrival.ticket, false)) throw_broken(o);
  return static_cast<std::size_t>(arrival.index);
}

void Barrier::abort() const {
  at<kernel::Barrier>(object_of(object_, "abort")).abort();
}
void Barrier::reset() const {
  at<kernel::Barrier>(object_of(object_, "reset")).reset();
}
std::size_t Barrier::parties() const {
  return static_cast<std::size_t>(at<kernel::Barrier>(object_of(object_, "parties")).parties());
}
std::size_t Barrier::waiting() const {
  return static_cast<std::size_t>(at<kernel::Barrier>(object_of(object_, "n_waiting")).waiting());
}
bool Barrier::broken() const {
  return at<kernel::Barrier>(object_of(object_, "broken")).broken();
}

}  // namespace partage::engine
