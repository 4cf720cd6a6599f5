// CPython's _TestPool, and single methods of other classes that are about pools.
//
// Each runs under the three start methods; test_pool of TestSyncManagerTypes, and a summary of _TestPool, with manager.Pool.
#include "pools.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>

#include <set>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestPool.test_apply: with its arguments") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK(pool.apply_async(sqr, 5, 0.0).get(long_enough) == sqr(5, 0));
    CHECK(pool.apply_async([](double x) { return sqr(x, 0); }, 3.0).get(long_enough) == sqr(3, 0));
    CHECK(pool.apply(sqr, 5, 0.0) == 25);
  });
}

TEST_CASE("_TestPool.test_map: the results in order, with a chunk size and without one") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK(pool.map_async(square, up_to(10)).get(long_enough) == squares(10));
    CHECK(pool.map_async(square, up_to(100), 20).get(long_enough) == squares(100));
    CHECK(pool.map(square, up_to(10)) == squares(10));
    CHECK(pool.map(square, up_to(100), 20) == squares(100));
  });
}

TEST_CASE("_TestPool.test_starmap: tuples are the arguments") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK(pool.starmap_async(mul, pairs_up_to(10)).get(long_enough) == products(10));
    CHECK(pool.starmap_async(mul, pairs_up_to(100), 20).get(long_enough) == products(100));
    CHECK(pool.starmap(mul, pairs_up_to(100), 20) == products(100));
  });
}

TEST_CASE("_TestPool.test_starmap_async: as a local one") {
  in_each_pool({.workers = 4},
               [](Pool& pool) { CHECK(pool.starmap_async(mul, pairs_up_to(100)).get(long_enough) == products(100)); });
}

TEST_CASE("_TestPool.test_map_async: as a local one") {
  in_each_pool({.workers = 4},
               [](Pool& pool) { CHECK(pool.map_async(square, up_to(10)).get(long_enough) == squares(10)); });
}

// CPython waits for the result before it looks: wait() returns there, too, when the callbacks have run.
TEST_CASE("_TestPool.test_map_async_callbacks: one call with all results; the error's callback gets the exception") {
  in_each_pool({.workers = 1}, [](Pool& pool) {
    std::vector<std::vector<int>> calls;
    const auto good = pool.map_async([](const std::string& s) { return std::stoi(s); }, std::vector<std::string>{"1"});
    good.then([&](const std::vector<int>& all) { calls.push_back(all); });
    REQUIRE(good.wait(long_enough));
    CHECK(calls == std::vector<std::vector<int>>{{1}});

    int errors = 0;
    const auto bad = pool.map_async([](const std::string& s) { return std::stoi(s); }, std::vector<std::string>{"a"});
    bad.then([&](const std::vector<int>& all) { calls.push_back(all); });
    bad.on_error([&](const std::exception_ptr& error) { errors += is<std::invalid_argument>(error) ? 1 : 100; });
    REQUIRE(bad.wait(long_enough));
    CHECK(calls.size() == 1);
    CHECK(errors == 1);
  });
}

TEST_CASE("_TestPool.test_map_chunksize: no input at all, with a chunk size, does not stall") {
  in_each_pool({.workers = 4},
               [](Pool& pool) { CHECK(pool.map_async(square, std::vector<int>{}, 1).get(long_enough).empty()); });
}

TEST_CASE("_TestPool.test_map_handle_iterable_exception: what the inputs throw comes out, again and again") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK_THROWS_AS(pool.map(square, FailingAfter(0, -1)), SayWhenError);
    CHECK_THROWS_AS(pool.map(square, FailingAfter(0, -1)), SayWhenError);
    CHECK_THROWS_AS(pool.map(square, FailingAfter(10, 3)), SayWhenError);
    CHECK_THROWS_AS(pool.map(square, FailingAfter(10, 3)), SayWhenError);
    CHECK_THROWS_AS(pool.map(square, FailingAfter(10, 7), 2), SayWhenError);
    CHECK(pool.map_async(square, up_to(10)).get(long_enough) == squares(10));
  });
}

TEST_CASE("_TestPool.test_async: the result arrives") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    const auto result = pool.apply_async(
        [](int n) {
          std::this_thread::sleep_for(moment);
          return n * n;
        },
        7);
    CHECK(result.get(long_enough) == 49);
  });
}

TEST_CASE("_TestPool.test_async_timeout: get() gives up, and the result can be had later") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    const Event go;
    const auto result = pool.apply_async(
        [](const Event& event, int n) {
          event.wait(long_enough);
          return n * n;
        },
        go, 6);
    CHECK(takes(timeout, [&] { CHECK_THROWS_AS(result.get(timeout), TimeoutError); }));
    go.set();
    CHECK(result.get(long_enough) == 36);
  });
}

TEST_CASE("_TestPool.test_imap: in order, and then the end") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK(all_of(pool.imap(square, up_to(10))) == squares(10));
    auto ten = pool.imap(square, up_to(10));
    for (int i = 0; i < 10; ++i) CHECK(ten.next(long_enough) == i * i);
    CHECK(ten.next(long_enough) == std::nullopt);
    auto thousand = pool.imap(square, up_to(1000), 100);
    for (int i = 0; i < 1000; ++i) REQUIRE(thousand.next(long_enough) == i * i);
    CHECK(thousand.next(long_enough) == std::nullopt);
  });
}

TEST_CASE("_TestPool.test_imap_handle_iterable_exception: what the inputs throw comes out, and nothing runs") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK_THROWS_AS(pool.imap(square, FailingAfter(0, -1), 1), SayWhenError);
    CHECK_THROWS_AS(pool.imap(square, FailingAfter(10, 3), 1), SayWhenError);
    CHECK_THROWS_AS(pool.imap(square, FailingAfter(20, 7), 2), SayWhenError);
    CHECK_THROWS_AS(pool.imap(square, FailingAfter(20, 7), 4), SayWhenError);
    CHECK(all_of(pool.imap(square, up_to(10))) == squares(10));
  });
}

TEST_CASE("_TestPool.test_imap_unordered: the same results in any order") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    auto results = all_of(pool.imap_unordered(square, up_to(10)));
    std::ranges::sort(results);
    CHECK(results == squares(10));
    results = all_of(pool.imap_unordered(square, up_to(1000), 100));
    std::ranges::sort(results);
    CHECK(results == squares(1000));
  });
}

TEST_CASE("_TestPool.test_imap_unordered_handle_iterable_exception: as of imap()") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    CHECK_THROWS_AS(pool.imap_unordered(square, FailingAfter(0, -1), 1), SayWhenError);
    CHECK_THROWS_AS(pool.imap_unordered(square, FailingAfter(10, 3), 1), SayWhenError);
    CHECK_THROWS_AS(pool.imap_unordered(square, FailingAfter(20, 7), 2), SayWhenError);
    auto results = all_of(pool.imap_unordered(square, up_to(10)));
    std::ranges::sort(results);
    CHECK(results == squares(10));
  });
}

TEST_CASE("_TestPool.test_make_pool: of no workers at all") {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    CHECK_THROWS_AS(Pool(PoolOptions{.workers = -1, .start_method = method}), ValueError);
    Pool pool(PoolOptions{.workers = 3, .start_method = method});
    CHECK(pool.pids().size() == 3);
    pool.close();
    pool.join();
  }
  CHECK(Pool(0).workers() >= 1);
  Manager manager;
  CHECK_THROWS_AS(manager.Pool(-1), ValueError);
}

TEST_CASE("_TestPool.test_terminate: ten thousand sleeps are not slept") {
  in_each_pool({.workers = 4}, [](Pool& pool) {
    const Event never;
    const auto result = pool.starmap_async([](const Event& event, int) { event.wait(60s); },
                                           std::vector<std::pair<Event, int>>(10'000, {never, 1}), 1);
    pool.terminate();
    pool.join();
    CHECK(result.ready());
    CHECK_THROWS_AS(result.get(long_enough), ProcessError);  // in Python nobody would ever know
  });
}

TEST_CASE("_TestPool.test_empty_iterable: gives nothing, at once") {
  in_each_pool({.workers = 1}, [](Pool& pool) {
    const std::vector<int> nothing;
    CHECK(pool.map(square, nothing).empty());
    CHECK(all_of(pool.imap(square, nothing)).empty());
    CHECK(all_of(pool.imap_unordered(square, nothing)).empty());
    CHECK(pool.map_async(square, nothing).get(long_enough).empty());
  });
}

// A `with` statement is a scope. Its pool is gone afterwards, so that nothing is left to be called; what was moved out of it
// has ended.
TEST_CASE("_TestPool.test_context: the end of the scope terminates it") {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    std::vector<pid_t> pids;
    std::optional<AsyncResult<std::vector<int>>> result;
    {
      Pool pool(PoolOptions{.workers = 2, .start_method = method});
      result = pool.map_async(square, up_to(10));
      CHECK(result->get(long_enough) == squares(10));
      pids = pool.pids();
    }
    CHECK(result->get(long_enough) == squares(10));
    for (const pid_t pid : pids) CHECK(process_state(pid) == 0);
    Pool ended(PoolOptions{.workers = 1, .start_method = method});
    ended.terminate();
    CHECK_THROWS_AS(ended.map_async(square, up_to(10)), ValueError);
    ended.join();
  }
}

TEST_CASE("_TestPool.test_traceback: an exception says whose it was") {
  in_each_pool({.workers = 1}, [](Pool& pool) {
    const std::string worker = "(in worker " + std::to_string(pool.pids().at(0)) + ")";
    try {
      pool.apply([] { throw std::runtime_error("123"); });
      FAIL("nothing was thrown");
    } catch (const std::runtime_error& error) {
      CHECK(error.what() == "123 " + worker);
    }
    // As a bad input does: an exception of a map is that of the task.
    CHECK_THROWS_AS(pool.map(raise_if_odd, up_to(10)), KeyError);
  });
}

TEST_CASE("_TestPool.test_wrapped_exception: its type is kept") {
  in_each_pool({.workers = 1}, [](Pool& pool) {
    CHECK_THROWS_AS(pool.apply([] { throw std::runtime_error("foo"); }), std::runtime_error);
  });
}

// CPython compares the time with that of the sleeps; here the tasks after the bad one are seen to have run.
TEST_CASE("_TestPool.test_map_no_failfast: map() throws when all chunks have ended, and join() does not hang") {
  in_each_pool({.workers = 2}, [](Pool& pool) {
    const Value<int> ran(0);
    const auto task = [](const Value<int>& counter, int n) {
      if (n == 0) throw KeyError("0");
      std::this_thread::sleep_for(1ms);
      counter += 1;
    };
    std::vector<std::pair<Value<int>, int>> inputs;
    for (int i = 0; i < 20; ++i) inputs.emplace_back(ran, i);
    CHECK_THROWS_AS(pool.starmap(task, inputs, 1), KeyError);
    CHECK(ran == 19);
    pool.close();
    pool.join();
  });
}

// CPython counts weak references to the inputs. Here: objects that only inputs and results refer to.
TEST_CASE("_TestPool.test_release_task_refs: inputs and results are held by nobody afterwards") {
  in_each_pool({.workers = 2}, [](Pool& pool) {
    Manager manager;
    const auto before = manager.objects().size();
    {
      std::vector<ListProxy<int>> lists;
      for (int i = 0; i < 10; ++i) lists.push_back(manager.list<int>({i}));
      const auto same = pool.map([](const ListProxy<int>& list) { return list; }, lists);
      REQUIRE(same.size() == 10);
      for (int i = 0; i < 10; ++i) CHECK(same[static_cast<std::size_t>(i)].is(lists[static_cast<std::size_t>(i)]));
    }
    CHECK(eventually([&] { return manager.objects().size() == before; }, long_enough));
  });
}

TEST_CASE("_TestPool.test_enter: a pool that was closed takes no tasks") {
  in_each_pool({.workers = 1}, [](Pool& pool) {
    CHECK(pool.apply(square, 2) == 4);
    pool.close();
    CHECK_THROWS_AS(pool.apply(square, 2), ValueError);
    CHECK_THROWS_AS(pool.map(square, up_to(3)), ValueError);
    CHECK_THROWS_AS(pool.imap(square, up_to(3)), ValueError);
    pool.join();
  });
}

TEST_CASE("_TestPool: with a manager") {
  Manager manager;
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    Pool pool = manager.Pool(PoolOptions{.workers = 2, .start_method = method});
    CHECK(pool.apply(sqr, 5, 0.0) == 25);
    CHECK(pool.map(square, up_to(100), 20) == squares(100));
    CHECK(pool.starmap(mul, pairs_up_to(10)) == products(10));
    CHECK(all_of(pool.imap(square, up_to(1000), 100)) == squares(1000));
    CHECK(all_of(pool.imap_unordered(square, up_to(10))).size() == 10);
    CHECK_THROWS_AS(pool.map(raise_if_odd, up_to(10)), KeyError);
    CHECK(pool.map_async(square, up_to(10)).get(long_enough) == squares(10));
    pool.close();
    pool.join();
  }
}

// A pool cannot be handed to a child, in Python its proxy can, and then does almost nothing; a child has one of the manager's
// segment of its own.
TEST_CASE("TestSyncManagerTypes.test_pool: a pool of a manager in a child") {
  in_each_managed_world([](World& world) {
    const Manager& manager = world.manager();
    Worker child = world.start([&manager] {
      Pool pool = manager.Pool(4);
      expect(pool.map_async(square, up_to(3)).get(long_enough) == squares(3), "squares");
    });
    CHECK(child.join() == "");
  });
}

TEST_CASE("TestPoolNotLeakOnFailure.test_release_unused_processes: when a worker cannot be started the others end") {
  const ChildResult result = run_child(
      [] {
        // Room for the pool and a worker or two, and not for a hundred.
        Value<int> any(0);
        const auto open = static_cast<rlim_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
        const rlimit limit{open + 16, open + 16};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
        try {
          const Pool pool(100);
          return 2;
        } catch (const ProcessError&) {
        }
        if (!active_children().empty()) return 3;
        return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 4;
      },
      long_enough);
  CHECK_MESSAGE(result.ok(), result.describe());
}

TEST_CASE("MiscTestCase.test_large_pool: two hundred workers") {
  Pool pool(200);
  CHECK(pool.map(square, up_to(1000)) == squares(1000));
  pool.close();
  pool.join();
}

namespace {
int counted_by_initializer = 0;
void initializer(const Value<int>& counter) {
  counter += 1;
  ++counted_by_initializer;
}
}  // namespace

TEST_CASE("TestInitializers.test_pool_initializer: runs once in each worker") {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    const Value<int> counter(0);
    Pool pool(PoolOptions{.workers = 1, .start_method = method}, initializer, counter);
    CHECK(pool.apply([] { return counted_by_initializer; }) == 1);
    pool.close();
    pool.join();
    CHECK(counter == 1);
  }
}

TEST_CASE("TestStdinBadfiledescriptor.test_pool_in_process: a child makes a pool of its own") {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    Process child(ProcessOptions{.start_method = method}, [] {
      reset_fatal_signals();
      Pool pool(4);
      expect(pool.map_async(square, std::vector{1, 2, 3}).get(long_enough) == std::vector{1, 4, 9}, "squares");
      pool.close();
      pool.join();
    });
    child.start();
    REQUIRE(child.join(long_enough));
    CHECK(child.exitcode() == 0);
  }
}
