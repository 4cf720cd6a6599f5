// The connections of the control socket: accepts them, judges peers and messages, and hands on what was asked for.
//
// A peer can neither make the manager wait nor take its descriptors away: everything is non-blocking, at most `most`
// connections stand at a time (the oldest goes), and one that says nothing is closed after `idle`. One that never stops
// talking, or connecting, is heard `at_once` messages at a time, and then it is the turn of the others.
//
// In the epoll instance the listening socket has `listener_data`, connections have their descriptor +
// `connection_data`.
// Thread safety: none; the manager's loop owns it.
#pragma once

#include <chrono>
#include <vector>

#include "manager/server/control.hpp"

namespace partage::kernel {

class Connections {
 public:
  static constexpr u64 listener_data = u64{1} << 32, connection_data = u64{2} << 32;
  static constexpr std::size_t most = 64;
  static constexpr std::size_t at_once = 64;
  static constexpr std::chrono::seconds idle{2};

  /// Opens the control socket. Throws ConnectionError.
  Connections(Segment& segment, int epoll);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections();

  /// What the events since the last take() have asked for.
  struct Wishes {
    bool look = false;
    bool shutdown = false;
  };
  Wishes take() noexcept { return std::exchange(wishes_, {}); }

  void on_listener();
  void on_connection(int fd);
  /// Closes the idle ones; listens again if there were no descriptors.
  void on_tick();
  /// Tells those who have asked for the end that it has come. `kept`: nothing was lost.
  void tell_end(bool kept);

 private:
  struct Connection {
    int fd;
    Clock::time_point since;
    bool wants_end = false;  // it has asked for it
  };
  void listen(bool on) noexcept;
  void admit(int fd);
  void close_at(std::size_t i) noexcept;
  bool answer(int fd, ControlKind kind, u64 value) noexcept;

  Segment& segment_;
  int epoll_;
  int listener_;
  bool listening_ = false;
  std::vector<Connection> open_;  // oldest first
  Wishes wishes_;
};

}  // namespace partage::kernel
