// Objects come, are referred to, and go without a trace.
#include <algorithm>
#include <partage/error.hpp>
#include <random>

#include "tests/registry/fixture.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {

TEST_CASE("a fresh segment is whole and empty") {
  RegistryFixture at;
  CHECK(at->verify() == "");
  CHECK(at->count() == 0);
  CHECK(at.segment().client_slot == 1);
}

TEST_CASE("an object ends with its last reference, and nothing is left of it") {
  RegistryFixture at;
  const ObjectRef first =
      at->new_list();  // the bodies of lists and dicts are pooled: make one of each before measuring
  const ObjectRef second = at->new_dict();
  at->release(first);
  at->release(second);
  const auto used = at->used();
  const ObjectRef list = at->new_list(false, "a name");
  const ObjectRef dict = at->new_dict();
  for (int i = 0; i < 200; ++i) {
    at->append(list, std::string(static_cast<std::size_t>(i * 20), 'x'));  // inline, blobs, runs
    at->dict(dict).set(view(std::to_string(i)), view(std::string(static_cast<std::size_t>(i), 'y')));
  }
  CHECK(at->count() == 2);
  CHECK(at->verify() == "");
  CHECK(at->registry().schema(list) == "list<str>");
  CHECK(at->registry().name(list) == "a name");
  CHECK(at->registry().name(dict) == "");
  at->release(list);
  CHECK_FALSE(at->registry().facts(list));
  CHECK(at->registry().facts(dict));
  CHECK(at->verify() == "");
  at->release(dict);
  CHECK(at->count() == 0);
  CHECK(at->used() == used);
  CHECK(at->verify() == "");
}

TEST_CASE("a slot is used again with another generation") {
  RegistryFixture at;
  const ObjectRef old = at->new_list();
  at->release(old);
  const ObjectRef fresh = at->new_dict();
  REQUIRE(kernel::index_of(fresh) == kernel::index_of(old));
  CHECK(fresh != old);
  CHECK_FALSE(at->registry().acquire(old));
  CHECK_FALSE(at->registry().facts(old));
  at->release(old);  // an outdated reference releases nothing
  CHECK(at->registry().facts(fresh));
  CHECK(at->verify() == "");
}

TEST_CASE("more objects than one chunk of slots holds") {
  RegistryFixture at;
  std::vector<ObjectRef> refs;
  for (int i = 0; i < 300; ++i) refs.push_back(at->new_list());
  CHECK(at->count() == 300);
  CHECK(at->verify() == "");
  for (const ObjectRef ref : refs) at->release(ref);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("what a container refers to lives as long as the container") {
  RegistryFixture at;
  const ObjectRef inner = at->new_list();
  at->append(inner, "kept");
  const ObjectRef outer = at->new_list(true), dict = at->new_dict(true);
  at->append_handle(outer, inner);
  at->append_handle(outer, inner);
  at->dict(dict).set(view("k"), BytesView("", 0, {&inner, 1}));
  at->release(inner);
  CHECK(at->registry().facts(inner));
  CHECK(at->verify() == "");
  const auto info = at->registry().objects();
  REQUIRE(info.size() == 3);
  for (const ObjectInfo& o : info) {
    if (o.id == inner) CHECK(o.references == 3);
  }
  at->list(outer).clear();
  kernel::collect(at.segment());
  CHECK(at->registry().facts(inner));
  at->release(dict);
  CHECK_FALSE(at->registry().facts(inner));
  at->release(outer);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("a chain of ten thousand nested lists ends without a deep stack") {
  RegistryFixture at;
  ObjectRef outer = at->new_list(true);
  for (int i = 0; i < 10'000; ++i) {
    const ObjectRef next = at->new_list(true);
    at->append_handle(next, outer);
    at->release(outer);
    outer = next;
  }
  CHECK(at->verify() == "");
  at->release(outer);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("a container of thousands of handles ends in small commits") {
  RegistryFixture at;
  for (const bool as_dict : {false, true}) {
    const ObjectRef outer = as_dict ? at->new_dict(true, "", 3) : at->new_list(true);
    for (int i = 0; i < 3000; ++i) {
      const ObjectRef inner = at->new_list();
      if (as_dict) {
        at->dict(outer).set(view(std::to_string(i)), BytesView("", 0, {&inner, 1}));
      } else {
        at->append_handle(outer, inner);
      }
      at->release(inner);
    }
    CHECK(at->count() == 3001);
    at->release(outer);
    CHECK(at->count() == 0);
    CHECK(at->verify() == "");
  }
}

TEST_CASE("objects() says what there is") {
  RegistryFixture at;
  const ObjectRef list = at->new_list(), dict = at->new_dict();
  at->append(list, "x");
  at->append(list, "y");
  REQUIRE(at->registry().publish("stock", dict) == 0);
  const auto info = at->registry().objects();
  REQUIRE(info.size() == 2);
  const ObjectInfo& l = info[0].id == list ? info[0] : info[1];
  const ObjectInfo& d = info[0].id == list ? info[1] : info[0];
  CHECK(l.kind == "list");
  CHECK(l.types == "list<str>");
  CHECK(l.name == "");
  CHECK(l.size == 2);
  CHECK(l.references == 1);
  CHECK(l.owner_pid == getpid());
  CHECK(l.bytes >= 320);
  CHECK(d.kind == "dict");
  CHECK(d.name == "stock");
  CHECK(d.references == 2);
  CHECK(d.size == 0);
}

TEST_CASE("creation in a full segment fails with nothing changed, and works again") {
  RegistryFixture at(512 << 10);
  const ObjectRef list = at->new_list();
  std::size_t appended = 0;
  try {
    for (;; ++appended) at->append(list, std::string(1000, 'x'));
  } catch (const OutOfMemory&) {
  }
  std::vector<ObjectRef> made;
  bool full = false;
  while (!full) {
    try {
      made.push_back(at->new_dict());
    } catch (const OutOfMemory& e) {
      full = true;
      CHECK(e.limit() == 512 << 10);
    }
  }
  CHECK(at->verify() == "");
  CHECK(at->list(list).size() == appended);
  for (const ObjectRef ref : made) at->release(ref);
  at->release(list);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
  at->release(at->new_dict());
}

TEST_CASE("a large object of a full segment can be taken apart without memory") {
  RegistryFixture at(768 << 10);
  const ObjectRef dict = at->new_dict(false, "", 4);
  const ObjectRef list = at->new_list();
  const auto fill = [&](const auto& add) {
    for (std::size_t size : {3000, 300, 100, 1}) {
      try {
        for (int i = 0;; ++i) add(std::to_string(size) + "/" + std::to_string(i), std::string(size, 'x'));
      } catch (const OutOfMemory&) {
      }
    }
  };
  fill([&](const std::string& k, const std::string& v) { at->dict(dict).set(view(k), view(v)); });
  fill([&](const std::string&, const std::string& v) { at->append(list, v); });
  try {  // no run of any size is left
    for (;;) at->new_list();
  } catch (const OutOfMemory&) {
  }
  CHECK(at->verify() == "");
  at->release(dict);
  CHECK_FALSE(kernel::any_dying(at.segment()));
  at->release(list);
  CHECK_FALSE(kernel::any_dying(at.segment()));
  CHECK(at->verify() == "");
}

TEST_CASE("verify finds what is wrong") {
  // Each fault is put in by hand, as wild writes would; the check has to be able to fail.
  const auto verdict = [](auto&& damage) {
    RegistryFixture at;
    const ObjectRef outer = at->new_list(true), inner = at->new_list();
    at->append_handle(outer, inner);
    REQUIRE(at->verify() == "");
    kernel::ObjectSlot& slot = *at->objects().find(kernel::index_of(inner));
    damage(at, slot, outer);
    return at->verify();
  };
  const auto put = [](kernel::Word& word, kernel::u64 value) { kernel::Draft(&word, 8).set(word, value); };
  using kernel::ObjectSlot;
  CHECK(verdict([&](auto&, ObjectSlot& s, ObjectRef) { put(s.count, 2); }).find("counts 2 references") !=
        std::string::npos);
  CHECK(verdict([&](auto&, ObjectSlot& s, ObjectRef) { put(s.count, 0); }).find("counts 0 references") !=
        std::string::npos);
  CHECK(verdict([&](auto&, ObjectSlot& s, ObjectRef) { put(s.holders[1], 1); }).find("not attached") !=
        std::string::npos);
  CHECK(verdict([&](auto&, ObjectSlot& s, ObjectRef) { put(s.name, s.schema.load()); }).find("two owners") !=
        std::string::npos);
  CHECK(verdict([&](auto& at, ObjectSlot&, ObjectRef outer) {
          put(at->objects().find(kernel::index_of(outer))->holders[0], 0);
        }).find("nobody refers") != std::string::npos);
  CHECK(verdict([&](auto& at, ObjectSlot&, ObjectRef) {
          kernel::Stripe& s = kernel::control_table(at.segment()).stripe;
          at.segment().runs().acquire(100, s.pend);
        }).find("in transit") != std::string::npos);
  CHECK(verdict([&](auto& at, ObjectSlot&, ObjectRef) {
          at.segment().client_slot = 0;
          (void)at.segment().heap().allocate(100);
        }).find("nobody owns") != std::string::npos);
  CHECK(verdict([&](auto& at, ObjectSlot&, ObjectRef) {
          at.segment().client_slot = 7;
          (void)at.segment().heap().allocate(100);
        }).find("private memory of a process") != std::string::npos);
}

TEST_CASE("random making, naming, nesting and dropping leaves every byte owned") {
  RegistryFixture at;
  std::mt19937 random(static_cast<unsigned>(test_seed()));
  std::vector<ObjectRef> held;  // with repetitions: only the last release of one counts here
  const auto pick = [&] { return held[random() % held.size()]; };
  for (int i = 0; i < 4000; ++i) {
    switch (held.empty() ? 0 : random() % 6) {
      case 0:
        held.push_back(at->new_list(true));
        break;
      case 1:
        held.push_back(at->new_dict(true, "", static_cast<unsigned>(random() % 3)));
        break;
      case 2: {
        const ObjectRef to = pick(), from = pick();
        if (at->registry().facts(to)->kind == kernel::ObjectKind::list) {
          at->append_handle(to, from);
        } else {
          at->dict(to).set(view(std::to_string(random() % 5)), BytesView("", 0, {&from, 1}));
        }
        break;
      }
      case 3: {
        const ObjectRef at_list = pick();
        if (at->registry().facts(at_list)->kind == kernel::ObjectKind::list) at->list(at_list).erase(-1);
        break;
      }
      case 4: {
        const std::string name = "n" + std::to_string(random() % 4);
        if (random() % 2 != 0) {
          at->registry().remove(name);
        } else if (const ObjectRef other = at->registry().publish(name, pick()); other != 0) {
          if (std::ranges::find(held, other) == held.end()) held.push_back(other);
        }
        break;
      }
      default: {
        const std::size_t k = random() % held.size();
        at->release(held[k]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(k));
      }
    }
    kernel::collect(at.segment());
    if (i % 500 == 0) REQUIRE(at->verify() == "");
  }
  REQUIRE(at->verify() == "");
}

}  // namespace partage::test
