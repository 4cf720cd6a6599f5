// The life of a manager process: start, end, death, successor; and who goes first.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/server/fixture.hpp"

namespace partage::test {

TEST_CASE("a manager starts, serves and ends") {
  NoLitter no_litter;
  pid_t pid = 0;
  {
    ManagerFixture at;
    pid = at.pid();
    CHECK(kernel::is_manager_alive(at.segment()));
    CHECK(kernel::manager_pid(at.segment()) == pid);
    CHECK(kernel::manager_epoch(at.segment()) == 1);
    const auto pong = kernel::ask(at.segment(), kernel::ControlKind::ping, 10s);
    REQUIRE(pong);
    CHECK(pong->kind == kernel::ControlKind::pong);
    CHECK(pong->value == static_cast<kernel::u64>(pid));
    const ObjectRef list = at->new_list();
    at->append(list, "x");
    CHECK(at->verify() == "");
    kernel::stop_manager(at.segment());
    CHECK_FALSE(at.segment().live());
    CHECK_FALSE(kernel::is_manager_alive(at.segment()));
    CHECK_THROWS_WITH_AS(at->new_list(), doctest::Contains("was shut down"), ManagerShutdown);
    CHECK_THROWS_AS(at->registry().objects(), ManagerShutdown);
    CHECK_THROWS_AS(kernel::start_manager(at.segment(), {}), ManagerShutdown);
    kernel::stop_manager(at.segment());
  }
  CHECK(is_gone(pid));
}

TEST_CASE("the manager keeps nothing of the program that started it") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  struct sigaction before {};
  REQUIRE(sigaction(SIGUSR1, &ours, &before) == 0);
  auto other = kernel::make_segment({.initial = 0, .max = std::size_t{1} << 20});
  {
    ManagerFixture at("a long name of a manager");
    sigaction(SIGUSR1, &before, nullptr);
    REQUIRE(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));  // it has closed what it started with
    const std::string proc = "/proc/" + std::to_string(at.pid());

    // Its descriptors: /dev/null three times, the segment, and its own sockets and the like. No pipe of ours.
    close(ends[1]);
    char c = 0;
    CHECK(read(ends[0], &c, 1) == 0);
    close(ends[0]);
    struct stat segment_stat {};
    fstat(at.segment().object().fd(), &segment_stat);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd")) {
      struct stat s {};
      if (stat(entry.path().c_str(), &s) != 0) continue;
      if (S_ISREG(s.st_mode)) {
        ++files;
        CHECK(s.st_ino == segment_stat.st_ino);
      }
      CHECK_FALSE(S_ISFIFO(s.st_mode));
      const int number = std::stoi(entry.path().filename());
      if (number <= 2) CHECK(std::filesystem::read_symlink(entry.path()) == "/dev/null");
    }
    CHECK(files == 1);

    std::string line, maps, status;
    std::ifstream maps_file(proc + "/maps");
    while (std::getline(maps_file, line)) maps += line + '\n';
    struct stat other_stat {};
    fstat(other->object().fd(), &other_stat);
    CHECK(maps.find(" " + std::to_string(segment_stat.st_ino) + " ") != std::string::npos);
    CHECK(maps.find(" " + std::to_string(other_stat.st_ino) + " ") == std::string::npos);

    std::ifstream status_file(proc + "/status");
    while (std::getline(status_file, line)) status += line + '\n';
    CHECK(status.find("Name:\tpartage: a long") != std::string::npos);
    CHECK(status.find("PPid:\t" + std::to_string(getpid()) + "\n") == std::string::npos);
    const std::size_t caught_at = status.find("SigCgt:\t");
    REQUIRE(caught_at != std::string::npos);
    CHECK((std::stoull(status.substr(caught_at + 8), nullptr, 16) >> (SIGUSR1 - 1) & 1) == 0);
    CHECK(std::filesystem::read_symlink(proc + "/cwd") == "/");
    CHECK(getsid(at.pid()) == at.pid());
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // no child of ours

    CHECK(kill(at.pid(), SIGINT) == 0);
    CHECK(kill(at.pid(), SIGHUP) == 0);
    CHECK(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
  }
}

TEST_CASE("a program without standard streams can start a manager") {
  const ChildResult r = run_child(
      [] {
        close(0);
        close(1);
        close(2);
        auto segment = kernel::make_segment({.initial = 0, .max = std::size_t{1} << 20});
        if (segment->object().fd() <= 2) return 2;  // what is printed would go into it
        kernel::start_manager(*segment, {});
        if (!kernel::ask(*segment, kernel::ControlKind::ping, 10s)) return 3;
        kernel::stop_manager(*segment);
        return kernel::is_manager_alive(*segment) ? 4 : 0;
      },
      10s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("SIGTERM is an orderly end") {
  const std::string name = name_for("sigterm");
  ManagerFixture at(name);
  kill(at.pid(), SIGTERM);
  CHECK(eventually([&] { return is_gone(at.pid()); }, 10s));
  CHECK_FALSE(at.segment().live());
  CHECK_FALSE(kernel::MemoryObject::open(name));
}

TEST_CASE("a second manager is told who serves") {
  ManagerFixture at;
  CHECK_THROWS_WITH_AS(kernel::start_manager(at.segment(), {}),
                       doctest::Contains(("is served already, by process " + std::to_string(at.pid())).c_str()),
                       ConnectionError);
  CHECK(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
  CHECK(kernel::manager_epoch(at.segment()) == 1);
}

TEST_CASE("a named segment: found by name, adopted when orphaned, gone at the end") {
  NoLitter no_litter;
  const std::string name = name_for("named");
  CHECK_THROWS_WITH_AS(kernel::connect_segment(name), doctest::Contains("nobody serves"), ConnectionError);
  CHECK(kernel::orphaned_segment(name) == nullptr);
  ManagerFixture at(name);
  const ObjectRef list = at->new_list();
  at->append(list, "kept");
  REQUIRE(at->registry().publish("stock", list) == 0);
  CHECK_THROWS_WITH_AS(kernel::orphaned_segment(name), doctest::Contains("is served already, by process"),
                       ConnectionError);
  CHECK_THROWS_AS(ManagerFixture second(name), ConnectionError);
  const ChildResult r = run_child(
      [&] {
        auto mine = kernel::connect_segment("shm://" + name);
        Hosting hosting(*mine);
        const ObjectRef found = hosting.registry().lookup("stock");
        if (found != list) return 2;
        hosting.append(found, "from outside");
        kernel::leave_segment(*mine);
        return 0;
      },
      10s);
  CHECK_MESSAGE(r.ok(), r.describe());
  CHECK(at->list(list).size() == 2);

  at.kill_manager();
  CHECK_THROWS_WITH_AS(kernel::connect_segment(name), doctest::Contains("has died"), ConnectionError);
  const ChildResult adopter = run_child(
      [&] {
        auto mine = kernel::orphaned_segment(name);
        if (!mine) return 2;
        kernel::start_manager(*mine, {});
        kernel::publish_segment(*mine);
        Hosting hosting(*mine, kernel::Control::needs_manager);
        if (hosting.registry().lookup("stock") != list) return 3;
        kernel::leave_segment(*mine);
        return 0;
      },
      10s);
  CHECK_MESSAGE(adopter.ok(), adopter.describe());
  CHECK(kernel::manager_epoch(at.segment()) == 2);
  CHECK(at->new_list() != 0);  // the same registry works again
  CHECK(at->verify() == "");
}

TEST_CASE("the manager is killed: data goes on, control calls say so, a successor puts all right") {
  ManagerFixture at;
  const ObjectRef list = at->new_list(), handles = at->new_list(true);
  at->append(list, "one");
  at->append_handle(handles, list);
  REQUIRE(at->registry().publish("stock", list) == 0);
  for (int round = 0; round < 5; ++round) {
    at.kill_manager();
    CHECK_THROWS_WITH_AS(at->new_list(), doctest::Contains("has died; existing objects go on working"), ManagerLost);
    CHECK_THROWS_AS(at->registry().publish("x", list), ManagerLost);
    CHECK_THROWS_AS(at->registry().lookup("stock"), ManagerLost);
    CHECK_THROWS_AS(at->registry().remove("stock"), ManagerLost);
    CHECK_THROWS_AS(at->registry().objects(), ManagerLost);
    at->append(list, "while nobody serves");
    Bytes out;
    REQUIRE(at->list(list).get(0, out));
    CHECK(text(out) == "one");
    // A client dies with nobody there to see it.
    const ChildResult r = run_child(
        [&] {
          join(at.segment());
          Hosting alone(at.segment());
          (void)alone.new_dict();
        },
        5s);
    CHECK(r.ok());
    CHECK(kernel::Clients(at.segment()).count() == 2);
    at.restart();
    CHECK(kernel::manager_epoch(at.segment()) == static_cast<kernel::u64>(round + 2));
    CHECK(kernel::Clients(at.segment()).count() == 1);
    CHECK(at->count() == 2);
    CHECK(at->verify() == "");
    CHECK(at->registry().lookup("stock") == list);
  }
  CHECK(at->list(list).size() == 6);
}

TEST_CASE("a stopped manager is alive, and stops nobody") {
  ManagerFixture at;
  REQUIRE(pause_process(at.pid()));
  CHECK(kernel::is_manager_alive(at.segment()));
  for (int i = 0; i < 1000; ++i) {
    const ObjectRef list = at->new_list();
    at->append(list, "x");
    at->registry().publish("n", list);
    at->registry().remove("n");
    at->release(list);
    kernel::notify(at.segment(), 1);
  }
  CHECK_FALSE(kernel::ask(at.segment(), kernel::ControlKind::ping, 50ms));
  resume_process(at.pid());
  CHECK(kernel::ask(at.segment(), kernel::ControlKind::ping, 10s));
  CHECK(eventually([&] { return at->verify().empty(); }, 10s));  // it may be looking at the clients just now
}

TEST_CASE("a stopped manager is ended all the same") {
  ManagerFixture at;
  REQUIRE(pause_process(at.pid()));
  kernel::stop_manager(at.segment());
  CHECK(is_gone(at.pid()));
  CHECK_FALSE(at.segment().live());
}

TEST_CASE("started by a program with other threads") {
  std::atomic<bool> end{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!end) {
        try {
          std::vector<std::string> waste(100, std::string(100, 'x'));
          throw waste.size();
        } catch (std::size_t) {
        }
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    ManagerFixture at;
    CHECK(at->new_list() != 0);
  }
  end = true;
  for (std::thread& t : threads) t.join();
}

}  // namespace partage::test
