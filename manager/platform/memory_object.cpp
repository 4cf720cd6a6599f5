#include "manager/platform/memory_object.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <partage/error.hpp>

namespace partage::kernel {
namespace {

constexpr const char* directory = "/dev/shm";

std::string reason(int error) {
  return std::strerror(error);
}

int open_unnamed() {
  const int fd = ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return fd;
  return memfd_create("partage", MFD_CLOEXEC);
}

/// Names in /dev/shm are anybody's to take. What has one is ours if it is a file of this user that nobody else may write.
void refuse_unless_ours(const std::string& name, const std::string& path, const struct stat& s) {
  if (!S_ISREG(s.st_mode)) {
    throw ConnectionError("partage: '" + name + "' is no segment: " + path + " is " +
                          (S_ISLNK(s.st_mode) ? "a symbolic link, which is not followed" : "not a regular file") +
                          "; remove it, or use another name");
  }
  if (s.st_uid != ::geteuid()) {
    throw ConnectionError("partage: the segment '" + name + "' belongs to user " + std::to_string(s.st_uid) +
                          ", this process runs as user " + std::to_string(::geteuid()) +
                          "; only its owner may attach, use another name");
  }
  if ((s.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(s.st_mode & 07777));
    throw ConnectionError("partage: the segment '" + name + "' is refused: other users may write to " + path +
                          " (mode " + mode + "), and may have done so; Partage makes it 0600. Remove it");
  }
}

}  // namespace

MemoryObject::MemoryObject(int fd) noexcept : fd_(fd) {
  if (fd < 0 || fd > STDERR_FILENO) return;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (higher < 0) return;
  ::close(fd);
  fd_ = higher;
}

MemoryObject& MemoryObject::operator=(MemoryObject&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

MemoryObject::~MemoryObject() {
  if (fd_ >= 0) ::close(fd_);
}

MemoryObject MemoryObject::create(std::size_t bytes) {
  // ftruncate beyond RLIMIT_FSIZE does not only fail: it sends SIGXFSZ, which kills. So look first.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur) {
    throw OutOfMemory(
        "partage: cannot reserve a segment: the file size limit of this process (ulimit -f) is lower; "
        "raise it or set ManagerOptions::max_size",
        limit.rlim_cur, 0, bytes);
  }
  MemoryObject object(open_unnamed());
  if (object.fd_ < 0) {
    throw ConnectionError("partage: cannot create a segment in /dev/shm: " + reason(errno) +
                          "; is /dev/shm mounted and writable, and are there free file descriptors (ulimit -n)?");
  }
  if (::ftruncate(object.fd_, static_cast<off_t>(bytes)) != 0) {
    throw OutOfMemory(
        "partage: cannot reserve a segment: " + reason(errno) + "; set a smaller ManagerOptions::max_size", bytes, 0,
        bytes);
  }
  return object;
}

std::optional<MemoryObject> MemoryObject::open(const std::string& name) {
  const std::string path = path_of(name);
  // Looked at before it is opened, because opening alone can do harm or wait: a file that somebody holds a lease on, a device.
  // And looked at again afterwards, because it may be another one by then.
  struct stat s {};
  if (::lstat(path.c_str(), &s) == 0) refuse_unless_ours(name, path, s);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) throw ConnectionError("partage: cannot open the segment '" + name + "': " + reason(errno));
  MemoryObject object(fd);
  if (::fstat(object.fd_, &s) != 0) {
    throw ConnectionError("partage: cannot examine the segment '" + name + "': " + reason(errno));
  }
  refuse_unless_ours(name, path, s);
  return object;
}

MemoryObject MemoryObject::duplicate() const {
  MemoryObject copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
  if (copy.fd_ < 0) throw ConnectionError("partage: cannot open a segment once more: " + reason(errno));
  return copy;
}

bool MemoryObject::publish(const std::string& name) const {
  const std::string from = "/proc/self/fd/" + std::to_string(fd_);
  const std::string path = path_of(name);
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno == EEXIST) return false;
  throw ConnectionError("partage: cannot publish the segment '" + name + "' in /dev/shm: " + reason(errno));
}

bool MemoryObject::unpublish(const std::string& name) noexcept {
  return ::unlink(path_of(name).c_str()) == 0;
}

bool MemoryObject::is_published_as(const std::string& name) const noexcept {
  struct stat mine {
  }, named{};
  // Not through a symbolic link: one of somebody else's, to /proc/PID/fd/N of ours, would lead here and is no name.
  return ::fstat(fd_, &mine) == 0 && ::lstat(path_of(name).c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

int MemoryObject::commit(std::size_t from, std::size_t bytes) const noexcept {
  for (;;) {
    if (::fallocate(fd_, 0, static_cast<off_t>(from), static_cast<off_t>(bytes)) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

std::size_t MemoryObject::size() const {
  struct stat s {};
  if (::fstat(fd_, &s) != 0) throw ConnectionError("partage: cannot examine a segment: " + reason(errno));
  return static_cast<std::size_t>(s.st_size);
}

std::string path_of(const std::string& name) {
  if (name.empty() || name.size() > 100 || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw ValueError("partage: '" + name + "' cannot name a manager: a name has 1 to 100 characters and no '/'");
  }
  return std::string(directory) + "/partage." + name;
}

}  // namespace partage::kernel
