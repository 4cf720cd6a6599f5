// clean: removes the named segments whose processes are all gone.
//
// It takes the service lock, as a manager would, so that nobody adopts the segment meanwhile, gives back what the dead
// held, and ends the segment in the one step in which nobody can attach.
// A message queue is no leftover: its messages wait for whoever opens it next. It is removed when it is named and no living
// process has it open.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <partage/error.hpp>
#include <thread>

#include "manager/registry/reap.hpp"
#include "manager/registry/service.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/shell_word.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;

class ServiceLock {
 public:
  explicit ServiceLock(kernel::Segment& segment) : mutex_(segment.header().service) {
    switch (mutex_.try_acquire()) {
      case kernel::Acquired::busy:
        return;
      case kernel::Acquired::owner_died:
        mutex_.mark_consistent();
        [[fallthrough]];
      case kernel::Acquired::clean:
        held_ = true;
    }
  }
  ServiceLock(const ServiceLock&) = delete;
  ServiceLock& operator=(const ServiceLock&) = delete;
  ~ServiceLock() {
    if (held_) mutex_.release();
  }
  bool held() const { return held_; }

 private:
  kernel::RobustMutex& mutex_;
  bool held_ = false;
};

bool all_are_dead(kernel::Segment& segment) {
  const kernel::Clients clients(segment);
  return std::ranges::all_of(clients.list(), [&](const kernel::ClientInfo& c) { return clients.is_dead(c); });
}

/// A child may be about to take over what its dead parent has reserved for it.
bool has_orphans(kernel::Segment& segment) {
  const kernel::Clients clients(segment);
  return std::ranges::any_of(clients.list(), [&](const kernel::ClientInfo& c) { return clients.is_orphan(c); });
}

std::string processes_in(kernel::Segment& segment) {
  const kernel::Clients clients(segment);
  const auto n = std::ranges::count_if(clients.list(), [&](const kernel::ClientInfo& c) {
    return c.state != kernel::ClientState::transit && !clients.is_dead(c);
  });
  return n == 1 ? "1 process" : std::to_string(n) + " processes";
}

/// Ends the segment if everybody is dead.
bool end_if_deserted(kernel::Segment& segment) {
  kernel::Clients clients(segment);
  if (!all_are_dead(segment)) return false;
  try {
    kernel::reap_all_dead(segment, kernel::Orphans::take);
    return clients.shut_down_if_deserted();
  } catch (const Error&) {  // too damaged to be taken apart, or no memory for it: it goes as a whole
    segment.shut_down();
    return true;
  }
}

/// "" when it was removed, else why not.
std::string remove(const std::string& name, bool was_named) {
  const auto segment = look_at_file(name);
  const Service service = service_of(*segment);
  const bool queue = service == Service::queue;
  if (service == Service::serving) {
    return "process " + std::to_string(kernel::manager_pid(*segment)) + " serves it";
  }
  if (queue && !was_named) return "it is a message queue; `partage clean " + shell_word(name) + "` removes it";
  if (service == Service::ended && kernel::is_manager_alive(*segment)) return "its manager is just ending";
  if (service != Service::ended) {
    if (has_orphans(*segment)) std::this_thread::sleep_for(kernel::orphan_grace);
    const ServiceLock lock(*segment);
    if (!lock.held()) return queue ? "somebody is just removing it" : "a manager is just taking it over";
    if (segment->live() && !end_if_deserted(*segment)) {
      if (kernel::Clients(*segment).count_processes() == 0)
        return "its manager died, but handles of its objects are in the messages of open connections";
      return (queue ? "opened by " : "its manager died, but it is used by ") + processes_in(*segment);
    }
  }
  if (segment->object().is_published_as(name)) kernel::MemoryObject::unpublish(name);
  return "";
}

std::string kept_for(const std::string& what, const std::string& reason) {
  return "partage: " + what + " is kept: " + reason;
}

}  // namespace

void clean(const std::vector<std::string>& given, bool as_json) {
  std::vector<std::string> names;
  names.reserve(given.size());
  for (const std::string& name : given) names.push_back(name_in(name));
  if (given.empty()) names = published_names();

  json::array removed, kept;
  std::vector<Failure> failures;
  for (const std::string& name : names) {
    Failure why{Exit::failed, ""};
    std::string reason;
    try {
      reason = remove(name, !given.empty());
      why.sentence = kept_for("'" + name + "'", reason);
    } catch (const Failure& e) {
      if (given.empty()) continue;  // gone since the directory was read
      why = e;
      reason = without_prefix(e.sentence);
    } catch (const Error& e) {
      reason = without_prefix(e.what());
      why.sentence = kept_for("/dev/shm/partage." + name, reason);
      if (given.empty()) std::cerr << harmless(why.sentence) << '\n';
    }
    if (reason.empty()) {
      removed.push_back(schema::name_json(name));
      if (!as_json) std::cout << "removed " << harmless(name) << std::endl;
      continue;
    }
    kept.push_back(json::object{{"name", schema::name_json(name)}, {"reason", harmless(reason)}});
    if (!given.empty()) failures.push_back(std::move(why));
  }
  if (as_json) std::cout << schema::compact(json::object{{"removed", removed}, {"kept", kept}}) << '\n';
  if (failures.empty()) return;
  // What is kept is worse than what was not there. The last sentence is for main().
  std::ranges::stable_sort(failures, {}, [](const Failure& f) { return f.code != Exit::not_found; });
  for (std::size_t i = 0; i + 1 < failures.size(); ++i) std::cerr << harmless(failures[i].sentence) << '\n';
  throw failures.back();
}

}  // namespace partage::tool
