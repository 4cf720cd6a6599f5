// The manager process at work: one thread, one epoll instance.
//
//   a pidfd becomes readable      its client is reaped, within milliseconds
//   a message arrives             a client slot has changed: look at all; or: answer; or: end
//   a signal arrives              SIGTERM (and SIGINT where the process is `until_told`): end
//   every second                  the net under all that: look at everything, sweep, try again what could not be done
//
// Making one takes the service lock (header().service) and with it the segment: a segment whose manager died is adopted
// the same way. Everything is repaired, dead clients are reaped, the epoch grows by one. Data operations of clients go
// on meanwhile.
//
// Waiting. The segment is the loop's own mapping: operation_timeout is set on it. The manager waits for no lock longer
// than `patience`: a stopped client may hold one. What it could not do then it tries again at the next tick; nothing of
// it is lost, because it is written in the segment.
//
// Crash: the kernel marks the service lock; whoever asks sees it (registry/service.hpp). The next manager adopts the
// segment.
// Errors: the constructor throws ConnectionError (a manager serves already: names it), ManagerShutdown. run()
// throws nothing.
// Thread safety: none; one thread makes it, runs it and ends it, because the lock is that thread's.
#pragma once

#include <memory>

#include "manager/server/chronicle.hpp"
#include "manager/server/connections.hpp"
#include "manager/server/manager.hpp"
#include "manager/server/watcher.hpp"

namespace partage::kernel {

class ManagerLoop {
 public:
  static constexpr std::chrono::milliseconds patience{200};
  static constexpr std::chrono::milliseconds tick{1000};

  /// Signals that end it are blocked in this thread as long as it lives.
  ManagerLoop(Segment& segment, Lifetime lifetime);
  ManagerLoop(const ManagerLoop&) = delete;
  ManagerLoop& operator=(const ManagerLoop&) = delete;
  ~ManagerLoop();

  /// Serves until told to end or, depending on the lifetime, until no process is attached. Then the segment is shut
  /// down and its name is gone.
  void run(const ServiceHooks& hooks = {});

 private:
  void take_service();
  void open_descriptors();
  void handle(u64 data);
  void look(bool thorough);
  void repair(RepairReport* report = nullptr);
  void end() noexcept;
  int milliseconds_to_next() const;

  Segment& segment_;
  Lifetime lifetime_;
  std::optional<std::chrono::milliseconds> former_timeout_;
  bool holds_service_ = false;
  int epoll_ = -1;
  int signals_ = -1;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Watcher> watcher_;
  Chronicle chronicle_;
  Clock::time_point next_tick_;
  bool repair_due_ = true;
  bool looks_ = false;           // a look is wanted
  bool thorough_ = false;        // and a thorough one
  const char* ended_ = nullptr;  // why
};

}  // namespace partage::kernel
