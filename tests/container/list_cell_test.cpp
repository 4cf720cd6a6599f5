// A byte-level list of one small element in its body, and the companion of a list.
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/container/list_fixture.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::List;
using kernel::u64;

BytesView four(const std::uint32_t& x) {
  return {&x, 4};
}
std::uint32_t number(const Bytes& b) {
  std::uint32_t x = 0;
  REQUIRE(b.size() == 4);
  std::memcpy(&x, b.data(), 4);
  return x;
}
std::uint32_t value_of(const List& list) {
  Bytes out;
  REQUIRE(list.get(0, out));
  return number(out);
}

}  // namespace

TEST_CASE("cell: one element, from the beginning and for ever") {
  ContainerFixture fixture;
  const List list = make_list(fixture, {.packed_size = 4, .cell = true});
  CHECK(list.size() == 1);
  CHECK(value_of(list) == 0);
  const std::uint32_t x = 0xFFFFFFFE;
  REQUIRE(list.set(-1, four(x)));
  CHECK(value_of(list) == x);
  Bytes out;
  CHECK(list.get(-1, out));
  CHECK_FALSE(list.get(1, out));
  CHECK_FALSE(list.get(-2, out));
  CHECK_FALSE(list.set(1, four(x)));
  CHECK_FALSE(list.modify(1, [](BytesView, Bytes&) {}));
  ByteTable table;
  list.snapshot(table);
  REQUIRE(table.size() == 1);
  CHECK(std::memcmp(table[0].data, &x, 4) == 0);
  CHECK(table[0].size == 4);
  list.slice({.start = 1}, table);
  CHECK(table.size() == 0);
  check_whole(fixture, {&list});
}

TEST_CASE("cell: modify runs again when somebody was faster") {
  ContainerFixture fixture;
  const List list = make_list(fixture, {.packed_size = 4, .cell = true});
  int runs = 0;
  list.modify(0, [&](BytesView current, Bytes& next) {
    std::uint32_t x = 0;
    std::memcpy(&x, current.data, 4);
    if (++runs < 3) {
      std::thread([&] {
        const std::uint32_t other = x + 10;
        list.set(0, four(other));
      }).join();
    }
    ++x;
    next.assign(four(x));
  });
  CHECK(runs == 3);
  CHECK(value_of(list) == 21);
}

TEST_CASE("cell: user code may read and not write; what it throws changes nothing") {
  ContainerFixture fixture;
  const List list = make_list(fixture, {.packed_size = 4, .cell = true});
  const List other = make_list(fixture, {});
  const std::uint32_t one = 1;
  CHECK_THROWS_AS(list.modify(0,
                              [&](BytesView, Bytes&) {
                                CHECK(value_of(list) == 0);
                                list.set(0, four(one));
                              }),
                  UsageError);
  CHECK_THROWS_AS(list.modify(0, [&](BytesView, Bytes&) { append(other, "x"); }), UsageError);
  CHECK_THROWS_AS(list.modify(0, [&](BytesView, Bytes&) { list.set_companion_if_none(1); }), UsageError);
  CHECK_THROWS_AS(other.reorder([&](const ByteTable&) -> std::vector<kernel::u32> {
    list.set(0, four(one));
    return {};
  }),
                  UsageError);
  CHECK_FALSE(kernel::UserCodeScope::active());
  CHECK(value_of(list) == 0);
  CHECK(other.size() == 0);
}

TEST_CASE("cell: a child that comes back out of modify writes nothing") {
  ContainerFixture fixture;
  const List list = make_list(fixture, {.packed_size = 4, .cell = true});
  pid_t child = 1;
  try {
    list.modify(0, [&](BytesView, Bytes& next) {
      child = ::fork();
      const std::uint32_t x = child == 0 ? 99 : 5;
      next.assign(four(x));
    });
  } catch (const UsageError&) {
    if (child == 0) ::_exit(0);
  }
  if (child == 0) ::_exit(1);
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(value_of(list) == 5);
}

TEST_CASE("companion: set once, counted, and given up with the list") {
  ContainerFixture fixture;
  ObjectRef a = 0, b = 0;
  const List list = make_list(fixture, {.packed_size = 8});
  const List first = make_list(fixture, {}, &a), second = make_list(fixture, {}, &b);
  kernel::Objects objects(fixture.segment());
  const auto count = [&](ObjectRef ref) { return objects.find(kernel::index_of(ref))->count.load(); };
  CHECK(list.companion() == 0);
  CHECK(list.set_companion_if_none(a) == a);
  CHECK(list.set_companion_if_none(b) == a);
  CHECK(list.companion() == a);
  CHECK(count(a) == 1);
  CHECK(count(b) == 0);
  check_whole(fixture, {&list, &first, &second});
  list.drop_companion();
  list.drop_companion();
  CHECK(list.companion() == 0);
  CHECK(count(a) == 0);
  check_whole(fixture, {&list, &first, &second});
}

TEST_CASE("companion: racing threads agree on one") {
  ContainerFixture fixture;
  constexpr std::size_t racers = 4;
  for (int round = 0; round < 50; ++round) {
    const List list = make_list(fixture, {.packed_size = 8, .cell = true});
    ObjectRef refs[racers], got[racers];
    for (ObjectRef& ref : refs) make_list(fixture, {}, &ref);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < racers; ++i) {
      threads.emplace_back([&, i] { got[i] = list.set_companion_if_none(refs[i]); });
    }
    for (std::thread& t : threads) t.join();
    for (const ObjectRef ref : got) CHECK(ref == list.companion());
  }
}

TEST_CASE("companion: of an object that has gone is refused") {
  ContainerFixture fixture;
  const List list = make_list(fixture, {});
  ObjectRef a = 0;
  make_list(fixture, {}, &a);
  CHECK_THROWS_AS(list.set_companion_if_none(a + (u64{1} << 32)), ValueError);
  CHECK(list.companion() == 0);
}

}  // namespace partage::test
