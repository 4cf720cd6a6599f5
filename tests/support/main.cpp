// The doctest main of every test executable: prints the seed, runs, and fails if anything named partage* is left in
// /dev/shm.
//
//   partage_test list_test.cpp -> build/tests/list_test --test-case="append*"      (all options are doctest's)
//
// Output is unbuffered, so that it stands in order beside that of killed children.
// Not covered: what a program started by a test leaves behind after this one has ended.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "seed.hpp"
#include "shm_litter.hpp"

#include <cstdio>
#include <iostream>
#include <partage/start_method.hpp>

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
    std::printf("ERROR: /dev/shm/%s was left behind\n", name.c_str());
    if (code == 0) code = 1;
  }
  return code;
}
