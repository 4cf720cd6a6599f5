#include "proxy/process/fork_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <partage/error.hpp>
#include <system_error>
#include <vector>

#include "proxy/process/bootstrap.hpp"
#include "proxy/process/spawn.hpp"

namespace partage::engine::process {

namespace {

// ---- the owner -------------------------------------------------------------------------------------------------------

struct Server {
  std::mutex mutex;
  pid_t pid = 0;  // 0: none
  kernel::OwnedDescriptor socket;
};

std::atomic<bool> server_made{false};

Server& server() {
  static Server* const s = [] {
    auto* const made = new Server;  // never destroyed: used at exit
    server_made = true;
    pthread_atfork([] { server().mutex.lock(); }, [] { server().mutex.unlock(); },
                   [] {
                     server().pid = 0;  // the parent's
                     server().socket.reset();
                     server().mutex.unlock();
                   });
    return made;
  }();
  return *s;
}

/// Under the mutex.
void forget_server() noexcept {
  Server& s = server();
  s.socket.reset();
  while (s.pid != 0 && ::waitpid(s.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  s.pid = 0;
}

struct Forked {
  std::int32_t pid = 0, error = 0;
  kernel::OwnedDescriptor pidfd{};
};

/// Under the mutex. pid 0 and error 0: the server is dead.
Forked request(int child_socket, int exit_pipe) {
  const Server& s = server();
  char nothing = 0;
  const iovec piece{&nothing, 1};
  const int fds[] = {child_socket, exit_pipe};
  if (kernel::send_packet(s.socket.get(), {&piece, 1}, fds) != 0) return {};
  std::int32_t reply[2]{};
  kernel::Received received = kernel::receive_packet(s.socket.get(), std::as_writable_bytes(std::span(reply)));
  if (received.error != 0 || received.size != sizeof reply) return {};
  Forked forked{reply[0], reply[1], {}};
  if (!received.descriptors.empty()) forked.pidfd = std::move(received.descriptors[0]);
  return forked;
}

// ---- the server ------------------------------------------------------------------------------------------------------

struct Watched {
  pid_t pid;
  kernel::OwnedDescriptor pidfd, exit_pipe;
};

void tell_exit_code(const Watched& child, int code) noexcept {
  while (::write(child.exit_pipe.get(), &code, sizeof code) < 0 && errno == EINTR) {
  }
}

/// True: it has ended, and the owner knows.
bool reap(const Watched& child) noexcept {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG) != 0) return errno == ECHILD;
  if (info.si_pid == 0) return false;
  tell_exit_code(child, info.si_code == CLD_EXITED ? info.si_status : -info.si_status);
  return true;
}

}  // namespace

Started start_by_fork_server(const Letter& letter) {
  const std::string& name = letter.text.name;
  auto [ours, theirs] = socket_pair(name);
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0)
    throw ProcessError("partage: process '" + name +
                       "': start: no descriptor is to be had for its exit code (ulimit -n)");
  auto exit_pipe = std::make_shared<const Descriptor>(pipe[0]);
  kernel::OwnedDescriptor write_end(pipe[1]);

  Forked forked;
  {
    const std::lock_guard guard(server().mutex);
    for (int attempt = 0; attempt < 2 && forked.pid == 0 && forked.error == 0; ++attempt) {
      if (server().pid == 0) {
        Program program = run_program(server_argument, name);
        server().pid = program.pid;
        server().socket = std::move(program.socket);
      }
      forked = request(theirs.get(), write_end.get());
      if (forked.pid == 0 && forked.error == 0) forget_server();
    }
  }
  theirs.reset();
  write_end.reset();
  if (forked.pid <= 0) {
    throw ProcessError(
        "partage: process '" + name + "': start: " +
        (forked.error != 0
             ? std::system_category().message(forked.error) +
                   "; wait for other processes to end, or raise the limits (ulimit -u, pids.max, memory)"
             : "the fork server ended before partage::init() was reached; call init(argc, argv) first of all "
               "in main()"));
  }
  Started started{.pid = forked.pid, .watch = nullptr, .exit_pipe = exit_pipe};
  if (forked.pidfd.valid()) started.watch = std::make_shared<const Descriptor>(forked.pidfd.release());
  send(letter, ours.get());
  const std::string refusal = await_answer(ours.get());
  if (!refusal.empty()) throw ProcessError("partage: process '" + name + "': start: " + refusal);
  return started;
}

void stop_fork_server() noexcept {
  if (!server_made) return;
  const std::lock_guard guard(server().mutex);
  if (server().pid != 0) forget_server();
}

void serve_forks(kernel::OwnedDescriptor socket) {
  ::signal(SIGINT, SIG_IGN);  // of the terminal: the owner decides
  std::vector<Watched> children;
  for (;;) {
    std::vector<pollfd> fds{{socket.get(), POLLIN, 0}};
    for (const Watched& child : children) fds.push_back({child.pidfd.get(), POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    std::erase_if(children, [](const Watched& child) { return reap(child); });
    if (fds[0].revents == 0) continue;

    char nothing = 0;
    kernel::Received received = kernel::receive_packet(socket.get(), std::as_writable_bytes(std::span(&nothing, 1)));
    if (received.error != 0 || received.size == 0) ::_exit(0);  // the owner has ended
    std::int32_t reply[2] = {0, EMFILE};
    kernel::OwnedDescriptor pidfd;
    if (!received.cut && received.descriptors.size() == 2) {
      flush_output();
      const pid_t pid = ::fork();
      if (pid == 0) {
        received.descriptors[1].reset();  // the server's to write
        children.clear();
        socket.reset();
        ::signal(SIGINT, SIG_DFL);
        follow_letter(std::move(received.descriptors[0]));
      }
      reply[0] = pid;
      reply[1] = pid < 0 ? errno : 0;
      if (pid > 0) {
        pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        children.push_back({pid, kernel::OwnedDescriptor(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0)),
                            std::move(received.descriptors[1])});
      }
    }
    const iovec piece{reply, sizeof reply};
    const int fd = pidfd.get();
    kernel::send_packet(socket.get(), {&piece, 1}, {&fd, pidfd.valid() ? 1u : 0u});
  }
}

}  // namespace partage::engine::process
