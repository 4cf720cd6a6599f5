// A session: this process attached to one segment. It owns the mapping and the client slot, and knows every object that
// a handle of this process refers to.
//
// One holder bit per process and object, however many handles there are: the first handle acquires it, the last one
// gives it up. Three races are settled here:
//   - a last handle goes while another thread finds the object again: both under the mutex, the count is only taken to
//     zero and the bit only cleared while it is held;
//   - a reference that was read out of a container may be of an object that has gone by now: adopt() says so, and the
//     caller reads again;
//   - pop() hands an element's references over to this process in its own commit, and they are adopted only after it.
//     While such an operation runs (HandOver), an object whose last handle goes stays in the table as idle; the last
//     one to end sweeps: it gives up those that are idle still. The same holds while user code of modify() runs, which
//     must not collect garbage under a lock; modify() sweeps when it has ended, whatever sessions its handles were of.
//
// Lock order: container stripes, then the session's mutex, then registry stripes. Nothing waits for a container under
// it.
// Fork: the child gets a client slot with everything its parent held, reserved before the fork (session_fork.cpp).
// Thread safety: every member may be called by any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <partage/bytes.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/segment/segment.hpp"

namespace partage::engine {

/// A LocalObject with what the engine needs for a call: no look-up, no virtual function.
struct SharedObject : LocalObject {
  SessionPtr session;
  kernel::Segment* segment =
      nullptr;                // nullptr, and base too: it went away before this process could hold it (notice_fork)
  std::byte* base = nullptr;  // of the mapping, where the segment's header is
  kernel::u64 body = 0;
  kernel::ObjectKind kind{};
  bool handles_inside = false;  // its elements may be handles

  const kernel::SegmentHeader& header() const noexcept { return *reinterpret_cast<kernel::SegmentHeader*>(base); }
  template <class Body>
  Body& body_as() const noexcept {
    return *reinterpret_cast<Body*>(base + body);
  }
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Of a segment with the client slot of this process; sessions.hpp makes and finds them.
  explicit Session(std::shared_ptr<kernel::Segment> segment);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  kernel::Segment& segment() const noexcept { return *segment_; }
  const std::shared_ptr<kernel::Segment>& segment_ptr() const noexcept { return segment_; }
  kernel::u64 id() const noexcept { return segment_->header().id; }
  kernel::u64 client_slot() const noexcept { return segment_->client_slot; }

  /// A handle to an object that this process has just read a reference of; empty: it has gone.
  ObjectPtr adopt(ObjectRef ref);
  /// All of them or, when one has gone, none and false.
  bool adopt(std::span<const ObjectRef> refs, std::vector<ObjectPtr>& out);
  /// One handle less; it may be the last one.
  void release(SharedObject* object) noexcept;
  /// Holds the object until this process ends.
  void hold_for_ever(const ObjectPtr& object);

  /// Scope of an operation that hands references over to this process; adopt them within.
  class HandOver {
   public:
    explicit HandOver(Session& session);
    ~HandOver();
    HandOver(const HandOver&) = delete;
    HandOver& operator=(const HandOver&) = delete;

   private:
    Session& session_;
  };
  /// Gives up objects that have no handle left but could not be given up at that moment; ends objects that died.
  void sweep() noexcept;
  void sweep_if_needed() noexcept {
    if (idle_.load(std::memory_order_relaxed)) sweep();
  }
  /// Sweeps every session if a last handle went while this thread ran user code.
  static void sweep_after_user_code() noexcept;

  // ---- fork and exit (session_fork.cpp); Sessions calls them in this order ---------------------------------------

  void before_fork() noexcept;  ///< locks, and reserves what the child will hold
  /// The slot that was reserved for the child.
  kernel::ClientId after_fork_in_parent() noexcept;
  void note_child(kernel::ClientId slot, pid_t pid) noexcept;
  void after_fork_in_child() noexcept;
  /// A child that fork handlers did not see (_Fork, clone) registers here, before its references change.
  void notice_fork() noexcept;
  /// Where no manager watches the clients (the process tree, a dead manager): takes back what dead ones held. Those with
  /// the given pids, and all others unless they were looked at just now (session_reap.cpp).
  void look_for_dead(std::span<const pid_t> ended) noexcept;
  /// Gives up everything this process holds. Its handles can still be destroyed, no more.
  void leave(bool ending = false) noexcept;

 private:
  ObjectPtr adopt_locked(ObjectRef ref);
  /// True: it died of that.
  bool give_up_locked(SharedObject* object) noexcept;
  void register_again() noexcept;
  void release_unknown() noexcept;
  void forget_stale_reservations(std::chrono::milliseconds patience) noexcept;

  struct Reservation {
    kernel::ClientId slot;
    std::chrono::steady_clock::time_point when;
  };

  std::shared_ptr<kernel::Segment> segment_;
  kernel::Objects objects_;
  std::mutex mutex_;
  std::unordered_map<ObjectRef, SharedObject*> table_;
  std::unordered_map<ObjectRef, ObjectPtr> held_for_ever_;
  std::vector<ObjectRef> idle_refs_;
  unsigned hand_overs_ = 0;
  std::atomic<bool> idle_{false};
  std::atomic<bool> left_{false};
  std::uint64_t epoch_;          // process_epoch() of the process whose client slot the segment names
  kernel::ClientId child_slot_;  // reserved for the child of the fork that is going on
  std::vector<Reservation> reservations_;
  std::chrono::steady_clock::time_point looked_for_dead_{};
  std::vector<Reservation> orphans_;  // reserved slots whose reserver is dead, and when that was seen first
};

/// After an operation that may have dropped references: takes what died to pieces.
void collect_garbage(Session& session) noexcept;

std::string describe(const SharedObject& object);
/// Name and type as the registry has them.
std::string name_of(const SharedObject& object);
std::string type_of(const SharedObject& object);

}  // namespace partage::engine
