// The doctest main of every test executable: prints the seed, runs, and fails if anything named partage* is left in
// /dev/shm.
//
//   partage_test list_test.cpp -> build/tests/list_test --test-case="append*"      (all options are doctest's)
//
// Output is unbuffered, so that it stands in order beside that of killed children.
// What carries the pid of another living process in its name is that one's.
// Not covered: what a program started by a test leaves behind after this one has ended.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "seed.hpp"
#include "shm_litter.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <partage/start_method.hpp>

namespace {

/// Names of tests carry the pid of their process; other programs run at the same time.
bool names_another_process(const std::string& name) {
  for (std::size_t at = name.find_first_of("0123456789"); at != name.npos; at = name.find_first_of("0123456789", at)) {
    const std::size_t end = std::min(name.find_first_not_of("0123456789", at), name.size());
    const long pid = end - at < 8 ? std::stol(name.substr(at, end - at)) : 0;
    if (pid > 1 && pid != ::getpid() && ::kill(static_cast<pid_t>(pid), 0) == 0) return true;
    at = end;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  partage::init(argc, argv);  // the tests start children that run the program anew
  using namespace partage::test;
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  std::cout << std::unitbuf;
  doctest::Context context(argc, argv);
  const auto before = shm_entries();
  std::printf("seed %llu, counts x %ld\n", static_cast<unsigned long long>(test_seed()), long_factor());
  int code = context.run();
  for (const std::string& name : shm_litter_since(before)) {
    if (names_another_process(name)) continue;
    std::printf("ERROR: /dev/shm/%s was left behind\n", name.c_str());
    if (code == 0) code = 1;
  }
  return code;
}
