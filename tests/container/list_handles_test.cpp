// A byte-level list of handles: what it stores is counted, what it drops dies, what it pops is handed over.
#include "tests/container/list_fixture.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::List;
using kernel::u64;
using Texts = std::vector<std::string>;

struct Handles {
  ContainerFixture fixture;
  ObjectRef holder_ref = 0, a = 0, b = 0;
  List list{make_list(fixture, {.handles = true}, &holder_ref)};
  List object_a{make_list(fixture, {}, &a)}, object_b{make_list(fixture, {}, &b)};

  Handles() { kernel::made_dying().clear(); }
  ~Handles() { kernel::made_dying().clear(); }
  kernel::Objects objects() { return kernel::Objects(fixture.segment()); }
  u64 count(ObjectRef ref) { return objects().find(kernel::index_of(ref))->count.load(); }
  bool held(ObjectRef ref) {
    const u64 slot = fixture.segment().client_slot;
    return (objects().find(kernel::index_of(ref))->holders[slot / 64].load() >> slot % 64 & 1) != 0;
  }
  void check(std::size_t size, u64 count_a, u64 count_b) {
    CHECK(list.size() == size);
    CHECK(count(a) == count_a);
    CHECK(count(b) == count_b);
    check_whole(fixture, {&list, &object_a, &object_b});
  }
};

}  // namespace

TEST_CASE("list of handles: what is stored is counted") {
  Handles h;
  const ObjectRef both[] = {h.a, h.b};
  const BytesView a{nullptr, 0, {both, 1}}, b{nullptr, 0, {both + 1, 1}}, two{"two", 3, both}, plain = view("plain");
  const List& list = h.list;

  list.append(a);
  list.append(plain);
  list.append(two);
  h.check(3, 2, 1);
  Bytes out;
  REQUIRE(list.get(0, out));
  CHECK(out.size() == 0);
  CHECK(out.refs() == std::vector<ObjectRef>{h.a});
  REQUIRE(list.get(2, out));
  CHECK(text(out) == "two");
  CHECK(out.refs() == std::vector<ObjectRef>{h.a, h.b});
  ByteTable table;
  list.snapshot(table);
  CHECK(table[0].refs[0] == h.a);
  CHECK(table[2].refs[1] == h.b);

  list.insert(1, b);
  h.check(4, 2, 2);
  list.insert(0, a);
  h.check(5, 3, 2);
  list.set(0, b);
  h.check(5, 2, 3);
  list.set(0, b);
  h.check(5, 2, 3);
  list.set(0, plain);
  h.check(5, 2, 2);
  list.repeat(3);
  h.check(15, 6, 6);
  list.erase_slice({.step = 5});  // plain
  h.check(12, 6, 6);
  list.erase_slice({.start = 4});
  h.check(4, 2, 2);
  const BytesView values[] = {b, b, b};
  list.assign_slice({.start = 1, .stop = 3}, values);
  h.check(5, 2, 4);
  list.assign_slice({.start = 1, .stop = 4}, std::vector<BytesView>{a, plain, a});
  h.check(5, 4, 1);
  list.reverse();
  h.check(5, 4, 1);
  list.modify(1, [&](BytesView, Bytes& next) { next.assign(b); });
  h.check(5, 3, 2);
  list.erase(2);
  list.erase(0);
  h.check(3, 2, 1);
  CHECK(list.drop_some(2));
  h.check(1, 0, 1);
  list.extend(values);
  h.check(4, 0, 4);
  list.clear();
  h.check(0, 0, 0);
  CHECK(kernel::made_dying().empty());  // this process holds them all
}

TEST_CASE("list of handles: the last reference, and what pop() hands over") {
  Handles h;
  const ObjectRef both[] = {h.a, h.b};
  const BytesView a{nullptr, 0, {both, 1}}, two{"two", 3, both};
  Bytes out;
  h.list.append(two);
  h.list.append(a);
  h.list.append(view("plain"));
  h.list.append(two);
  CHECK_FALSE(h.objects().release(h.a, 1));
  CHECK_FALSE(h.objects().release(h.b, 1));
  CHECK_FALSE(h.held(h.a));
  REQUIRE(h.list.pop(1, out));
  CHECK(h.held(h.a));
  h.check(3, 2, 2);
  CHECK_FALSE(h.objects().release(h.a, 1));
  REQUIRE(h.list.pop(0, out));
  CHECK(out.refs() == std::vector<ObjectRef>{h.a, h.b});
  h.check(2, 1, 1);
  CHECK_FALSE(h.objects().release(h.b, 1));
  REQUIRE(h.list.erase(-1));
  CHECK(kernel::made_dying() == std::vector<ObjectRef>{h.b});  // a is held, b was not
  CHECK(h.objects().is_live(h.a));
  CHECK_FALSE(h.objects().is_live(h.b));
  // A reference that has gone is refused, and nothing changes.
  CHECK_THROWS_AS(h.list.append(two), ValueError);
  CHECK_THROWS_AS(h.list.set(0, two), ValueError);
  CHECK_THROWS_AS(h.list.insert(0, two), ValueError);
  CHECK(contents(h.list) == Texts{"plain"});
  h.check(1, 0, 0);
}

}  // namespace partage::test
