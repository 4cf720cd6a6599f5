// The companion of an object lives and dies with it.
#include "tests/registry/fixture.hpp"

namespace partage::test {

TEST_CASE("companion: goes when its owner goes, for every kind of list") {
  RegistryFixture f;
  const kernel::ListConfig configs[] = {
      {.packed_size = 4, .cell = true}, {.packed_size = 4}, {}, {.packed_size = 0, .handles = true}};
  const kernel::u64 before = f->used();
  for (const auto& config : configs) {
    const ObjectRef owner = f->registry().create_list("value<i32>", "", config, kernel::ObjectKind::value);
    const ObjectRef companion = f->new_list();
    f->append(companion, "a companion is any object");
    CHECK(f->list(owner).set_companion_if_none(companion) == companion);
    f->release(companion);
    CHECK(f->count() == 2);
    CHECK(f->verify() == "");
    f->release(owner);
    CHECK(f->count() == 0);
    CHECK(f->verify() == "");
  }
  CHECK(f->used() <= before + 4096);  // bodies stay pooled
}

TEST_CASE("companion: two owners of one") {
  RegistryFixture f;
  const ObjectRef a = f->new_list(), b = f->new_list(), companion = f->new_dict();
  f->list(a).set_companion_if_none(companion);
  f->list(b).set_companion_if_none(companion);
  f->release(companion);
  f->release(a);
  CHECK(f->count() == 2);
  CHECK(f->verify() == "");
  f->release(b);
  CHECK(f->count() == 0);
  CHECK(f->verify() == "");
}

}  // namespace partage::test
