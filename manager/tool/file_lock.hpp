// A lock that a process has on a file's name as long as it lives, also over replacements of the file.
//
// It is an flock() on FILE.partage-lock, which the holder makes and removes. The kernel gives it up when the holder
// dies; the file that a killed one leaves hinders nobody, and the next holder removes it.
//
// Thread safety: none. Errors: Failure, which names the file and the reason.
#pragma once

#include <filesystem>

namespace partage::tool {

class FileLock {
 public:
  /// Takes it unless somebody has it.
  explicit FileLock(const std::filesystem::path& file);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  bool held() const noexcept { return fd_ >= 0; }

 private:
  bool take();

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace partage::tool
