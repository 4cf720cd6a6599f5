#include "proxy/process/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <partage/error.hpp>
#include <system_error>

#include "proxy/process/bootstrap.hpp"
#include "proxy/process/fork_server.hpp"
#include "proxy/process/letter.hpp"

namespace partage::engine::process {

namespace {

/// Where a child that runs the program anew has its socket.
constexpr int socket_of_child = STDERR_FILENO + 1;

std::atomic<bool> initialised{false};

[[noreturn]] void fail(const std::string& name, const std::string& why) {
  throw ProcessError("partage: process '" + name + "': start: " + why);
}

/// Those that the parent had closed are /dev/null from here on. Otherwise what is opened next, shared memory for one,
/// would get their numbers, and what is written to stderr would go there.
void open_standard_streams() noexcept {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);  // without O_CLOEXEC, as standard streams are
  } while (fd >= 0 && fd < STDERR_FILENO);
  if (fd > STDERR_FILENO) ::close(fd);
}

int reap(pid_t pid) noexcept {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Started spawn(Child& child, const Letter& letter) {
  Program program = run_program(child_argument, child.name);
  std::string refusal;
  try {
    send(letter, program.socket.get());
    refusal = await_answer(program.socket.get());
  } catch (...) {
    program.socket.reset();
    reap(program.pid);
    throw;
  }
  if (refusal.empty()) return {.pid = program.pid};
  program.socket.reset();
  reap(program.pid);
  fail(child.name, refusal);
}

}  // namespace

bool is_initialised() noexcept {
  return initialised.load();
}

Started start_anew(Child& child, Process& process) {
  if (!is_initialised()) {
    fail(child.name, "with the start method " + std::string(name_of(child.method)) +
                         " the child runs the program anew, and this program has not called partage::init(argc, argv), "
                         "without which main() would run twice; call it first of all in main(), or start by fork");
  }
  const Letter letter = write_letter(child, process);
  return child.method == StartMethod::spawn ? spawn(child, letter) : start_by_fork_server(letter);
}

std::pair<kernel::OwnedDescriptor, kernel::OwnedDescriptor> socket_pair(const std::string& for_whom) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    fail(for_whom, std::system_category().message(errno) + "; close some files, or raise the limit (ulimit -n)");
  return {kernel::OwnedDescriptor(fds[0]), kernel::OwnedDescriptor(fds[1])};
}

Program run_program(const char* argument, const std::string& for_whom) {
  auto [ours, theirs] = socket_pair(for_whom);
  const std::string fd = std::to_string(socket_of_child);
  std::string name = program_invocation_name;
  char* const arguments[] = {name.data(), const_cast<char*>(argument), const_cast<char*>(fd.c_str()), nullptr};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // If it is that already, too: this is what keeps exec from closing it.
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), socket_of_child);
  // What this process has opened for itself is not for the child, and a fork server would hold it until it ends.
  ::posix_spawn_file_actions_addclosefrom_np(&actions, socket_of_child + 1);
  // The program itself, also when its file was replaced or removed.
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fail(for_whom, std::system_category().message(error) +
                       "; wait for other processes to end, or raise the limits (ulimit -u, pids.max, memory)");
  }
  return {pid, std::move(ours)};
}

}  // namespace partage::engine::process

namespace partage {

void init(int argc, char** argv) {
  namespace process = engine::process;
  process::initialised = true;
  if (argc != 3) return;
  const bool is_child = std::strcmp(argv[1], process::child_argument) == 0;
  if (!is_child && std::strcmp(argv[1], process::server_argument) != 0) return;
  kernel::OwnedDescriptor socket(std::atoi(argv[2]));
  if (::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0) {
    process::report("it was started by hand with an argument that only Process uses");
    std::exit(2);
  }
  process::open_standard_streams();
  if (!is_child) process::serve_forks(std::move(socket));
  process::follow_letter(std::move(socket));
}

}  // namespace partage
