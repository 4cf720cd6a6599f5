// The manager is killed again and again while clients work: no data operation fails or is lost, and each successor
// answers control calls.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <partage/partage.hpp>
#include <random>
#include <thread>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

constexpr int clients = 4;

struct Progress {
  std::atomic<bool> stop{false};
  std::atomic<long> rounds[clients]{};
};

}  // namespace

TEST_CASE("storm: the manager is killed 100 times while 4 clients work: no operation fails") {
  PARTAGE_SHOW_SEED();
  const NoLitter no_litter;
  std::mt19937_64 random(test_seed());
  void* page = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  auto& progress = *new (page) Progress;
  {
    Manager manager;
    const auto counters = manager.dict<std::string, long>({{"all", 0}});
    const auto journal = manager.list<long>();
    const auto lists = manager.dict<long, ListProxy<long>>();
    for (int w = 0; w < clients; ++w) lists.set(w, manager.list<long>());
    ChildGroup group;
    std::vector<pid_t> pids;
    for (int w = 0; w < clients; ++w) {
      pids.push_back(group.start([&, w] {
        const std::string mine = "client " + std::to_string(w);
        while (!progress.stop) {
          counters["all"] += 1;
          counters.update({{mine, progress.rounds[w]}});
          journal.append(w);
          lists.at(w).append(progress.rounds[w]);
          if (lists.at(w).size() > 50) lists.at(w).pop(0);
          ++progress.rounds[w];
        }
      }));
    }
    for (int k = 0; k < 100; ++k) {
      CAPTURE(k);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      const pid_t before = manager.pid();
      ::kill(before, SIGKILL);
      REQUIRE(eventually([&] { return !manager.is_alive(); }, std::chrono::seconds(5)));
      long stood[clients];
      for (int w = 0; w < clients; ++w) stood[w] = progress.rounds[w];
      if (k % 10 == 0) {
        for (int w = 0; w < clients; ++w) {  // they go on without a manager
          CHECK(eventually([&] { return progress.rounds[w] > stood[w] + 1; }, std::chrono::seconds(10)));
        }
      }
      manager.restart();
      CHECK(manager.pid() != before);
      CHECK(manager.objects().size() == 3 + clients);
      CHECK(manager.list<int>({k})[0] == k);
    }
    progress.stop = true;
    long rounds = 0;
    for (const pid_t pid : pids) {
      const ChildResult end = group.wait(pid, std::chrono::seconds(10));
      CHECK_MESSAGE(end.ok(), end.describe());  // an operation that failed would have thrown
    }
    for (const auto& r : progress.rounds) rounds += r;
    CHECK(counters.at("all") == rounds);
    CHECK(static_cast<long>(journal.size()) == rounds);
    for (int w = 0; w < clients; ++w) CHECK(lists.at(w)[-1] == progress.rounds[w] - 1);
    kernel::Segment& segment = kernel::Segment::containing(manager.segment_manager());
    std::string problem;
    CHECK(eventually([&] { return (problem = kernel::verify_segment(segment)).empty(); }, std::chrono::seconds(10)));
    INFO(problem);
    CHECK(problem.empty());
    MESSAGE("100 managers killed, ", 5 * rounds, " operations by ", clients, " clients, none failed");
  }
  munmap(page, sizeof(Progress));
}

}  // namespace partage::test
