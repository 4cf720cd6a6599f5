// A list in a segment of its own, and values for it.
#pragma once

#include "manager/container/list.hpp"
#include "tests/container/fixture.hpp"

namespace partage::test {

inline kernel::List make_list(ContainerFixture& fixture, kernel::ListConfig config, ObjectRef* ref = nullptr) {
  kernel::register_list_repair();
  kernel::Objects objects(fixture.segment());
  const ObjectRef made = objects.create({kernel::ObjectKind::list, 0, "test", "", fixture.segment().client_slot,
                                         [&](kernel::Change& c) { return kernel::List::build(c, config); }});
  if (ref != nullptr) *ref = made;
  return {fixture.segment(), objects.find(kernel::index_of(made))->body.load()};
}

/// A list as any fixture has it: bytes as strings.
inline void append(const kernel::List& list, std::string_view s) {
  list.append(view(s));
}

inline std::vector<std::string> texts(const kernel::ByteTable& table) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < table.size(); ++i) out.push_back(text(table[i]));
  return out;
}

inline std::vector<std::string> contents(const kernel::List& list) {
  kernel::ByteTable table;
  list.snapshot(table);
  return texts(table);
}

inline std::vector<BytesView> views(const std::vector<std::string>& strings) {
  std::vector<BytesView> out;
  for (const std::string& s : strings) out.push_back(view(s));
  return out;
}

/// Lists and heap are whole, and every byte of the heap has one owner.
inline void check_whole(ContainerFixture& fixture, std::initializer_list<const kernel::List*> lists) {
  std::vector<kernel::u64> runs;
  for (const kernel::List* list : lists) REQUIRE(list->verify(runs) == "");
  REQUIRE(fixture.verify(runs) == "");
}

}  // namespace partage::test
