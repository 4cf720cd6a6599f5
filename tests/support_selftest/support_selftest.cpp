// The rest of the test support: children, deadlines, private tmpfs, litter, robust words.
#include "../support/processes.hpp"
#include "../support/robust_words.hpp"
#include "../support/seed.hpp"
#include "../support/shm_litter.hpp"
#include "../support/tmpfs.hpp"
#include "toy.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

using namespace partage::test;
using namespace std::chrono_literals;

TEST_CASE("run_child tells how the child ended") {
  CHECK(run_child([] {}, 5s).ok());
  const ChildResult seven = run_child([] { return 7; }, 5s);
  CHECK(seven.end == ChildResult::End::exited);
  CHECK(seven.code == 7);
  const ChildResult threw = run_child([] { throw std::runtime_error("what I say"); }, 5s);
  CHECK(threw.end == ChildResult::End::threw);
  CHECK(threw.text == "what I say");
  const ChildResult crashed = run_child([] { ::raise(SIGBUS); }, 5s);
  CHECK(crashed.end == ChildResult::End::signaled);
  CHECK(crashed.code == SIGBUS);
  CHECK(run_child([] { ::pause(); }, 20ms).end == ChildResult::End::timed_out);
}

TEST_CASE("a ChildGroup takes its children with it") {
  std::vector<pid_t> pids;
  try {
    ChildGroup group;
    for (int i = 0; i < 3; ++i) pids.push_back(group.start([] { ::pause(); }));
    CHECK(pause_process(pids[0]));
    CHECK(process_state(pids[0]) == 'T');
    resume_process(pids[0]);
    CHECK(eventually([&] { return process_state(pids[0]) == 'S'; }, 1s));
    group.kill(pids[1]);
    CHECK(process_state(pids[1]) == 0);
    CHECK(group.size() == 2);
    CHECK(group.wait(group.start([] { return 4; }), 5s).code == 4);
    CHECK_THROWS_AS(group.kill(pids[1]), std::invalid_argument);
    throw std::runtime_error("a test that fails in the middle");
  } catch (const std::runtime_error&) {
  }
  for (const pid_t pid : pids) CHECK(process_state(pid) == 0);
}

TEST_CASE("eventually has a deadline") {
  CHECK_FALSE(eventually([] { return false; }, 10ms));
  int asked = 0;
  CHECK(eventually([&] { return ++asked == 3; }, 5s));
}

TEST_CASE("a small /dev/shm of one's own") {
  const TmpfsRun run = run_on_small_shm(
      1 << 20,
      [] {
        struct statvfs info {};
        if (::statvfs("/dev/shm", &info) != 0) return 1;
        const int fd = ::open("/dev/shm/partage-small-shm", O_CREAT | O_RDWR, 0600);
        if (::posix_fallocate(fd, 0, 2 << 20) != ENOSPC) return 2;
        return info.f_blocks * info.f_frsize == 1 << 20 ? 0 : 3;
      },
      10s);
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
    return;
  }
  CHECK_MESSAGE(run.result.ok(), run.result.describe());
  CHECK(shm_entries("partage-small-shm").empty());
}

TEST_CASE("litter is seen, what was there before is not") {
  const std::string name = "partage-selftest-" + std::to_string(::getpid());
  const auto before = shm_entries();
  CHECK(shm_litter_since(before).empty());
  ::close(::open(("/dev/shm/" + name).c_str(), O_CREAT | O_RDWR, 0600));
  CHECK(shm_litter_since(before) == std::set<std::string>{name});
  CHECK(shm_litter_since(shm_entries()).empty());
  ::unlink(("/dev/shm/" + name).c_str());
  const NoLitter clean;
}

TEST_CASE("NoLitter fails" * doctest::should_fail()) {
  const std::string path = "/dev/shm/partage-selftest-" + std::to_string(::getpid());
  {
    const NoLitter clean;
    ::close(::open(path.c_str(), O_CREAT | O_RDWR, 0600));
  }
  ::unlink(path.c_str());
}

TEST_CASE("held robust mutexes are found and marked") {
  ToyMemory memory(8192);
  Toy& toy = memory.toy();
  const std::span<const std::byte> bytes(memory.image()[0].base, 8192);
  CHECK(held_robust_mutexes(bytes, ::gettid()).empty());
  REQUIRE(toy.lock() == 0);
  toy.a = static_cast<std::uint64_t>(::gettid());  // a pid in user data is no mutex
  const auto held = held_robust_mutexes(bytes, ::gettid());
  REQUIRE(held == std::vector<std::size_t>{0});
  CHECK(mark_owner_dead(&toy, held, ::gettid() + 1) == 0);
  CHECK(mark_owner_dead(&toy, held, ::gettid()) == 1);
  CHECK(toy.mutex.__data.__lock == 0x40000000);
  CHECK(run_child([&] { return toy.lock(); }, 5s).ok());
}

TEST_CASE("seed and counts") {
  PARTAGE_SHOW_SEED();
  CHECK(test_seed() == test_seed());
  CHECK(repeats(3) == 3 * long_factor());
}
