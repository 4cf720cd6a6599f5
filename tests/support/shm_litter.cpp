#include "shm_litter.hpp"

#include "processes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace partage::test {

std::set<std::string> shm_entries(const std::string& prefix) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/dev/shm", error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.rfind(prefix, 0) == 0) names.insert(std::move(name));
  }
  return names;
}

std::set<std::string> shm_litter_since(const std::set<std::string>& before, const std::string& prefix) {
  const auto added = [&] {
    const std::set<std::string> now = shm_entries(prefix);
    std::set<std::string> result;
    std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::inserter(result, result.end()));
    return result;
  };
  std::set<std::string> left;
  eventually([&] { return (left = added()).empty(); }, std::chrono::seconds(1));
  return left;
}

NoLitter::NoLitter(std::string prefix) : prefix_(std::move(prefix)), before_(shm_entries(prefix_)) {}

NoLitter::~NoLitter() noexcept(false) {
  std::string names;
  for (const std::string& name : shm_litter_since(before_, prefix_)) names += " " + name;
  CHECK_MESSAGE(names.empty(), "left in /dev/shm:", names);
}

}  // namespace partage::test
