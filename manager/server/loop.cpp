#include "manager/server/loop.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <partage/error.hpp>

#include "manager/registry/reap.hpp"

namespace partage::kernel {
namespace {

constexpr u64 signal_data = u64{3} << 32;

sigset_t ending_signals(Lifetime lifetime) noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  if (lifetime == Lifetime::until_told) sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

ManagerLoop::ManagerLoop(Segment& segment, Lifetime lifetime)
    : segment_(segment),
      lifetime_(lifetime),
      former_timeout_(segment.operation_timeout),
      chronicle_(segment),
      next_tick_(Clock::now() + tick) {
  try {
    register_repairs();
    require_same_pid_namespace(segment_);
    take_service();
    segment_.operation_timeout = patience;
    open_descriptors();
    RepairReport repaired;
    repair(&repaired);
    sweep(segment_);
    chronicle_.began(segment_.header().manager_epoch.load() > 1, repaired);
    look(true);
  } catch (...) {
    end();
    throw;
  }
}

ManagerLoop::~ManagerLoop() {
  end();
}

void ManagerLoop::take_service() {
  SegmentHeader& header = segment_.header();
  // A manager that was just killed may need a moment to be gone.
  switch (header.service.acquire(Clock::now() + patience)) {
    case Acquired::busy:
      throw ConnectionError("partage: the segment" +
                            (header.name[0] != 0 ? " '" + std::string(header.name) + "'" : "") +
                            " is served already, by process " + std::to_string(header.manager_pid.load()));
    case Acquired::owner_died:
      header.service.mark_consistent();
      [[fallthrough]];
    case Acquired::clean:
      holds_service_ = true;
  }
  require_live(segment_, "starting a manager");
  Log::decide(header.manager_pid, static_cast<u64>(::getpid()));
  Log::decide(header.manager_epoch, header.manager_epoch.load() + 1);
}

void ManagerLoop::open_descriptors() {
  const sigset_t set = ending_signals(lifetime_);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (epoll_ < 0 || signals_ < 0) {
    throw ConnectionError(std::string("partage: the manager cannot start: ") + std::strerror(errno) +
                          "; are there free file descriptors (ulimit -n)?");
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = signal_data;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, signals_, &event);
  connections_ = std::make_unique<Connections>(segment_, epoll_);
  watcher_ = std::make_unique<Watcher>(segment_, epoll_);
}

void ManagerLoop::end() noexcept {
  watcher_.reset();
  connections_.reset();
  if (signals_ >= 0) ::close(std::exchange(signals_, -1));
  if (epoll_ >= 0) ::close(std::exchange(epoll_, -1));
  segment_.operation_timeout = former_timeout_;
  if (std::exchange(holds_service_, false)) segment_.header().service.release();
}

int ManagerLoop::milliseconds_to_next() const {
  auto next = next_tick_;
  if (const auto orphans = watcher_->orphans_due()) next = std::min(next, *orphans);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, tick.count()));
}

void ManagerLoop::run(const ServiceHooks& hooks) {
  std::array<epoll_event, 64> events;
  while (!ended_) {
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds_to_next());
    for (int i = 0; i < n; ++i) handle(events[static_cast<std::size_t>(i)].data.u64);
    const Connections::Wishes wishes = connections_->take();
    looks_ = looks_ || wishes.look || n == 0;
    if (wishes.shutdown) ended_ = "it was told to end";
    if (Clock::now() >= next_tick_) {
      next_tick_ = Clock::now() + tick;
      connections_->on_tick();
      looks_ = thorough_ = true;
      if (repair_due_) repair();
      if (any_dying(segment_)) sweep(segment_);
    }
    if (looks_ && !ended_) look(std::exchange(thorough_, false));
    if (!segment_.live()) ended_ = "its owner has ended it";
  }
  if (hooks.ending) hooks.ending();
  // In this order: whoever finds the name finds a living segment, or else nobody can mistake it for an orphan.
  segment_.shut_down();
  const bool kept = !hooks.ended || hooks.ended();
  const std::string name = segment_.header().name;
  if (!name.empty() && segment_.object().is_published_as(name)) MemoryObject::unpublish(name);
  connections_->tell_end(kept);
  chronicle_.ended(ended_);
}

void ManagerLoop::handle(u64 data) {
  if (data == signal_data) {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == sizeof info) ended_ = "it got a signal";
  } else if (data == Connections::listener_data) {
    connections_->on_listener();
  } else if (data >= Connections::connection_data) {
    connections_->on_connection(static_cast<int>(data - Connections::connection_data));
  } else {
    looks_ = true;  // a client died
  }
}

void ManagerLoop::look(bool thorough) {
  looks_ = false;
  try {
    chronicle_.look();
    for (auto dead = watcher_->look(thorough); !dead.empty(); dead = watcher_->look(false)) {
      // Among the dead are orphans only when they were given their time.
      RepairReport repaired;
      const std::size_t reaped = reap(segment_, dead, Orphans::take, &repaired);
      chronicle_.reaped(dead, repaired);
      if (reaped == 0) break;
    }
    if (lifetime_ == Lifetime::while_attached && Clients(segment_).count() == 0) {
      if (Clients(segment_).shut_down_if_deserted()) ended_ = "no process is attached";
    }
  } catch (const std::exception& error) {  // a stopped process holds a lock, or no memory: the next tick tries again
    repair_due_ = true;
    chronicle_.put_off(error.what());
  }
}

void ManagerLoop::repair(RepairReport* report) {
  try {
    repair_everything(segment_, report);
    repair_due_ = false;
    chronicle_.caught_up();
  } catch (const Error& error) {  // as above
    repair_due_ = true;
    chronicle_.put_off(error.what());
  }
}

}  // namespace partage::kernel
