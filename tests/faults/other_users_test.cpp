// Another user of the machine: can neither attach nor connect, read, remove, or get in by what the kernel shows of processes; and
// takes nobody in by a segment of his own under the name that is wanted.
//
// Everything happens in a /dev/shm of its own, in children that have become other users; for that the tests must run as root.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <partage/partage.hpp>
#include <set>
#include <string>
#include <vector>

#include "manager/server/control.hpp"
#include "tests/support/other_user.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/tmpfs.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

constexpr uid_t victim = 12'345;

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// What a call threw; "" when it threw nothing.
template <class Fn>
std::string refusal(Fn fn) {
  try {
    fn();
  } catch (const ConnectionError& e) {
    return e.what();
  }
  return "";
}

/// Every way to a segment of that name is refused with that reason.
void must_refuse_all(const std::string& name, const std::string& reason) {
  const auto judge = [&](const char* way, const std::string& said) {
    must(said.find(reason) != std::string::npos, std::string(way) + ": '" + said + "'");
  };
  judge("connect", refusal([&] { Manager::connect(name); }));
  judge("Manager", refusal([&] { Manager({.name = name}); }));
  judge("Server", refusal([&] { Server({.name = name}); }));
  if (!name.starts_with("mq.")) return;
  judge("MessageQueue::open", refusal([&] { MessageQueue::open(name.substr(3)); }));
  judge("MessageQueue::create", refusal([&] { MessageQueue::create(name.substr(3)); }));
}

/// In a child of another user: fn() must not throw.
template <class Fn>
void as_user(uid_t user, Fn fn) {
  const ChildResult r = run_child(
      [&] {
        become_user(user);
        fn();
      },
      30s);
  must(r.ok(), "as user " + std::to_string(user) + ": " + r.describe());
}

/// A user who has a manager "stock" with a list "numbers", and a message queue "jobs".
class Household {
 public:
  explicit Household(uid_t user) {
    int said[2];
    must(pipe(said) == 0 && pipe(go_) == 0, "pipe");
    owner_ = group_.start([=, this] {
      become_user(user);
      umask(0);  // what the modes of files are does not depend on it
      Manager manager({.name = "stock"});
      const auto numbers = manager.list<int>(named("numbers"), {1, 2, 3});
      const auto jobs = MessageQueue::create("jobs");
      jobs.send("secret");
      const Manager hidden;
      const pid_t pids[] = {manager.pid(), hidden.pid()};
      must(write(said[1], pids, sizeof pids) == sizeof pids, "write");
      char c;
      must(read(go_[0], &c, 1) == 1, "read");
      must(manager.is_alive() && hidden.is_alive(), "a manager has ended");
      must(numbers.copy() == std::vector({1, 2, 3}), "the list has changed");
      must(jobs.receive().bytes == "secret", "the message has changed");
      jobs.remove();
    });
    close(said[1]);
    must(read(said[0], pids_, sizeof pids_) == sizeof pids_, "the owner did not come up");
    close(said[0]);
  }
  pid_t owner() const { return owner_; }
  pid_t manager() const { return pids_[0]; }
  pid_t hidden_manager() const { return pids_[1]; }
  /// All is as it was, and ends.
  void must_be_well() {
    must(write(go_[1], "x", 1) == 1, "write");
    const ChildResult r = group_.wait(owner_, 20s);
    must(r.ok(), "the owner " + r.describe());
  }

 private:
  ChildGroup group_;
  pid_t owner_ = 0, pids_[2]{};
  int go_[2]{};
};

void try_names() {
  must_refuse_all("stock", "belongs to user 12345");
  must_refuse_all("mq.jobs", "belongs to user 12345");
  for (const char* path : {"/dev/shm/partage.stock", "/dev/shm/partage.mq.jobs"}) {
    for (const int how : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_PATH | O_DIRECTORY})
      must(open(path, how) < 0, std::string("opened ") + path);
    must(unlink(path) != 0 && rename(path, "/dev/shm/partage.mine") != 0, std::string("took away ") + path);
    must(truncate(path, 0) != 0 && chmod(path, 0666) != 0, std::string("changed ") + path);
    must(setxattr(path, "user.x", "y", 1, 0) != 0, std::string("an attribute of ") + path);
  }
}

void try_processes(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) {
    const std::string at = "/proc/" + std::to_string(pid);
    must(kill(pid, 0) != 0 && kill(pid, SIGSTOP) != 0, "a signal reached " + at);
    for (const char* what : {"/fd/3", "/mem", "/maps", "/map_files", "/environ"}) {
      const int fd = open((at + what).c_str(), O_RDONLY);
      char c;
      must(fd < 0 || read(fd, &c, 1) <= 0, "read " + at + what);
      if (fd >= 0) close(fd);
    }
    must(access((at + "/fd").c_str(), X_OK) != 0 || open((at + "/fd/3").c_str(), O_RDWR) < 0, "opened " + at + "/fd");
    must(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0, "traces " + at);
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    must(pidfd < 0 || syscall(SYS_pidfd_getfd, pidfd, 3, 0) < 0, "has a descriptor of " + at);
    if (pidfd >= 0) close(pidfd);
  }
}

sockaddr_un abstract_address(const std::string& name, socklen_t& length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

/// The names of the control sockets of all managers, which the kernel shows to everybody.
std::set<std::string> control_names() {
  std::set<std::string> names;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (const auto at = line.find("@partage-"); at != std::string::npos) names.insert(line.substr(at + 1));
  }
  return names;
}

/// Tells every manager of the machine to end, by messages that are right but for the segment, which nobody else knows.
void try_sockets() {
  const auto names = control_names();
  must(!names.empty(), "no control socket is to be seen");
  for (const std::string& name : names) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    socklen_t length = 0;
    const sockaddr_un address = abstract_address(name, length);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) {
      kernel::ControlMessage message;
      message.kind = kernel::ControlKind::shutdown;
      for (const kernel::u64 segment : {kernel::u64{0}, kernel::u64{std::stoull(name.substr(8), nullptr, 16)}}) {
        message.segment = segment;
        send(fd, &message, sizeof message, MSG_NOSIGNAL);
      }
      kernel::ControlMessage answer;
      if (recv(fd, &answer, sizeof answer, 0) == sizeof answer)
        must(answer.kind == kernel::ControlKind::refused, "a manager answers another user");
    }
    close(fd);
  }
}

/// Runs as root with a /dev/shm and with abstract sockets of its own; a sentence when that is not possible.
template <class Fn>
void in_private_shm(Fn fn) {
  if (const char* why = why_no_other_user()) {
    MESSAGE("skipped: ", why);
    return;
  }
  const auto guarded = [&] {
    must(unshare(CLONE_NEWNET) == 0, "unshare(CLONE_NEWNET)");
    fn();
  };
  const TmpfsRun run = run_on_small_shm(std::size_t{256} << 20, guarded, 120s);
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
  } else {
    CHECK_MESSAGE(run.result.ok(), run.result.describe());
  }
}

}  // namespace

TEST_CASE("another user: cannot attach, connect, read, change, remove, or end anything") {
  in_private_shm([] {
    Household home(victim);
    struct stat before {};
    must(lstat("/dev/shm/partage.stock", &before) == 0, "it has no name");
    must((before.st_mode & 07777) == 0600 && before.st_uid == victim, "the mode or the owner of the segment");
    for (const uid_t user : {nobody, somebody}) {
      as_user(user, try_names);
      as_user(user, [&] { try_processes({home.owner(), home.manager(), home.hidden_manager()}); });
      as_user(user, try_sockets);
    }
    struct stat after {};
    must(lstat("/dev/shm/partage.stock", &after) == 0, "its name is gone");
    must(after.st_ino == before.st_ino && after.st_size == before.st_size && after.st_mode == before.st_mode,
         "the segment is another one");
    home.must_be_well();
  });
}

TEST_CASE("another user: root, who could, does not attach to somebody else's segment by mistake") {
  in_private_shm([] {
    Household home(victim);
    must_refuse_all("stock", "belongs to user 12345, this process runs as user 0");
    must_refuse_all("mq.jobs", "belongs to user 12345, this process runs as user 0");
    home.must_be_well();
  });
}

TEST_CASE(
    "another user: a segment of his under the name that is wanted is refused with its reason, served, orphaned, or "
    "open") {
  in_private_shm([] {
    for (const bool open_to_all : {false, true}) {
      for (const bool served : {true, false}) {
        for (const uid_t user : {victim, uid_t{0}}) {
          Household trap(nobody);
          if (!served) {
            kill(trap.manager(), SIGKILL);
            must(eventually([&] { return process_state(trap.manager()) == 0; }, 10s), "the manager lives on");
          }
          if (open_to_all) {
            for (const char* path : {"/dev/shm/partage.stock", "/dev/shm/partage.mq.jobs"})
              must(chmod(path, 0666) == 0, "chmod");
          }
          as_user(user, [] {
            must_refuse_all("stock", "belongs to user 65534");
            must_refuse_all("mq.jobs", "belongs to user 65534");
            // What has another name is not concerned.
            Manager manager({.name = "other"});
            must(manager.list<int>({1}).size() == 1, "a manager beside it");
          });
          struct stat s {};
          must(lstat("/dev/shm/partage.stock", &s) == 0 && s.st_uid == nobody, "it was taken away");
          must((s.st_mode & 07777) == (open_to_all ? 0666 : 0600), "its mode was changed");
          kill(trap.owner(), SIGKILL);
          eventually([&] { return process_state(trap.manager()) == 0; }, 10s);
          unlink("/dev/shm/partage.stock");
          unlink("/dev/shm/partage.mq.jobs");
        }
      }
    }
  });
}

TEST_CASE("another user: nobody who takes the names of sockets keeps a manager from being restarted or told") {
  in_private_shm([] {
    ChildGroup group;
    int said[2], go[2], squats[2];
    must(pipe(said) == 0 && pipe(go) == 0 && pipe(squats) == 0, "pipe");
    const pid_t owner = group.start([&] {
      become_user(victim);
      Manager manager({.name = "stock"});
      const auto list = manager.list<int>({1});
      for (int round = 0; round < 3; ++round) {
        char c;
        must(read(go[0], &c, 1) == 1, "pipe");  // its name was seen
        kill(manager.pid(), SIGKILL);
        must(eventually([&] { return !manager.is_alive(); }, 10s), "the manager lives on");
        must(write(said[1], "x", 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
        manager.restart();
        auto& segment = kernel::Segment::containing(manager.segment_manager());
        must(kernel::ask(segment, kernel::ControlKind::ping, 20s).has_value(), "the manager does not answer");
        const std::size_t before = manager.objects().size();
        run_child([&] { manager.list<int>({2}), _exit(0); }, 10s);
        must(eventually([&] { return manager.objects().size() == before; }, 10s), "a death is not noticed");
      }
    });
    // Somebody who takes every name that he has ever seen, as soon as it is free.
    const pid_t squatter = group.start([&] {
      become_user(nobody);
      std::set<std::string> seen, taken;
      for (;;) {
        for (const std::string& name : control_names()) {
          if (seen.insert(name).second) must(write(squats[1], "s", 1) == 1, "pipe");
        }
        for (const std::string& name : seen) {
          if (taken.contains(name)) continue;
          const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
          socklen_t length = 0;
          const sockaddr_un address = abstract_address(name, length);
          if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 && listen(fd, 8) == 0) {
            taken.insert(name);
            must(write(squats[1], "t", 1) == 1, "pipe");
          } else {
            close(fd);
          }
        }
        usleep(500);
      }
    });
    char c;
    for (int round = 0; round < 3; ++round) {
      must(read(squats[0], &c, 1) == 1 && c == 's', "the name was not seen");
      must(write(go[1], "x", 1) == 1, "pipe");
      must(read(said[0], &c, 1) == 1, "the owner has ended");
      must(read(squats[0], &c, 1) == 1 && c == 't', "the name was not taken");
      must(write(go[1], "x", 1) == 1, "pipe");
    }
    const ChildResult r = group.wait(owner, 60s);
    must(r.ok(), "the owner " + r.describe());
    group.kill(squatter);
  });
}

}  // namespace partage::test
