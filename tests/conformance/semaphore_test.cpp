// CPython's _TestSemaphore: Semaphore and BoundedSemaphore.
#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {
template <class S>
void two_permits(const S& sem) {
  CHECK(sem.get_value() == 2);
  CHECK(sem.acquire());
  CHECK(sem.get_value() == 1);
  CHECK(sem.acquire());
  CHECK(sem.get_value() == 0);
  CHECK_FALSE(sem.try_acquire());
  CHECK(sem.get_value() == 0);
  sem.release();
  CHECK(sem.get_value() == 1);
  sem.release();
  CHECK(sem.get_value() == 2);
}
}  // namespace

TEST_CASE("_TestSemaphore.test_semaphore: permits are counted, and released beyond the first value") {
  in_each_world([](World& world) {
    const auto sem = world.Semaphore(2);
    two_permits(sem);
    sem.release();
    CHECK(sem.get_value() == 3);
    sem.release();
    CHECK(sem.get_value() == 4);
  });
}

TEST_CASE("_TestSemaphore.test_bounded_semaphore: not beyond the bound") {
  in_each_world([](World& world) {
    const auto sem = world.BoundedSemaphore(2);
    two_permits(sem);
    CHECK_THROWS_AS(sem.release(), ValueError);
    CHECK(sem.get_value() == 2);
  });
}

TEST_CASE("_TestSemaphore.test_timeout: acquire() gives up, and not early") {
  in_each_world([](World& world) {
    const auto sem = world.Semaphore(0);
    CHECK_FALSE(sem.try_acquire());
    CHECK_FALSE(sem.acquire(0s));
    CHECK_FALSE(sem.acquire(-1s));
    CHECK(takes(timeout, [&] { CHECK_FALSE(sem.acquire(timeout)); }));
    CHECK(takes(timeout, [&] { CHECK_FALSE(sem.try_lock_for(timeout)); }));
  });
}
