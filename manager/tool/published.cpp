#include "manager/tool/published.hpp"

#include <algorithm>
#include <filesystem>
#include <partage/error.hpp>

#include "manager/registry/clients.hpp"
#include "manager/registry/hosted.hpp"
#include "manager/registry/service.hpp"
#include "manager/segment/published.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/shell_word.hpp"

namespace partage::tool {

std::vector<std::string> published_names() {
  const std::filesystem::path pattern = kernel::path_of("x");  // "/dev/shm/partage.x"
  const std::string prefix = pattern.stem().string() + '.';
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(pattern.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().filename().string();
    if (file.starts_with(prefix) && file.size() > prefix.size()) names.push_back(file.substr(prefix.size()));
  }
  if (error) {
    throw Failure{Exit::failed, "partage: " + pattern.parent_path().string() + " cannot be read: " + error.message()};
  }
  std::ranges::sort(names);
  return names;
}

std::string name_in(const std::string& address) {
  constexpr std::string_view scheme = "shm://";
  std::string name = address.starts_with(scheme) ? address.substr(scheme.size()) : address;
  try {
    (void)kernel::path_of(name);
  } catch (const ValueError& e) {
    throw Failure{Exit::misused, static_cast<const Error&>(e).what()};
  }
  return name;
}

std::string naming(const std::string& name, const std::string& sentence) {
  const std::string path = kernel::path_of(name);
  if (sentence.find(path) != std::string::npos) return sentence;
  return "partage: " + path + ": " + without_prefix(sentence);
}

std::shared_ptr<kernel::Segment> look_at(const std::string& name) {
  try {
    return look_at_file(name);
  } catch (const ConnectionError& e) {
    throw ConnectionError(naming(name, static_cast<const Error&>(e).what()));
  }
}

std::shared_ptr<kernel::Segment> look_at_file(const std::string& name) {
  kernel::register_repairs();
  auto segment = kernel::attach_published(name);
  if (!segment) {
    throw Failure{Exit::not_found, "partage: there is no manager '" + name +
                                       "' on this machine; `partage ls` shows all, `partage serve " + shell_word(name) +
                                       "` starts it"};
  }
  segment->operation_timeout = patience;
  return segment;
}

std::shared_ptr<kernel::Segment> look_at_live(const std::string& name) {
  auto segment = look_at(name);
  if (segment->live()) return segment;
  throw Failure{Exit::not_found, "partage: the manager '" + name + "' has ended; its objects are gone"};
}

const char* word_for(Service service) noexcept {
  switch (service) {
    case Service::serving:
      return "serving";
    case Service::orphaned:
      return "orphaned";
    case Service::abandoned:
      return "abandoned";
    case Service::queue:
      return "queue";
    case Service::ended:
      return "ended";
  }
  return "";
}

Service service_of(kernel::Segment& segment) {
  if (!segment.live()) return Service::ended;
  if (kernel::is_manager_alive(segment)) return Service::serving;
  kernel::require_same_pid_namespace(segment);  // else nobody can say who lives
  if (segment.unmanaged()) return Service::queue;
  const kernel::Clients clients(segment);
  const auto all = clients.list();
  const bool deserted = std::ranges::all_of(all, [&](const kernel::ClientInfo& c) { return clients.is_dead(c); });
  return deserted ? Service::abandoned : Service::orphaned;
}

}  // namespace partage::tool
