#include "tests/tool/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace partage::test {
namespace {

std::string contents(int fd) {
  std::string text;
  char buffer[4096];
  off_t at = 0;
  for (ssize_t n = 0; (n = ::pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

}  // namespace

Program::Program(const Words& arguments, const Words& environment)
    : out_(memfd_create("out", MFD_CLOEXEC)), err_(memfd_create("err", MFD_CLOEXEC)) {
  REQUIRE(out_ >= 0);
  REQUIRE(err_ >= 0);
  std::string path = PARTAGE_PROGRAM;
  Words words = arguments, variables = environment;
  std::vector<char*> argv{path.data()};
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  // A signal between fork and exec is to end the child, not to be reported by doctest's handlers there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_fatal_signals();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    for (std::string& v : variables) ::putenv(v.data());
    ::execv(path.c_str(), argv.data());
    ::_exit(127);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(pid_ > 0);
}

Program::~Program() {
  if (!ended_) {
    signal(SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(out_);
  ::close(err_);
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}
std::string Program::out() const {
  return contents(out_);
}
std::string Program::err() const {
  return contents(err_);
}

bool Program::is_running() {
  if (ended_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  ended_ = std::make_unique<Ran>(Ran{exit_code(status), out(), err()});
  return false;
}

Ran Program::wait(std::chrono::milliseconds timeout) {
  const bool in_time = eventually([&] { return !is_running(); }, timeout);
  CHECK_MESSAGE(in_time, "the program has not ended; stdout: ", out(), " stderr: ", err());
  if (!in_time) {
    signal(SIGKILL);
    eventually([&] { return !is_running(); }, 10s);
  }
  return *ended_;
}

Ran run(const Program::Words& arguments, const Program::Words& environment) {
  return Program(arguments, environment).wait();
}

std::string unique(const std::string& what) {
  static int n = 0;
  return "tool-" + std::to_string(::getpid()) + "-" + what + std::to_string(++n);
}

bool is_published(const std::string& name) {
  struct stat s {};
  return ::lstat(("/dev/shm/partage." + name).c_str(), &s) == 0;
}

Serving::Serving(const std::string& name, Program::Words options, const Program::Words& environment) : name_(name) {
  Program::Words words{"serve", name};
  words.insert(words.end(), options.begin(), options.end());
  program_ = std::make_unique<Program>(words, environment);
  const bool ready = eventually([&] { return has(program_->out(), "serves") || !program_->is_running(); }, 30s);
  REQUIRE(ready);
  REQUIRE_MESSAGE(program_->is_running(), program_->err());
}

Serving::~Serving() {
  if (program_ && program_->is_running()) {
    program_->signal(SIGTERM);
    const Ran ran = program_->wait();
    CHECK_MESSAGE(ran.code == 0, ran.err);
    CHECK(!is_published(name_));
  }
  if (program_ && is_published(name_)) ::unlink(("/dev/shm/partage." + name_).c_str());
}

void Serving::kill() {
  program_->signal(SIGKILL);
  CHECK(program_->wait().code == -SIGKILL);
}

Client::Client(const std::string& name, const std::function<void(Manager&)>& prepare,
               const std::function<int(Manager&)>& at_end) {
  int ready[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(go_, O_CLOEXEC) == 0);
  pid_ = group_.start([&]() -> int {
    ::close(go_[1]);
    ::close(ready[0]);
    Manager manager = Manager::connect(name);
    prepare(manager);
    if (::write(ready[1], "x", 1) != 1) return 70;
    char c = 0;
    while (::read(go_[0], &c, 1) < 0 && errno == EINTR) {
    }
    return at_end ? at_end(manager) : 0;
  });
  ::close(ready[1]);
  pollfd entry{ready[0], POLLIN, 0};
  char c = 0;
  const bool is_ready = ::poll(&entry, 1, 30'000) == 1 && ::read(ready[0], &c, 1) == 1;
  ::close(ready[0]);
  if (!is_ready) FAIL("the client is not ready: ", group_.wait(pid_, 1s).describe());
}

Client::~Client() {
  ::close(go_[0]);
  if (go_[1] >= 0) ::close(go_[1]);
}

void Client::kill() {
  group_.kill(pid_);
}

ChildResult Client::finish() {
  ::close(go_[1]);
  go_[1] = -1;
  return group_.wait(pid_, 30s);
}

}  // namespace partage::test
