// CPython's _TestPoolWorkerLifetime.
#include "pools.hpp"

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestPoolWorkerLifetime.test_pool_worker_lifetime: workers are replaced, and all results are right") {
  in_each_pool({.workers = 3, .maxtasksperchild = 10}, [](Pool& pool) {
    CHECK(pool.workers() == 3);
    const std::vector<pid_t> before = pool.pids();
    std::vector<AsyncResult<int>> results;
    for (int i = 0; i < 100; ++i) results.push_back(pool.apply_async(square, i));
    for (int i = 0; i < 100; ++i) CHECK(results[static_cast<std::size_t>(i)].get(long_enough) == i * i);
    // A hundred tasks are more than three workers of ten may do; the last of the dead may be replaced a little later.
    CHECK(eventually(
        [&] {
          const std::vector<pid_t> now = pool.pids();
          return now.size() == 3 && std::ranges::find_first_of(before, now) == before.end();
        },
        long_enough));
    pool.close();
    pool.join();
    CHECK(pool.pids().empty());
  });
}

TEST_CASE(
    "_TestPoolWorkerLifetime.test_pool_worker_lifetime_early_close: closed before the tasks end, it does not hang") {
  in_each_pool({.workers = 3, .maxtasksperchild = 1}, [](Pool& pool) {
    std::vector<AsyncResult<double>> results;
    for (int i = 0; i < 6; ++i) results.push_back(pool.apply_async(sqr, i, 0.01));
    pool.close();
    pool.join();
    for (int i = 0; i < 6; ++i) CHECK(results[static_cast<std::size_t>(i)].get(long_enough) == i * i);
  });
}

// 0 is no limit here, and what is no integer does not compile, or is converted as C++ does.
TEST_CASE("_TestPoolWorkerLifetime.test_pool_maxtasksperchild_invalid: a negative one") {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    CHECK_THROWS_AS(Pool(PoolOptions{.workers = 1, .maxtasksperchild = -1, .start_method = method}), ValueError);
  }
}

// CPython: with a live pool in a reference cycle the interpreter ends. Here: the program does, with a pool that nobody destroys,
// and with one that is destroyed after main().
TEST_CASE("_TestPoolWorkerLifetime.test_worker_finalization_via_atexit_handler_of_multiprocessing: a program ends") {
  for (const StartMethod method : start_methods) {
    for (const bool is_static : {false, true}) {
      CAPTURE(name_of(method));
      CAPTURE(is_static);
      const ChildResult result = run_child(
          [=] {
            const PoolOptions options{.workers = 2, .start_method = method};
            Pool* pool = nullptr;
            if (is_static) {
              static Pool one(options);
              pool = &one;
            } else {
              pool = new Pool(options);
            }
            if (pool->map(square, up_to(3)) != squares(3)) ::_exit(7);
            std::exit(5);
          },
          long_enough);
      CHECK(result.end == ChildResult::End::exited);
      CHECK(result.code == 5);
    }
  }
}
