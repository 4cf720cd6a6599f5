#include "manager/registry/service.hpp"

#include <partage/error.hpp>
#include <string>

namespace partage::kernel {
namespace {

std::string manager_of(const Segment& segment) {
  const char* name = segment.header().name;
  return *name != 0 ? "the manager '" + std::string(name) + "'" : std::string("the manager");
}

}  // namespace

void require_live(const Segment& segment, const char* call) {
  if (segment.live()) return;
  throw ManagerShutdown("partage: " + std::string(call) + ": " + manager_of(segment) +
                        " was shut down; create a new one");
}

void require_manager(const Segment& segment, const char* call) {
  require_live(segment, call);
  if (is_manager_alive(segment)) return;
  throw ManagerLost("partage: " + std::string(call) + " needs " + manager_of(segment) + ", whose process (pid " +
                    std::to_string(segment.header().manager_pid.load()) +
                    ") has died; existing objects go on working, restart() brings a new one");
}

}  // namespace partage::kernel
