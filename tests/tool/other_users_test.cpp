// The program in the hands of another user: every command says whose the segment is, and changes nothing. The same through the
// public interface is in tests/faults.
#include <sys/stat.h>

#include <stdexcept>

#include "tests/support/other_user.hpp"
#include "tests/tool/program.hpp"

namespace partage::test {
namespace {

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void try_everything(const std::string& name) {
  become_user(nobody);
  for (const Program::Words& words : {Program::Words{"ls", name},
                                      {"ls", name, "--json"},
                                      {"get", name, "stock"},
                                      {"get", name, "stock", "apples"},
                                      {"set", name, "stock", "apples", "0"},
                                      {"del", name, "stock", "apples"},
                                      {"stop", name},
                                      {"clean", name},
                                      {"serve", name}}) {
    const Ran ran = run(words);
    const std::string what = words[0] + ": code " + std::to_string(ran.code) + ", '" + ran.out + "', '" + ran.err + "'";
    must(ran.code == 1, what);
    must(ran.out.empty() || words[0] == "clean", what);
    must(is_sentence(ran.err) && has(ran.err, "belongs to user 0"), what);
  }
  const Ran all = run({"ls", "--json"});
  must(all.code == 0 && !has(all.out, name) && has(all.err, "belongs to user 0"), "ls: '" + all.out + all.err + "'");
  const Ran clean = run({"clean"});
  must(clean.code == 0 && clean.out.empty() && has(clean.err, "belongs to user 0"),
       "clean: '" + clean.out + clean.err + "'");
}

}  // namespace

TEST_CASE("another user: every command says whose the segment is, served or left behind, and changes nothing") {
  if (const char* why = why_no_other_user()) {
    MESSAGE("skipped: ", why);
    return;
  }
  Serving serving(unique("theirs"));
  Client client(serving.name(), [](Manager& m) { m.dict<std::string, int>(named("stock"), {{"apples", 3}}); });
  const std::string path = "/dev/shm/partage." + serving.name();
  for (const bool served : {true, false}) {
    CAPTURE(served);
    if (!served) serving.kill();
    struct stat before {
    }, after{};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    const ChildResult other = run_child([&] { try_everything(serving.name()); }, 60s);
    CHECK_MESSAGE(other.ok(), other.describe());
    REQUIRE(::stat(path.c_str(), &after) == 0);
    CHECK(after.st_ino == before.st_ino);
    CHECK(after.st_mode == before.st_mode);
    CHECK(after.st_uid == before.st_uid);
    const Ran ran = run({"get", serving.name(), "stock", "apples"});
    CHECK(ran.out == "3\n");
  }
}

}  // namespace partage::test
