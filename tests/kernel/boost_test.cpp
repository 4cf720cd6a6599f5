// The heap as Boost.Interprocess sees it: containers for private use, the allocation interface, and what stays when their
// process dies.

#include <signal.h>

#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <cstring>
#include <numeric>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

namespace bip = boost::interprocess;

template <class T>
using Vector = bip::vector<T, private_allocator<T>>;
using String = bip::basic_string<char, std::char_traits<char>, private_allocator<char>>;
using Pair = std::pair<const int, String>;
using Map = bip::map<int, String, std::less<>, private_allocator<Pair>>;

}  // namespace

TEST_CASE("boost: the segment manager stands at the heap's offset") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  CHECK(reinterpret_cast<std::byte*>(m) == f.segment().base() + kernel::heap_offset);
  CHECK(static_cast<void*>(m) == static_cast<void*>(&f.segment().heap()));
  CHECK(m->get_size() == f.segment().header().max - kernel::heap_offset);
  CHECK(m->check_sanity());
  CHECK_FALSE(m->all_memory_deallocated());  // the tables
}

TEST_CASE("boost: allocate, deallocate, free memory") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  f.segment().client_slot = 9;
  const auto free = m->get_free_memory();
  void* a = m->allocate(100);
  void* b = m->allocate(5000, std::nothrow);
  void* c = m->allocate_aligned(100, 64);
  for (void* p : {a, b, c}) {
    CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
    CHECK(m->size(p) >= 100);
    CHECK(f.segment().runs().owner_slot(f.segment().offset_of(p)) == 9);
  }
  CHECK(free - m->get_free_memory() == 128 + 5056 + 128);
  for (void* p : {b, a, c}) m->deallocate(p);
  m->deallocate(nullptr);
  CHECK(m->get_free_memory() == free);
  CHECK(m->allocate(std::size_t{1} << 40, std::nothrow) == nullptr);
  CHECK_THROWS_AS((void)m->allocate(std::size_t{1} << 40), bip::bad_alloc);
  CHECK_THROWS_AS((void)m->allocate(~std::size_t{0}), bip::bad_alloc);
  CHECK_THROWS_AS((void)m->allocate_aligned(100, 4096), bip::bad_alloc);
  CHECK(m->check_sanity());
}

TEST_CASE("boost: allocation_command") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  SegmentManager::size_type got = 100;
  int* none = nullptr;
  int* p = m->allocation_command<int>(bip::allocate_new, 10, got, none);
  REQUIRE(p != nullptr);
  CHECK(got >= 100);
  CHECK(got == m->size(p) / sizeof(int));
  // Room that is there already.
  auto more = got;
  int* reuse = p;
  CHECK(m->allocation_command<int>(bip::expand_fwd | bip::nothrow_allocation, got, more, reuse) == p);
  CHECK(more == got);
  // More than there is: no, or somewhere else.
  more = got + 1000;
  reuse = p;
  CHECK(m->allocation_command<int>(bip::expand_fwd | bip::nothrow_allocation, got + 1000, more, reuse) == nullptr);
  reuse = p;
  more = got + 1000;
  int* q = m->allocation_command<int>(bip::allocate_new | bip::expand_fwd, got + 500, more, reuse);
  CHECK(q != p);
  CHECK(reuse == nullptr);
  CHECK(more >= got + 1000);
  // What is preferred is not there, what is needed is.
  none = nullptr;
  auto preferred = std::size_t{1} << 40;
  int* r = m->allocation_command<int>(bip::allocate_new, 50, preferred, none);
  CHECK(r != nullptr);
  CHECK(preferred >= 50);
  none = nullptr;
  preferred = std::size_t{1} << 40;
  CHECK_THROWS_AS((void)m->allocation_command<int>(bip::allocate_new, std::size_t{1} << 40, preferred, none),
                  bip::bad_alloc);
  preferred = ~std::size_t{0} / 2;  // times the size of an element it does not fit a word
  CHECK(m->allocation_command<int>(bip::allocate_new | bip::nothrow_allocation, ~std::size_t{0} / 2, preferred, none) ==
        nullptr);
  for (int* x : {p, q, r}) m->deallocate(x);
  CHECK(m->check_sanity());
}

TEST_CASE("boost: allocate_many, all or nothing") {
  KernelFixture f(std::size_t{1} << 20);
  SegmentManager* m = f.segment().manager();
  const auto free = m->get_free_memory();
  SegmentManager::multiallocation_chain chain;
  m->allocate_many(200, 10, chain);
  CHECK(chain.size() == 10);
  const std::size_t sizes[] = {1, 50, 3000};
  m->allocate_many(sizes, 3, 8, chain);
  CHECK(chain.size() == 13);
  CHECK_THROWS_AS(m->allocate_many(100'000, 50, chain), bip::bad_alloc);
  CHECK(chain.size() == 13);  // what was in it stays
  const std::size_t too_much[] = {1, 1 << 20, 1};
  CHECK_THROWS_AS(m->allocate_many(too_much, 3, 8, chain), bip::bad_alloc);
  const std::size_t overflow[] = {(~std::size_t{0} >> 3) + 2};
  CHECK_THROWS_AS(m->allocate_many(overflow, 1, 8, chain), bip::bad_alloc);
  CHECK(chain.size() == 13);
  m->deallocate_many(chain);
  CHECK(chain.empty());
  CHECK(m->get_free_memory() == free);
  CHECK(m->check_sanity());
}

TEST_CASE("boost: vector, string and map for the use of one process") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  f.segment().client_slot = 7;
  const auto free = m->get_free_memory();
  {
    Vector<int> v(m);
    for (int i = 0; i < 100'000; ++i) v.push_back(i);
    CHECK(std::accumulate(v.begin(), v.end(), 0LL) == 4'999'950'000LL);
    v.erase(v.begin(), v.begin() + 99'000);
    v.shrink_to_fit();
    CHECK(v.front() == 99'000);
    Map map(std::less<>(), m);
    for (int i = 0; i < 500; ++i) map.emplace(i, String(std::to_string(i * 1000).c_str(), m));
    for (int i = 0; i < 500; i += 2) map.erase(i);
    CHECK(map.size() == 250);
    CHECK(map.at(7) == "7000");
    Vector<String> strings(m);
    for (int i = 0; i < 100; ++i) strings.emplace_back(std::string(static_cast<std::size_t>(i * 20), 's').c_str(), m);
    CHECK(strings[99].size() == 1980);
    CHECK(m->get_free_memory() < free);
    CHECK(m->check_sanity());
  }
  CHECK(m->get_free_memory() == free);
  CHECK(m->check_sanity());
}

TEST_CASE("boost: a container that does not fit throws and leaves the heap whole") {
  KernelFixture f(std::size_t{1} << 20);
  SegmentManager* m = f.segment().manager();
  const auto free = m->get_free_memory();
  {
    Vector<int> v(m);
    CHECK_THROWS_AS(for (;;) v.push_back(1), bip::bad_alloc);
    CHECK(v.size() > 1000);
    CHECK(v.back() == 1);
    CHECK_THROWS(v.reserve(~std::size_t{0} / 8));
  }
  CHECK(m->get_free_memory() == free);
  CHECK(m->check_sanity());
}

TEST_CASE("boost: what a dead process had allocated is taken back by its slot") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  f.segment().client_slot = 2;
  const auto free = m->get_free_memory();
  Vector<int> mine(m);
  mine.assign(1000, 5);
  const auto with_mine = m->get_free_memory();
  for (int i = 0; i < 3; ++i) {
    die_after([&] {
      f.segment().client_slot = 3;
      auto* theirs = new Map(std::less<>(), m);
      for (int k = 0; k < 100; ++k) theirs->emplace(k, String(std::string(100, 'x').c_str(), m));
      must(m->get_free_memory() < with_mine, "nothing allocated");
    });
    CHECK(m->get_free_memory() < with_mine);
    CHECK(f.segment().runs().release_owned_by(3) == 200);
    CHECK(m->get_free_memory() == with_mine);
    CHECK(m->check_sanity());
  }
  CHECK(mine.size() == 1000);
  CHECK(mine[999] == 5);
  mine = Vector<int>(m);
  CHECK(m->get_free_memory() == free);
}

TEST_CASE("boost: a process killed while it allocates leaves the heap whole") {
  KernelFixture f;
  SegmentManager* m = f.segment().manager();
  const auto free = m->get_free_memory();
  ChildGroup group;
  for (unsigned i = 0; i < 20; ++i) {
    const pid_t victim = group.start([&] {
      f.segment().client_slot = 4;
      for (;;) {
        Vector<String> v(m);
        for (int k = 0; k < 50; ++k) v.emplace_back(std::string(static_cast<std::size_t>(k * 7), 'y').c_str(), m);
      }
    });
    ::usleep(1000 + i * 97);
    group.kill(victim);
    REQUIRE(m->check_sanity());
    (void)f.segment().runs().release_owned_by(4);
    REQUIRE(m->get_free_memory() == free);
  }
}

TEST_CASE("boost: a heap outside every mapping is refused") {
  auto memory = std::make_unique<std::byte[]>(sizeof(Heap) + 64);
  const void* p = memory.get();
  CHECK_THROWS_AS((void)kernel::Segment::containing(p), Corrupt);
  KernelFixture a, b;
  CHECK(&kernel::Segment::containing(a.segment().base()) == &a.segment());
  CHECK(&kernel::Segment::containing(b.segment().base() + (64 << 20) - 1) == &b.segment());
}

}  // namespace partage::test
