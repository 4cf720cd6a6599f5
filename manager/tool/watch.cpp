#include "manager/tool/watch.hpp"

#include "manager/registry/hosted.hpp"

namespace partage::tool {

namespace {

/// The first object that has `ref` as its companion.
const kernel::SeenObject* owner_of(const kernel::Observation& seen, ObjectRef ref) {
  for (const kernel::SeenObject& object : seen.objects) {
    if (object.companion == ref) return &object;
  }
  return nullptr;
}

std::string kind_and_name(const kernel::SeenObject& object) {
  const std::string name = object.name.empty() ? '#' + std::to_string(object.ref) : '\'' + object.name + '\'';
  return std::string(kernel::name_of(object.kind)) + ' ' + name;
}

}  // namespace

std::string Watch::name_of(ObjectRef ref) const {
  if (ref == 0) return {};
  const kernel::SeenObject* object = seen.find(ref);
  if (object == nullptr) return '#' + std::to_string(ref);
  const kernel::SeenObject* owner = object->name.empty() ? owner_of(seen, ref) : nullptr;
  if (owner != nullptr) return std::string(kernel::name_of(object->kind)) + " of " + kind_and_name(*owner);
  return kind_and_name(*object);
}

std::string Watch::name_of(const kernel::SeenInternal& lock) const {
  return lock.object != 0 ? "the " + lock.what + " of " + name_of(lock.object) : "the " + lock.what;
}

const ProcessFacts& Watch::process(pid_t pid) const {
  static const ProcessFacts nobody;
  const auto it = processes.find(pid);
  return it == processes.end() ? nobody : it->second;
}

double Watch::seconds_since(const kernel::SeenWait& wait) const {
  return wait.since && *wait.since < at ? std::chrono::duration<double>(at - *wait.since).count() : 0;
}

std::vector<BlockedThread> Watch::blocked() const {
  std::vector<BlockedThread> waits;
  for (const kernel::SeenWait& wait : seen.waits) {
    BlockedThread blocked{wait.pid, wait.thread, name_of(wait.object), {}, wait.timed};
    const kernel::SeenObject* object = seen.find(wait.object);
    if (object != nullptr && *wait.reason == '\0') {
      for (const kernel::SeenHolder& h : object->holders) blocked.holders.push_back({h.pid, h.thread});
    }
    waits.push_back(std::move(blocked));
  }
  return waits;
}

std::map<pid_t, std::size_t> Watch::threads() const {
  std::map<pid_t, std::size_t> counts;
  for (const auto& [pid, facts] : processes) counts[pid] = facts.threads;
  return counts;
}

Watch watch(kernel::Segment& segment) {
  Watch result;
  result.seen = kernel::observe(segment);
  result.at = kernel::Clock::now();
  const auto add = [&](pid_t pid) {
    if (pid > 0 && !result.processes.contains(pid)) result.processes[pid] = process_facts(pid);
  };
  for (const kernel::SeenClient& client : result.seen.clients) add(client.process.pid);
  for (const kernel::SeenWait& wait : result.seen.waits) add(wait.thread);
  for (const kernel::SeenInternal& lock : result.seen.internals) add(lock.thread);
  return result;
}

}  // namespace partage::tool
