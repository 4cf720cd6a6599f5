// The command line itself: help, version, wrong words, and the exit codes.
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdlib>
#include <partage/partage.hpp>

#include "manager/segment/header.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

void check_misused(const Program::Words& words, const std::string& sentence) {
  const Ran ran = run(words);
  CAPTURE(ran.err);
  CHECK(ran.code == 2);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, sentence));
}

void check_not_found(const Program::Words& words) {
  const Ran ran = run(words);
  CHECK(ran.code == 3);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "there is no manager 'no-such-manager'"));
}

}  // namespace

TEST_CASE("usage: help names every command and the exit codes") {
  const Ran ran = run({"--help"});
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  for (const char* word :
       {"serve", "stop", "ls", "get", "set", "del", "clean", "dump", "load", "version", "Exit codes"})
    CHECK(has(ran.out, word));
  const Ran serve = run({"serve", "--help"});
  CHECK(serve.code == 0);
  CHECK(has(serve.out, "--max-size"));
  CHECK(has(serve.out, "--initial-size"));
  CHECK(has(serve.out, "--snapshot"));
  CHECK(has(serve.out, "--every"));
}

TEST_CASE("usage: version") {
  const Ran ran = run({"version"});
  CHECK(ran.code == 0);
  CHECK(ran.out == "partage " PARTAGE_VERSION ", segment format " + std::to_string(kernel::segment_format) + "\n");
  CHECK(run({"--version"}).out == "partage " PARTAGE_VERSION "\n");
  const boost::json::value json = run({"version", "--json"}).json();
  CHECK(json.at("version") == PARTAGE_VERSION);
  CHECK(json.at("format") == kernel::segment_format);
}

TEST_CASE("usage: wrong arguments") {
  check_misused({}, "subcommand is required");
  check_misused({"frobnicate"}, "'frobnicate' is no command");
  check_misused({"ls", "a", "b"}, "b");
  check_misused({"serve"}, "NAME is required");
  check_misused({"stop"}, "NAME is required");
  check_misused({"get"}, "NAME is required");
  check_misused({"get", "a"}, "OBJECT is required");
  check_misused({"set", "a", "b"}, "KEY is required");
  check_misused({"del", "a"}, "OBJECT is required");
  check_misused({"get", "a", "b", "c", "d"}, "d");
  check_misused({"dump"}, "NAME is required");
  check_misused({"load"}, "NAME is required");
  check_misused({"load", "a", "b", "c"}, "c");
  check_misused({"serve", "x", "--every", "5s"}, "--every requires --snapshot");
  check_misused({"ls", "--jsom"}, "--jsom");
  check_misused({"version", "extra"}, "extra");
  check_misused({"serve", "x", "--max-size"}, "--max-size");
  check_misused({"serve", "x", "--snapshot", ""}, "--snapshot: an empty word names no file");
  check_misused({"serve", "x", "--snapshot="}, "--snapshot");
  check_misused({"serve", "x", "--log-file", ""}, "--log-file: an empty word names no file");
  check_misused({"load", "x", ""}, "FILE: an empty word names no file");
  for (const char* count : {"-1", "0", "x", "1.5", "", "99999999999999999999"}) {
    check_misused({"stat", "x", "--every", "1s", std::string("--count=") + count},
                  count[0] == 0 ? "--count" : "'" + std::string(count) + "' is no count; write 1 or more");
  }
  check_misused({"stat", "x", "--every", "0s"}, "'0s' is no time to wait for");
  check_misused({"serve", "x", "--max-size", "0"}, "'0' is no size to grow to");
  for (const char* size : {"", "x", "12Q", "-1", "1.5", "1e3", "12BB", "99999999T"}) {
    check_misused({"serve", "x", std::string("--max-size=") + size}, "--max-size");
  }
  for (const char* name : {"", "a/b", "../x"}) {
    check_misused({"serve", name}, "cannot name a manager");
    check_misused({"get", name, "x"}, "cannot name a manager");
    check_misused({"ls", name}, "cannot name a manager");
    check_misused({"stop", name}, "cannot name a manager");
    check_misused({"clean", name}, "cannot name a manager");
    check_misused({"dump", name}, "cannot name a manager");
    check_misused({"load", name}, "cannot name a manager");
  }
  check_misused({"serve", std::string(200, 'x')}, "cannot name a manager");
}

TEST_CASE("usage: a manager that is not there") {
  check_not_found({"ls", "no-such-manager"});
  check_not_found({"ls", "no-such-manager", "--json"});
  check_not_found({"stop", "no-such-manager"});
  check_not_found({"get", "no-such-manager", "x"});
  check_not_found({"get", "no-such-manager", "x", "y", "--json"});
  check_not_found({"set", "no-such-manager", "x", "y", "z"});
  check_not_found({"del", "no-such-manager", "x"});
  check_not_found({"clean", "no-such-manager"});
  check_not_found({"dump", "no-such-manager"});
  check_not_found({"dump", "no-such-manager", "--all", "--json"});
  check_not_found({"load", "no-such-manager", "/no/such/file"});
}

TEST_CASE("usage: the names of commands are names of managers too") {
  const Ran ran = run({"get", "ls", "stop", "set"});
  CHECK(ran.code == 3);
  CHECK(has(ran.err, "there is no manager 'ls'"));
}

TEST_CASE("usage: output that cannot be written is an error") {
  const int status = std::system(PARTAGE_PROGRAM " version >/dev/full 2>/dev/null");
  CHECK(exit_code(status) == 1);
  for (const char* help : {" --help", " serve --help", " --version"}) {
    const int helped = std::system((std::string(PARTAGE_PROGRAM) + help + " >/dev/full 2>/dev/null").c_str());
    CHECK(exit_code(helped) == 1);
  }
}

TEST_CASE("usage: who ends because nobody reads detaches first, and ends as others do") {
  Serving serving(unique("pipe"));
  Client client(serving.name(), [](Manager& m) {
    static const auto big = m.list<std::string>(named("big"), std::vector<std::string>(1000, std::string(1000, 'x')));
    (void)big;
  });
  for (const std::string command : {"get", "dump"}) {
    const std::string object = command == "get" ? " big" : "";
    const std::string words = PARTAGE_PROGRAM " " + command + ' ' + serving.name() + object;
    const int status =
        std::system(("bash -c '" + words + " 2>/dev/null | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}'").c_str());
    CHECK(exit_code(status) == 128 + SIGPIPE);  // as the shell says it
  }
  CHECK(serving.program().err() == "");
}

TEST_CASE("usage: a name in brackets is one name") {
  const Ran ran = run({"clean", "[a,b]"});
  CHECK(ran.code == 3);
  CHECK(has(ran.err, "there is no manager '[a,b]'"));
  const Ran dashed = run({"clean", "--json", "--", "[a]", "--json"});
  CHECK(has(dashed.err, "there is no manager '[a]'"));
  CHECK(has(dashed.err, "there is no manager '--json'"));
  CHECK(dashed.json().at("kept").as_array().size() == 2);
}
