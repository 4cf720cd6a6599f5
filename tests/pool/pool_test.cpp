// Pool: results, errors, deaths, ends.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <numeric>
#include <partage/partage.hpp>
#include <random>
#include <set>
#include <thread>

#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

const StartMethod methods[] = {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver};

int square(int n) {
  return n * n;
}
double times(double a, double b) {
  return a * b;
}
std::string name_it(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

int started_with = 0;
void remember(int n) {
  started_with = n;
}

std::vector<int> up_to(int n) {
  std::vector<int> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class E, class F>
std::string text_of(F f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool is_alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

/// n * 2, after a while (some 2 us) in which the worker can be killed inside the task.
int doubled_slowly(int n) {
  for (int i = 0; i < 2000; ++i) asm volatile("");
  return n * 2;
}

void kill_workers_at_random(int rounds, int tasks) {
  std::mt19937_64 random(test_seed());
  int all_kills = 0, all_lost = 0;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    std::set<pid_t> workers;
    {
      Pool pool(3);
      const auto result = pool.map_async(doubled_slowly, up_to(tasks), 16);
      int kills = 0;
      while (!result.ready() && kills < 20) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        const auto pids = pool.pids();
        workers.insert(pids.begin(), pids.end());
        if (pids.empty()) continue;
        ::kill(pids[random() % pids.size()], SIGKILL);
        ++kills;
      }
      REQUIRE(result.wait(60s));
      const auto partial = result.partial();
      int lost = 0;
      for (int i = 0; i < tasks; ++i) {
        const auto& one = partial[static_cast<std::size_t>(i)];
        if (!one) {
          ++lost;
        } else if (*one != i * 2) {
          FAIL("task " << i << " has the result " << *one);
        }
      }
      CHECK(lost <= kills);
      all_kills += kills;
      all_lost += lost;
      if (lost != 0) CHECK_THROWS_AS(result.get(), WorkerDied);
      if (lost == 0) CHECK(result.get().size() == static_cast<std::size_t>(tasks));
      const auto pids = pool.pids();
      workers.insert(pids.begin(), pids.end());
      pool.close();
      pool.join();
    }
    for (const pid_t pid : workers) CHECK_FALSE(is_alive(pid));
  }
  CHECK(active_children().empty());
  MESSAGE(all_kills, " kills, ", all_lost, " tasks lost");
  CHECK(all_lost > 0);
}

}  // namespace

TEST_SUITE("pool") {
  TEST_CASE("pool: apply, map and starmap under each start method") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      Pool pool(PoolOptions{.workers = 2, .start_method = method});
      CHECK(pool.workers() == 2);
      CHECK(pool.apply(square, 7) == 49);
      CHECK(pool.apply(name_it, "ab", 3) == "ababab");
      CHECK(pool.map(square, up_to(100)) == pool.map([](int n) { return n * n; }, up_to(100), 1));
      CHECK(pool.map(square, up_to(100))[99] == 9801);
      CHECK(pool.map(square, {1, 2, 3}) == std::vector{1, 4, 9});
      CHECK(pool.starmap(times, std::vector<std::pair<double, double>>{{2, 3}, {4, 5}}) == std::vector{6.0, 20.0});
      CHECK(pool.map(square, std::vector<int>{}).empty());
    }
  }

  TEST_CASE("pool: closures that may be copied bit by bit") {
    Pool pool(2);
    const int factor = 3;
    const double offset = 0.5;
    CHECK(pool.map([=](int n) { return n * factor + offset; }, {1, 2}) == std::vector{3.5, 6.5});
  }

  TEST_CASE("pool: results of every size, and none") {
    Pool pool(2);
    for (const std::size_t size : {0u, 1u, 60u, 61u, 62u, 63u, 64u, 1000u, 100'000u, 3'000'000u}) {
      CAPTURE(size);
      CHECK(pool.apply([](std::size_t n) { return std::string(n, 'x'); }, size) == std::string(size, 'x'));
      CHECK(pool.apply([](const std::string& text) { return text.size(); }, std::string(size, 'y')) == size);
    }
    struct Wide {
      std::array<std::int64_t, 200> words;
    };
    CHECK(pool.apply([] { return Wide{{1, 2, 3}}; }).words[2] == 3);
    const Value<int> sum(0);
    pool.map([](const std::pair<Value<int>, int>& p) { p.first += p.second; },
             std::vector<std::pair<Value<int>, int>>{{sum, 1}, {sum, 2}});
    CHECK(sum == 3);
    pool.apply([] {});
    CHECK(pool.apply([](std::map<std::string, int> m) { return m["a"]; }, std::map<std::string, int>{{"a", 4}}) == 4);
    CHECK(pool.apply([] { return std::vector<bool>{true, false}; }) == std::vector<bool>{true, false});
    CHECK(pool.map([](int n) { return n > 1; }, {1, 2}) == std::vector<bool>{false, true});
  }

  TEST_CASE("pool: handles as inputs and results, also of managers that came later") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      Pool pool(PoolOptions{.workers = 2, .start_method = method});
      Manager manager, other;
      const auto list = manager.list<int>();
      const auto dict = other.dict<std::string, int>({{"a", 1}});
      pool.starmap(
          [](const ListProxy<int>& l, const DictProxy<std::string, int>& d, int n) { l.append(n + d.at("a")); },
          std::vector<std::tuple<ListProxy<int>, DictProxy<std::string, int>, int>>{
              {list, dict, 1}, {list, dict, 2}, {list, dict, 3}});
      list.sort();
      CHECK(list.copy() == std::vector{2, 3, 4});
      const Queue<int> made = pool.apply(
          [](int n) {
            const Queue<int> queue;
            queue.put(n);
            return queue;
          },
          5);
      CHECK(made.get(20s) == 5);
      CHECK(pool.map([](const ListProxy<int>& l) { return l; }, std::vector{list})[0].is(list));
    }
  }

  TEST_CASE("pool: of a manager: its tasks travel through the manager's segment") {
    Manager manager;
    Pool pool = manager.Pool(2);
    CHECK(pool.map(square, up_to(50)).size() == 50);
    Pool with_options = manager.Pool(PoolOptions{.workers = 1}, remember, 9);
    CHECK(with_options.apply([] { return started_with; }) == 9);
  }

  TEST_CASE("pool: imap in order, imap_unordered in any, both go on after an error") {
    Pool pool(2);
    std::vector<int> seen;
    for (const int n : pool.imap(square, up_to(200))) seen.push_back(n);
    CHECK(seen == pool.map(square, up_to(200)));
    std::multiset<int> any;
    for (const int n : pool.imap_unordered(square, up_to(200), 7)) any.insert(n);
    CHECK(any == std::multiset<int>(seen.begin(), seen.end()));

    auto results = pool.imap([](int n) { return n == 1 ? throw ValueError("one") : n; }, up_to(3));
    CHECK(results.next() == 0);
    CHECK_THROWS_AS(results.next(), ValueError);
    CHECK(results.next(20s) == 2);
    CHECK(results.next() == std::nullopt);

    const Event go;
    auto waiting = pool.imap([](const Event& e) { return e.wait(20s); }, std::vector{go});
    CHECK_THROWS_AS(waiting.next(10ms), TimeoutError);
    go.set();
    CHECK(waiting.next(20s) == true);
  }

  TEST_CASE("pool: exceptions arrive with type, text and the worker's pid") {
    Pool pool(1);
    const std::string pid = "(in worker " + std::to_string(pool.pids()[0]) + ")";
    const auto contains_pid = [&](const std::string& text) { return text.find(pid) != std::string::npos; };
    CHECK(text_of<std::invalid_argument>([&] { pool.apply([] { throw std::invalid_argument("bad"); }); }) ==
          "bad " + pid);
    CHECK(contains_pid(text_of<KeyError>([&] { pool.apply([] { throw KeyError("k"); }); })));
    CHECK(contains_pid(text_of<Empty>([&] { pool.apply([] { Queue<int>().get_nowait(); }); })));
    CHECK(contains_pid(text_of<std::bad_alloc>([&] { pool.apply([] { throw std::bad_alloc(); }); })));
    CHECK(contains_pid(text_of<OutOfMemory>([&] { pool.apply([] { throw OutOfMemory("full", 1, 2, 3); }); })));
    CHECK(text_of<OutOfMemory>([&] {
            pool.apply([] { throw OutOfMemory("full", 1, 2, 3); });
          }).find("limit 1 bytes, used 2") != std::string::npos);
    CHECK(contains_pid(text_of<std::runtime_error>([&] { pool.apply([] { throw OwnError("own"); }); })));
    CHECK(contains_pid(text_of<std::runtime_error>([&] { pool.apply([] { throw 7; }); })));
    try {
      pool.apply([] { throw std::system_error(ENOENT, std::generic_category(), "opening"); });
      FAIL("nothing was thrown");
    } catch (const std::system_error& error) {
      CHECK(error.code() == std::errc::no_such_file_or_directory);
      CHECK(std::string(error.what()).find("opening") == 0);
    }
    // Of a map: the first by index; the rest is there.
    const auto result =
        pool.map_async([](int n) { return n % 2 ? throw std::out_of_range(std::to_string(n)) : n; }, up_to(6), 2);
    result.wait();
    CHECK_FALSE(result.successful());
    CHECK(text_of<std::out_of_range>([&] { result.get(); }).find("1 (") == 0);
    const auto partial = result.partial();
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      CHECK(partial[static_cast<std::size_t>(i)] == (i % 2 ? std::nullopt : std::optional(i)));
    }
  }

  TEST_CASE("pool: AsyncResult waits, is ready, and times out") {
    Pool pool(1);
    const Event go;
    const auto result = pool.apply_async([](const Event& e) { return e.wait(20s) ? 1 : 0; }, go);
    CHECK_FALSE(result.ready());
    CHECK_THROWS_AS(result.successful(), ValueError);
    CHECK_THROWS_AS(result.get(10ms), TimeoutError);
    CHECK_FALSE(result.wait(10ms));
    go.set();
    CHECK(result.get(20s) == 1);
    CHECK(result.get() == 1);
    CHECK(result.ready());
    CHECK(result.successful());
  }

  TEST_CASE("pool: results outlive the pool") {
    std::optional<AsyncResult<std::vector<int>>> result;
    {
      Pool pool(2);
      result = pool.map_async(square, up_to(10));
      pool.close();
      pool.join();
    }
    CHECK(result->get().back() == 81);
    {
      Pool pool(1);
      const Event started, never;
      auto lost = pool.apply_async(
          [](const Event& s, const Event& e) {
            s.set();
            e.wait();
          },
          started, never);
      REQUIRE(started.wait(20s));
      pool.terminate();
      CHECK_THROWS_AS(lost.get(20s), ProcessError);
      pool.join();
      CHECK_THROWS_AS(pool.apply(square, 1), ValueError);
    }
  }

  TEST_CASE("pool: callbacks run before get() returns, in one thread, and concern nobody else when they throw") {
    Pool pool(2);
    std::atomic<int> sum = 0, errors = 0;
    const auto result = pool.map_async(square, up_to(4))
                            .then([&](const std::vector<int>& all) { sum += all[3]; })
                            .then([](const std::vector<int>&) { throw std::runtime_error("a callback"); });
    CHECK(result.get().size() == 4);
    CHECK(sum == 9);
    const auto failing = pool.apply_async([]() -> int { throw KeyError("k"); });
    failing.then([&](int) { sum += 1000; }).on_error([&](const std::exception_ptr& e) {
      try {
        std::rethrow_exception(e);
      } catch (const KeyError&) {
        ++errors;
      }
    });
    CHECK_THROWS_AS(failing.get(), KeyError);
    CHECK(errors == 1);
    CHECK(sum == 9);
    // A callback may use the pool; one that is registered late runs, too.
    std::atomic<int> nested = 0;
    const auto first = pool.apply_async(square, 3);
    first.wait();
    first.then([&](int n) { nested = pool.apply(square, n); });
    CHECK(eventually([&] { return nested == 81; }, 20s));
    pool.apply_async([] {}).then([&] { ++nested; });
    CHECK(eventually([&] { return nested == 82; }, 20s));
  }

  TEST_CASE("pool: progress, once per finished task and all before the map returns") {
    Pool pool(2);
    std::vector<std::size_t> told;
    pool.on_progress([&](std::size_t done, std::size_t total) {
      CHECK(total == 50);
      told.push_back(done);
    });
    CHECK(pool.map(square, up_to(50)).size() == 50);
    REQUIRE(told.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) CHECK(told[i] == i + 1);
  }

  TEST_CASE("pool: many jobs at once, more than the board has places for") {
    Pool pool(2);
    std::vector<AsyncResult<int>> results;
    for (int i = 0; i < 300; ++i) results.push_back(pool.apply_async(square, i));
    for (int i = 0; i < 300; ++i) CHECK(results[static_cast<std::size_t>(i)].get() == i * i);
    for (int i = 0; i < 300; ++i) pool.apply_async(square, i);  // nobody asks
    CHECK(pool.apply(square, 2) == 4);
    pool.close();
    pool.join();
  }

  TEST_CASE("pool: from several threads") {
    Pool pool(2);
    std::vector<std::thread> threads;
    std::atomic<long> sum = 0;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) sum += pool.apply(square, i);
        for (const int n : pool.map(square, up_to(50))) sum += n;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(sum == 4 * 2 * 40425);
  }

  TEST_CASE("pool: the initializer runs first in each worker; one that throws breaks the pool with its exception") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      Pool pool(PoolOptions{.workers = 2, .start_method = method}, remember, 41);
      CHECK(pool.map([](int n) { return started_with + n; }, {1, 1, 1, 1}, 1) == std::vector{42, 42, 42, 42});
    }
    Pool broken(2, [] { throw ValueError("no way"); });
    CHECK(text_of<ValueError>([&] { broken.apply(square, 1); }).find("no way") == 0);
    Pool ending(1, [] { ::_exit(3); });
    CHECK_THROWS_AS(ending.apply(square, 1), ProcessError);
  }

  TEST_CASE("pool: maxtasksperchild replaces workers, and loses nothing") {
    Pool pool(PoolOptions{.workers = 2, .maxtasksperchild = 3});
    const auto pids = pool.map([](int) { return ::getpid(); }, up_to(30), 1);
    std::map<int, int> chunks;
    for (const int pid : pids) ++chunks[pid];
    CHECK(chunks.size() >= 10);
    for (const auto& [pid, n] : chunks) CHECK(n <= 3);
  }

  TEST_CASE("pool: a worker that dies fails the task it was running, and no other") {
    for (const StartMethod method : methods) {
      CAPTURE(name_of(method));
      Pool pool(PoolOptions{.workers = 2, .start_method = method});
      const auto result = pool.map_async(
          [](int n) {
            if (n == 13) ::raise(SIGKILL);
            if (n == 27) ::_exit(5);
            return n;
          },
          up_to(40), 10);
      const std::string text = text_of<WorkerDied>([&] { result.get(20s); });
      CHECK(text.find("SIGKILL") != std::string::npos);
      CHECK(text.find("task 13 of 40") != std::string::npos);
      const auto partial = result.partial();
      for (int i = 0; i < 40; ++i) {
        CAPTURE(i);
        CHECK(partial[static_cast<std::size_t>(i)] == (i == 13 || i == 27 ? std::nullopt : std::optional(i)));
      }
      CHECK(pool.map(square, up_to(10)).size() == 10);
      CHECK(pool.pids().size() == 2);
    }
  }

  TEST_CASE("pool: idle workers that are killed again and again are replaced again and again") {
    Pool pool(1);
    for (int round = 0; round < 30; ++round) {
      const auto pids = pool.pids();
      if (!pids.empty()) ::kill(pids[0], SIGKILL);
      CHECK(eventually([&] { return pool.pids() != pids && pool.pids().size() == 1; }, 20s));
    }
    CHECK(pool.apply(square, 3) == 9);
  }

  TEST_CASE("pool: a killed worker that had sent its result by mail has not failed the task") {
    Pool pool(1);
    for (int round = 0; round < 20; ++round) {
      const auto result =
          pool.map_async([](int n) { return std::string(1000, static_cast<char>('a' + n)); }, up_to(10), 10);
      ::kill(pool.pids().at(0), SIGKILL);
      result.wait(20s);
      REQUIRE(result.ready());
      int there = 0;
      for (const auto& text : result.partial()) there += text.has_value();
      CHECK(there >= 9);
      CHECK(eventually([&] { return pool.pids().size() == 1; }, 20s));
    }
  }

  TEST_CASE("pool: workers killed at random during a map of 100 000 tasks") {
    kill_workers_at_random(3, 100'000);
  }

  TEST_CASE("pool: nothing is left: workers, objects, memory") {
    Manager manager;
    const auto before = manager.objects().size();
    const auto free_before = manager.segment_manager()->get_free_memory();
    std::vector<pid_t> pids;
    for (int round = 0; round < 5; ++round) {
      Pool pool = manager.Pool(2);
      CHECK(pool.map([](int n) { return std::string(100, 'x') + std::to_string(n); }, up_to(100)).size() == 100);
      CHECK(pool.map(square, up_to(10'000)).size() == 10'000);
      const auto now = pool.pids();
      pids.insert(pids.end(), now.begin(), now.end());
    }
    for (const pid_t pid : pids) CHECK_FALSE(is_alive(pid));
    CHECK(eventually([&] { return manager.objects().size() == before; }, 20s));
    CHECK(manager.segment_manager()->get_free_memory() == free_before);
  }

  TEST_CASE("pool: workers end with their owner, however it ends") {
    for (const bool is_killed : {false, true}) {
      CAPTURE(is_killed);
      const Queue<int> pids;
      const ChildResult result = run_child(
          [&] {
            auto* const pool = new Pool(2);  // nobody destroys it
            for (const pid_t pid : pool->pids()) pids.put(pid);
            pool->apply_async([] { std::this_thread::sleep_for(60s); });
            if (is_killed) ::raise(SIGKILL);
            std::exit(0);
          },
          20s);
      CHECK(result.code == (is_killed ? SIGKILL : 0));
      for (int i = 0; i < 2; ++i) {
        const int pid = pids.get(20s);
        CHECK(eventually([&] { return !is_alive(pid); }, 20s));
      }
    }
  }

  TEST_CASE("pool: wrong arguments and wrong order") {
    CHECK_THROWS_AS(Pool(-1), ValueError);
    CHECK_THROWS_AS(Pool(PoolOptions{.workers = 1, .maxtasksperchild = -1}), ValueError);
    Pool pool(1);
    CHECK_THROWS_AS(pool.map(square, {1}, 0), ValueError);
    CHECK_THROWS_AS(pool.imap(square, up_to(1), -1), ValueError);
    CHECK_THROWS_AS(pool.join(), ValueError);
    pool.close();
    pool.close();
    CHECK_THROWS_AS(pool.apply(square, 1), ValueError);
    pool.join();
    pool.join();
    Pool moved = std::move(pool);
    CHECK_THROWS_AS(pool.apply(square, 1), ProcessError);  // NOLINT(bugprone-use-after-move): what is left there
    const ChildResult result = run_child(
        [&] {
          Pool outer(1);
          Process child([&] {
            try {
              outer.apply(square, 1);
            } catch (const ProcessError&) {
              std::exit(6);
            }
          });
          child.start();
          child.join();
          return child.exitcode() == 6 ? 0 : 1;
        },
        20s);
    CHECK_MESSAGE(result.ok(), result.describe());
    // A worker is a daemon: it may have no children.
    Pool another(1);
    CHECK_THROWS_AS(another.apply([] { return Pool(1).apply(square, 2); }), ProcessError);
  }
}

TEST_SUITE("full:pool") {
  TEST_CASE("pool: workers killed at random during a map of 100 000 tasks, 100 rounds") {
    kill_workers_at_random(100, 100'000);
  }
}

}  // namespace partage::test
