#include <partage/server.hpp>

#include <partage/error.hpp>

#include "manager/server/control.hpp"
#include "manager/server/named.hpp"

namespace partage {

struct Server::Impl {
  std::string name;
  std::shared_ptr<kernel::Segment> segment;

  ~Impl() {
    if (segment) kernel::leave_segment(*segment);
  }
};

Server::Server(ManagerOptions options) : impl_(std::make_unique<Impl>()) {
  if (options.name.empty()) {
    throw ValueError(
        "partage: a Server needs a name by which others find it: Server({.name = \"...\"}); a manager without one "
        "is a Manager");
  }
  impl_->segment = kernel::segment_to_serve(options.name, {options.initial_size, options.max_size});
  impl_->name = std::move(options.name);
}

Server::Server(Server&& other) noexcept = default;
Server& Server::operator=(Server&& other) noexcept = default;

Server::~Server() = default;

void Server::serve_forever() {
  kernel::serve_named(*impl_->segment, {});
}

bool Server::stop() {
  constexpr std::chrono::seconds long_enough{1};
  return kernel::ask(*impl_->segment, kernel::ControlKind::shutdown, long_enough).has_value();
}

std::string Server::address() const {
  return "shm://" + impl_->name;
}

}  // namespace partage
