// CPython's _TestSubclassingProcess.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <tuple>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

class UpperCaser : public Process {
 public:
  UpperCaser() = default;
  explicit UpperCaser(StartMethod method) : Process(ProcessOptions{.daemon = true, .start_method = method}) {
    std::tie(child_conn_, parent_conn_) = Pipe();
  }

  void run() override {
    parent_conn_.close();
    while (const auto text = child_conn_.recv<std::optional<std::string>>()) {
      std::string upper = *text;
      std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      child_conn_.send(upper);
    }
    child_conn_.close();
  }

  std::string submit(const std::string& text) const {
    parent_conn_.send(std::optional(text));
    REQUIRE(parent_conn_.poll(long_enough));
    return parent_conn_.recv<std::string>();
  }
  void stop() const {
    parent_conn_.send(std::optional<std::string>());
    parent_conn_.close();
    child_conn_.close();
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& child_conn_& parent_conn_;
  }

 private:
  Connection child_conn_, parent_conn_;
};
PARTAGE_PROCESS(UpperCaser);

/// A file that a child writes to; it goes with this.
class TemporaryFile {
 public:
  TemporaryFile() {
    const int fd = ::mkstemp(path_);
    REQUIRE(fd >= 0);
    ::close(fd);
  }
  ~TemporaryFile() { ::unlink(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_; }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

 private:
  char path_[40] = "/tmp/partage-conformance-XXXXXX";
};

void errors_go_to(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  expect(fd >= 0 && ::dup2(fd, STDERR_FILENO) >= 0, "the file");
  ::close(fd);
}

void fail_with_text(const std::string& file) {
  errors_go_to(file);
  throw std::runtime_error("on the way\nto nowhere");
}

void fail_with_anything(const std::string& file) {
  errors_go_to(file);
  throw std::vector{1, 2, 3};
}

}  // namespace

TEST_CASE("_TestSubclassingProcess.test_subclassing: a derived class talks over a pipe that it has made") {
  with_each_start_method([](StartMethod method) {
    UpperCaser upper_caser(method);
    upper_caser.start();
    CHECK(upper_caser.submit("hello") == "HELLO");
    CHECK(upper_caser.submit("world") == "WORLD");
    upper_caser.stop();
    REQUIRE(upper_caser.join(long_enough));
    CHECK(upper_caser.exitcode() == 0);
  });
}

TEST_CASE("_TestSubclassingProcess.test_stderr_flush: what an exception says is written before the end") {
  with_each_start_method([](StartMethod method) {
    const TemporaryFile file;
    Child child(ProcessOptions{.name = "failing", .start_method = method}, fail_with_text, file.path());
    CHECK(child.run() == 1);
    CHECK(file.text() == "Process failing: on the way\nto nowhere\n");
  });
}

TEST_CASE("_TestSubclassingProcess.test_sys_exit: std::exit and what it gives") {
  with_each_start_method([](StartMethod method) {
    const TemporaryFile file;
    Child anything(ProcessOptions{.start_method = method}, fail_with_anything, file.path());
    CHECK(anything.run() == 1);
    CHECK_FALSE(file.text().empty());

    for (const auto& [given, expected] :
         std::vector<std::pair<int, int>>{{1, 1}, {0, 0}, {8, 8}, {256, 0}, {-1, 255}}) {
      const int code = given;  // Clang 14 captures no bindings
      CAPTURE(code);
      Child child(
          ProcessOptions{.daemon = true, .start_method = method}, [](int c) { std::exit(c); }, code);
      CHECK(child.run() == expected);
    }
  });
}
