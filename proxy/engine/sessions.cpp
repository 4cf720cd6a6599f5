#include "proxy/engine/sessions.hpp"

#include <pthread.h>

#include <cstdlib>
#include <map>

#include "manager/segment/mappings.hpp"
#include "manager/server/manager.hpp"

namespace partage::engine {

namespace {

struct Entry {
  const Session* session;
  std::weak_ptr<Session> pointer;
};

// Never destroyed: handles in static storage are released after any destructor that could stand here.
struct Table {
  std::mutex mutex;
  std::map<kernel::u64, Entry> by_segment;
  std::vector<SessionPtr> forking;  // held from before a fork to after it
  SessionPtr process_tree;          // as long as the process lives: others may come to it at any time
};
Table& table() {
  static auto* const t = new Table;
  return *t;
}

// At load time: a fork that finds a first session being made must wait for it too, or the child would find its locks
// taken for ever.
[[maybe_unused]] const int fork_handlers =
    (table(), pthread_atfork(Sessions::before_fork, Sessions::after_fork_in_parent, Sessions::after_fork_in_child));

/// Under the table's mutex.
void install_exit_handler() {
  static bool installed = false;
  if (!std::exchange(installed, true)) std::atexit(Sessions::at_exit);
}

/// The slots reserved for the child of this thread's last fork, until somebody tells its pid.
thread_local std::vector<std::pair<std::weak_ptr<Session>, kernel::ClientId>> just_reserved;

}  // namespace

SessionPtr Sessions::of(std::shared_ptr<kernel::Segment> segment) {
  const kernel::u64 id = segment->header().id;
  if (SessionPtr there = find(id)) {
    if (&there->segment() != segment.get() && segment->client_slot != 0) kernel::leave_segment(*segment);
    return there;
  }
  if (segment->client_slot == 0) kernel::join_segment(*segment);
  auto session = std::make_shared<Session>(std::move(segment));
  {
    const std::lock_guard guard(table().mutex);
    install_exit_handler();
    Entry& entry = table().by_segment[id];
    SessionPtr there = entry.pointer.lock();
    if (!there) {
      entry = {session.get(), session};
      return session;
    }
    std::swap(session, there);  // another thread was faster: ours leaves, outside the lock
    return session;
  }
}

// Under the table's mutex, so that one thread makes it and a fork comes before or after, never in between.
SessionPtr Sessions::process_tree() {
  const std::lock_guard guard(table().mutex);
  if (!table().process_tree) {
    install_exit_handler();
    auto session = std::make_shared<Session>(kernel::make_unmanaged_segment());
    table().by_segment[session->id()] = {session.get(), session};
    table().process_tree = std::move(session);
  }
  return table().process_tree;
}

SessionPtr Sessions::process_tree_if_any() {
  const std::lock_guard guard(table().mutex);
  return table().process_tree;
}

void Sessions::join_process_tree(kernel::MemoryObject object) {
  SessionPtr session = of(kernel::Segment::attach(std::move(object)));
  const std::lock_guard guard(table().mutex);
  if (!table().process_tree) table().process_tree = std::move(session);
}

SessionPtr Sessions::find(kernel::u64 segment_id) {
  const std::lock_guard guard(table().mutex);
  const auto it = table().by_segment.find(segment_id);
  return it == table().by_segment.end() ? nullptr : it->second.pointer.lock();
}

std::vector<SessionPtr> Sessions::all() {
  const std::lock_guard guard(table().mutex);
  std::vector<SessionPtr> out;
  for (const auto& [id, entry] : table().by_segment) {
    if (SessionPtr session = entry.pointer.lock()) out.push_back(std::move(session));
  }
  return out;
}

void Sessions::forget(const Session& session) noexcept {
  const std::lock_guard guard(table().mutex);
  const auto it = table().by_segment.find(session.id());
  if (it != table().by_segment.end() && it->second.session == &session) table().by_segment.erase(it);
}

SessionPtr Sessions::load(const SessionPtr& shared) {
  const std::lock_guard guard(table().mutex);
  return shared;
}

SessionPtr Sessions::take(SessionPtr& shared) {
  const std::lock_guard guard(table().mutex);
  return std::exchange(shared, nullptr);
}

// ---- fork -----------------------------------------------------------------------------------------------------------
// The table's mutex and those of all sessions are held across the fork, in the order of the segments' numbers, so that no
// reference comes or goes between the reservation of the child's slot and the fork, and the child finds every lock its
// own.

void Sessions::before_fork() noexcept {
  for (const SessionPtr& session : all()) session->look_for_dead({});
  std::vector<SessionPtr> sessions = all();  // one that comes now is not shared: its child registers by itself
  table().mutex.lock();
  table().forking = std::move(sessions);
  for (const SessionPtr& session : table().forking) session->before_fork();
  kernel::lock_mappings();
}

void Sessions::after_fork_in_parent() noexcept {
  kernel::unlock_mappings();
  std::vector<SessionPtr> sessions = std::move(table().forking);
  just_reserved.clear();
  for (const SessionPtr& session : sessions) {
    const kernel::ClientId slot = session->after_fork_in_parent();
    try {
      if (slot.slot != 0) just_reserved.emplace_back(session, slot);
    } catch (...) {  // no memory: nobody is told the child's pid
    }
  }
  table().mutex.unlock();
}

void Sessions::note_child(pid_t pid) noexcept {
  for (const auto& [session, slot] : std::exchange(just_reserved, {})) {
    if (const SessionPtr there = session.lock()) there->note_child(slot, pid);
  }
}

void Sessions::note_ended(std::span<const pid_t> children) noexcept {
  try {
    for (const SessionPtr& session : all()) session->look_for_dead(children);
  } catch (...) {  // no memory: the next look finds them
  }
}

void Sessions::after_fork_in_child() noexcept {
  kernel::unlock_mappings();
  just_reserved.clear();
  std::vector<SessionPtr> sessions = std::move(table().forking);
  for (const SessionPtr& session : sessions) session->after_fork_in_child();
  table().mutex.unlock();
}

void Sessions::at_exit() noexcept {
  for (const SessionPtr& session : all()) session->leave(true);
}

}  // namespace partage::engine
