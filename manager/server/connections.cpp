#include "manager/server/connections.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace partage::kernel {

Connections::Connections(Segment& segment, int epoll)
    : segment_(segment), epoll_(epoll), listener_(open_control_socket(segment)) {
  open_.reserve(most + 1);
  listen(true);
}

Connections::~Connections() {
  for (const Connection& c : open_) ::close(c.fd);
  ::close(listener_);
}

void Connections::listen(bool on) noexcept {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = listener_data;
  if (on != listening_) ::epoll_ctl(epoll_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener_, &event);
  listening_ = on;
}

void Connections::on_listener() {
  for (std::size_t i = 0; i < at_once; ++i) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      admit(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // No descriptor left: give up a connection for the new one, or else come back at the next tick.
      if (open_.empty()) return listen(false);
      close_at(0);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void Connections::admit(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != ::geteuid()) {
    answer(fd, ControlKind::refused, static_cast<u64>(RefusedReason::other_user));
  } else if (peer.pid == 0) {
    answer(fd, ControlKind::refused, static_cast<u64>(RefusedReason::other_namespace));
  } else {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = connection_data + static_cast<u64>(fd);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) {
      open_.push_back({fd, Clock::now()});
      on_connection(fd);  // most have said what they want by now
      if (open_.size() > most) close_at(0);
      return;
    }
  }
  ::close(fd);
}

void Connections::close_at(std::size_t i) noexcept {
  ::close(open_[i].fd);
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
}

bool Connections::answer(int fd, ControlKind kind, u64 value) noexcept {
  ControlMessage message;
  message.kind = kind;
  message.segment = segment_.header().id;
  message.value = value;
  return ::send(fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
}

void Connections::on_connection(int fd) {
  const auto at = std::ranges::find(open_, fd, &Connection::fd);
  if (at == open_.end()) return;
  for (std::size_t i = 0; i < at_once; ++i) {
    ControlMessage message;
    const ssize_t n = ::recv(fd, &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    bool good = n == sizeof message && is_right(message, segment_);
    if (good) {
      switch (message.kind) {
        case ControlKind::look:
          wishes_.look = true;
          break;
        case ControlKind::ping:
          good = answer(fd, ControlKind::pong, static_cast<u64>(::getpid()));
          break;
        case ControlKind::shutdown:
          wishes_.shutdown = at->wants_end = true;
          good = answer(fd, ControlKind::pong, static_cast<u64>(::getpid()));
          break;
        default:
          good = false;
      }
    }
    if (!good) {
      close_at(static_cast<std::size_t>(at - open_.begin()));
      return;
    }
  }
}

void Connections::tell_end(bool kept) {
  on_listener();  // who has come since
  for (const Connection& c : open_) {
    if (c.wants_end) answer(c.fd, ControlKind::ended, kept ? 0 : 1);
  }
}

void Connections::on_tick() {
  const auto since = Clock::now() - idle;
  while (!open_.empty() && open_[0].since < since) close_at(0);
  listen(true);
}

}  // namespace partage::kernel
