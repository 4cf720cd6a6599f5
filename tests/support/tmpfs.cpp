#include "tmpfs.hpp"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace partage::test {
namespace {

constexpr const char* not_permitted = "no private tmpfs: ";

[[noreturn]] void refuse(const char* step) {
  throw std::runtime_error(std::string(not_permitted) + step + ": " + ::strerror(errno));
}

void write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) refuse(path);
}

void enter_namespace() {
  if (::unshare(CLONE_NEWNS) == 0) return;
  if (errno != EPERM) refuse("unshare(CLONE_NEWNS)");
  const std::string user = std::to_string(::getuid());
  const std::string group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) refuse("unshare(CLONE_NEWUSER | CLONE_NEWNS)");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", user + " " + user + " 1");
  write_file("/proc/self/gid_map", group + " " + group + " 1");
}

}  // namespace

TmpfsRun detail::run_on_small_shm(std::size_t bytes, const std::function<int()>& body,
                                  std::chrono::milliseconds timeout) {
  const auto guarded = [&] {
    enter_namespace();
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) refuse("mount(/, MS_PRIVATE)");
    const std::string size = "mode=1777,size=" + std::to_string(bytes);
    if (::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0) refuse("mount(/dev/shm)");
    return body();
  };
  TmpfsRun run;
  run.result = run_child(guarded, timeout);
  if (run.result.end == ChildResult::End::threw && run.result.text.rfind(not_permitted, 0) == 0)
    run.why_not = run.result.text;
  return run;
}

}  // namespace partage::test
