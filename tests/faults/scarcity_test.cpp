// Too little of something, seen through the public interface: an exception that says of what, nothing lost, and everything
// works again when there is enough.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <partage/partage.hpp>
#include <string>
#include <vector>

#include "tests/support/processes.hpp"
#include "tests/support/tmpfs.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

std::string text_of(long i, std::size_t bytes) {
  return std::to_string(i) + std::string(bytes, static_cast<char>('a' + i % 26));
}

/// Everything that was acknowledged is there, here and in another process.
void must_hold(const ListProxy<std::string>& list, const DictProxy<long, std::string>& dict, long n,
               std::size_t bytes) {
  const auto judge = [=] {
    must(static_cast<long>(list.size()) == n && static_cast<long>(dict.size()) == n,
         "sizes " + std::to_string(list.size()) + " and " + std::to_string(dict.size()) + ", acknowledged " +
             std::to_string(n));
    for (long i = 0; i < n; ++i)
      must(list.at(i) == text_of(i, bytes) && dict.at(i) == text_of(i, bytes), "a value differs");
  };
  judge();
  Process other(judge);
  other.start();
  other.join();
  must(other.exitcode() == 0, "another process sees something else");
}

/// Fills both until there is no memory, and makes them equally long; how many pairs.
long fill(const ListProxy<std::string>& list, const DictProxy<long, std::string>& dict, std::size_t bytes) {
  for (long n = 0;; ++n) {
    try {
      list.append(text_of(n, bytes));
    } catch (const OutOfMemory& e) {
      must(e.asked() > 0 && e.used() > 0 && e.limit() >= e.used(), "limit, used and asked say nothing");
      return n;
    }
    try {
      dict.set(n, text_of(n, bytes));
    } catch (const OutOfMemory&) {
      must(!dict.contains(n), "a key whose set failed");
      list.pop();
      return n;
    }
  }
}

void fill_and_go_on(std::size_t bytes) {
  Manager manager({.max_size = std::size_t{256} << 20});
  const auto list = manager.list<std::string>();
  const auto dict = manager.dict<long, std::string>();
  const long n = fill(list, dict, bytes);
  must(n > 10, "it was full after " + std::to_string(n));
  must_hold(list, dict, n, bytes);
  // Full as it is, it can be read, shrunk, and served by another manager.
  ::kill(manager.pid(), SIGKILL);
  must(eventually([&] { return !manager.is_alive(); }, 5s), "the manager does not die");
  manager.restart();
  must_hold(list, dict, n, bytes);
  must(manager.objects().size() == 2, "objects");
  list.clear();
  dict.clear();
  const long again = fill(list, dict, bytes);
  must(again >= n * 9 / 10,
       "room for " + std::to_string(n) + " the first time, for " + std::to_string(again) + " the second");
  must_hold(list, dict, again, bytes);
}

void judge(const TmpfsRun& run) {
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
  } else {
    CHECK_MESSAGE(run.result.ok(), run.result.describe());
  }
}

class Limited {
 public:
  Limited(int what, rlim_t value) : what_(static_cast<__rlimit_resource>(what)) {
    getrlimit(what_, &before_);
    const rlimit limit{value, before_.rlim_max};
    must(setrlimit(what_, &limit) == 0, "setrlimit");
  }
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;
  ~Limited() { setrlimit(what_, &before_); }

 private:
  __rlimit_resource what_;
  rlimit before_{};
};

}  // namespace

TEST_CASE("a /dev/shm of 1 MiB and of 64 MiB runs full: OutOfMemory, nothing lost, and it goes on") {
  judge(run_on_small_shm(
      1 << 20, [] { fill_and_go_on(1'000); }, 60s));
  judge(run_on_small_shm(
      64 << 20, [] { fill_and_go_on(100'000); }, 60s));
}

TEST_CASE("a /dev/shm that is too small for any manager: an exception that says so") {
  judge(run_on_small_shm(
      16 << 10,
      [] {
        try {
          Manager manager;
        } catch (const Error& e) {
          must(std::string(e.what()).find("/dev/shm") != std::string::npos, e.what());
          return;
        }
        throw std::runtime_error("a manager in 16 KiB");
      },
      30s));
}

TEST_CASE("RLIMIT_FSIZE: OutOfMemory for this process, and not for another") {
  const ChildResult r = run_child(
      [] {
        Manager manager({.max_size = std::size_t{64} << 20});
        const auto list = manager.list<std::string>();
        long n = 0;
        {
          const Limited limited(RLIMIT_FSIZE, 4 << 20);
          n = fill(list, manager.dict<long, std::string>(), 10'000);
          must(n > 10, "it was full at once");
        }
        must(static_cast<long>(list.size()) >= n, "something is lost");
        // Not so many that the list needs a longer ring: what the dict gave back lies in pieces of 10 kB between its elements.
        for (int i = 0; i < 500; ++i) list.append(std::string(10'000, 'x'));
        for (long i = 0; i < n; ++i) must(list.at(i) == text_of(i, 10'000), "a value differs");
      },
      60s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("RLIMIT_AS: the default size fits, and a size that does not is refused with a sentence") {
  const ChildResult r = run_child(
      [] {
        const Limited limited(RLIMIT_AS, std::size_t{2} << 30);
        {
          Manager manager;
          const auto list = manager.list<int>({1, 2, 3});
          must(list.size() == 3, "size");
        }
        try {
          Manager manager({.max_size = std::size_t{8} << 30});
        } catch (const std::exception& e) {
          must(std::string(e.what()).find("max_size") != std::string::npos, e.what());
          return;
        }
        throw std::runtime_error("8 GiB in 2");
      },
      30s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("RLIMIT_NOFILE: no manager, no child, a sentence each, and all is well when descriptors are back") {
  const ChildResult r = run_child(
      [] {
        Manager manager;
        const auto list = manager.list<int>({1});
        {
          const Limited limited(RLIMIT_NOFILE, 64);
          std::vector<int> taken;
          for (int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0;
               fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) {
            taken.push_back(fd);
          }
          list.append(2);  // data needs none
          must(list.size() == 2 && list.copy() == std::vector<int>({1, 2}), "data");
          std::string said;
          try {
            Manager second;
          } catch (const Error& e) {
            said = e.what();
          }
          must(said.find("descriptors") != std::string::npos, "a second manager: '" + said + "'");
          said.clear();
          try {
            Process child([] {});
            child.start();
            child.join();
            said = "descriptors: it needs none";
          } catch (const Error& e) {
            said = e.what();
          }
          must(said.find("descriptors") != std::string::npos, "a child: '" + said + "'");
          for (const int fd : taken) close(fd);
        }
        Manager second;
        must(second.list<int>({1, 2}).size() == 2 && manager.list<int>().empty(), "afterwards");
        must(manager.is_alive(), "the first manager");
      },
      30s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

}  // namespace partage::test
