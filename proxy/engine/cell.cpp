// The facade of one element: checks, calls the kernel, adopts references, collects garbage.
#include <partage/engine/cell.hpp>
#include <partage/error.hpp>

#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {

kernel::List list_of(const SharedObject& o) {
  return kernel::List(*o.segment, o.body);
}

kernel::Cell& word_of(const SharedObject& o) {
  return o.body_as<kernel::ListBody>().value.cell;
}
kernel::Cell& word_to_set(const ObjectPtr& handle) {
  const SharedObject& o = object_of(handle, "set");
  kernel::refuse_in_user_code("value.set");
  return word_of(o);
}
kernel::Cell& word_to_modify(const ObjectPtr& handle) {
  const SharedObject& o = object_of(handle, "modify");
  kernel::refuse_in_user_code("value.modify");
  return word_of(o);
}

[[noreturn]] void throw_no_element(const SharedObject& o, const char* operation) {
  throw Corrupt(message_start(o, operation) + "it has no element; the segment was damaged, start a new manager");
}

}  // namespace

void Cell::get(Value& out) const {
  SharedObject& o = object_of(object_, "get");
  const kernel::List list = list_of(o);
  do {
    if (!list.get(0, out.bytes)) [[unlikely]]
      throw_no_element(o, "get");
  } while (!adopt(o, out));
}

void Cell::set(BytesView value) const {
  SharedObject& o = object_of(object_, "set");
  if (!list_of(o).set(0, value)) [[unlikely]]
    throw_no_element(o, "set");
  tidy_handles(o);
}

void Cell::modify(Modifier fn) const {
  SharedObject& o = object_of(object_, "modify");
  const kernel::List list = list_of(o);
  if (!modify_with(o, fn, [&](auto&& m) { return list.modify(0, m); })) [[unlikely]]
    throw_no_element(o, "modify");
}

std::uint64_t Cell::get_word() const {
  return word_of(object_of(object_, "get")).load();
}

void Cell::set_word(std::uint64_t word) const {
  word_to_set(object_).store(word);
}

template <std::unsigned_integral U>
U Cell::add(U by) const {
  return word_to_modify(object_).fetch_add(by);
}
template std::uint8_t Cell::add(std::uint8_t) const;
template std::uint16_t Cell::add(std::uint16_t) const;
template std::uint32_t Cell::add(std::uint32_t) const;
template std::uint64_t Cell::add(std::uint64_t) const;

bool Cell::exchange_word(std::uint64_t& expected, std::uint64_t word) const {
  return word_to_modify(object_).compare_exchange(expected, word);
}

}  // namespace partage::engine
