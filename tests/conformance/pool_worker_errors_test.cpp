// CPython's _TestPoolWorkerErrors.
#include "pools.hpp"

using namespace partage;
using namespace partage::test;

TEST_CASE("_TestPoolWorkerErrors.test_async_error_callback: gets the exception, and get() throws it") {
  in_each_pool({.workers = 2}, [](Pool& pool) {
    std::vector<std::exception_ptr> errors;
    const auto result = pool.apply_async([]() -> int { throw KeyError("nowhere"); });
    result.on_error([&](const std::exception_ptr& error) { errors.push_back(error); });
    CHECK_THROWS_AS(result.get(long_enough), KeyError);
    REQUIRE(errors.size() == 1);
    CHECK(is<KeyError>(errors[0]));
    pool.close();
    pool.join();
  });
}

// What cannot be sent at all does not compile. What can fail on its way out of the worker is what writing it throws.
namespace {
struct Unsendable {
  int n = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if (Archive::is_saving::value && n == 0) throw ValueError("cannot be written");
    archive& n;
  }
};
}  // namespace

TEST_CASE("_TestPoolWorkerErrors.test_unpickleable_result: a result that cannot be written is an error, 20 times") {
  in_each_pool({.workers = 2}, [](Pool& pool) {
    const std::vector<pid_t> pids = pool.pids();
    for (int i = 0; i < 20; ++i) {
      int errors = 0, results = 0;
      const auto result = pool.apply_async([] { return Unsendable(); });
      result.then([&](const Unsendable&) { ++results; }).on_error([&](const std::exception_ptr& error) {
        errors += is<ValueError>(error) ? 1 : 100;
      });
      CHECK_THROWS_AS(result.get(long_enough), ValueError);
      CHECK(errors == 1);
      CHECK(results == 0);
    }
    CHECK(pool.pids() == pids);  // the workers have lived through it
    pool.close();
    pool.join();
  });
}
