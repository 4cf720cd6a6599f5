// Sees to it that tests leave nothing in /dev/shm.
//
//   TEST_CASE("a killed manager leaves nothing") {
//     const NoLitter clean;                       // its destructor CHECKs
//     ...
//   }
//   const auto before = shm_entries();  ...  CHECK(shm_litter_since(before).empty());
//
// main.cpp does the same for the whole run. An entry that is there for less than a second is no litter: somebody may
// just be cleaning up. Not covered: memfds and unlinked objects (no name), and a second test run beside this one, whose
// live segments cannot be told from litter: ctest must not run two such executables at once.
#pragma once

#include <set>
#include <string>

namespace partage::test {

/// Names in /dev/shm that begin with `prefix`.
std::set<std::string> shm_entries(const std::string& prefix = "partage");

/// What is in /dev/shm now, was not in `before`, and stays for a second.
std::set<std::string> shm_litter_since(const std::set<std::string>& before, const std::string& prefix = "partage");

/// CHECKs at the end of its scope that nothing new lies in /dev/shm.
class NoLitter {
 public:
  explicit NoLitter(std::string prefix = "partage");
  ~NoLitter() noexcept(false);
  NoLitter(const NoLitter&) = delete;
  NoLitter& operator=(const NoLitter&) = delete;

 private:
  std::string prefix_;
  std::set<std::string> before_;
};

}  // namespace partage::test
