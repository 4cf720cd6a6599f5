// serve --snapshot: what is kept over the end of a manager, however it ends.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <partage/partage.hpp>
#include <random>
#include <thread>

#include "manager/segment/published.hpp"
#include "manager/server/named.hpp"
#include "manager/tool/snapshot_file.hpp"
#include "tests/support/seed.hpp"
#include "tests/tool/directory.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Program::Words every(const std::filesystem::path& file, const std::string& interval) {
  return {"--snapshot", file.string(), "--every", interval};
}

void set(const std::string& manager, const std::string& object, const std::string& key, const std::string& value) {
  CHECK(run({"set", manager, object, key, value}).code == 0);
}

}  // namespace

TEST_CASE("snapshot: what is in a manager is there again after its orderly end") {
  const Directory directory;
  const std::string name = unique("kept");
  const auto file = directory / "s";
  for (const bool by_signal : {false, true}) {
    CAPTURE(by_signal);
    Serving serving(name, every(file, "1h"));
    if (!by_signal) {
      Client client(name, [](Manager& m) { m.dict<std::string, int>(named("counts"), {{"n", 1}}); });
      CHECK(client.finish().ok());
    } else {
      CHECK(has(serving.program().out(), "loaded 1 object from '" + file.string() + "'"));
    }
    CHECK(run({"get", name, "counts", "n"}).out == (by_signal ? "5\n" : "1\n"));
    set(name, "counts", "n", by_signal ? "6" : "5");
    if (by_signal) {
      serving.program().signal(SIGTERM);
    } else {
      CHECK(run({"stop", name}).code == 0);
    }
    const Ran end = serving.program().wait();
    CHECK(end.code == 0);
    CHECK(end.err == "");
    CHECK_NOTHROW(tool::read_snapshot(contents(file)));
    CHECK(directory.names() == std::vector<std::string>{"s"});
  }
  const Serving again(name, every(file, "1h"));
  CHECK(run({"get", name, "counts"}).out == "{\"n\": 6}\n");
}

TEST_CASE("snapshot: no change that succeeded is missing in the last one") {
  const Directory directory;
  const std::string name = unique("last");
  for (int i = 0; i < 5; ++i) {
    std::filesystem::remove(directory / "s");
    Serving serving(name, every(directory / "s", "20ms"));
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    ChildGroup group;
    const pid_t pid = group.start([&]() -> int {
      Manager m = Manager::connect(name);
      auto counts = m.dict<std::string, int>(named("counts"), {{"n", 0}});
      int done = 0;
      try {
        for (;; ++done) counts["n"] += 1;
      } catch (const ManagerShutdown&) {
      }
      return ::write(pipe[1], &done, sizeof done) == sizeof done ? 0 : 1;
    });
    std::this_thread::sleep_for(150ms);
    CHECK(run({"stop", name}).code == 0);
    CHECK(serving.program().wait().code == 0);
    CHECK(group.wait(pid, 10s).ok());
    int done = 0;
    REQUIRE(::read(pipe[0], &done, sizeof done) == sizeof done);
    ::close(pipe[0]);
    ::close(pipe[1]);
    CHECK(done > 0);
    const Serving again(name, every(directory / "s", "1h"));
    const int kept = std::stoi(run({"get", name, "counts", "n"}).out);
    CHECK(kept >= done);
    CHECK(kept <= done + 1);  // the one that was cut off may have happened
  }
}

TEST_CASE("snapshot: written again and again while clients work") {
  const Directory directory;
  const Serving serving(unique("often"), every(directory / "s", "50ms"));
  Client client(serving.name(), [](Manager& m) { m.list<int>(named("l"), {1}); });
  for (const char* value : {"7", "8"}) {
    set(serving.name(), "l", "0", value);
    CHECK(eventually([&] { return has(contents(directory / "s"), "\"contents\":[" + std::string(value) + "]"); }, 10s));
  }
  CHECK(run({"ls", serving.name()}).code == 0);
}

TEST_CASE("snapshot: a manager killed at any moment leaves a whole one, and what it left wins over it") {
  std::mt19937_64 random(test_seed());
  const Directory directory;
  const auto file = directory / "s";
  const std::string name = unique("killed");
  std::string before = "0";
  {
    Serving first(name, every(file, "1h"));
    Client client(name, [](Manager& m) {
      auto l = m.list<std::string>(named("big"));
      for (int i = 0; i < 2000; ++i) l.append(std::string(100, 'x'));
      m.list<int>(named("l"), {0});
    });
  }
  for (int i = 1; i <= 8; ++i) {
    Serving serving(name, every(file, "2ms"));
    CHECK(run({"get", name, "l", "0"}).out == before + '\n');
    before = std::to_string(i);
    set(name, "l", "0", before);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
    serving.program().signal(SIGKILL);
    CHECK(serving.program().wait().code == -SIGKILL);
    CHECK_NOTHROW(tool::read_snapshot(contents(file)));
    if (i % 2 == 0) {  // what it left is gone too: the file counts, which may be older by an interval or two
      CHECK(eventually([&] { return run({"clean", name}).code == 0; }, 10s));
      Serving from_file(name, every(file, "1h"));
      CHECK(has(from_file.program().out(), "loaded 2 objects"));
      set(name, "l", "0", before);
    } else {
      Serving adopted(name, every(file, "1h"));
      CHECK(
          has(adopted.program().out(), "took over what a killed manager left; '" + file.string() + "' was not loaded"));
      CHECK(run({"get", name, "l", "0"}).out == before + '\n');
    }
    CHECK(directory.names() == std::vector<std::string>{"s"});  // what killed writers left was cleared up
  }
}

TEST_CASE("snapshot: who begins while another one is ending gets what that one has written last") {
  const Directory directory;
  const std::string name = unique("handover");
  const auto serve = [&] {
    return std::make_unique<Program>(
        Program::Words{"serve", name, "--snapshot", (directory / "s").string(), "--log-level", "error"});
  };
  const auto serves = [](Program& program) {
    return eventually([&] { return has(program.out(), "serves") || !program.is_running(); }, 20s) &&
           program.is_running();
  };
  auto serving = serve();
  REQUIRE(serves(*serving));
  {
    Client client(name, [](Manager& m) {
      auto big = m.list<std::string>(named("big"));
      for (int i = 0; i < 20'000; ++i) big.append(std::string(100, 'x'));
      m.list<int>(named("l"), {0});
    });
  }
  for (int i = 1; i <= 6; ++i) {
    set(name, "l", "0", std::to_string(i));
    serving->signal(SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(4 * (i - 1)));
    auto next = serve();
    const Ran end = serving->wait();
    CHECK(end.code == 0);
    CHECK(end.err == "");
    if (!serves(*next)) {  // it came before the other one had begun to end
      CHECK(next->wait().code == 4);
      next = serve();
      REQUIRE(serves(*next));
    }
    serving = std::move(next);
    CHECK(run({"get", name, "l", "0"}).out == std::to_string(i) + '\n');
    CHECK(directory.names() == std::vector<std::string>{"s", "s.partage-lock"});
  }
  serving->signal(SIGTERM);
  CHECK(serving->wait().code == 0);
  CHECK(!is_published(name));
}

TEST_CASE("snapshot: a manager that finds its file outdated when it has the name gives everything up") {
  const std::string name = unique("outdated");
  const ChildResult end = run_child(
      [&] {
        const auto segment = kernel::segment_to_serve(name, {.initial = 0, .max = std::size_t{16} << 20});
        bool ended = false;
        kernel::serve_named(*segment, {.ready = [&] { segment->shut_down(); }, .ended = [&] { return ended = true; }});
        return ended && !is_published(name) ? 0 : 1;
      },
      10s);
  CHECK_MESSAGE(end.ok(), end.describe());
}

TEST_CASE("snapshot: a damaged file is refused, named, and left as it is") {
  const Directory directory;
  const std::string name = unique("damaged");
  const auto file = directory / "s";
  {
    Serving serving(name, every(file, "1h"));
    Client client(name, [](Manager& m) { m.list<int>(named("l"), {1}); });
  }
  const std::string whole = contents(file);
  std::string flipped = whole;
  flipped[tool::snapshot_head_size + 20] = '?';
  struct Case {
    std::string bytes, why;
  };
  for (const Case& c : {Case{"", "it is no snapshot"}, Case{"a text of mine", "it is no snapshot"},
                        Case{whole.substr(0, 100), "it is truncated"}, Case{flipped, "its checksum is wrong"},
                        Case{whole + "x", "it has 1 byte too many"}}) {
    std::ofstream(file, std::ios::binary) << c.bytes;
    const Ran ran = run({"serve", name, "--snapshot", file.string()});
    CAPTURE(ran.err);
    CHECK(ran.code == 1);
    CHECK(ran.out == "");
    CHECK(is_sentence(ran.err));
    CHECK(has(ran.err, "the snapshot '" + file.string() + "' cannot be loaded: " + c.why));
    CHECK(!is_published(name));
    CHECK(contents(file) == c.bytes);
  }
  const Ran nowhere = run({"serve", name, "--snapshot", (directory / "no" / "s").string()});
  CHECK(nowhere.code == 1);
  CHECK(has(nowhere.err, "cannot be written in its directory: No such file or directory"));
}

TEST_CASE("snapshot: a file that cannot be written is said again and again, and the end is an error") {
  const Directory directory;
  std::filesystem::create_directory(directory / "d");
  Serving serving(unique("gone"), every(directory / "d" / "s", "50ms"));
  std::filesystem::remove_all(directory / "d");
  CHECK(eventually([&] { return has(serving.program().err(), "no snapshot of '" + serving.name() + "' was written"); },
                   10s));
  CHECK(run({"ls", serving.name()}).code == 0);
  const Ran stop = run({"stop", serving.name()});
  CHECK(stop.code == 1);
  CHECK(is_sentence(stop.err));
  CHECK(has(stop.err, "'" + serving.name() + "' has ended, but its last snapshot could not be written"));
  const Ran end = serving.program().wait();
  CHECK(end.code == 1);
  CHECK(has(end.err, "has ended without a last snapshot"));
  CHECK(!is_published(serving.name()));
}

TEST_CASE("snapshot: one beyond the limit for files is reported, and the manager goes on") {
  const Directory directory;
  Serving serving(unique("limited"), every(directory / "s", "50ms"));
  const rlimit small{2000, RLIM_INFINITY};
  REQUIRE(::prlimit(serving.pid(), RLIMIT_FSIZE, &small, nullptr) == 0);
  Client client(serving.name(), [](Manager& m) { m.list<std::string>(named("l"), {std::string(5000, 'x')}); });
  CHECK(eventually([&] { return has(serving.program().err(), "was not written: File too large"); }, 10s));
  CHECK(run({"get", serving.name(), "l", "0"}).code == 0);
  serving.program().signal(SIGTERM);
  CHECK(serving.program().wait().code == 1);
  CHECK(!is_published(serving.name()));
}

TEST_CASE("stop: says that the last snapshot takes long, and goes on waiting") {
  const Directory directory;
  Serving serving(unique("lingering"), every(directory / "s", "1h"));
  Client client(serving.name(), [](Manager& m) {
    auto big = m.list<std::string>(named("big"));
    for (int i = 0; i < 1000; ++i) big.append(std::string(20'000, 'x'));
  });
  const auto segment = kernel::attach_published(serving.name());
  REQUIRE(segment != nullptr);
  Program stop({"stop", serving.name()});
  while (segment->live()) {
  }
  REQUIRE(pause_process(serving.pid()));
  CHECK(eventually([&] { return has(stop.err(), "is stopped in the middle of its end"); }, 20s));
  CHECK(is_sentence(stop.err()));
  CHECK(stop.is_running());
  resume_process(serving.pid());
  CHECK(stop.wait().code == 0);
  CHECK(serving.program().wait().code == 0);
}

TEST_CASE("snapshot: two managers cannot have one file, under whatever name") {
  const Directory directory;
  const auto file = directory / "s";
  std::filesystem::create_symlink("s", directory / "link");
  auto first = std::make_unique<Serving>(unique("owner"), every(file, "1h"));
  for (const auto& path : {file, directory / "link", directory / "." / "s"}) {
    const Ran second = run({"serve", unique("second"), "--snapshot", path.string()});
    CHECK(second.code == 1);
    CHECK(second.out == "");
    CHECK(is_sentence(second.err));
    CHECK(has(second.err, "another manager keeps what it holds in '" + file.string() + "'"));
  }
  first->kill();
  { const Serving next(unique("next"), every(file, "1h")); }
  CHECK(directory.names() == std::vector<std::string>{"link", "s"});
}

TEST_CASE("snapshot: where a link points to nothing, a file is made there") {
  const Directory directory;
  std::filesystem::create_directory(directory / "d");
  std::filesystem::create_symlink("d/hop", directory / "link");
  std::filesystem::create_symlink(directory / "s", directory / "d" / "hop");
  { const Serving serving(unique("dangling"), every(directory / "link", "1h")); }
  CHECK(std::filesystem::is_symlink(directory / "link"));
  CHECK(std::filesystem::is_symlink(directory / "d" / "hop"));
  CHECK_NOTHROW(tool::read_snapshot(contents(directory / "s")));
}

TEST_CASE("snapshot: a name that is served already is said before what is wrong with the file") {
  const Directory directory;
  std::ofstream(directory / "s") << "a text of mine";
  const Serving serving(unique("served"));
  const Ran ran = run({"serve", serving.name(), "--snapshot", (directory / "s").string()});
  CHECK(ran.code == 4);
  CHECK(has(ran.err, "is served already, by process " + std::to_string(serving.pid())));
}

TEST_CASE("snapshot: wrong words") {
  for (const char* interval : {"30", "0s", "x", "-1s", ""}) {
    const Ran ran = run({"serve", "x", "--snapshot", "/tmp/x", std::string("--every=") + interval});
    CHECK(ran.code == 2);
    CHECK(is_sentence(ran.err));
    CHECK(has(ran.err, "--every"));
  }
}
