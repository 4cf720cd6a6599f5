// The object behind a segment and its name.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/kernel/fixture.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

using kernel::MemoryObject;

/// A name of this run, gone at the end.
struct Name {
  explicit Name(const std::string& what) : text("test." + std::to_string(::getpid()) + "." + what) {}
  ~Name() { (void)MemoryObject::unpublish(text); }
  std::string text;
};

/// The line VmFlags of /proc/self/smaps for the mapping that begins there.
std::string flags_of_mapping(const void* begin) {
  std::ostringstream address;
  address << std::hex << reinterpret_cast<std::uintptr_t>(begin) << '-';
  std::ifstream smaps("/proc/self/smaps");
  bool mine = false;
  for (std::string line; std::getline(smaps, line);) {
    if (line.find('-') != line.npos && line.find('-') < line.find(' ')) mine = line.starts_with(address.str());
    if (mine && line.starts_with("VmFlags:")) return line + ' ';
  }
  return "";
}

}  // namespace

TEST_CASE("a segment is left out of core dumps, which would put memory behind all it reserves") {
  const auto segment = kernel::Segment::create({.initial = 0, .max = 1 << 20});
  const std::string flags = flags_of_mapping(segment->base());
  CAPTURE(flags);
  CHECK(flags.find(" sh ") != flags.npos);
  CHECK(flags.find(" dd ") != flags.npos);
}

TEST_CASE("memory object: private from birth to end") {
  const NoLitter clean;
  const auto before = shm_entries();
  const MemoryObject object = MemoryObject::create(1 << 20);
  CHECK(object.size() == 1 << 20);
  CHECK(shm_entries() == before);
  struct stat s {};
  REQUIRE(::fstat(object.fd(), &s) == 0);
  CHECK((s.st_mode & 07777) == 0600);
  CHECK(s.st_nlink == 0);
  CHECK(s.st_blocks == 0);
  CHECK((::fcntl(object.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("memory object: never in the place of a closed standard stream") {
  const ChildResult result = run_child(
      [] {
        for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
        const MemoryObject object = MemoryObject::create(1 << 20);
        const MemoryObject received(::dup(object.fd()));
        return object.fd() > STDERR_FILENO && received.fd() > STDERR_FILENO ? 0 : 1;
      },
      std::chrono::seconds(20));
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("memory object: commit charges memory and nothing else") {
  const MemoryObject object = MemoryObject::create(1 << 20);
  CHECK(object.commit(0, 8192) == 0);
  CHECK(object.commit(4096, 8192) == 0);  // again is no harm
  struct stat s {};
  REQUIRE(::fstat(object.fd(), &s) == 0);
  CHECK(s.st_blocks * 512 == 12288);
  CHECK(object.size() == 1 << 20);
  CHECK(object.commit(0, 0) != 0);
  CHECK(MemoryObject().commit(0, 1) == EBADF);
}

TEST_CASE("memory object: one name, one object") {
  const NoLitter clean;
  const Name name("publish");
  const MemoryObject object = MemoryObject::create(65536), other = MemoryObject::create(65536);
  CHECK_FALSE(MemoryObject::open(name.text).has_value());
  CHECK_FALSE(object.is_published_as(name.text));
  CHECK(object.publish(name.text));
  CHECK_FALSE(other.publish(name.text));
  CHECK_FALSE(object.publish(name.text));
  CHECK(object.is_published_as(name.text));
  CHECK_FALSE(other.is_published_as(name.text));
  struct stat s {};
  REQUIRE(::stat(("/dev/shm/partage." + name.text).c_str(), &s) == 0);
  CHECK((s.st_mode & 07777) == 0600);
  const auto opened = MemoryObject::open(name.text);
  REQUIRE(opened.has_value());
  CHECK(opened->is_published_as(name.text));
  CHECK(opened->size() == 65536);
  CHECK((::fcntl(opened->fd(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(MemoryObject::unpublish(name.text));
  CHECK_FALSE(MemoryObject::unpublish(name.text));
  CHECK_FALSE(opened->is_published_as(name.text));
  CHECK(other.publish(name.text));  // a successor under the same name is somebody else
  CHECK_FALSE(object.is_published_as(name.text));
  CHECK_FALSE(opened->is_published_as(name.text));
}

TEST_CASE("memory object: of many creators of one name exactly one succeeds") {
  const NoLitter clean;
  const Name name("race");
  ChildGroup group;
  pid_t children[8];
  for (pid_t& child : children)
    child = group.start([&] { return MemoryObject::create(4096).publish(name.text) ? 1 : 0; });
  int winners = 0;
  for (const pid_t child : children) winners += group.wait(child, 10s).code;
  CHECK(winners == 1);
}

TEST_CASE("memory object: what is no file of ours is refused") {
  const NoLitter clean;
  const Name name("foreign");
  const std::string path = "/dev/shm/partage." + name.text;
  const Name target("target");
  REQUIRE(MemoryObject::create(4096).publish(target.text));
  REQUIRE(::symlink(("/dev/shm/partage." + target.text).c_str(), path.c_str()) == 0);
  CHECK_THROWS_AS((void)MemoryObject::open(name.text), ConnectionError);
  CHECK_FALSE(MemoryObject::create(4096).publish(name.text));  // nor does publishing follow or replace it
  REQUIRE(::unlink(path.c_str()) == 0);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(message_of([&] { (void)MemoryObject::open(name.text); }).find("not a regular file") != std::string::npos);
  REQUIRE(::unlink(path.c_str()) == 0);
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  CHECK_THROWS_AS((void)MemoryObject::open(name.text), ConnectionError);
  REQUIRE(::rmdir(path.c_str()) == 0);
  if (::geteuid() == 0) {
    std::ofstream(path) << "somebody else's";
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK(message_of([&] { (void)MemoryObject::open(name.text); }).find("belongs to user 65534") != std::string::npos);
  }
}

TEST_CASE("memory object: names") {
  const MemoryObject object = MemoryObject::create(4096);
  for (const std::string& bad : {std::string(), std::string("a/b"), std::string("/"), std::string("../x"),
                                 std::string(101, 'n'), std::string("a\0b", 3)}) {
    CAPTURE(bad);
    CHECK_THROWS_AS((void)kernel::path_of(bad), ValueError);
    CHECK_THROWS_AS((void)MemoryObject::open(bad), ValueError);
    CHECK_THROWS_AS((void)object.publish(bad), ValueError);
    if (!bad.empty()) CHECK_THROWS_AS((void)kernel::Segment::create({.max = 1 << 20}, bad), ValueError);
  }
  CHECK(kernel::path_of("x") == "/dev/shm/partage.x");
  const Name longest(std::string(80, 'n'));
  CHECK(object.publish(longest.text));
  CHECK(object.is_published_as(longest.text));
}

TEST_CASE("memory object: moves like a descriptor") {
  MemoryObject a = MemoryObject::create(4096);
  const int fd = a.fd();
  MemoryObject b(std::move(a));
  CHECK(b.fd() == fd);
  CHECK(a.fd() == -1);  // NOLINT(bugprone-use-after-move): what is left there
  MemoryObject c = MemoryObject::create(4096);
  const int old = c.fd();
  c = std::move(b);
  CHECK(c.fd() == fd);
  CHECK(::fcntl(old, F_GETFD) == -1);
  CHECK(c.release() == fd);
  CHECK(c.fd() == -1);
  ::close(fd);
}

}  // namespace partage::test
