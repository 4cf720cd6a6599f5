// The soak: for as long as PARTAGE_SOAK_SECONDS says, processes use every type, make, name, grow and destroy objects, and are
// SIGKILLed at random moments, the manager with them. Every tenth of the time all of them are ended and everything is emptied
// and destroyed: the segment must be whole, and the memory that is in use, of the segment and of the manager's own, must not creep
// upwards from one such moment to the next. What is kept for the next objects goes by the most objects that there were at a time,
// which is chance, and has a bound. How broken up the free memory is, is printed each time.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/registry/verify.hpp"
#include "tests/support/all_types.hpp"
#include "tests/support/fragmentation.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr int workers = 6, rests = 10, named_objects = 20;
// Ten times what is seen; what leaks with every operation is more after seconds.
constexpr std::size_t most_kept = 4 << 20;

std::chrono::seconds soak_time(long otherwise) {
  const char* text = std::getenv("PARTAGE_SOAK_SECONDS");
  const long seconds = text != nullptr ? std::atol(text) : otherwise;
  return std::chrono::seconds(std::max(seconds, 1L));
}

/// Memory of a process that is nobody else's: of the heap, the stack, written pages of the program.
std::size_t private_bytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) << 10;
  }
  return 0;
}

struct Growing {
  ListProxy<std::string> list;
  DictProxy<int, std::string> dict;
  ListProxy<ListProxy<std::string>> nested;

  explicit Growing(const Manager& m)
      : list(m.list<std::string>()), dict(m.dict<int, std::string>()), nested(m.list<ListProxy<std::string>>()) {}

  void clear() const {
    list.clear();
    dict.clear();
    nested.clear();
  }
  /// Makes something larger, or gives it back; makes objects with and without names, and destroys them.
  void use_one(const Manager& m, std::mt19937_64& random) const {
    const std::string some(random() % (random() % 8 == 0 ? 60'000 : 600), 'g');
    switch (random() % 8) {
      case 0:
      case 1:
        list.append(some);
        if (random() % 500 == 0) list.clear();
        break;
      case 2:
      case 3:
        dict.set(static_cast<int>(random() % 3000), some);
        if (random() % 1000 == 0) dict.clear();
        break;
      case 4:
        nested.append(m.list<std::string>({some, some}));
        if (random() % 60 == 0) nested.clear();
        break;
      case 5: {
        const std::string name = "named " + std::to_string(random() % named_objects);
        const auto object = m.dict<std::string, std::string>(named(name));
        object.set(some.substr(0, 20), some);
        if (random() % 3 == 0) m.remove(name);
        break;
      }
      case 6:
        m.Queue<std::string>().put(some);
        m.Lock().acquire();
        break;
      case 7:
        m.set<int>({1, 2, 3}).add(4);
        m.Value<double>(1.5);
        break;
    }
  }
};

/// What the workers tell in memory that survives them.
struct Told {
  Acknowledged done;
  std::atomic<long> failures;
  char failure[500];  // one of them
};

/// One process, until it is killed.
[[noreturn]] void work(int w, const Manager& manager, const AllTypes& all, const Growing& growing, Told& told) {
  std::mt19937_64 random(std::random_device{}());
  for (;;) {
    try {
      random() % 3 == 0 ? growing.use_one(manager, random) : all.use_one(w, manager, told.done, random);
    } catch (const ManagerLost&) {  // what makes objects waits for the next one
      std::this_thread::sleep_for(1ms);
    } catch (const KeyError&) {  // somebody else has removed it
    } catch (const std::exception& e) {
      ++told.failures;
      std::snprintf(told.failure, sizeof told.failure, "%s", e.what());
    }
  }
}

/// Attached processes. A child that was killed before it took over its place leaves that reserved for a while (docs/crash.md).
long living(kernel::Segment& segment) {
  const auto clients = kernel::Clients(segment).list();
  return std::count_if(clients.begin(), clients.end(),
                       [](const kernel::ClientInfo& c) { return c.state == kernel::ClientState::live; });
}

void empty_all(const Manager& manager, const AllTypes& all, const Growing& growing) {
  growing.clear();
  while (all.queue.try_get()) {
  }
  while (all.tasks.try_get()) all.tasks.task_done();
  all.received.clear();
  all.done.clear();
  all.set.clear();
  all.text = "";
  for (int w = 0; w < workers; ++w) all.names.set("of" + std::to_string(w), std::string());
  const auto inner = all.nested.at(0);
  while (inner.try_get()) {
  }
  while (all.signals.try_acquire()) {
  }
  all.barrier.reset();
  for (int i = 0; i < named_objects; ++i) {
    try {
      manager.remove("named " + std::to_string(i));
    } catch (const KeyError&) {
    }
  }
}

/// In the second half of a series nothing is larger than the largest of the first one, but for what chance makes of the most
/// objects that there were at a time: half as much again, at least 256 KiB. What leaks with every death or every operation is
/// many times that.
bool is_flat(const std::vector<std::size_t>& series) {
  const auto half = series.begin() + static_cast<std::ptrdiff_t>((series.size() + 1) / 2);
  const std::size_t before = *std::max_element(series.begin(), half);
  const std::size_t most = before + std::max(before / 2, std::size_t{256} << 10);
  return std::all_of(half, series.end(), [&](std::size_t n) { return n <= most; });
}

std::string text_of(const std::vector<std::size_t>& series) {
  std::string text;
  for (const std::size_t n : series) text += std::to_string(n >> 10) + " ";
  return text + "KiB";
}

void soak(std::chrono::seconds time) {
  PARTAGE_SHOW_SEED();
  const NoLitter no_litter;
  std::mt19937_64 random(test_seed());
  void* page = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  auto& told = *new (page) Told{};
  std::vector<std::size_t> used, managers_own;
  long deaths = 0, managers = 0;
  {
    Manager manager({.max_size = std::size_t{2} << 30});
    auto& segment = kernel::Segment::containing(manager.segment_manager());
    for (int rest = 0; rest < rests; ++rest) {
      CAPTURE(rest);
      {
        const AllTypes all(manager);
        const Growing growing(manager);
        ChildGroup group;
        std::vector<pid_t> pids;
        const auto start = [&](int w) { return group.start([&, w] { work(w, manager, all, growing, told); }); };
        for (int w = 0; w < workers; ++w) pids.push_back(start(w));
        const auto end = SteadyClock::now() + std::chrono::milliseconds(time) / rests;
        while (SteadyClock::now() < end) {
          std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random() % 20'000));
          const auto w = random() % workers;
          group.kill(pids[w]);
          ++deaths;
          if (deaths % 100 == 99) {
            kill(manager.pid(), SIGKILL);
            REQUIRE(eventually([&] { return !manager.is_alive(); }, 20s));
            manager.restart();
            ++managers;
          }
          pids[w] = start(static_cast<int>(w));
        }
        for (const pid_t pid : pids) group.kill(pid), ++deaths;
        REQUIRE(eventually([&] { return living(segment) == 1; }, 60s));
        empty_all(manager, all, growing);
      }  // the objects go, too: what has once been large keeps its arena for as long as it lives
      std::string problem;
      const bool whole = eventually([&] { return (problem = kernel::verify_segment(segment)).empty(); }, 60s);
      CHECK_MESSAGE(whole, problem);
      const Fragmentation now = fragmentation(segment);
      used.push_back(now.used - now.kept);
      CHECK(now.kept < most_kept);
      managers_own.push_back(private_bytes(manager.pid()));
      MESSAGE("soak, rest ", rest + 1, " of ", rests, ": ", now.describe(), "; the manager's own memory ",
              managers_own.back() >> 10, " KiB");
    }
    CHECK_MESSAGE(is_flat(used), "in use at the rests: ", text_of(used));
    CHECK_MESSAGE(is_flat(managers_own), "the manager's own memory at the rests: ", text_of(managers_own));
    long operations = 0;
    for (int w = 0; w < workers; ++w) operations += told.done.operations[w];
    CHECK(operations > 0);
    CHECK_MESSAGE(told.failures == 0, told.failures.load(), " operations failed, one of them: ", told.failure);
    MESSAGE("soak of ", time.count(), " s: ", deaths, " workers and ", managers, " managers killed, ", operations,
            " operations on all types, seed ", test_seed());
  }
  munmap(page, sizeof(Told));
}

}  // namespace

TEST_CASE("soak, the short form: all types, growth, deaths, objects that come and go; memory is flat") {
  soak(soak_time(8));
}

TEST_SUITE("full:soak") {
  TEST_CASE("soak of ten minutes: all types, growth, deaths, objects that come and go; memory is flat") {
    soak(soak_time(600));
  }
}

}  // namespace partage::test
