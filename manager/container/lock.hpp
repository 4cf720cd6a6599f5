// A lock between processes that passes on when its holder dies: Lock and RLock at the byte level.
//
// The holder is a process, written down as a ClientId: any thread of any process may release a Lock, as in Python, so it cannot
// be a lock of the kernel's. An RLock also knows the thread and how often it was taken.
//
// Death: who finds the lock taken by a dead process takes it over. Its owner_died() is true once: the holder before died in the
// middle of what the lock guards. A holder that ended in an orderly way leaves the lock taken, as in Python.
// Crash: every operation is one commit; killed before it nothing has happened.
// Thread and process safety: full. Errors: UsageError inside modify(), ManagerShutdown, TimeoutError when the segment's own lock
// is held by a stopped process for longer than operation_timeout.
#pragma once

#include "manager/container/sync_body.hpp"

namespace partage::kernel {

class Lock : public SyncObject {
 public:
  using SyncObject::SyncObject;

  /// False: taken by another for all the time.
  bool acquire(const Deadline& deadline) const;
  /// False: it is not taken (an RLock: not by this thread).
  bool release() const;
  /// Somebody who lives, or left it so, has it.
  bool locked() const;
  /// The holder before this one died holding it. True once; for the process that has it.
  bool owner_died() const;
  /// Whether a wait for a condition may begin: this thread has the RLock, or somebody has the Lock.
  bool held_here() const;
  /// How often the thread has it, 0 = it is free; and who.
  u32 depth() const;
  /// nullopt: nobody.
  std::optional<ClientId> holder() const;

  /// Releases it however often it was taken; the number, for acquire_again(). Only while held_here().
  u32 release_all() const;
  void acquire_again(u32 depth) const;

  /// The client is dead and is forgotten; what it held passes on.
  void give_back(ClientId client) const;

 private:
  bool reentrant() const noexcept { return body().kind() == SyncKind::rlock; }
  bool take(Change& change, Waiting& waiting, u32 depth) const;
};

}  // namespace partage::kernel
