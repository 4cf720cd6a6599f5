// A directory in memory (/dev/shm) for what peers must have in files, removed with this program however it ends but by
// SIGKILL; what a killed one left is removed by the next.
#pragma once

#include <filesystem>

namespace bench {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// One for the whole program.
const std::filesystem::path& temporary_directory();

}  // namespace bench
