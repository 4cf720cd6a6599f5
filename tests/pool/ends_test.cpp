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
}

}  // namespace partage::test
