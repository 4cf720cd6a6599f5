// The life of a manager process as its users steer it: start, join, leave, stop. What the proxies call.
//
//   private segment    auto segment = make_segment(size);  start_manager(*segment, {});  ...  stop_manager(*segment);
//   named              make_segment(size, "stock"), start_manager(), publish_segment()  ...  stop_manager()
//   somebody else's    auto segment = connect_segment("stock");  ...  leave_segment(*segment);
//   after its death    start_manager(*segment, {});  any attached process may: adopts, epoch + 1
//
// start_manager() forks. The manager is no child of the caller (a process in between is forked and gone), so loops over
// wait() do not wait for it, and it leaves no zombie. In the manager nothing of the caller runs on: it keeps the
// segment and its socket, closes all other descriptors, has /dev/null on 0 to 2, default signals, a session of its own,
// the directory "/", the name "partage: NAME", and ends with _exit().
//
// Errors: ConnectionError (with the manager's own reason), ManagerShutdown, OutOfMemory.
// Thread safety: any thread; calls for one segment one at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "manager/registry/registry.hpp"

namespace partage::kernel {

/// When a manager ends by itself.
enum class Lifetime : u64 {
  while_attached,  // when no process is attached any more
  until_told       // `partage serve`: on shutdown, SIGINT or SIGTERM
};

struct ManagerProcessOptions {
  Lifetime lifetime = Lifetime::while_attached;
  std::chrono::milliseconds start_timeout{10'000};
};

/// A fresh formatted segment to which this process is attached. Not published.
std::shared_ptr<Segment> make_segment(const Segment::Size& size, const std::string& name = {});
/// The same for a segment that no manager will ever serve: that of a process tree, or of a message queue.
std::shared_ptr<Segment> make_unmanaged_segment(const Segment::Size& size = {}, const std::string& name = {});
/// Attaches this process to a mapped segment, and tells its manager if there is one.
void join_segment(Segment& segment);
/// Maps the object behind a descriptor (consumed) and attaches this process.
std::shared_ptr<Segment> join_segment(MemoryObject object);
/// The published segment of that name ("name" or "shm://name") with a living manager, attached.
/// ConnectionError: there is none, or nobody serves it.
std::shared_ptr<Segment> connect_segment(const std::string& address);
/// The published segment of that name whose manager is dead and which was not shut down, attached; nullptr: there is
/// none. ConnectionError naming the manager when one serves it.
std::shared_ptr<Segment> orphaned_segment(const std::string& name);
/// Gives the segment its name. ConnectionError when the name is taken.
void publish_segment(const Segment& segment);
/// Gives up this process' slot with all it holds, and tells the manager. `ending`: this process, now; the manager sees that.
void leave_segment(Segment& segment, bool ending = false) noexcept;

/// Starts the manager process of a segment and waits until it serves. Returns its pid.
/// ConnectionError: it could not start, says why; or a manager serves already, says which.
pid_t start_manager(Segment& segment, const ManagerProcessOptions& options);
/// What somebody wants done around a service, in the thread of the manager. Each may be empty.
struct ServiceHooks {
  std::function<void()> ready{};   // it serves
  std::function<void()> ending{};  // it was told to end; all is as before. Throws nothing
  /// It has shut the segment down, and still has the name. False: what was to be kept is lost. Throws nothing.
  std::function<bool()> ended{};
};
/// Runs the manager in this thread, until it ends; SIGINT and SIGTERM are blocked in it from then on. For `partage
/// serve` and Server::serve_forever().
void serve(const Segment& segment, Lifetime lifetime, const ServiceHooks& hooks);
/// Asks the manager to end and waits for it. False: it is still there after `timeout`. ConnectionError: it refuses.
bool ask_manager_to_stop(const Segment& segment, std::chrono::milliseconds timeout);
/// Ends the manager of a segment: every later call on it throws ManagerShutdown, the name is gone, the process too (it
/// is killed if it does not answer). Without a manager it does the same by itself. Idempotent.
void stop_manager(Segment& segment) noexcept;

/// This thread is inside the fork of start_manager(): handlers of fork() have nothing to reserve or to adopt.
bool forking_manager() noexcept;

}  // namespace partage::kernel
