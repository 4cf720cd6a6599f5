#include <partage/manager.hpp>

#include <unistd.h>

#include <cstdio>
#include <partage/error.hpp>

#include "manager/platform/log.hpp"
#include "manager/registry/registry.hpp"
#include "manager/server/manager.hpp"
#include "proxy/engine/sessions.hpp"

namespace partage {

struct Manager::Impl {
  engine::SessionPtr session;  // nullptr after shutdown()
  pid_t starter = 0;           // the process whose shutdown() ends the manager; 0: connected

  // Under the lock of Sessions, which nobody holds in a forked child; one of our own might be held there for ever.
  engine::SessionPtr get() const { return engine::Sessions::load(session); }
};

namespace {

void note_manager(LogLevel level, const char* before, const kernel::Segment& segment, const char* after,
                  pid_t pid = 0) {
  const char* const name = segment.header().name;
  const bool named = *name != 0;
  if (pid == 0) {
    kernel::log::note(level, before, named ? " '" : " without a name", name, named ? "'" : "", after);
  } else {
    kernel::log::note(level, before, named ? " '" : " without a name", name, named ? "'" : "", after, pid);
  }
}
void note_successor(const kernel::Segment& segment, pid_t pid) {
  note_manager(LogLevel::warning, "the manager", segment, " had died; what it left is taken over by process ", pid);
}

std::shared_ptr<kernel::Segment> start(const ManagerOptions& options) {
  const kernel::ManagerProcessOptions process{};
  if (options.name.empty()) {
    auto segment = kernel::make_segment({options.initial_size, options.max_size});
    kernel::start_manager(*segment, process);
    return segment;
  }
  if (auto segment = kernel::orphaned_segment(options.name)) {
    kernel::start_manager(*segment, process);
    return segment;
  }
  auto segment = kernel::make_segment({options.initial_size, options.max_size}, options.name);
  kernel::start_manager(*segment, process);
  try {
    kernel::publish_segment(*segment);
  } catch (...) {
    kernel::stop_manager(*segment);
    throw;
  }
  return segment;
}

}  // namespace

Manager::Manager() : Manager(ManagerOptions{}) {}

Manager::Manager(const ManagerOptions& options) : impl_(std::make_unique<Impl>()) {
  auto segment = start(options);
  if (const pid_t pid = kernel::manager_pid(*segment); kernel::manager_epoch(*segment) > 1) {
    note_successor(*segment, pid);
  } else {
    note_manager(LogLevel::info, "the manager", *segment, " was started; it is process ", pid);
  }
  segment->operation_timeout = options.operation_timeout;
  impl_->session = engine::Sessions::of(std::move(segment));
  impl_->starter = getpid();
}

Manager::Manager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Manager Manager::connect(const std::string& address) {
  auto impl = std::make_unique<Impl>();
  impl->session = engine::Sessions::of(kernel::connect_segment(address));
  const kernel::Segment& segment = impl->session->segment();
  note_manager(LogLevel::info, "connected to the manager", segment, ", process ", kernel::manager_pid(segment));
  return Manager(std::move(impl));
}

Manager::Manager(Manager&& other) noexcept = default;

Manager& Manager::operator=(Manager&& other) noexcept {
  if (this != &other) {
    shutdown();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Manager::~Manager() {
  shutdown();
}

void Manager::shutdown() {
  if (!impl_) return;
  const engine::SessionPtr session = engine::Sessions::take(impl_->session);
  if (!session || impl_->starter != getpid()) return;
  kernel::stop_manager(session->segment());
  note_manager(LogLevel::info, "the manager", session->segment(), " was stopped");
}

void Manager::restart() {
  const engine::SessionPtr session = this->session("restart");
  note_successor(session->segment(), kernel::start_manager(session->segment(), {}));
}

std::string Manager::address() const {
  const engine::SessionPtr session = this->session("address");
  const std::string name = session->segment().header().name;
  if (!name.empty()) return "shm://" + name;
  char text[32];
  std::snprintf(text, sizeof text, "private://%016llx", static_cast<unsigned long long>(session->id()));
  return text;
}

pid_t Manager::pid() const {
  return kernel::manager_pid(session("pid")->segment());
}

bool Manager::is_alive() const {
  const engine::SessionPtr session = impl_ ? impl_->get() : nullptr;
  return session && session->segment().live() && kernel::is_manager_alive(session->segment());
}

void Manager::remove(const std::string& name) const {
  const engine::SessionPtr session = this->session("remove");
  const bool there = kernel::Registry(session->segment()).remove(name);
  engine::collect_garbage(*session);
  if (!there) {
    throw KeyError("partage: manager " + address() + ": remove: there is no object named '" + name +
                   "'; objects() lists all");
  }
}

std::vector<ObjectInfo> Manager::objects() const {
  const engine::SessionPtr session = this->session("objects");
  return kernel::Registry(session->segment()).objects();
}

SegmentManager* Manager::segment_manager() const {
  return session("segment_manager")->segment().manager();
}

engine::SessionPtr Manager::session(const char* operation) const {
  engine::SessionPtr session = impl_ ? impl_->get() : nullptr;
  if (!session || !session->segment().live()) {
    throw ManagerShutdown(std::string("partage: a manager that was shut down: ") + operation +
                          "(): nothing can be done with it any more; start a new one, or connect() again");
  }
  return session;
}

}  // namespace partage
