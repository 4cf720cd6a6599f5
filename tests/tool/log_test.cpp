// What `partage serve` writes about its life, and where.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <partage/partage.hpp>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

bool comes(Program& program, const std::string& line) {
  return eventually([&] { return has(program.err(), line); }, 10s);
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("serve: its log tells who comes and goes, who dies, what is repaired, growth, and the end") {
  Serving serving(unique("log"), {"--log-level", "debug", "--initial-size", "1M"});
  Program& program = serving.program();
  const std::string self = std::to_string(serving.pid());
  CHECK(comes(program, "info: process " + self + " begins to serve '" + serving.name() + "'"));

  pid_t pid = 0;
  {
    Client client(serving.name(), [](Manager& m) {
      m.dict<std::string, int>(named("stock"), {{"apples", 3}});
      m.list<std::string>(named("grown")).append(std::string(4 << 20, 'x'));
    });
    pid = client.pid();
    CHECK(comes(program, "debug: process " + std::to_string(pid) + " is attached"));
    CHECK(comes(program, "debug: the segment has grown to "));
    CHECK(client.finish().ok());
  }
  CHECK(comes(program, "debug: process " + std::to_string(pid) + " is not attached any more"));

  ChildGroup group;
  const pid_t killed = group.start([name = serving.name()] {
    Manager m = Manager::connect(name);
    auto stock = m.dict<std::string, int>(named("stock"));
    stock.modify("apples", [](int& n) {
      n = 4;
      ::kill(::getpid(), SIGKILL);  // with the lock of the dict
    });
  });
  (void)group.wait(killed, 10s);
  CHECK(comes(program, "warning: process " + std::to_string(killed) + " has died without detaching"));
  CHECK(comes(program, "(dict) was repaired"));
  const auto objects = run({"ls", serving.name(), "--json"}).json();
  for (const auto& object : objects.as_array()) {
    if (object.at("name") == "stock")
      CHECK(has(program.err(), "object #" + boost::json::serialize(object.at("id")) + " (dict) was repaired"));
  }
  CHECK(run({"get", serving.name(), "stock", "apples"}).out == "3\n");  // undone

  program.signal(SIGTERM);
  const Ran ran = program.wait();
  CHECK(ran.code == 0);
  CHECK(has(ran.err, "info: process " + self + " does not serve '" + serving.name() + "' any more: it got a signal"));
  // Every line: the time, the process, the level.
  const std::regex line("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} partage\\[" + self + "\\] [a-z]+: .+");
  std::istringstream lines(ran.err);
  for (std::string l; std::getline(lines, l);) CHECK_MESSAGE(std::regex_match(l, line), l);
}

TEST_CASE("serve: the log is silent about a life without deaths, unless asked") {
  Serving serving(unique("quiet"));
  {
    Client client(serving.name(), [](Manager& m) { m.list<int>(named("l"), {1}); });
    CHECK(client.finish().ok());
  }
  CHECK(run({"stop", serving.name()}).code == 0);
  CHECK(serving.program().wait().err == "");
}

TEST_CASE("serve: off says nothing of a death, info tells an adoption") {
  const std::string name = unique("levels");
  {
    Serving serving(name, {"--log-level", "off"});
    serving.kill();
  }
  // The destructor takes the name away, so the one that is adopted is another.
  ChildGroup group;
  Serving first(name + "a", {"--log-level", "off"});
  pid_t pid = 0;
  {
    Client client(name + "a", [](Manager&) {});
    pid = client.pid();
    client.kill();
  }
  CHECK(eventually([&] { return run({"ls", "--json"}).code == 0 && ::kill(pid, 0) != 0; }, 10s));
  first.kill();
  CHECK(first.program().err() == "");
  Program second({"serve", name + "a", "--log-level", "info"});
  CHECK(comes(second, "info: process " + std::to_string(second.pid()) + " has taken over '" + name + "a'"));
  second.signal(SIGTERM);
  CHECK(second.wait().code == 0);
}

TEST_CASE("serve: the log goes to a file, and is appended there") {
  const auto directory = std::filesystem::temp_directory_path() / unique("logs");
  std::filesystem::create_directory(directory);
  const auto file = directory / "log";
  for (int i = 0; i < 2; ++i) {
    const std::string name = unique("file");
    Serving serving(name, {"--log-level", "info", "--log-file", file.string()});
    CHECK(run({"stop", name}).code == 0);
    CHECK(serving.program().wait().err == "");
    CHECK(has(text_of(file), "info: process " + std::to_string(serving.pid()) + " begins to serve '" + name + "'"));
    CHECK(has(text_of(file), "'" + name + "' any more: it was told to end"));
  }
  const std::string text = text_of(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  std::filesystem::remove_all(directory);

  const Ran ran = run({"serve", unique("nowhere"), "--log-file", "/proc/no/such/file"});
  CHECK(ran.code == 1);
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "/proc/no/such/file"));
}

TEST_CASE("serve: in systemd's journal a line has no time of its own") {
  const std::string name = unique("journal");
  // Whose stream it is can be named only when it is open: by a shell that opens the file and becomes the program.
  const auto file = std::filesystem::temp_directory_path() / name;
  const std::string command = "exec 2>" + file.string() + "; JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec " +
                              PARTAGE_PROGRAM + " serve " + name + " --log-level info >/dev/null";
  std::thread stopper([&] {
    CHECK(eventually([&] { return is_published(name); }, 10s));
    CHECK(run({"stop", name}).code == 0);
  });
  const int status = std::system(command.c_str());
  stopper.join();
  CHECK(exit_code(status) == 0);
  CHECK(text_of(file).starts_with("info: process "));
  std::filesystem::remove(file);
}
