#include "manager/tool/snapshot_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "manager/tool/failure.hpp"
#include "manager/tool/snapshot_file.hpp"

namespace partage::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view infix = ".partage-";
constexpr std::size_t random_letters = 6;  // as mkostemp() makes them

class File {
 public:
  explicit File(int fd) noexcept : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// 0, or why not.
int write_all(int fd, std::string_view bytes, off_t at) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return 0;
}

/// A file beside FILE that goes again unless it has taken its place.
class Draft {
 public:
  explicit Draft(const fs::path& file) : path_(file.string() + std::string(infix) + std::string(random_letters, 'X')) {
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  int fd() const noexcept { return fd_; }
  bool become(const fs::path& file) noexcept {
    kept_ = std::rename(path_.c_str(), file.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  int fd_ = -1;
  bool kept_ = false;
};

/// Collects small pieces into large writes.
class Output {
 public:
  explicit Output(int fd) noexcept : fd_(fd) {}
  /// 0, or why not.
  int add(std::string_view piece) {
    buffer_ += piece;
    return buffer_.size() < large ? 0 : flush();
  }
  int flush() {
    const int error = write_all(fd_, buffer_, at_);
    at_ += static_cast<off_t>(buffer_.size());
    buffer_.clear();
    return error;
  }

 private:
  static constexpr std::size_t large = std::size_t{1} << 20;
  int fd_;
  off_t at_ = static_cast<off_t>(snapshot_head_size);
  std::string buffer_;
};

/// Where it stands, without symbolic links; also when it is not there yet.
fs::path resolved(fs::path file) {
  constexpr int most_links = 40;  // as the kernel
  std::error_code error;
  for (int i = 0; i < most_links && fs::is_symlink(fs::symlink_status(file, error)); ++i) {
    file = file.parent_path() / fs::read_symlink(file, error);
  }
  const fs::path target = fs::weakly_canonical(fs::absolute(file), error);
  return error ? fs::absolute(file) : target;
}

bool is_leftover(const std::string& name, const std::string& file) {
  const std::string start = file + std::string(infix);
  return name.size() == start.size() + random_letters && name.starts_with(start) &&
         std::all_of(name.end() - random_letters, name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

SnapshotStore::SnapshotStore(const fs::path& file) : file_(resolved(file)) {
  if (!file_.has_filename()) throw Failure{Exit::misused, "partage: '" + file.string() + "' names no file"};
}

void SnapshotStore::fail(const char* what, int error) const {
  std::error_code ignored;
  const char* then = fs::exists(file_, ignored) ? "; what was there is kept" : "";
  throw Failure{Exit::failed,
                "partage: the snapshot '" + file_.string() + "' " + what + ": " + std::strerror(error) + then};
}

SnapshotStore::Version SnapshotStore::version() const {
  struct stat facts {};
  if (::stat(file_.c_str(), &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
}

std::optional<std::string> SnapshotStore::read() const {
  // Not to wait for the other end, should it be a pipe.
  const File file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0 && errno == ENOENT) return std::nullopt;
  struct stat facts {};
  if (file.fd() < 0 || ::fstat(file.fd(), &facts) != 0) fail("cannot be read", errno);
  if (!S_ISREG(facts.st_mode)) {
    throw Failure{Exit::failed, "partage: '" + file_.string() + "' is no file that could be a snapshot"};
  }
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::pread(file.fd(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be read", errno);
    if (n == 0) bytes.resize(at);
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

void SnapshotStore::check_writable() const {
  const Draft draft(file_);
  if (draft.fd() < 0) fail("cannot be written in its directory", errno);
}

void SnapshotStore::clean_up() const {
  const std::string name = file_.filename().string();
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator at(file_.parent_path(), error), end; !error && at != end; at.increment(error)) {
    if (is_leftover(at->path().filename().string(), name)) leftovers.push_back(at->path());
  }
  for (const fs::path& path : leftovers) ::unlink(path.c_str());
}

void SnapshotStore::write(FunctionView<void(Take)> produce) const {
  Draft draft(file_);
  if (draft.fd() < 0) fail("was not written", errno);
  passed(1);
  SnapshotSum sum;
  Output output(draft.fd());
  const auto check = [&](int error) {
    if (error != 0) fail("was not written", error);
  };
  produce([&](std::string_view piece) {
    sum.add(piece);
    check(output.add(piece));
  });
  check(output.flush());
  passed(2);
  check(write_all(draft.fd(), sum.head(), 0));
  passed(3);
  if (::fsync(draft.fd()) != 0) fail("was not written", errno);
  passed(4);
  if (!draft.become(file_)) fail("was not written", errno);
  passed(5);
  const File directory(::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Not every file system knows it; the new file is there in any case.
  if (directory.fd() >= 0) (void)::fsync(directory.fd());
  passed(6);
}

}  // namespace partage::tool
