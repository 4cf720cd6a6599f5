// What somebody may have put into /dev/shm under the name that a segment is to have: links, pipes, directories, files of any
// kind. All of it is refused with its reason; nothing is followed, opened, waited for, truncated, given another mode, or removed.
//
// Each case has a /dev/shm of its own. The traps are set by another user where the tests run as root, else by this one; the
// protection of the kernel (fs.protected_symlinks, sticky directories) is switched off by the directory not being sticky.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <partage/partage.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "manager/platform/memory_object.hpp"
#include "tests/support/other_user.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/shm_litter.hpp"
#include "tests/support/tmpfs.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

constexpr uid_t victim = 12'345;
const std::string shm = "/dev/shm/", trap = shm + "partage.trap", treasure = shm + "treasure";

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

template <class Fn>
void in_private_shm(Fn fn) {
  const TmpfsRun run = run_on_small_shm(
      std::size_t{64} << 20,
      [&] {
        must(chmod("/dev/shm", 0777) == 0, "chmod");
        fn();
      },
      60s);
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
  } else {
    CHECK_MESSAGE(run.result.ok(), run.result.describe());
  }
}

/// In a child; of that user where this process may become one.
template <class Fn>
void as_user(uid_t user, Fn fn) {
  const ChildResult r = run_child(
      [&] {
        if (why_no_other_user() == nullptr) become_user(user);
        fn();
      },
      20s);  // nothing here waits for anything
  must(r.ok(), "as user " + std::to_string(user) + ": " + r.describe());
}

/// Everything in /dev/shm as one text: names, kinds, owners, modes, sizes, times, contents.
std::string everything() {
  std::map<std::string, std::string> entries;
  for (const std::string& name : shm_entries("")) {
    struct stat s {};
    must(lstat((shm + name).c_str(), &s) == 0, "lstat");
    std::ostringstream text;
    text << s.st_ino << ' ' << s.st_mode << ' ' << s.st_uid << ' ' << s.st_nlink << ' ' << s.st_size << ' '
         << s.st_blocks << ' ' << s.st_mtim.tv_sec << '.' << s.st_mtim.tv_nsec << ' ' << s.st_ctim.tv_sec << '.'
         << s.st_ctim.tv_nsec;
    if (S_ISREG(s.st_mode) && s.st_size <= 1 << 20 && geteuid() == 0)
      text << std::ifstream(shm + name, std::ios::binary).rdbuf();
    entries[name] = text.str();
  }
  std::string all;
  for (const auto& [name, text] : entries) all += name + ": " + text + '\n';
  return all;
}

/// Every use of the name "trap", by the victim, is refused with that reason.
void must_refuse(const std::string& reason) {
  const std::vector<std::pair<const char*, std::function<void()>>> ways = {
      {"connect", [] { Manager::connect("trap"); }},
      {"Manager", [] { Manager({.name = "trap"}); }},
      {"Server", [] { Server({.name = "trap"}); }},
      {"MessageQueue::open", [] { MessageQueue::open("trap"); }},
      {"MessageQueue::create", [] { MessageQueue::create("trap"); }},
      {"MessageQueue::create, exclusive", [] { MessageQueue::create("trap", {.exclusive = true}); }},
  };
  for (const auto& [way, call] : ways) {
    std::string said;
    try {
      call();
    } catch (const ConnectionError& e) {
      said = e.what();
    }
    must(!said.empty() && said.find(reason) != std::string::npos,
         std::string(way) + " says '" + said + "', not '" + reason + "'");
  }
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path, std::ios::binary) << text;
  must(chmod(path.c_str(), mode) == 0, "chmod " + path);
}

/// The bytes of a whole segment of that very name.
std::string segment_bytes() {
  const Manager manager({.name = "trap", .max_size = std::size_t{1} << 20});
  manager.list<int>(named("numbers"), {1, 2, 3});
  std::ostringstream bytes;
  bytes << std::ifstream(trap, std::ios::binary).rdbuf();
  return bytes.str();
}

struct Trap {
  std::string what;
  std::function<void(const std::string& at)> set;
  std::string reason;  // what the victim is told
};

std::vector<Trap> traps(const std::string& bytes) {
  const auto file = [=](mode_t mode, const std::string& text) {
    return [=](const std::string& at) { write_file(at, text, mode); };
  };
  const auto link = [](const std::string& to) {
    return [=](const std::string& at) { must(symlink(to.c_str(), at.c_str()) == 0, "symlink"); };
  };
  const std::string followed = "a symbolic link, which is not followed", irregular = "not a regular file";
  std::vector<Trap> all = {
      {"a link to a file of the victim", link(treasure), followed},
      {"a link to a segment of the victim", link(shm + "partage.other"), followed},
      {"a link to a file that is not there", link(shm + "made-by-the-victim"), followed},
      {"a link to itself", link(trap), followed},
      {"a link to a directory", link(shm), followed},
      {"a link to the victim's descriptors", link("/proc/self/fd/0"), followed},
      {"a pipe", [](const std::string& at) { must(mkfifo(at.c_str(), 0666) == 0, "mkfifo"); }, irregular},
      {"a directory", [](const std::string& at) { must(mkdir(at.c_str(), 0777) == 0, "mkdir"); }, irregular},
      {"a socket",
       [](const std::string& at) {
         const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
         sockaddr_un address{};
         address.sun_family = AF_UNIX;
         std::memcpy(address.sun_path, at.data(), at.size());
         must(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0, "bind");
         close(fd);
       },
       irregular},
  };
  if (why_no_other_user() != nullptr) return all;  // what is this user's own is refused for what is in it
  const std::string foreign = "belongs to user 65534";
  const std::vector<Trap> files = {
      {"an empty file", file(0666, ""), foreign},
      {"a file that nobody else may read", file(0600, "secret"), foreign},
      {"a whole segment that everybody may write", file(0666, bytes), foreign},
      {"a whole segment", file(0600, bytes), foreign},
      {"a huge file without contents",
       [=](const std::string& at) {
         write_file(at, bytes.substr(0, 4096), 0666);
         must(truncate(at.c_str(), off_t{1} << 40) == 0, "truncate");
       },
       foreign},
  };
  all.insert(all.end(), files.begin(), files.end());
  return all;
}

void try_traps(uid_t who) {
  write_file(treasure, "gold", 0600);
  if (why_no_other_user() == nullptr) must(chown(treasure.c_str(), who, who) == 0, "chown");
  for (const Trap& t : traps(segment_bytes())) {
    as_user(nobody, [&] {
      umask(0);
      t.set(trap);
      t.set(shm + "partage.mq.trap");
    });
    const std::string before = everything();
    try {
      as_user(who, [&] { must_refuse(t.reason); });
    } catch (const std::exception& e) {
      throw std::runtime_error(t.what + ": " + e.what());
    }
    must(everything() == before, t.what + ": before:\n" + before + "afterwards:\n" + everything());
    must(remove(trap.c_str()) == 0 && remove((shm + "partage.mq.trap").c_str()) == 0, t.what + ": cannot be removed");
  }
}

}  // namespace

TEST_CASE("names in /dev/shm: whatever another user has put there is refused, and left as it is") {
  in_private_shm([] { try_traps(victim); });
}

TEST_CASE("names in /dev/shm: root, to whom no file is closed, refuses the same") {
  if (const char* why = why_no_other_user()) {
    MESSAGE("skipped: ", why);
    return;
  }
  in_private_shm([] { try_traps(0); });
}

TEST_CASE("names in /dev/shm: one that holds a lease on the file keeps nobody waiting") {
  if (const char* why = why_no_other_user()) {
    MESSAGE("skipped: ", why);
    return;
  }
  in_private_shm([] {
    ChildGroup group;
    int ready[2];
    must(pipe(ready) == 0, "pipe");
    const pid_t holder = group.start([&] {
      become_user(nobody);
      signal(SIGIO, SIG_IGN);
      write_file(trap, "mine", 0666);
      write_file(shm + "partage.mq.trap", "mine", 0666);
      for (const std::string& path : {trap, shm + "partage.mq.trap"})
        must(fcntl(open(path.c_str(), O_RDWR), F_SETLEASE, F_WRLCK) == 0, "no lease to be had");
      must(write(ready[1], "x", 1) == 1, "write");
      for (;;) pause();
    });
    char c;
    must(read(ready[0], &c, 1) == 1, "the holder of the lease did not come up");
    const auto begin = std::chrono::steady_clock::now();
    as_user(victim, [] { must_refuse("belongs to user 65534"); });
    // The kernel keeps an opener waiting for 45 s (fs.lease-break-time), each of them.
    int seconds = 0;
    std::ifstream("/proc/sys/fs/lease-break-time") >> seconds;
    must(std::chrono::steady_clock::now() - begin < std::chrono::seconds(seconds), "it waited for the lease");
    group.kill(holder);
  });
}

TEST_CASE("names in /dev/shm: an own segment that others may write is refused, others are not asked") {
  in_private_shm([] {
    const std::string bytes = segment_bytes();
    for (const mode_t mode : {0620, 0602, 0666}) {
      write_file(trap, bytes, mode);
      std::string said;
      try {
        Manager({.name = "trap"});
      } catch (const ConnectionError& e) {
        said = e.what();
      }
      must(said.find("other users may write to " + trap) != std::string::npos, "it says '" + said + "'");
      must(unlink(trap.c_str()) == 0, "unlink");
    }
  });
}

TEST_CASE("names in /dev/shm: a second name of a segment is not its name") {
  in_private_shm([] {
    const Manager manager({.name = "first"});
    const auto list = manager.list<int>(named("numbers"), {1});
    const auto jobs = MessageQueue::create("first");
    must(::link("/dev/shm/partage.first", trap.c_str()) == 0, "link");
    must(::link("/dev/shm/partage.mq.first", "/dev/shm/partage.mq.trap") == 0, "link");
    const std::string reason = "under another name";
    must_refuse(reason);
    ::kill(manager.pid(), SIGKILL);
    must(eventually([&] { return !manager.is_alive(); }, 10s), "the manager lives on");
    must_refuse(reason);  // an orphan under it is not taken over, either
    must(list.copy() == std::vector({1}) && jobs.size() == 0, "what is in them has changed");
    must(access(trap.c_str(), F_OK) == 0, "the second name was taken away");
    Manager next({.name = "first"});
    must(next.list<int>(named("numbers")).size() == 1, "the first name leads nowhere");
    jobs.remove();
  });
}

TEST_CASE("names in /dev/shm: a link to a segment is not its name, wherever it leads") {
  in_private_shm([] {
    using kernel::MemoryObject;
    const MemoryObject object = MemoryObject::create(4096);
    const std::string descriptor = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(object.fd());
    must(symlink(descriptor.c_str(), trap.c_str()) == 0, "symlink");
    must(!object.is_published_as("trap"), "the link is taken for the name");
    must(!object.publish("trap"), "the link was replaced or followed");
    must(unlink(trap.c_str()) == 0, "unlink");
    must(object.publish("trap") && object.is_published_as("trap"), "a free name");
  });
}

TEST_CASE("names in /dev/shm: no umask makes a segment that others may open") {
  in_private_shm([] {
    const mode_t before = umask(0);
    const Manager manager({.name = "plain"});
    const auto jobs = MessageQueue::create("plain");
    umask(before);
    for (const char* name : {"partage.plain", "partage.mq.plain"}) {
      struct stat s {};
      must(lstat((shm + name).c_str(), &s) == 0 && (s.st_mode & 07777) == 0600, std::string("the mode of ") + name);
    }
    jobs.remove();
  });
}

}  // namespace partage::test
