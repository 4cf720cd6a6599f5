// CPython's TestStartMethod, _TestAtExit, _TestPollEintr and TestCloseFds. What the first says about queues in children
// of children is in nested_processes_test.cpp.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// The start method is what it was when this goes.
class StartMethodGuard {
 public:
  StartMethodGuard() = default;
  ~StartMethodGuard() { set_start_method(before_, true); }
  StartMethodGuard(const StartMethodGuard&) = delete;
  StartMethodGuard& operator=(const StartMethodGuard&) = delete;

 private:
  StartMethod before_ = get_start_method();
};

/// CPython's check_context: the start method that a child has.
StartMethod method_of_child(ProcessOptions options) {
  const auto [reader, writer] = Pipe(false);
  Child child(
      std::move(options), [](const Connection& c) { c.send(get_start_method()); }, writer);
  child->start();
  writer.close();
  REQUIRE(reader.poll(long_enough));
  const auto method = reader.recv<StartMethod>();
  CHECK(child.ends());
  return method;
}

pid_t parent_in_the_system(ProcessOptions options) {
  const Queue<pid_t> queue;
  Child child(
      std::move(options), [](const Queue<pid_t>& q) { q.put(::getppid()); }, queue);
  CHECK(child.run() == 0);
  return queue.get(long_enough);
}

int variable = 1;

int variable_of_child(ProcessOptions options) {
  const Queue<int> queue;
  Child child(
      std::move(options), [](const Queue<int>& q) { q.put(variable); }, queue);
  CHECK(child.run() == 0);
  return queue.get(long_enough);
}

std::atomic<bool> got_signal{false};

/// Where nothing else is opened by itself.
int high_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);  // without SOCK_CLOEXEC
  const int high = ::fcntl(fd, F_DUPFD, 100);
  ::close(fd);
  return high;
}

}  // namespace

TEST_CASE("TestStartMethod.test_context: a method for one Process, beside that of the others") {
  const StartMethodGuard guard;
  variable = 2;
  for (const StartMethod others : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    set_start_method(others, true);
    for (const StartMethod method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
      CAPTURE(name_of(others));
      CAPTURE(name_of(method));
      const ProcessOptions options{.start_method = method};
      CHECK(variable_of_child(options) == (method == StartMethod::fork ? 2 : 1));
      CHECK((parent_in_the_system(options) == ::getpid()) == (method != StartMethod::forkserver));
      CHECK(get_start_method() == others);
      CHECK(method_of_child(options) == others);  // in CPython: method
    }
  }
}

TEST_CASE("TestStartMethod.test_set_get: what is set is got, and children have it") {
  const StartMethodGuard guard;
  for (const StartMethod method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    CAPTURE(name_of(method));
    set_start_method(method, true);
    CHECK(get_start_method() == method);
    CHECK(method_of_child({}) == method);
    CHECK((parent_in_the_system({}) == ::getpid()) == (method != StartMethod::forkserver));
    CHECK_THROWS_AS(set_start_method(method), ProcessError);
  }
}

TEST_CASE("TestStartMethod.test_mixed_startmethod: an object goes to children of every method") {
  const Lock lock;
  const Queue<std::string> queue;
  lock.acquire();
  for (const StartMethod method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    CAPTURE(name_of(method));
    Child child(
        ProcessOptions{.start_method = method},
        [](const Lock& l, const Queue<std::string>& q) { q.put(l.acquire(0s) ? "free" : "locked"); }, lock, queue);
    CHECK(child.run() == 0);
    CHECK(queue.get(long_enough) == "locked");
  }
}

TEST_CASE("_TestAtExit.test_atexit: what a child registers runs at its end, with its shared objects") {
  with_each_start_method([](StartMethod method) {
    const Queue<std::string> queue;
    Child child(
        ProcessOptions{.start_method = method},
        [](const Queue<std::string>& q) {
          static const Queue<std::string>* const kept = new Queue<std::string>(q);  // outlives the function
          std::atexit([] { kept->put("at exit"); });
          q.put("in the function");
        },
        queue);
    CHECK(child.run() == 0);
    CHECK(queue.get(long_enough) == "in the function");
    CHECK(queue.get(long_enough) == "at exit");
    CHECK(queue.empty());
  });
}

TEST_CASE("_TestPollEintr.test_poll_eintr: join() goes on after a signal") {
  got_signal = false;
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { got_signal = true; };
  sigaction(SIGUSR1, &action, &before);  // without SA_RESTART
  with_each_start_method([](StartMethod method) {
    Child killer(
        ProcessOptions{.start_method = method},
        [](pid_t pid) {
          std::this_thread::sleep_for(timeout);
          ::kill(pid, SIGUSR1);
        },
        ::getpid());
    killer->start();
    Child child(ProcessOptions{.start_method = method}, [] { std::this_thread::sleep_for(4 * timeout); });
    child->start();
    child->join();
    CHECK(child->exitcode() == 0);
    CHECK(killer.ends());
    CHECK(got_signal);
  });
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("TestCloseFds.test_closefd: a child has only the descriptors that it is given") {
  with_each_start_method([](StartMethod method) {
    const auto [reader, writer] = Pipe();
    const engine::Descriptor socket(high_socket());
    REQUIRE(socket.fd() >= 100);
    Child child(
        ProcessOptions{.start_method = method},
        [](const Connection& c, int fd) { c.send(::fcntl(fd, F_GETFD) < 0 ? errno : 0); }, writer, socket.fd());
    child->start();
    writer.close();
    REQUIRE(reader.poll(long_enough));
    CHECK(reader.recv<int>() == (method == StartMethod::fork ? 0 : EBADF));  // a forked child has them all
    CHECK(child.ends());
  });
}
