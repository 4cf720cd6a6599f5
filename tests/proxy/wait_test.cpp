// wait(): over Connections and descriptors.
#include <unistd.h>

#include <thread>

#include "tests/proxy/support.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

TEST_CASE("wait: what is ready, in the order given") {
  const auto [a, b] = Pipe();
  const auto [c, d] = Pipe();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(partage::wait({b, d, ends[0]}, 0s).empty());
  CHECK(partage::wait({b, d, ends[0]}, -1s).empty());
  CHECK(partage::wait({b, d, ends[0]}, 5ms).empty());
  c.send(1);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  const std::vector<Waitable> ready = partage::wait({ends[0], b, d});
  REQUIRE(ready.size() == 2);
  CHECK(ready[0] == ends[0]);
  CHECK(ready[0].connection() == nullptr);
  CHECK(ready[1] == d);
  CHECK(ready[1] != b);
  CHECK(ready[1].connection()->recv<int>() == 1);
  a.close();
  CHECK(partage::wait(std::vector<Connection>{b, d}) == std::vector<Waitable>{b});
  CHECK(partage::wait(std::vector<int>{ends[0]}, 1s).size() == 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("wait: what cannot be waited for") {
  const auto [a, b] = Pipe();
  CHECK(partage::wait(std::vector<Waitable>(), 1ms).empty());
  CHECK_THROWS_AS(partage::wait(std::vector<Waitable>()), ValueError);
  CHECK(has(message_of<ValueError>([a = a, b = b] { partage::wait({a, b, a}, 1s); }), "twice"));
  CHECK_THROWS_AS(partage::wait({a, a.fileno()}, 1s), ValueError);
  CHECK_THROWS_AS(partage::wait({-1}, 1s), ValueError);
  const int number = b.fileno();
  b.close();
  CHECK_THROWS_AS(partage::wait({a, b}, 1s), ValueError);
  CHECK_THROWS_AS(partage::wait({number}, 1s), ValueError);
}
