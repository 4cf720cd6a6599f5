// The storm with everything a manager hosts: processes use locks, semaphores, conditions, events, barriers, queues, sets, values,
// arrays and namespaces at once, and are SIGKILLed at random moments. At the end every lock and permit is free, every item is
// accounted for, what a lock guards is whole, and no byte has leaked.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>

#include <mutex>
#include <partage/partage.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "manager/registry/verify.hpp"
#include "manager/segment/segment.hpp"
#include "tests/support/all_types.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

void storm(int workers, long kills, int kill_the_manager_every) {
  PARTAGE_SHOW_SEED();
  const NoLitter no_litter;
  std::mt19937_64 random(test_seed());
  void* page = mmap(nullptr, sizeof(Acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  auto& done = *new (page) Acknowledged{};
  {
    Manager manager({.max_size = std::size_t{2} << 30});
    const AllTypes all(manager);
    long deaths = 0, managers = 0;
    {
      ChildGroup group;
      std::vector<pid_t> pids;
      const auto start = [&](int w) {
        return group.start([&, w] {
          std::mt19937_64 own(std::random_device{}());
          for (;;) all.use_one(w, manager, done, own);
        });
      };
      for (int w = 0; w < workers; ++w) pids.push_back(start(w));
      for (long k = 0; k < kills; ++k) {
        std::this_thread::sleep_for(std::chrono::microseconds(500 + random() % 4000));
        const auto w = random() % static_cast<std::uint64_t>(workers);
        group.kill(pids[w]);
        ++deaths;
        if (kill_the_manager_every != 0 && k % kill_the_manager_every == kill_the_manager_every - 1) {
          ::kill(manager.pid(), SIGKILL);
          REQUIRE(eventually([&] { return !manager.is_alive(); }, 20s));
          manager.restart();
          ++managers;
        }
        pids[w] = start(static_cast<int>(w));
      }
      for (const pid_t pid : pids) group.kill(pid), ++deaths;
    }

    // Everything is free again.
    REQUIRE(all.lock.acquire(20s));
    const bool died = all.lock.owner_died();
    if (!died) CHECK(all.left.get() == all.right.get());
    all.lock.release();
    REQUIRE(all.rlock.acquire(20s));
    all.rlock.release();
    CHECK(all.semaphore.get_value() == 3);
    CHECK(all.bounded.get_value() == 2);
    all.barrier.reset();
    CHECK(all.barrier.n_waiting() == 0);
    {
      const std::scoped_lock guard(all.condition);
      all.condition.notify_all();
    }

    // Items: what was put is in the queue or was received, but for one a death; nothing was received twice.
    long put = 0, got = 0, counted = 0, operations = 0;
    for (int w = 0; w < workers; ++w) {
      put += done.put[w];
      got += done.got[w];
      counted += done.counted[w];
      operations += done.operations[w];
      CHECK(all.array.at(w) >= done.counted[w]);
    }
    CHECK(all.counter.get() >= counted);
    CHECK(all.counter.get() <= counted + deaths);
    std::set<std::pair<int, long>> seen;
    for (const auto& [item, n] : all.received.items()) {
      CHECK(n == 1);
      seen.insert(item);
    }
    long waiting = 0;
    while (const auto item = all.queue.try_get()) {
      CHECK(seen.insert(*item).second);
      ++waiting;
    }
    CHECK(static_cast<long>(seen.size()) >= put - deaths);

    // Every task that was acknowledged is done, or comes back now; none is lost.
    while (const auto task = all.tasks.try_get()) {
      all.done.add(*task);
      all.tasks.task_done();
    }
    CHECK(all.tasks.join(20s));
    const auto tasks = all.done.copy();
    for (int w = 0; w < workers; ++w) {
      for (long i = 0; i < done.tasks[w]; ++i) REQUIRE(tasks.contains(std::to_string(w) + ':' + std::to_string(i)));
    }

    std::string problem;
    const auto& segment = kernel::Segment::containing(manager.segment_manager());
    CHECK(eventually([&] { return (problem = kernel::verify_segment(const_cast<kernel::Segment&>(segment))).empty(); },
                     20s));
    INFO(problem);
    CHECK(problem.empty());
    MESSAGE("storm of all types: ", deaths, " workers and ", managers, " managers killed, ", operations,
            " operations, ", put, " items put, ", got, " got, ", waiting, " left, ", all.tasks.redeliveries(),
            " redeliveries, seed ", test_seed());
  }
  munmap(page, sizeof(Acknowledged));
}

}  // namespace

TEST_CASE("storm: all types at once, 8 processes, and everything is free and accounted for") {
  storm(8, 150, 50);
}

TEST_SUITE("full:storm") {
  TEST_CASE("storm: all types at once, 2000 kills") {
    storm(8, 2000, 20);
  }
}

}  // namespace partage::test
