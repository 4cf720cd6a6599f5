// The sessions of this process, by segment: one mapping and one client slot per segment, whoever asks.
//
// Handlers are installed for fork, at load time, and by the first session for the orderly end of the process, in which the
// client slot is given back; a process that dies is reaped by the manager, or where there is none by the others.
// Thread safety: full.
#pragma once

#include <span>
#include <vector>

#include "proxy/engine/session.hpp"

namespace partage::engine {

class Sessions {
 public:
  /// The session of this segment, attached. If there is one already, `segment` is left again and not used.
  static SessionPtr of(std::shared_ptr<kernel::Segment> segment);
  /// nullptr: this process is not attached to that segment.
  static SessionPtr find(kernel::u64 segment_id);
  static std::vector<SessionPtr> all();
  /// This thread's last fork made process `pid`: should it die before it adopts its slots, they are taken back at once.
  /// Negative: the fork failed.
  static void note_child(pid_t pid) noexcept;
  /// These children of this process have ended.
  static void note_ended(std::span<const pid_t> children) noexcept;
  /// The session of the process tree, made by the first call (engine/process_tree.hpp).
  static SessionPtr process_tree();
  /// nullptr: it was not made yet.
  static SessionPtr process_tree_if_any();
  /// In a process that runs the program anew: its parent's segment is its process tree too.
  static void join_process_tree(kernel::MemoryObject object);
  static void forget(const Session& session) noexcept;
  /// Copies, or takes out, a pointer that other threads use at the same time. Safe across fork.
  static SessionPtr load(const SessionPtr& shared);
  static SessionPtr take(SessionPtr& shared);

  // Handlers.
  static void before_fork() noexcept;
  static void after_fork_in_parent() noexcept;
  static void after_fork_in_child() noexcept;
  static void at_exit() noexcept;
};

}  // namespace partage::engine
