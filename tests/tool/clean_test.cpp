// clean, and ls among what lies in /dev/shm and is no segment of ours.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <iterator>
#include <partage/partage.hpp>

#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

std::string path(const std::string& name) {
  return "/dev/shm/partage." + name;
}

/// A manager that was killed, with a client that was killed too.
std::string abandoned() {
  const std::string name = unique("left");
  Program server({"serve", name});
  REQUIRE(eventually([&] { return has(server.out(), "serves"); }, 10s));
  Client client(name, [](Manager& m) {
    auto words = m.list<std::string>(named("words"));
    for (int i = 0; i < 1000; ++i) words.append(std::string(100, 'x'));
  });
  server.signal(SIGKILL);
  server.wait();
  client.kill();
  return name;
}

std::vector<std::string> strings_in(const json::value& array) {
  std::vector<std::string> out;
  for (const json::value& v : array.as_array()) out.emplace_back(v.as_string().c_str());
  return out;
}

/// The text without lines, how often: sentences on stderr.
std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

/// Things that are named like segments and are none; gone with this object.
class Foreign {
 public:
  Foreign() {
    file("junk", std::string(100'000, 'j'));
    file("short", "PARTAGE1");
    file("empty", "");
    {
      const Serving real(unique("real"));
      Client client(real.name(), [](Manager& m) { m.list<int>(named("l"), {1}); });
      std::ifstream in(path(real.name()), std::ios::binary);
      std::string begin(1 << 16, '\0');
      in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
      file("truncated", begin);
      begin[8] = '\x7f';
      file("newer", begin);
    }
    file("holes", "");
    REQUIRE(::truncate(path(names_.back()).c_str(), off_t{16} << 30) == 0);
    REQUIRE(::mkdir(path(name("dir")).c_str(), 0700) == 0);
    REQUIRE(::symlink("/etc/passwd", path(name("link")).c_str()) == 0);
    REQUIRE(::mkfifo(path(name("fifo")).c_str(), 0600) == 0);
    if (::geteuid() == 0) {
      file("other-user", std::string(100'000, 'j'));
      REQUIRE(::chown(path(names_.back()).c_str(), 65534, 65534) == 0);
    } else {
      file("unreadable", "secret");
      REQUIRE(::chmod(path(names_.back()).c_str(), 0) == 0);
    }
    file("new\nline\x1b[31m", "x");
  }
  Foreign(const Foreign&) = delete;
  Foreign& operator=(const Foreign&) = delete;
  ~Foreign() {
    for (const std::string& n : names_) ::remove(path(n).c_str());
  }
  const std::vector<std::string>& names() const { return names_; }
  bool all_there() const { return std::ranges::all_of(names_, is_published); }

 private:
  std::string name(const std::string& what) { return names_.emplace_back(unique(what)); }
  void file(const std::string& what, const std::string& contents) {
    std::ofstream(path(name(what)), std::ios::binary) << contents;
  }
  std::vector<std::string> names_;
};

}  // namespace

TEST_CASE("clean: removes what everybody's death has left, and says which") {
  const std::string first = abandoned(), second = abandoned();
  CHECK(is_published(first));
  const Ran ran = run({"clean", first, second});
  CHECK(ran.code == 0);
  CHECK(ran.out == "removed " + first + "\nremoved " + second + "\n");
  CHECK(ran.err == "");
  CHECK(!is_published(first));
  CHECK(!is_published(second));
  const Ran again = run({"clean", first});
  CHECK(again.code == 3);

  const std::string third = abandoned();
  const Ran json = run({"clean", third, "--json"});
  CHECK(json.code == 0);
  CHECK(strings_in(json.json().at("removed")) == std::vector{third});
  CHECK(json.json().at("kept").as_array().empty());
}

TEST_CASE("clean: of several names each is dealt with, and each that is kept is said") {
  Serving one(unique("alive")), other(unique("alive"));
  for (const bool as_json : {false, true}) {
    const std::string first = abandoned(), second = abandoned(), missing = unique("missing");
    Program::Words words{"clean", first, one.name(), missing, other.name(), second};
    if (as_json) words.emplace_back("--json");
    const Ran ran = run(words);
    CAPTURE(ran.err);
    CHECK(ran.code == 1);
    CHECK(lines_of(ran.err) == 3);
    CHECK(has(ran.err, "there is no manager '" + missing + "'"));
    for (Serving* kept : {&one, &other}) {
      CHECK(has(ran.err, "'" + kept->name() + "' is kept: process " + std::to_string(kept->pid()) + " serves it"));
    }
    CHECK(!is_published(first));
    CHECK(!is_published(second));
    if (!as_json) {
      CHECK(ran.out == "removed " + first + "\nremoved " + second + "\n");
      continue;
    }
    CHECK(strings_in(ran.json().at("removed")) == std::vector{first, second});
    CHECK(ran.json().at("kept").as_array().size() == 3);
  }
}

TEST_CASE("clean: keeps what somebody serves or uses") {
  Serving serving(unique("alive"));
  const Ran served = run({"clean", serving.name()});
  CHECK(served.code == 1);
  CHECK(served.out == "");
  CHECK(is_sentence(served.err));
  CHECK(has(served.err, "process " + std::to_string(serving.pid()) + " serves it"));

  static ListProxy<int> list;
  Client client(
      serving.name(), [](Manager& m) { list = m.list<int>(named("l"), {1}); },
      [](Manager&) {
        list.append(2);
        return list.size() == 2 ? 0 : 1;
      });
  serving.kill();
  const Ran used = run({"clean", serving.name(), "--json"});
  CHECK(used.code == 1);
  CHECK(used.json().at("removed").as_array().empty());
  CHECK(used.json().at("kept").as_array().at(0).at("name") == json::value(serving.name()));
  CHECK(has(used.err, "used by 1 process"));
  CHECK(client.finish().ok());
  CHECK(run({"clean", serving.name()}).code == 0);
  CHECK(!is_published(serving.name()));
}

TEST_CASE("clean: a client that was killed in the middle of writing") {
  for (int round = 0; round < 10; ++round) {
    const std::string name = unique("storm");
    Program server({"serve", name, "--max-size", "64M"});
    REQUIRE(eventually([&] { return has(server.out(), "serves"); }, 10s));
    ChildGroup group;
    std::vector<pid_t> writers;
    for (int i = 0; i < 3; ++i) {
      writers.push_back(group.start([&] {
        Manager m = Manager::connect(name);
        auto dict = m.dict<int, std::string>(named("d"));
        for (int n = 0;; ++n) dict.set(n % 500, std::string(static_cast<std::size_t>(n) % 3000, 'x'));
      }));
    }
    usleep(30'000);
    server.signal(SIGKILL);
    for (const pid_t pid : writers) group.kill(pid);
    server.wait();
    const Ran ran = run({"clean", name});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out == "removed " + name + "\n");
    CHECK(!is_published(name));
  }
}

TEST_CASE("clean and serve at once: either the old data or a new manager, never an error") {
  for (int i = 0; i < 10; ++i) {
    const std::string name = abandoned();
    Program cleaner({"clean", name});
    if (i % 2 != 0) usleep(static_cast<useconds_t>(i) * 1000);
    Serving serving(name);
    const Ran clean = cleaner.wait();
    CAPTURE(clean.err);
    CHECK((clean.code == 0 || clean.code == 1));
    const Ran words = run({"get", name, "words", "0"});
    CHECK(words.code == (clean.code == 0 ? 3 : 0));
  }
}

TEST_CASE("clean and ls without a name: everything there is, and nothing that is foreign") {
  if (!has_private_shm()) {
    MESSAGE("skipped: no /dev/shm of its own");
    return;
  }
  CHECK(run({"clean"}).code == 0);
  CHECK(run({"clean"}).out == "");
  CHECK(run({"ls", "--json"}).out == "[]\n");
  const Foreign foreign;
  const std::string gone = abandoned();
  Serving serving(unique("alive"));

  const Ran before = run({"ls", "--json"});
  CHECK(before.code == 0);
  const json::array lines = before.json().as_array();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at("state") != lines[1].at("state"));
  for (const json::value& line : lines) {
    CHECK(line.at("state") == (line.at("name") == json::value(gone) ? "abandoned" : "serving"));
  }
  CHECK(lines_of(before.err) == foreign.names().size());
  CHECK(has(before.err, "is left out: "));
  CHECK(has(before.err, "\\x1b[31m"));
  CHECK(!has(before.err, "\x1b"));

  const Ran json = run({"clean", "--json"});
  CHECK(json.code == 0);
  CHECK(strings_in(json.json().at("removed")) == std::vector{gone});
  CHECK(json.json().at("kept").as_array().size() == foreign.names().size() + 1);
  const Ran people = run({"clean"});
  CHECK(people.code == 0);
  CHECK(people.out == "");
  CHECK(lines_of(people.err) == foreign.names().size());
  CHECK(foreign.all_there());
  CHECK(!is_published(gone));
  CHECK(is_published(serving.name()));
}

TEST_CASE("what is no segment: every command says why in a sentence") {
  const Foreign foreign;
  for (const std::string& name : foreign.names()) {
    CAPTURE(name);
    for (const Program::Words& words : {Program::Words{"ls", name},
                                        {"get", name, "x"},
                                        {"set", name, "x", "y", "z"},
                                        {"del", name, "x"},
                                        {"stop", name},
                                        {"serve", name}}) {
      const Ran ran = run(words);
      CAPTURE(ran.err);
      CHECK(ran.code == 1);
      CHECK(ran.out == "");
      CHECK(is_sentence(ran.err));
    }
  }
  CHECK(foreign.all_there());
}
