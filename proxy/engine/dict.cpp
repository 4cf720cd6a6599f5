// The dict facade: checks, calls the kernel, adopts references, collects garbage.
#include <partage/engine/dict.hpp>
#include <partage/error.hpp>

#include "manager/container/dict_words.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {
kernel::Dict dict_of(const SharedObject& o) {
  return {*o.segment, o.segment->at<kernel::DictBody>(o.body)};
}

/// nullptr: the operation itself will say what is wrong.
const SharedObject* object_to_prefetch(const ObjectPtr& handle) noexcept {
  const auto* object = static_cast<const SharedObject*>(handle.get());
  return object != nullptr && object->segment != nullptr && object->segment->live() ? object : nullptr;
}

constexpr WordResult word_result(kernel::InPlace result) noexcept {
  return static_cast<WordResult>(result);
}
static_assert(word_result(kernel::InPlace::absent) == WordResult::absent);
static_assert(word_result(kernel::InPlace::done) == WordResult::done);
static_assert(word_result(kernel::InPlace::other) == WordResult::other);
}  // namespace

std::size_t Dict::size() const {
  return dict_of(object_of(object_, "size")).size();
}

bool Dict::contains(BytesView key) const {
  return dict_of(object_of(object_, "contains")).contains(key);
}

bool Dict::get(BytesView key, Value& out) const {
  SharedObject& o = object_of(object_, "get");
  do {
    if (!dict_of(o).get(key, out.bytes)) return false;
  } while (!adopt(o, out));
  return true;
}

bool Dict::get(const ShortKey& key, Value& out) const {
  SharedObject& o = object_of(object_, "get");
  do {
    if (!dict_of(o).get(key, out.bytes)) return false;
  } while (!adopt(o, out));
  return true;
}

void Dict::prefetch_index(const ShortKey& key) const noexcept {
  if (const SharedObject* o = object_to_prefetch(object_)) dict_of(*o).prefetch(key, kernel::Dict::Ahead::index);
}
void Dict::prefetch_entry(const ShortKey& key) const noexcept {
  if (const SharedObject* o = object_to_prefetch(object_)) dict_of(*o).prefetch(key, kernel::Dict::Ahead::entry);
}

WordResult Dict::get_word(const ShortKey& key, std::size_t size, std::uint64_t& word) const {
  return word_result(dict_of(object_of(object_, "get")).get_word(key, size, word));
}

void Dict::set_word(const ShortKey& key, std::size_t size, std::uint64_t word) const {
  SharedObject& o = object_of(object_, "set");
  dict_of(o).set_word(key, size, word);
  tidy_handles(o);
}

WordResult Dict::change_word(const ShortKey& key, std::size_t size,
                             FunctionView<std::uint64_t(std::uint64_t)> next) const {
  return word_result(dict_of(object_of(object_, "modify")).change_word(key, size, next));
}

bool Dict::wait(BytesView key, Value& out, const Deadline& deadline) const {
  SharedObject& o = object_of(object_, "wait");
  do {
    if (!dict_of(o).wait(key, out.bytes, deadline)) return false;
  } while (!adopt(o, out));
  return true;
}

void Dict::set(BytesView key, BytesView value) const {
  SharedObject& o = object_of(object_, "set");
  dict_of(o).set(key, value);
  tidy_handles(o);
}

void Dict::set(const ShortKey& key, BytesView value) const {
  SharedObject& o = object_of(object_, "set");
  dict_of(o).set(key, value);
  tidy_handles(o);
}

void Dict::setdefault(BytesView key, BytesView value, Value& out) const {
  SharedObject& o = object_of(object_, "setdefault");
  do {
    dict_of(o).setdefault(key, value, out.bytes);
  } while (!adopt(o, out));
}

bool Dict::erase(BytesView key) const {
  SharedObject& o = object_of(object_, "erase");
  const bool there = dict_of(o).erase(key);
  tidy_handles(o);
  return there;
}

bool Dict::pop(BytesView key, Value& out) const {
  SharedObject& o = object_of(object_, "pop");
  kernel::Dict dict = dict_of(o);
  if (!o.handles_inside) return dict.pop(key, out.bytes);
  const bool there = take_out(o, out, [&] { return dict.pop(key, out.bytes); });
  tidy(o);
  return there;
}

bool Dict::popitem(Bytes& key, Value& value) const {
  SharedObject& o = object_of(object_, "popitem");
  kernel::Dict dict = dict_of(o);
  if (!o.handles_inside) return dict.popitem(key, value.bytes);
  const bool there = take_out(o, value, [&] { return dict.popitem(key, value.bytes); });
  tidy(o);
  return there;
}

void Dict::update(std::span<const KeyValue> pairs) const {
  SharedObject& o = object_of(object_, "update");
  std::vector<kernel::KeyValue> same;
  same.reserve(pairs.size());
  for (const KeyValue& p : pairs) same.push_back({p.key, p.value});
  dict_of(o).update(same);
  tidy_handles(o);
}

bool Dict::modify(BytesView key, const BytesView* initial, Modifier fn) const {
  SharedObject& o = object_of(object_, "modify");
  kernel::Dict dict = dict_of(o);
  return modify_with(o, fn, [&](auto&& m) { return dict.modify(key, initial, m); });
}

void Dict::clear() const {
  SharedObject& o = object_of(object_, "clear");
  dict_of(o).clear();
  tidy_handles(o);
}

void Dict::add(BytesView key) const {
  Bytes unused;
  dict_of(object_of(object_, "add")).setdefault(key, {}, unused);
}

void Dict::add_many(std::span<const BytesView> keys) const {
  SharedObject& o = object_of(object_, "update");
  std::vector<kernel::KeyValue> pairs;
  pairs.reserve(keys.size());
  for (const BytesView key : keys) pairs.push_back({key, {}});
  dict_of(o).update(pairs);
}

void Dict::erase_many(std::span<const BytesView> keys) const {
  SharedObject& o = object_of(object_, "difference_update");
  dict_of(o).erase_many(keys);
  tidy_handles(o);
}

void Dict::retain(std::span<const BytesView> keys) const {
  SharedObject& o = object_of(object_, "intersection_update");
  dict_of(o).retain(keys);
  tidy_handles(o);
}

void Dict::toggle(std::span<const BytesView> keys) const {
  SharedObject& o = object_of(object_, "symmetric_difference_update");
  dict_of(o).toggle(keys);
  tidy_handles(o);
}

void Dict::snapshot(Snapshot* keys, Snapshot* values) const {
  SharedObject& o = object_of(object_, "copy");
  do {
    dict_of(o).snapshot(keys != nullptr ? &keys->contents().table : nullptr,
                        values != nullptr ? &values->contents().table : nullptr);
  } while (values != nullptr && !adopt(o, *values));
}

}  // namespace partage::engine
