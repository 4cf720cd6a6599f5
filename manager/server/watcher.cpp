#include "manager/server/watcher.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>

namespace partage::kernel {
namespace {

/// Descriptors left for connections, and for looking into /proc: without them the manager would be deaf.
constexpr int spare_descriptors = 12;

bool leaves_room(int fd) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  return static_cast<rlim_t>(fd) + spare_descriptors < limit.rlim_cur;
}

}  // namespace

bool Watcher::examine(const ClientInfo& client, bool thorough) {
  Watch& watch = watches_[client.id.slot];
  const Clients clients(segment_);
  if (client.state == ClientState::transit) return clients.is_dead(client);  // no descriptor tells its end
  if (client.process.pid == 0) {
    if (!clients.is_orphan(client)) return false;
    const auto now = Clock::now();
    if (!watch.orphan_since) watch.orphan_since = now;
    const auto due = *watch.orphan_since + orphan_grace;
    if (now >= due) return true;
    orphans_due_ = orphans_due_ ? std::min(*orphans_due_, due) : due;
    return false;
  }
  watch.orphan_since.reset();
  if (watch.pid != client.process.pid || !watch.process.valid()) {
    watch.pid = client.process.pid;
    watch.process = Pidfd(client.process);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = client.id.slot;
    if (watch.process.valid() && leaves_room(watch.process.fd()) &&
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, watch.process.fd(), &event) == 0)
      return false;
    watch.process = Pidfd();
    return clients.is_dead(client);
  }
  return watch.process.wait(0) || (thorough && clients.is_dead(client));
}

std::vector<ClientId> Watcher::look(bool thorough) {
  std::vector<ClientId> dead;
  std::array<bool, client_slots> taken{};
  orphans_due_.reset();
  for (const ClientInfo& client : Clients(segment_).list()) {
    const u32 slot = client.id.slot;
    taken[slot] = true;
    if (watches_[slot].generation != client.id.generation) watches_[slot] = {client.id.generation, 0, Pidfd(), {}};
    if (examine(client, thorough)) dead.push_back(client.id);
  }
  for (u32 slot = 0; slot < client_slots; ++slot) {
    if (!taken[slot]) watches_[slot] = {};  // closing the descriptor takes it out of the epoll instance
  }
  return dead;
}

}  // namespace partage::kernel
