#include "manager/tool/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "manager/tool/failure.hpp"

namespace partage::tool {

FileLock::FileLock(const std::filesystem::path& file) : path_(file.string() + ".partage-lock") {
  while (!take()) {
  }
}

FileLock::~FileLock() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());  // while it is ours
  ::close(fd_);
}

/// False: its last holder has just removed it; once more.
bool FileLock::take() {
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  const bool locked = fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  const int error = errno;
  struct stat there {};
  struct stat mine {};
  if (locked && ::stat(path_.c_str(), &there) == 0 && ::fstat(fd, &mine) == 0 && there.st_ino == mine.st_ino &&
      there.st_dev == mine.st_dev) {
    fd_ = fd;
    return true;
  }
  if (fd >= 0) ::close(fd);
  if (locked) return false;
  if (error == EWOULDBLOCK) return true;
  throw Failure{Exit::failed, "partage: '" + path_.string() + "' cannot be locked: " + std::strerror(error)};
}

}  // namespace partage::tool
