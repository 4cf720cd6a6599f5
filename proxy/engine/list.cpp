// The list facade: checks, calls the kernel, adopts references, collects garbage, turns `false` into errors.
#include <partage/engine/list.hpp>
#include <partage/error.hpp>

#include "manager/container/list_words.hpp"
#include "manager/registry/hosted.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {

kernel::List list_of(const SharedObject& o) {
  return kernel::List(*o.segment, o.body_as<kernel::ListBody>());
}

[[noreturn]] void throw_index_error(const SharedObject& o, const char* operation, std::ptrdiff_t i) {
  const std::size_t n = list_of(o).size();
  const std::string kind = kernel::name_of(o.kind);
  if (n == 0) throw IndexError(message_start(o, operation) + "the " + kind + " is empty; check size() first");
  const std::string last = std::to_string(n - 1);
  throw IndexError(message_start(o, operation) + "index " + std::to_string(i) + " is out of range, the " + kind +
                   " has " + std::to_string(n) + (n == 1 ? " element" : " elements") + "; use 0 to " + last +
                   ", or -1 to -" + std::to_string(n) + " from the end");
}

/// The length of an array never changes, so it can be judged without the lock.
void check_length(const SharedObject& o, const kernel::Slice& slice, std::size_t given) {
  if (o.kind != kernel::ObjectKind::array) return;
  const std::size_t selected = slice.resolve(list_of(o).size()).count;
  if (given == selected) return;
  throw ValueError(message_start(o, "assign_slice") + std::to_string(given) + " values for a slice of " +
                   std::to_string(selected) + (selected == 1 ? " element" : " elements") +
                   "; the length of an array is fixed, so give as many");
}

kernel::Slice checked(const SharedObject& o, const char* operation, const Slice& slice) {
  if (slice.step == 0) {
    throw ValueError(message_start(o, operation) + "the step of a slice cannot be 0; use 1, or -1 to go backwards");
  }
  return {slice.start, slice.stop, slice.step};
}

[[gnu::noinline]] std::uint64_t get_word_slowly(const ObjectPtr& handle, std::ptrdiff_t i) {
  const SharedObject& o = object_of(handle, "at");
  std::uint64_t word = 0;
  if (!list_of(o).get_word(i, word)) throw_index_error(o, "at", i);
  return word;
}

}  // namespace

std::size_t List::size() const {
  return list_of(object_of(object_, "size")).size();
}

void List::get(std::ptrdiff_t i, Value& out) const {
  SharedObject& o = object_of(object_, "at");
  const kernel::List list = list_of(o);
  do {
    if (!list.get(i, out.bytes)) [[unlikely]]
      throw_index_error(o, "at", i);
  } while (!adopt(o, out));
}

void List::set(std::ptrdiff_t i, BytesView value) const {
  SharedObject& o = object_of(object_, "[] =");
  if (!list_of(o).set(i, value)) [[unlikely]]
    throw_index_error(o, "[] =", i);
  tidy_handles(o);
}

void List::append(BytesView value) const {
  list_of(object_of(object_, "append")).append(value);
}

void List::extend(std::span<const BytesView> values) const {
  list_of(object_of(object_, "extend")).extend(values);
}

void List::insert(std::ptrdiff_t i, BytesView value) const {
  list_of(object_of(object_, "insert")).insert(i, value);
}

void List::pop(std::ptrdiff_t i, Value& out) const {
  SharedObject& o = object_of(object_, "pop");
  const kernel::List list = list_of(o);
  const bool there =
      o.handles_inside ? take_out(o, out, [&] { return list.pop(i, out.bytes); }) : list.pop(i, out.bytes);
  if (!there) [[unlikely]]
    throw_index_error(o, "pop", i);
  tidy_handles(o);
}

bool List::pop_wait(std::ptrdiff_t i, Value& out, const Deadline& deadline) const {
  SharedObject& o = object_of(object_, "pop_wait");
  const kernel::List list = list_of(o);
  if (!o.handles_inside) return list.pop_wait(i, out.bytes, deadline);
  // As Queue::get: references are handed over only while it does not wait.
  for (;;) {
    const bool there = take_out(o, out, [&] { return list.pop(i, out.bytes); });
    tidy(o);
    if (there) return true;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    list.await(i, deadline);
  }
}

void List::erase(std::ptrdiff_t i) const {
  SharedObject& o = object_of(object_, "erase");
  if (!list_of(o).erase(i)) [[unlikely]]
    throw_index_error(o, "erase", i);
  tidy_handles(o);
}

void List::modify(std::ptrdiff_t i, Modifier fn) const {
  SharedObject& o = object_of(object_, "modify");
  const kernel::List list = list_of(o);
  if (!modify_with(o, fn, [&](auto&& m) { return list.modify(i, m); })) [[unlikely]]
    throw_index_error(o, "modify", i);
}

std::uint64_t List::get_word(std::ptrdiff_t i) const {
  const auto* o = static_cast<const SharedObject*>(object_.get());
  std::uint64_t word = 0;
  if (usable(o) && kernel::List::try_get_word(o->header(), o->body_as<kernel::ListBody>(), i, word)) [[likely]]
    return word;
  return get_word_slowly(object_, i);  // the last thing, so that the above needs no frame
}

void List::set_word(std::ptrdiff_t i, std::uint64_t word) const {
  const SharedObject& o = object_of(object_, "[] =");
  if (!kernel::List::set_word(*o.segment, o.body_as<kernel::ListBody>(), i, word)) [[unlikely]]
    throw_index_error(o, "[] =", i);
}

void List::append_word(std::uint64_t word) const {
  const SharedObject& o = object_of(object_, "append");
  kernel::List::append_word(*o.segment, o.body_as<kernel::ListBody>(), word);
}

std::uint64_t List::pop_word(std::ptrdiff_t i) const {
  const SharedObject& o = object_of(object_, "pop");
  std::uint64_t word = 0;
  if (!kernel::List::pop_word(*o.segment, o.body_as<kernel::ListBody>(), i, word)) [[unlikely]]
    throw_index_error(o, "pop", i);
  return word;
}

std::uint64_t List::step_word(std::ptrdiff_t i, FunctionView<std::uint64_t(std::uint64_t)> next) const {
  const SharedObject& o = object_of(object_, "modify");
  std::uint64_t before = 0;
  if (!kernel::List::step_word(*o.segment, o.body_as<kernel::ListBody>(), i, before, next)) [[unlikely]]
    throw_index_error(o, "modify", i);
  return before;
}

void List::slice_words(const Slice& slice, TakeWords take) const {
  const SharedObject& o = object_of(object_, "slice");
  list_of(o).read_words(checked(o, "slice", slice), take);
}

std::uint64_t List::snapshot_words(TakeWords take) const {
  return list_of(object_of(object_, "copy")).read_words({}, take);
}

void List::slice(const Slice& slice, Snapshot& out) const {
  SharedObject& o = object_of(object_, "slice");
  const kernel::Slice which = checked(o, "slice", slice);
  do {
    list_of(o).slice(which, out.contents().table);
  } while (!adopt(o, out));
}

void List::assign_slice(const Slice& slice, std::span<const BytesView> values) const {
  SharedObject& o = object_of(object_, "assign_slice");
  const kernel::Slice which = checked(o, "assign_slice", slice);
  check_length(o, which, values.size());
  try {
    list_of(o).assign_slice(which, values);
  } catch (const ValueError& e) {
    throw ValueError(message_start(o, "assign_slice") + e.what());
  }
  tidy_handles(o);
}

void List::erase_slice(const Slice& slice) const {
  SharedObject& o = object_of(object_, "erase_slice");
  list_of(o).erase_slice(checked(o, "erase_slice", slice));
  tidy_handles(o);
}

std::uint64_t List::snapshot(Snapshot& out) const {
  SharedObject& o = object_of(object_, "copy");
  for (;;) {
    const std::uint64_t version = list_of(o).snapshot(out.contents().table);
    if (adopt(o, out)) return version;
  }
}

bool List::erase_if(std::uint64_t version, std::size_t i) const {
  SharedObject& o = object_of(object_, "remove");
  const bool done = list_of(o).erase_if(version, i);
  tidy_handles(o);
  return done;
}

bool List::permute_if(std::uint64_t version, std::span<const std::uint32_t> order) const {
  return list_of(object_of(object_, "sort")).permute_if(version, order);
}

void List::reorder(Reordering fn) const {
  SharedObject& o = object_of(object_, "sort");
  const TidyAfter after{o};
  list_of(o).reorder([&](const kernel::ByteTable& table) {
    Snapshot elements;
    elements.contents().table = table;
    if (!adopt(o, elements)) throw Corrupt(message_start(o, "sort") + "the list holds a handle to nothing");
    return fn(elements);
  });
}

void List::reverse() const {
  list_of(object_of(object_, "reverse")).reverse();
}

void List::repeat(std::ptrdiff_t times) const {
  SharedObject& o = object_of(object_, "*=");
  list_of(o).repeat(times);
  tidy_handles(o);
}

void List::clear() const {
  SharedObject& o = object_of(object_, "clear");
  list_of(o).clear();
  tidy_handles(o);
}

}  // namespace partage::engine
