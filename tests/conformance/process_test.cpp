// CPython's _TestProcess.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <list>
#include <map>
#include <set>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

/// Signals do what they do by default, also in a forked child that is just being started and has doctest's handlers.
class DefaultSignal {
 public:
  explicit DefaultSignal(int signal) : signal_(signal), before_(::signal(signal, SIG_DFL)) {}
  ~DefaultSignal() { ::signal(signal_, before_); }
  DefaultSignal(const DefaultSignal&) = delete;
  DefaultSignal& operator=(const DefaultSignal&) = delete;

 private:
  int signal_;
  void (*before_)(int);
};

ProcessOptions daemon_by(StartMethod method) {
  return {.daemon = true, .start_method = method};
}

bool is_active(pid_t pid) {
  return std::ranges::any_of(active_children(), [=](const ProcessHandle& child) { return child.pid() == pid; });
}

template <class T>
T receive(const Connection& connection) {
  REQUIRE(connection.poll(long_enough));
  return connection.recv<T>();
}

bool is_ready(int sentinel) {
  return !partage::wait({sentinel}, 0s).empty();
}

void sleep_long() {
  for (;;) ::pause();
}

void say_ready_and_sleep(const Event& ready) {
  ready.set();
  sleep_long();
}

void say_ready_and_sleep_without_handler(const Event& ready) {
  ::signal(SIGINT, SIG_DFL);
  say_ready_and_sleep(ready);
}

/// CPython's _kill_process: the exit code of a child that sleeps when `end` is called for it.
std::optional<int> end_of(StartMethod method, void (Process::*end)(),
                          void (*target)(const Event&) = say_ready_and_sleep) {
  const Event ready;
  Child child(daemon_by(method), target, ready);
  child->start();
  const pid_t pid = child->pid();
  CHECK(child->is_alive());
  CHECK(is_active(pid));
  CHECK(child->exitcode() == std::nullopt);
  CHECK_FALSE(child->join(0s));
  CHECK(child->is_alive());
  CHECK_FALSE(child->join(-1s));
  CHECK(child->is_alive());
  REQUIRE(ready.wait(long_enough));
  ((*child).*end)();
  REQUIRE(child.ends());
  CHECK_FALSE(child->is_alive());
  CHECK_FALSE(is_active(pid));
  child->join();
  ((*child).*end)();  // of no effect
  return child->exitcode();
}

/// Open descriptors of this process.
int descriptors() {
  int count = 0;
  DIR* const directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

using Id = std::vector<int>;

void recurse(const Connection& connection, const Id& id, StartMethod method) {
  connection.send(id);
  if (id.size() == 2) return;
  for (int i = 0; i < 2; ++i) {
    Id next = id;
    next.push_back(i);
    Child child(ProcessOptions{.start_method = method}, recurse, connection, next, method);
    expect(child.run() == 0, "the child to end well");
  }
}

void report_parent(const Connection& connection) {
  connection.send(parent_process()->is_alive());
  parent_process()->join(long_enough);
  connection.send(parent_process()->is_alive());
}

/// A function that refers to something: what it refers to does not travel.
struct Target {
  std::shared_ptr<int> held{};
  void operator()() const {}
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

pid_t parent_of(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  pid_t parent = 0;
  stat >> word >> word >> word >> parent;
  return parent;
}

/// CPython's check_forkserver_death.
void check_fork_server_death(int signal) {
  const Event go, reached;
  Child first(
      daemon_by(StartMethod::forkserver), [](const Event& e) { e.wait(long_enough); }, go);
  first->start();
  const pid_t server = parent_of(first->pid());
  REQUIRE(server != ::getpid());
  REQUIRE(server > 1);
  REQUIRE(::kill(server, signal) == 0);
  std::this_thread::sleep_for(moment);
  CHECK(first->is_alive());  // the server's end is not its own

  Child second(
      daemon_by(StartMethod::forkserver), [](const Event& e) { e.set(); }, reached);
  CHECK(second.run() == 0);
  CHECK(reached.is_set());

  go.set();
  REQUIRE(first.ends());
  CHECK((first->exitcode() == 0 || first->exitcode() == 255));
}

}  // namespace

TEST_CASE("_TestProcess.test_current: the process itself") {
  const ProcessHandle current = current_process();
  CHECK(current.is_alive());
  CHECK_FALSE(current.daemon());
  CHECK(current.pid() == ::getpid());
  CHECK_THROWS_AS(current.exitcode(), ProcessError);
}

TEST_CASE("_TestProcess.test_daemon_argument: a Process is daemonic when it is told to be") {
  with_each_start_method([](StartMethod method) {
    Child plain(ProcessOptions{.start_method = method}, [] {});
    CHECK(plain->daemon() == current_process().daemon());
    Child daemon(
        daemon_by(method), [](const Event&) {}, Event());
    CHECK(daemon->daemon());
    const Queue<bool> said;
    Child asks(
        daemon_by(method), [](const Queue<bool>& q) { q.put(current_process().daemon()); }, said);
    CHECK(asks.run() == 0);
    CHECK(said.get(long_enough));
  });
}

TEST_CASE("_TestProcess.test_parent_process_attributes: a child knows its parent, the first process has none") {
  with_each_start_method([](StartMethod method) {
    CHECK_FALSE(parent_process().has_value());
    const auto [reader, writer] = Pipe(false);
    Child child(
        ProcessOptions{.start_method = method},
        [](const Connection& c) { c.send(std::pair(parent_process()->pid(), parent_process()->name())); }, writer);
    CHECK(child.run() == 0);
    const auto [pid, name] = receive<std::pair<pid_t, std::string>>(reader);
    CHECK(pid == current_process().pid());
    CHECK(pid == ::getpid());
    CHECK(name == current_process().name());
  });
}

TEST_CASE("_TestProcess.test_parent_process: a grandchild notices that its parent is killed") {
  const DefaultSignal guard(SIGTERM);
  with_each_start_method([](StartMethod method) {
    const auto [reader, writer] = Pipe(false);
    Child child(
        ProcessOptions{.start_method = method},
        [](const Connection& c, StartMethod m) {
          Process grandchild(ProcessOptions{.start_method = m}, report_parent, c);
          grandchild.start();
          sleep_long();
        },
        writer, method);
    child->start();
    writer.close();
    CHECK(receive<bool>(reader));
    child->terminate();
    CHECK(child.ends());
    CHECK_FALSE(receive<bool>(reader));
    REQUIRE(reader.poll(long_enough));
    CHECK_THROWS_AS(reader.recv<bool>(), EOFError);  // the grandchild has ended, too
  });
}

TEST_CASE("_TestProcess.test_process: before, while and after it runs") {
  with_each_start_method([](StartMethod method) {
    const Queue<Object> queue(1);
    Child child(
        ProcessOptions{.name = "SomeProcess", .daemon = true, .start_method = method},
        [](const Queue<Object>& q, int a, int b, const std::map<std::string, double>& more) {
          q.put(Object{a, b});
          q.put(boost::json::value{{"hello", more.at("hello")}, {"bye", more.at("bye")}});
          q.put(Object(current_process().name()));
          q.put(Object(current_process().pid()));
        },
        queue, 1, 2, std::map<std::string, double>{{"hello", 23}, {"bye", 2.54}});
    CHECK_FALSE(child->is_alive());
    CHECK(child->daemon());
    CHECK(active_children().empty());
    CHECK(child->exitcode() == std::nullopt);
    CHECK(child->pid() == 0);

    child->start();
    CHECK(child->exitcode() == std::nullopt);
    CHECK(child->is_alive());  // the queue holds one
    CHECK(is_active(child->pid()));

    CHECK(queue.get(long_enough) == Object{1, 2});
    CHECK(queue.get(long_enough) == boost::json::value{{"hello", 23.0}, {"bye", 2.54}});
    CHECK(queue.get(long_enough) == Object(child->name()));
    CHECK(child->name() == "SomeProcess");
    CHECK(queue.get(long_enough) == Object(child->pid()));

    CHECK(child.ends());
    CHECK(child->exitcode() == 0);
    CHECK_FALSE(child->is_alive());
    CHECK_FALSE(is_active(child->pid()));
  });
}

TEST_CASE("_TestProcess.test_process_mainthread_native_id: the child's thread has a number of its own") {
  with_each_start_method([](StartMethod method) {
    const Queue<long> queue;
    Child child(
        daemon_by(method), [](const Queue<long>& q) { q.put(::syscall(SYS_gettid)); }, queue);
    CHECK(child.run() == 0);
    CHECK(queue.get(long_enough) != ::syscall(SYS_gettid));
  });
}

TEST_CASE("_TestProcess.test_interrupt: SIGINT") {
  const DefaultSignal guard(SIGINT);
  with_each_start_method([](StartMethod method) { CHECK(end_of(method, &Process::interrupt) == -SIGINT); });
}

TEST_CASE("_TestProcess.test_interrupt_no_handler: SIGINT when the child has put its default action back") {
  with_each_start_method([](StartMethod method) {
    CHECK(end_of(method, &Process::interrupt, say_ready_and_sleep_without_handler) == -SIGINT);
  });
}

TEST_CASE("_TestProcess.test_terminate: SIGTERM") {
  const DefaultSignal guard(SIGTERM);
  with_each_start_method([](StartMethod method) { CHECK(end_of(method, &Process::terminate) == -SIGTERM); });
}

TEST_CASE("_TestProcess.test_kill: SIGKILL") {
  with_each_start_method([](StartMethod method) { CHECK(end_of(method, &Process::kill) == -SIGKILL); });
}

TEST_CASE("_TestProcess.test_cpu_count: one at least") {
  CHECK(cpu_count() >= 1);
}

TEST_CASE("_TestProcess.test_active_children: a child is among them just while it runs") {
  with_each_start_method([](StartMethod method) {
    CHECK(active_children().empty());
    const Event event;
    Child child(
        daemon_by(method), [](const Event& e) { e.wait(long_enough); }, event);
    CHECK(active_children().empty());
    child->start();
    REQUIRE(active_children().size() == 1);
    CHECK(active_children()[0].pid() == child->pid());
    event.set();
    CHECK(child.ends());
    CHECK(active_children().empty());
  });
}

TEST_CASE("_TestProcess.test_recursion: children have children, which tell in order") {
  with_each_start_method([](StartMethod method) {
    const auto [reader, writer] = Pipe(false);
    recurse(writer, {}, method);
    std::vector<Id> said;
    while (reader.poll()) said.push_back(reader.recv<Id>());
    CHECK(said == std::vector<Id>{{}, {0}, {0, 0}, {0, 1}, {1}, {1, 0}, {1, 1}});
  });
}

TEST_CASE("_TestProcess.test_sentinel: ready when the process has ended") {
  with_each_start_method([](StartMethod method) {
    const Event event;
    Child child(
        ProcessOptions{.start_method = method}, [](const Event& e) { e.wait(long_enough); }, event);
    CHECK_THROWS_AS(child->sentinel(), ProcessError);
    child->start();
    const int sentinel = child->sentinel();
    CHECK(sentinel >= 0);
    CHECK_FALSE(is_ready(sentinel));
    event.set();
    CHECK(child.ends());
    CHECK(is_ready(sentinel));
  });
}

TEST_CASE("_TestProcess.test_close: not while it runs, and nothing can be asked afterwards") {
  with_each_start_method([](StartMethod method) {
    const Queue<int> queue;
    Child child(
        daemon_by(method), [](const Queue<int>& q) { q.get(long_enough); }, queue);
    child->start();
    CHECK(child->is_alive());
    CHECK_THROWS_AS(child->close(), ValueError);
    queue.put(0);
    CHECK(child.ends());
    CHECK_FALSE(child->is_alive());
    CHECK(child->exitcode() == 0);
    child->close();
    CHECK_THROWS_AS(child->is_alive(), ValueError);
    CHECK_THROWS_AS(child->join(), ValueError);
    CHECK_THROWS_AS(child->terminate(), ValueError);
    child->close();
  });
}

TEST_CASE("_TestProcess.test_many_processes: all end as they are told") {
  const DefaultSignal guard(SIGTERM);
  with_each_start_method([](StartMethod method) {
    const int count = method == StartMethod::spawn ? 5 : 100;
    std::list<Child> children;
    for (int i = 0; i < count; ++i) children.emplace_back(ProcessOptions{.start_method = method}, [] {});
    for (Child& child : children) child->start();
    for (Child& child : children) CHECK(child.ends());
    for (Child& child : children) CHECK(child->exitcode() == 0);

    children.clear();
    for (int i = 0; i < count; ++i) children.emplace_back(ProcessOptions{.start_method = method}, sleep_long);
    for (Child& child : children) child->start();
    for (Child& child : children) child->terminate();
    for (Child& child : children) CHECK(child.ends());
    for (Child& child : children) CHECK(child->exitcode() == -SIGTERM);
  });
}

TEST_CASE("_TestProcess.test_lose_target_ref: the parent lets go of the function") {
  with_each_start_method([](StartMethod method) {
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = held;
    Child child(ProcessOptions{.start_method = method}, Target{std::move(held)});
    CHECK_FALSE(watched.expired());
    CHECK(child.run() == 0);
    CHECK(watched.expired());
  });
}

TEST_CASE("_TestProcess.test_child_fd_inflation: a child has no descriptors of its siblings") {
  // Not by fork: a forked child has all that its parent has.
  for (const StartMethod method : {StartMethod::spawn, StartMethod::forkserver}) {
    CAPTURE(name_of(method));
    const Event event;
    const Queue<int> queue;
    std::list<Child> children;
    std::set<int> counts;
    for (int i = 0; i < 5; ++i) {
      children
          .emplace_back(
              daemon_by(method),
              [](const Event& e, const Queue<int>& q) {
                q.put(descriptors());
                e.wait(long_enough);
              },
              event, queue)
          ->start();
    }
    for (int i = 0; i < 5; ++i) counts.insert(queue.get(long_enough));
    CHECK(counts.size() == 1);
    event.set();
    for (Child& child : children) CHECK(child.ends());
  }
}

TEST_CASE("_TestProcess.test_error_on_stdio_flush_1: the parent has closed its output") {
  with_each_start_method([](StartMethod method) {
    const ChildResult parent = run_child(
        [=] {
          const Value<int> value(0);
          for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
          std::cout << "to nobody" << std::flush;
          // What the first child says to nobody must not go into something that has got the number of stderr.
          const auto add_and_fail = [](const Value<int>& v) {
            v += 1;
            std::cout << "to nobody" << std::endl;
            throw ValueError("to nobody");
          };
          Child failing(ProcessOptions{.start_method = method}, add_and_fail, value);
          if (failing.run() != 1) return 1;
          Child child(
              ProcessOptions{.start_method = method}, [](const Value<int>& v) { v += 1; }, value);
          if (child.run() != 0) return 2;
          return value == 2 ? 0 : 3;
        },
        long_enough);
    CHECK_MESSAGE(parent.ok(), parent.describe());
  });
}

TEST_CASE("_TestProcess.test_error_on_stdio_flush_2: the child closes its output") {
  with_each_start_method([](StartMethod method) {
    Child child(ProcessOptions{.start_method = method}, [] {
      ::close(STDOUT_FILENO);
      ::close(STDERR_FILENO);
      std::cout << "to nobody";
    });
    CHECK(child.run() == 0);
  });
}

TEST_CASE("_TestProcess.test_forkserver_sigint: the fork server gets SIGINT") {
  check_fork_server_death(SIGINT);
}

TEST_CASE("_TestProcess.test_forkserver_sigkill: the fork server is killed") {
  check_fork_server_death(SIGKILL);
}
