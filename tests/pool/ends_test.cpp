// Pool: results and callbacks after its end, and workers that die between a result and the word that it is there.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <partage/partage.hpp>
#include <random>
#include <thread>

#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

int square(int n) {
  return n * n;
}

/// In a process of its own, because what is tested could end it, or hang.
template <class Body>
void in_child(Body body) {
  const ChildResult result = run_child(
      [&] {
        reset_fatal_signals();
        body();
      },
      20s);
  CHECK_MESSAGE(result.ok(), result.describe());
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("expected: ") + what);
}

}  // namespace

TEST_SUITE("pool") {
  TEST_CASE("pool: a result that was sent by mail just before its worker was killed is given by imap, too") {
    PARTAGE_SHOW_SEED();
    std::mt19937_64 random(test_seed());
    for (const bool ordered : {true, false}) {
      CAPTURE(ordered);
      for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        Pool pool(1);
        std::vector<int> inputs(40);
        std::iota(inputs.begin(), inputs.end(), 0);
        const auto text = [](int n) { return std::string(1000, static_cast<char>('a' + n % 26)); };
        auto results = ordered ? pool.imap(text, inputs, 40) : pool.imap_unordered(text, inputs, 40);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
        ::kill(pool.pids().at(0), SIGKILL);
        int there = 0, dead = 0;
        while (there + dead < 40) {
          try {
            results.next(20s);
            ++there;
          } catch (const WorkerDied&) {
            ++dead;
          }
        }
        CHECK(dead <= 1);
      }
    }
  }

  TEST_CASE("pool: callbacks that are registered when it has ended run, each time, and when it is gone") {
    in_child([] {
      std::optional<AsyncResult<int>> result;
      std::atomic<int> calls = 0;
      {
        Pool pool(1);
        result = pool.apply_async(square, 3);
        pool.close();
        pool.join();
        for (int i = 1; i <= 3; ++i) {
          result->then([&](int n) { calls += n; });
          expect(result->get(10s) == 9, "the result");
          expect(calls == 9 * i, "a callback after join()");
          std::this_thread::sleep_for(5ms);  // its thread may have ended by now, or not
        }
      }
      for (int i = 4; i <= 6; ++i) {
        result->then([&](int n) { calls += n; });
        if (i == 5) std::this_thread::sleep_for(5ms);
        expect(result->get(10s) == 9, "the result");
        expect(calls == 9 * i, "a callback after the end of the pool");
      }
      // The last to know of the pool is the thread of a callback.
      result->then([&](int) { std::this_thread::sleep_for(5ms); });
      result.reset();
      std::this_thread::sleep_for(20ms);
    });
  }

  TEST_CASE("pool: a callback may destroy the pool, or what uses it") {
    in_child([] {
      auto pool = std::make_shared<Pool>(2);
      const Event go, ended;
      // The last owner of the pool is the callback itself, which goes when it has run.
      const auto result = pool->apply_async(square, 2);
      result.then([pool, go, ended](int) {
        go.wait(10s);
        ended.set();
      });
      pool.reset();
      go.set();
      expect(ended.wait(10s), "the callback");
      expect(result.get(10s) == 4, "the result");
    });
    in_child([] {
      auto* const pool = new Pool(2);
      std::atomic<bool> gone = false;
      pool->apply_async(square, 2).then([&](int) {
        delete pool;
        gone = true;
      });
      expect(eventually([&] { return gone.load(); }, 10s), "the pool to be gone");
      expect(eventually([] { return active_children().empty(); }, 10s), "its workers to be gone");
      std::this_thread::sleep_for(10ms);
    });
  }

  TEST_CASE("pool: all workers are busy at once, also if they are many") {
    in_child([] {
      constexpr int workers = 80;
      Pool pool(workers);
      const Value<int> count(0);
      const Event all;
      std::vector<AsyncResult<bool>> results;
      for (int i = 0; i < workers; ++i) {
        results.push_back(pool.apply_async(
            [](const Value<int>& here, const Event& event) {
              if (++here == workers) event.set();
              return event.wait(10s);
            },
            count, all));
      }
      for (const auto& result : results) expect(result.get(15s), "all of them");
    });
  }
}

}  // namespace partage::test
