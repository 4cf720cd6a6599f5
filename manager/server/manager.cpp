#include "manager/server/manager.hpp"

#include <signal.h>
#include <unistd.h>

#include <partage/error.hpp>

#include "manager/segment/published.hpp"
#include "manager/server/control.hpp"
#include "manager/server/loop.hpp"

namespace partage::kernel {
namespace {

constexpr std::chrono::milliseconds answer_timeout{1000}, end_timeout{2000};

std::string name_in(const std::string& address) {
  constexpr std::string_view scheme = "shm://";
  return address.starts_with(scheme) ? address.substr(scheme.size()) : address;
}

/// A segment without a manager has a name only when it is that of a message queue (message_queues.hpp).
void refuse_message_queue(const Segment& segment, const std::string& name) {
  if (!segment.unmanaged()) return;
  throw ConnectionError("partage: '" + name + "' is a message queue and no manager; use MessageQueue::open() with " +
                        "what follows \"mq.\", or another name");
}

}  // namespace

std::shared_ptr<Segment> make_segment(const Segment::Size& size, const std::string& name) {
  auto segment = Segment::create(size, name);
  Registry::format(*segment);
  Clients(*segment).attach();
  return segment;
}

std::shared_ptr<Segment> make_unmanaged_segment(const Segment::Size& size, const std::string& name) {
  auto segment = Segment::create(size, name);
  segment->header().compat |= compat_unmanaged;  // nobody else has it yet
  Registry::format(*segment);
  Clients(*segment).attach();
  return segment;
}

void join_segment(Segment& segment) {
  register_repairs();
  const u64 slot = Clients(segment).attach();
  notify(segment, slot);
}

std::shared_ptr<Segment> join_segment(MemoryObject object) {
  auto segment = Segment::attach(std::move(object));
  join_segment(*segment);
  return segment;
}

std::shared_ptr<Segment> connect_segment(const std::string& address) {
  const std::string name = name_in(address);
  auto segment = attach_published(name);
  if (!segment) {
    throw ConnectionError("partage: nobody serves '" + name + "' on this machine; start it with Manager({.name = \"" +
                          name + "\"}) or `partage serve " + name + "`");
  }
  refuse_message_queue(*segment, name);
  if (!segment->live() || !is_manager_alive(*segment)) {
    throw ConnectionError("partage: the manager of '" + name + "' has died; Manager({.name = \"" + name +
                          "\"}) or `partage serve " + name + "` takes over what it left");
  }
  try {
    join_segment(*segment);
  } catch (const ManagerShutdown&) {  // this very moment
    throw ConnectionError("partage: the manager of '" + name + "' has just ended");
  }
  return segment;
}

std::shared_ptr<Segment> orphaned_segment(const std::string& name) {
  auto segment = attach_published(name);
  if (!segment) return nullptr;
  refuse_message_queue(*segment, name);
  if (segment->live() && is_manager_alive(*segment)) {
    throw ConnectionError("partage: '" + name + "' is served already, by process " +
                          std::to_string(segment->header().manager_pid.load()) + "; connect(\"" + name +
                          "\") to use it");
  }
  if (!segment->live() && is_manager_alive(*segment)) {
    throw ConnectionError("partage: the manager of '" + name + "', process " +
                          std::to_string(segment->header().manager_pid.load()) +
                          ", is just ending; try again when it has");
  }
  if (!segment->live()) {  // its manager died between the end and taking the name away
    if (segment->object().is_published_as(name)) MemoryObject::unpublish(name);
    return nullptr;
  }
  join_segment(*segment);
  return segment;
}

void publish_segment(const Segment& segment) {
  const std::string name = segment.header().name;
  if (segment.object().is_published_as(name) || segment.object().publish(name)) return;
  throw ConnectionError("partage: the name '" + name + "' was taken by another manager meanwhile; connect(\"" + name +
                        "\") to use that");
}

void leave_segment(Segment& segment, bool ending) noexcept {
  const u64 slot = segment.client_slot;
  if (slot == 0 || !segment.live()) return;
  try {
    if (ending && has_other_threads()) {
      Clients(segment).end();
    } else {
      Clients(segment).detach();
    }
  } catch (...) {  // a stopped process holds a lock longer than operation_timeout: the slot goes with this process
  }
  if (!ending) notify(segment, slot);
}

void serve(const Segment& segment, Lifetime lifetime, const ServiceHooks& hooks) {
  // A mapping of its own: the program may use the segment in other threads, with other patience.
  const auto own = Segment::attach(segment.object().duplicate());
  ManagerLoop loop(*own, lifetime);
  if (hooks.ready) hooks.ready();
  loop.run(hooks);
}

bool ask_manager_to_stop(const Segment& segment, std::chrono::milliseconds timeout) {
  if (manager_pid(segment) == 0) return true;
  const auto end = Clock::now() + timeout;
  const EndRequest request(segment, timeout);
  return request.wait(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()));
}

void stop_manager(Segment& segment) noexcept {
  try {
    if (!ask_manager_to_stop(segment, answer_timeout)) {
      // It is stopped or out of its mind. The word says who it is only as long as it lives, so look again.
      const pid_t pid = manager_pid(segment);
      const Pidfd manager(identity_of(pid));
      if (manager.valid() && manager_pid(segment) == pid && pid != ::getpid()) {
        manager.kill(SIGKILL);
        manager.wait(static_cast<int>(end_timeout.count()));
      }
    }
  } catch (...) {  // refused, or no memory: what follows needs neither
  }
  segment.shut_down();
  const char* name = segment.header().name;
  if (*name != 0 && segment.object().is_published_as(name)) MemoryObject::unpublish(name);
}

}  // namespace partage::kernel
