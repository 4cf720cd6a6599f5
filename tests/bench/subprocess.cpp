#include "tests/bench/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/bench/interrupt.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
constexpr auto patience_at_end = 3s;

/// The child of a fork: becomes the command.
[[noreturn]] void become(const std::vector<std::string>& command, int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C goes to all; this program ends the others
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

std::optional<std::string> program_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string candidate = directory + '/' + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Subprocess::Subprocess(const std::vector<std::string>& command, Output output) {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) become(command, to[0], output == Output::lines ? from[1] : ::open("/dev/null", O_WRONLY));
  ::close(to[0]);
  ::close(from[1]);
  input_ = to[1];
  output_ = from[0];
}

Subprocess::~Subprocess() {
  ::close(input_);
  ::close(output_);
  for (const auto end = std::chrono::steady_clock::now() + patience_at_end; std::chrono::steady_clock::now() < end;) {
    if (!is_running()) return;
    std::this_thread::sleep_for(5ms);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Subprocess::write_line(const std::string& line) {
  const std::string text = line + '\n';
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(input_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) throw_if_interrupted();
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "write to a peer");
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

std::string Subprocess::read_line(std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    throw_if_interrupted();
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the peer did not answer in time");
    pollfd waiting{output_, POLLIN, 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    char part[4096];
    const ssize_t n = ::read(output_, part, sizeof part);
    if (n == 0) throw std::runtime_error("the peer ended; what it said is above");
    if (n > 0) unread_.append(part, static_cast<std::size_t>(n));
  }
}

bool Subprocess::is_running() {
  return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0;
}

}  // namespace bench
