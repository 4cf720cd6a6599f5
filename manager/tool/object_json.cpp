#include "manager/tool/object_json.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/held_snapshot.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;

constexpr std::size_t deepest = 200, most_objects = 1'000'000;

}  // namespace

ElementTypes element_types(const HeldObject& object) {
  static const schema::Type unknown{.text = "?"};
  static const schema::Schema text("str");
  const schema::Type& root = object.types->root();
  const kernel::Shape shape = kernel::shape_of(object.facts.kind);
  const bool is_list =
      root.form == schema::Form::list || root.form == schema::Form::value || root.form == schema::Form::shared_array;
  if (shape == kernel::Shape::list && is_list) return {nullptr, root.parts[0]};
  if (shape == kernel::Shape::queue && root.form == schema::Form::queue) return {nullptr, root.parts[0]};
  if (shape == kernel::Shape::dict && root.form == schema::Form::dict) return {root.parts[0], root.parts[1]};
  if (shape == kernel::Shape::dict && root.form == schema::Form::shared_set) return {root.parts[0], &unknown};
  if (shape == kernel::Shape::dict && root.form == schema::Form::name_space) return {&text.root(), &unknown};
  return {&unknown, &unknown};
}

bool is_set(const HeldObject& object) {
  return object.facts.kind == kernel::ObjectKind::set;
}
bool is_namespace(const HeldObject& object) {
  return object.facts.kind == kernel::ObjectKind::name_space;
}

DescribedValue::DescribedValue(BytesView attribute)
    : types(schema::head_of(attribute).description), value(schema::head_of(attribute).value) {}

bool ObjectJson::hold(BytesView value) {
  return tool::hold(attachment_, value);
}

json::value ObjectJson::value(const schema::Type& type, BytesView bytes) {
  return schema::to_json(type, bytes, [&](ObjectRef ref, const schema::Type&) {
    if (kernel::is_quarantined(attachment_.segment(), ref)) return json::value("(quarantined)");
    return object(attachment_.held(ref));
  });
}

json::value ObjectJson::object(const HeldObject& object) {
  if (open_.size() >= deepest || std::ranges::find(open_, object.ref) != open_.end()) return json::value("...");
  if (++shown_ > most_objects) {
    throw Failure{Exit::failed, "partage: that would be more than a million objects; ask for one of them by its '#id'"};
  }
  open_.push_back(object.ref);
  json::value shown = attachment_.within_memory(object, [&] { return contents(object); });
  open_.pop_back();
  return shown;
}

json::value ObjectJson::contents(const HeldObject& object) {
  switch (kernel::shape_of(object.facts.kind)) {
    case kernel::Shape::list: {
      json::value elements = list(object);
      const bool single = object.facts.kind == kernel::ObjectKind::value && elements.as_array().size() == 1;
      return single ? json::value(std::move(elements.as_array().front())) : elements;
    }
    case kernel::Shape::dict:
      return dict(object);
    case kernel::Shape::queue:
      return queue(object);
    case kernel::Shape::sync:
      return sync(object);
    case kernel::Shape::unknown:
      break;
  }
  throw Failure{Exit::failed, "partage: " + attachment_.describe(object) + " is of a kind this program does not know"};
}

json::value ObjectJson::element(const HeldObject& object, BytesView bytes) {
  if (!is_namespace(object)) return value(*element_types(object).value, bytes);
  const DescribedValue attribute(bytes);
  return value(attribute.types.root(), attribute.value);
}

json::value ObjectJson::list(const HeldObject& object) {
  const kernel::List list = attachment_.list(object);
  kernel::ByteTable elements;
  copy_held(attachment_, object, elements, [&] { list.snapshot(elements); });
  json::array out;
  out.reserve(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) out.push_back(element(object, elements[i]));
  return out;
}

json::value ObjectJson::queue(const HeldObject& object) {
  const kernel::Queue queue(attachment_.segment(), object.facts.body);
  const schema::Type& type = *element_types(object).value;
  kernel::ByteTable items;
  copy_held(attachment_, object, items, [&] { queue.snapshot(items); });
  json::array out;
  out.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) out.push_back(value(type, items[i]));
  return out;
}

json::value ObjectJson::sync(const HeldObject& object) {
  kernel::Segment& segment = attachment_.segment();
  const kernel::u64 body = object.facts.body;
  switch (kernel::Sync(segment, body).body().kind()) {
    case kernel::SyncKind::lock:
    case kernel::SyncKind::rlock: {
      const kernel::Lock lock(segment, body);
      const auto holder = lock.holder();
      json::object shown{{"locked", holder.has_value()}, {"owner", nullptr}};
      if (holder) shown["owner"] = kernel::Clients(segment).info(holder->slot).process.pid;
      return shown;
    }
    case kernel::SyncKind::semaphore:
      return json::object{{"value", kernel::Semaphore(segment, body).value()}};
    case kernel::SyncKind::condition:
      return json::object{{"waiting", kernel::Condition(segment, body).waiting()}};
    case kernel::SyncKind::event:
      return json::object{{"set", kernel::Event(segment, body).is_set()}};
    case kernel::SyncKind::barrier: {
      const kernel::Barrier barrier(segment, body);
      return json::object{{"parties", barrier.parties()}, {"waiting", barrier.waiting()}, {"broken", barrier.broken()}};
    }
  }
  throw Failure{Exit::failed, "partage: " + attachment_.describe(object) + " is of a kind this program does not know"};
}

json::value ObjectJson::dict(const HeldObject& object) {
  kernel::Dict dict = attachment_.dict(object);
  const schema::Type& key_type = *element_types(object).key;
  kernel::ByteTable keys, values;
  copy_held(attachment_, object, values, [&] { dict.snapshot(&keys, &values); });
  const auto show_key = [](ObjectRef ref, const schema::Type&) { return json::value("#" + std::to_string(ref)); };
  const auto key = [&](std::size_t i) { return schema::to_json(key_type, keys[i], show_key, schema::Role::key); };
  if (is_set(object)) {
    json::array elements;
    elements.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) elements.push_back(key(i));
    return elements;
  }
  schema::Pairs pairs(keys.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].first = key(i);
    pairs[i].second = element(object, values[i]);
  }
  return schema::map_to_json(key_type, std::move(pairs));
}

}  // namespace partage::tool
