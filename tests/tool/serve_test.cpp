// serve and stop: signals, adoption, two on one name, what systemd is told; and the public Server.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <partage/partage.hpp>
#include <thread>

#include "manager/segment/published.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

/// The line of `ls --json` about one manager.
std::optional<json::object> listed(const std::string& name) {
  const json::value all = run({"ls", "--json"}).json();
  for (const json::value& m : all.as_array()) {
    if (m.at("name") == json::value(name)) return m.as_object();
  }
  return std::nullopt;
}

/// Every operation of the process throws ManagerShutdown.
bool is_shut_down(Manager& manager) {
  try {
    (void)manager.objects();
    return false;
  } catch (const ManagerShutdown&) {
    return true;
  }
}

/// A datagram socket as systemd has one.
class NotifySocket {
 public:
  explicit NotifySocket(bool abstract) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t size = 0;
    if (abstract) {
      name_ = "@partage-test-" + std::to_string(getpid());
      std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
      size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    } else {
      std::string directory = (std::filesystem::temp_directory_path() / "partage-test-XXXXXX").string();
      REQUIRE(::mkdtemp(directory.data()) != nullptr);
      directory_ = directory;
      name_ = directory + "/notify";
      std::memcpy(address.sun_path, name_.c_str(), name_.size() + 1);
      size = sizeof address;
    }
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() {
    ::close(fd_);
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  std::string variable() const { return "NOTIFY_SOCKET=" + name_; }
  std::string receive(int milliseconds = 5000) const {
    pollfd entry{fd_, POLLIN, 0};
    char text[512];
    if (::poll(&entry, 1, milliseconds) != 1) return "nothing";
    const ssize_t n = ::recv(fd_, text, sizeof text, 0);
    return {text, static_cast<std::size_t>(n)};
  }

 private:
  int fd_ = -1;
  std::string name_, directory_;
};

}  // namespace

TEST_CASE("serve: others connect, ls shows it, stop ends it") {
  Serving serving(unique("plain"), {"--max-size", "64M", "--initial-size=1M"});
  CHECK(has(serving.program().out(), "process " + std::to_string(serving.pid()) + " serves '" + serving.name() + "'"));
  struct stat s {};
  REQUIRE(::stat(("/dev/shm/partage." + serving.name()).c_str(), &s) == 0);
  CHECK(s.st_size == 64 << 20);
  CHECK((s.st_mode & 0777) == 0600);

  Client client(
      serving.name(), [](Manager& m) { m.list<int>(named("l"), {1}); },
      [](Manager& m) { return is_shut_down(m) ? 0 : 1; });
  const auto line = listed(serving.name());
  REQUIRE(line);
  CHECK(line->at("pid") == serving.pid());
  CHECK(line->at("state") == "serving");
  CHECK(line->at("processes") == 1);
  CHECK(line->at("max") == 64 << 20);
  CHECK(line->at("committed").as_int64() >= 1 << 20);
  const Ran people = run({"ls"});
  CHECK(people.code == 0);
  CHECK(people.out.starts_with("NAME"));
  CHECK(has(people.out, serving.name()));
  CHECK(has(people.out, "64M"));

  const Ran stop = run({"stop", serving.name()});
  CHECK(stop.code == 0);
  CHECK(stop.out == "");
  CHECK(stop.err == "");
  CHECK(serving.program().wait(2s).code == 0);
  CHECK(!is_published(serving.name()));
  CHECK(!listed(serving.name()));
  CHECK(client.finish().ok());
  CHECK(run({"stop", serving.name()}).code == 3);
}

TEST_CASE("serve: SIGTERM, SIGINT and SIGHUP are a clean shutdown") {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    CAPTURE(number);
    Serving serving(unique("signal"));
    Client client(
        serving.name(), [](Manager& m) { m.list<int>(named("l"), {1}); },
        [](Manager& m) { return is_shut_down(m) ? 0 : 1; });
    serving.program().signal(number);
    const Ran ran = serving.program().wait(5s);
    CHECK(ran.code == 0);
    CHECK(ran.err == "");
    CHECK(!is_published(serving.name()));
    CHECK(client.finish().ok());
  }
}

TEST_CASE("serve: a signal at any moment of the start leaves nothing behind") {
  const std::string name = unique("early");
  for (int i = 0; i < 40; ++i) {
    Program program({"serve", name});
    std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
    program.signal(i % 2 == 0 ? SIGTERM : SIGINT);
    const int code = program.wait(5s).code;
    CHECK((code == 0 || code == -SIGTERM || code == -SIGINT));
    CHECK(!is_published(name));
  }
}

TEST_CASE("serve: a second one says who serves") {
  Serving serving(unique("taken"));
  const Ran ran = run({"serve", serving.name()});
  CHECK(ran.code == 4);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "'" + serving.name() + "' is served already, by process " + std::to_string(serving.pid())));
  CHECK(serving.program().is_running());

  const std::string own = unique("manager");
  Manager manager({.name = own, .max_size = 16 << 20});
  const Ran other = run({"serve", own});
  CHECK(other.code == 4);
  CHECK(has(other.err, "by process " + std::to_string(manager.pid())));
  CHECK(run({"get", own, "x"}).code == 3);
  CHECK(run({"stop", own}).code == 0);
  CHECK(is_shut_down(manager));
}

TEST_CASE("serve: of many at once one serves, the others say who") {
  for (const bool orphan : {false, true}) {
    const std::string name = unique("race");
    if (orphan) {
      Program first({"serve", name});
      REQUIRE(eventually([&] { return has(first.out(), "serves"); }, 10s));
      first.signal(SIGKILL);
      first.wait();
    }
    std::vector<std::unique_ptr<Program>> all;
    for (int i = 0; i < 5; ++i) all.push_back(std::make_unique<Program>(Program::Words{"serve", name}));
    const auto running = [&] {
      std::size_t n = 0;
      for (auto& p : all) n += p->is_running() ? 1 : 0;
      return n;
    };
    CHECK(eventually([&] { return running() == 1; }, 20s));
    pid_t server = 0;
    for (auto& p : all) {
      if (p->is_running()) server = p->pid();
    }
    for (auto& p : all) {
      if (p->pid() == server) continue;
      const Ran ran = p->wait();
      CAPTURE(ran.err);
      CHECK(ran.code == 4);
      CHECK(has(ran.err, "by process " + std::to_string(server)));
    }
    CHECK(run({"stop", name}).code == 0);
    CHECK(!is_published(name));
  }
}

TEST_CASE("serve: what a killed manager left is taken over, while clients work") {
  auto serving = std::make_unique<Serving>(unique("orphan"));
  const std::string name = serving->name();
  static DictProxy<std::string, int> counts;
  Client client(
      name,
      [](Manager& m) {
        counts = m.dict<std::string, int>(named("counts"), {{"n", 1}});
      },
      [](Manager& m) {
        counts["n"] += 1;                // the old handle
        m.list<int>(named("new"), {1});  // a call that needs the manager
        return counts.at("n") == 6 ? 0 : 1;
      });
  serving->kill();
  CHECK(is_published(name));
  const auto orphan = listed(name);
  REQUIRE(orphan);
  CHECK(orphan->at("state") == "orphaned");
  CHECK(orphan->at("pid").is_null());
  const Ran stop = run({"stop", name});
  CHECK(stop.code == 3);
  CHECK(has(stop.err, "its manager has died"));
  CHECK(run({"set", name, "counts", "n", "5"}).code == 0);

  const Serving again(name);
  CHECK(run({"get", name, "counts", "n"}).out == "5\n");
  CHECK(listed(name)->at("pid") == again.pid());
  const ChildResult end = client.finish();
  CHECK_MESSAGE(end.ok(), end.describe());
  CHECK(run({"get", name, "counts"}).out == "{\"n\": 6}\n");
  CHECK(run({"get", name, "new"}).out == "[1]\n");
}

TEST_CASE("serve: goes on when its clients go and its terminal is closed to nohup") {
  Serving serving(unique("alone"));
  {
    Client client(serving.name(), [](Manager& m) { m.list<int>(named("l"), {1}); });
    client.kill();
  }
  {
    Client client(serving.name(), [](Manager&) {});
    CHECK(client.finish().ok());
  }
  CHECK(eventually([&] { return listed(serving.name())->at("processes") == 0; }, 3s));
  CHECK(serving.program().is_running());
  CHECK(run({"get", serving.name(), "l"}).out == "[1]\n");
}

TEST_CASE("serve: systemd is told when it is ready and when it stops") {
  for (const bool abstract : {false, true}) {
    CAPTURE(abstract);
    const NotifySocket socket(abstract);
    Serving serving(unique("notify"), {}, {socket.variable()});
    const std::string ready = socket.receive();
    CHECK(ready.starts_with("READY=1\n"));
    CHECK(has(ready, "STATUS=serving " + serving.name()));
    CHECK(run({"get", serving.name(), "x"}).code == 3);  // it was ready
    serving.program().signal(SIGTERM);
    CHECK(serving.program().wait(5s).code == 0);
    CHECK(socket.receive() == "STOPPING=1");
    CHECK(socket.receive(0) == "nothing");
  }
  for (const char* nonsense :
       {"NOTIFY_SOCKET=", "NOTIFY_SOCKET=relative", "NOTIFY_SOCKET=@", "NOTIFY_SOCKET=/nowhere/x"}) {
    Serving serving(unique("notify"), {}, {nonsense});
    CHECK(serving.program().is_running());
  }
  Serving serving(unique("notify"), {}, {"NOTIFY_SOCKET=/" + std::string(300, 'x')});
  CHECK(serving.program().is_running());
}

TEST_CASE("serve: systemd is told of the end when it begins, and no more than that by a name") {
  const NotifySocket socket(false);
  Serving serving(unique("two\nSTOPPING=1"), {}, {socket.variable()});
  const std::string ready = socket.receive();
  CHECK(std::ranges::count(ready, '\n') == 1);
  CHECK(has(ready, "\\nSTOPPING=1"));
  const auto segment = kernel::attach_published(serving.name());
  REQUIRE(segment != nullptr);
  serving.program().signal(SIGTERM);
  while (segment->live()) {
  }
  CHECK(socket.receive(0) == "STOPPING=1");
  CHECK(serving.program().wait(5s).code == 0);
}

TEST_CASE("serve: nobody has to be able to read what it says") {
  const std::string name = unique("unheard"), program = PARTAGE_PROGRAM;
  const int status =
      std::system((program + " serve " + name + " >/dev/full & until " + program + " get " + name +
                   " x 2>&1 | grep -q 'no object'; do sleep 0.02; done; " + program + " stop " + name + " && wait $!")
                      .c_str());
  CHECK(exit_code(status) == 0);
  CHECK(!is_published(name));
}

TEST_CASE("serve: sizes that cannot be") {
  const Ran small = run({"serve", unique("small"), "--max-size", "1K"});
  CHECK(small.code == 2);
  CHECK(is_sentence(small.err));
  CHECK(has(small.err, "max_size 1024"));
  const Ran turned = run({"serve", unique("turned"), "--initial-size", "2G", "--max-size", "1G"});
  CHECK(turned.code == 2);
  CHECK(is_sentence(turned.err));
  CHECK(has(turned.err, "--initial-size is 2G and --max-size only 1G"));
}

TEST_CASE("serve: started with closed standard streams it does not write into the segment") {
  const std::string name = unique("closed");
  const std::string command = PARTAGE_PROGRAM " serve " + name + " <&- >&- 2>&- &";
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(eventually([&] { return listed(name).has_value() && listed(name)->at("state") == "serving"; }, 10s));
  CHECK(run({"get", name, "x"}).code == 3);
  CHECK(run({"stop", name}).code == 0);
  CHECK(!is_published(name));
}

TEST_CASE("stop: a manager that is stopped itself") {
  Serving serving(unique("stopped"));
  REQUIRE(pause_process(serving.pid()));
  const Ran ran = run({"stop", serving.name()});
  CHECK(ran.code == 1);
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "process " + std::to_string(serving.pid()) + ", which serves '" + serving.name() +
                         "', is stopped, and will end as soon as it goes on"));
  CHECK(has(ran.err, "its objects stay"));
  resume_process(serving.pid());
  CHECK(serving.program().wait(5s).code == 0);  // the message was there already
}

// ---- Server ---------------------------------------------------------------------------------------------------------

namespace {

/// A process of a library user who is the manager.
pid_t start_server(ChildGroup& group, const std::string& name) {
  const pid_t pid = group.start([name] {
    Server server({.name = name, .max_size = 16 << 20});
    server.serve_forever();
  });
  CHECK(eventually([&] { return listed(name).has_value() && listed(name)->at("state") == "serving"; }, 10s));
  return pid;
}

}  // namespace

TEST_CASE("Server: a program of one's own is the manager") {
  const std::string name = unique("server");
  ChildGroup group;
  pid_t pid = start_server(group, name);
  CHECK(listed(name)->at("pid") == pid);
  Client client(name, [](Manager& m) { m.list<int>(named("l"), {1, 2}); });
  CHECK_THROWS_WITH_AS(Server({.name = name}), doctest::Contains(("by process " + std::to_string(pid)).c_str()),
                       ConnectionError);

  group.kill(pid);
  pid = start_server(group, name);  // takes over
  CHECK(run({"get", name, "l"}).out == "[1, 2]\n");
  REQUIRE(::kill(pid, SIGTERM) == 0);
  CHECK(group.wait(pid, 5s).ok());
  CHECK(!is_published(name));
}

TEST_CASE("Server: stop() from another thread, and clients in the same program") {
  const std::string name = unique("threads");
  const ChildResult end = run_child(
      [&] {
        Server server({.name = name, .max_size = 16 << 20});
        if (server.address() != "shm://" + name) return 1;
        if (server.stop()) return 2;
        int seen = 0;
        std::thread client([&] {
          for (;;) {
            try {
              Manager m = Manager::connect(server.address());
              auto list = m.list<int>(named("l"), {1});
              list.append(2);
              seen = static_cast<int>(list.size());
              break;
            } catch (const ConnectionError&) {
              std::this_thread::sleep_for(1ms);
            }
          }
          while (!server.stop()) std::this_thread::sleep_for(1ms);
        });
        server.serve_forever();
        client.join();
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        if (sigismember(&blocked, SIGTERM) != 0 || sigismember(&blocked, SIGINT) != 0) return 3;
        try {
          server.serve_forever();
          return 4;
        } catch (const ManagerShutdown&) {
        }
        return seen == 2 ? 0 : 5;
      },
      20s);
  CHECK_MESSAGE(end.ok(), end.describe());
  CHECK(!is_published(name));
}

TEST_CASE("Server: what it refuses, and one that never serves") {
  CHECK_THROWS_AS(Server({}), ValueError);
  CHECK_THROWS_AS(Server({.name = "a/b"}), ValueError);
  const std::string name = unique("never");
  {
    const Server server({.name = name, .max_size = 16 << 20});
    CHECK(!is_published(name));
  }
  CHECK(!is_published(name));
}
