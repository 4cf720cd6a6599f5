// What gdb is asked to show; see check.sh.
#include <cstdint>
#include <partage/partage.hpp>
#include <string>
#include <vector>

#include "manager/registry/registry.hpp"
#include "manager/server/manager.hpp"

using namespace partage;

[[gnu::noinline]] void stop_here() {
  asm volatile("" ::: "memory");
}

int main() {
  Manager manager;
  auto numbers = manager.list<int>({1, -2, 3});
  auto words = manager.list<std::string>({"short", std::string(40, 'x'), "a \"b\""});
  auto nested = manager.list<std::vector<double>>({{0.5, 1.5}, {}});
  auto stock = manager.dict<std::string, int>({{"apples", 3}, {"a key that is too long to lie in its entry", 4}});
  auto many = manager.dict<int, std::string>();
  for (int i = 0; i < 1000; ++i) many[i] = std::to_string(i);
  auto names = manager.set<std::string>({"x", "y"});
  auto value = manager.Value<double>(2.5);
  auto array = manager.Array<std::uint8_t>({7, 8});
  auto lists = manager.list<ListProxy<int>>({numbers});
  ListProxy<int> nothing;
  Bytes bytes;
  bytes.resize(2)[0] = std::byte{0xab};
  bytes.data()[1] = std::byte{0xcd};

  auto segment = kernel::make_segment({.initial = 0, .max = std::size_t{8} << 20}, "gdb-test");
  kernel::SegmentHeader& header = segment->header();
  auto& stripe = segment->at<kernel::ObjectTable>(header.registry).stripes[0];
  (void)stripe.mutex.acquire();
  stop_here();
  stripe.mutex.release();
  (void)nothing;
}
