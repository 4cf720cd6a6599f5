// The `partage` program as a child of the test, its output and its end; and clients in other processes.
//
//   const Ran ran = run({"get", name, "stock", "apples"});
//   CHECK(ran.code == 0);  CHECK(ran.out == "3\n");  CHECK(ran.err == "");
//
//   const Serving shop(unique("shop"));                   // `partage serve`, ready
//   Client client(shop.name(), [](Manager& m) { ... });   // a process that has done that, and stays
//
// Thread safety: none. Everything started here dies with the test (PR_SET_PDEATHSIG).
#pragma once

#include <doctest/doctest.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <partage/manager.hpp>
#include <string>
#include <vector>

#include "tests/support/processes.hpp"
#include "tests/tool/private_shm.hpp"

namespace partage::test {

using namespace std::chrono_literals;

/// Of what waitpid() and the like tell: the exit code, or minus the signal. WEXITSTATUS alone is 0 for whom a signal ended.
inline int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// How the program ended: its exit code, or minus the signal.
struct Ran {
  int code = 0;
  std::string out, err;

  boost::json::value json() const { return boost::json::parse(out); }
};

class Program {
 public:
  using Words = std::vector<std::string>;

  /// `environment`: "NAME=value".
  explicit Program(const Words& arguments, const Words& environment = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();  // kills it if it is still there

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// What it has written so far.
  std::string out() const;
  std::string err() const;
  bool is_running();
  /// Waits for its end; a failure of the test, and the death of the program, if it does not come.
  Ran wait(std::chrono::milliseconds timeout = 30s);

 private:
  pid_t pid_ = 0;
  int out_, err_;  // memory files
  std::unique_ptr<Ran> ended_;
};

Ran run(const Program::Words& arguments, const Program::Words& environment = {});

/// A name that no other test process has.
std::string unique(const std::string& what);
/// /dev/shm/partage.NAME is there.
bool is_published(const std::string& name);

/// `partage serve NAME`, which others can connect to. The destructor ends it by SIGTERM, and removes what a killed one
/// left.
class Serving {
 public:
  explicit Serving(const std::string& name, Program::Words options = {}, const Program::Words& environment = {});
  Serving(Serving&&) = default;
  ~Serving();
  const std::string& name() const { return name_; }
  Program& program() { return *program_; }
  pid_t pid() const { return program_->pid(); }
  void kill();

 private:
  std::string name_;
  std::unique_ptr<Program> program_;
};

/// Another process that is connected, has done something, and then keeps what its handles in `body` hold until it is
/// told to end.
class Client {
 public:
  explicit Client(const std::string& name, const std::function<void(Manager&)>& prepare,
                  const std::function<int(Manager&)>& at_end = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  pid_t pid() const { return pid_; }
  void kill();
  /// Lets it run `at_end` and end.
  ChildResult finish();

 private:
  ChildGroup group_;
  pid_t pid_ = 0;
  int go_[2];
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
/// One sentence of ours and nothing else.
inline bool is_sentence(const std::string& text) {
  return text.starts_with("partage: ") && text.ends_with("\n") && text.find('\n') == text.size() - 1;
}

}  // namespace partage::test
