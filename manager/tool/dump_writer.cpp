#include "manager/tool/dump_writer.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <deque>
#include <partage/error.hpp>
#include <unordered_map>
#include <unordered_set>

#include "manager/container/barrier.hpp"
#include "manager/container/event.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/schema/exact_json.hpp"
#include "manager/schema/facts.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/dump_kinds.hpp"
#include "manager/tool/dump_reader.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/held_snapshot.hpp"
#include "manager/tool/object_json.hpp"
#include "manager/tool/shell_word.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;
using kernel::ObjectKind;
using kernel::Shape;

json::value reference(ObjectRef ref) {
  return json::value('#' + std::to_string(ref));
}

class Writer {
 public:
  explicit Writer(Attachment& attachment) : attachment_(attachment) {}

  /// Adds what names lead to, or all there is.
  void begin(bool unnamed) {
    for (const auto& [name, ref] : attachment_.registry().hold_named()) {
      names_.try_emplace(ref, name);
      enqueue(ref);
    }
    if (!unnamed) return;
    for (const ObjectInfo& info : attachment_.registry().objects()) {
      if (info.kind != kernel::name_of(ObjectKind::parcel) && attachment_.hold(info.id)) enqueue(info.id);
    }
  }

  /// The next object; nullopt: that was all.
  std::optional<json::object> next() {
    if (waiting_.empty()) return std::nullopt;
    if (kernel::is_quarantined(attachment_.segment(), waiting_.front())) {
      throw Corrupt("partage: object #" + std::to_string(waiting_.front()) +
                    " was found damaged and is quarantined, so a dump would not be whole; take its name away and "
                    "delete what holds it, "
                    "then dump the rest");
    }
    const HeldObject object = attachment_.held(waiting_.front());
    waiting_.pop_front();
    json::object record{{"id", object.ref}};
    if (const auto it = names_.find(object.ref); it != names_.end()) record["name"] = schema::name_json(it->second);
    record["kind"] = kernel::name_of(object.facts.kind);
    record["types"] = object.types->root().text;
    try {
      attachment_.within_memory(object, [&] { fill(record, object); });
    } catch (const Corrupt& e) {
      throw Corrupt("partage: " + attachment_.describe(object) + ": " +
                    without_prefix(static_cast<const Error&>(e).what()));
    }
    return record;
  }

 private:
  void enqueue(ObjectRef ref) {
    if (seen_.insert(ref).second) waiting_.push_back(ref);
  }

  void fill(json::object& record, const HeldObject& object) {
    switch (kernel::shape_of(object.facts.kind)) {
      case Shape::list:
        return list(record, object);
      case Shape::queue:
        return queue(record, object);
      case Shape::dict:
        return dict(record, object);
      case Shape::sync:
        return sync(record, object);
      case Shape::unknown:
        break;
    }
    throw Failure{Exit::failed,
                  "partage: " + attachment_.describe(object) + " is of a kind this program does not know"};
  }

  /// An element, whose objects are held, as JSON; they come later.
  json::value exact(const schema::Type& type, BytesView bytes, schema::Role role = schema::Role::value) {
    for (const ObjectRef ref : bytes.refs) enqueue(ref);
    return schema::to_exact_json(
        type, bytes, [](ObjectRef ref, const schema::Type&) { return reference(ref); }, role);
  }
  json::array exact_all(const schema::Type& type, const kernel::ByteTable& table) {
    json::array out;
    out.reserve(table.size());
    for (std::size_t i = 0; i < table.size(); ++i) out.push_back(exact(type, table[i]));
    return out;
  }
  /// Whoever loads it makes the container as the description says.
  void check(const HeldObject& object, const schema::Type& element, const kernel::ListConfig& config) const {
    const bool is_right = config.packed_size == packed_size(object.facts.kind, element) &&
                          config.handles == schema::holds_handles(element);
    if (is_right || schema::has_unknown(element)) return;
    throw Corrupt("partage: its elements are not stored as its description '" + object.types->root().text +
                  "' has it; the segment was damaged");
  }

  void list(json::object& record, const HeldObject& object) {
    const kernel::List list = attachment_.list(object);
    const schema::Type& element = *element_types(object).value;
    check(object, element, list.config());
    kernel::ByteTable elements;
    copy_held(attachment_, object, elements, [&] { list.snapshot(elements); });
    if (const ObjectRef lock = list.companion(); lock != 0 && attachment_.hold(lock)) {
      enqueue(lock);
      record["lock"] = reference(lock);
    }
    json::array contents = exact_all(element, elements);
    const bool is_single = object.facts.kind == ObjectKind::value && contents.size() == 1;
    record["contents"] = is_single ? std::move(contents.front()) : json::value(std::move(contents));
  }

  void queue(json::object& record, const HeldObject& object) {
    const kernel::Queue queue(attachment_.segment(), object.facts.body);
    const schema::Type& element = *element_types(object).value;
    check(object, element, queue.config());
    if (queue.limit() != 0) record["maxsize"] = queue.limit();
    if (queue.closed()) record["closed"] = true;
    kernel::ByteTable items;
    copy_held(attachment_, object, items, [&] { queue.all_items(items); });
    record["contents"] = exact_all(element, items);
  }

  void dict(json::object& record, const HeldObject& object) {
    kernel::Dict dict = attachment_.dict(object);
    const schema::Type& key_type = *element_types(object).key;
    kernel::ByteTable keys, values;
    copy_held(attachment_, object, values, [&] { dict.snapshot(&keys, &values); });
    schema::Pairs pairs(keys.size());
    bool all_texts = key_type.form == schema::Form::text && !is_set(object);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i].first = exact(key_type, keys[i], schema::Role::key);
      if (!is_set(object)) pairs[i].second = value_in_dict(object, values[i]);
      all_texts = all_texts && pairs[i].first.is_string();
    }
    record["contents"] = contents_of(std::move(pairs), is_set(object), all_texts);
  }
  json::value value_in_dict(const HeldObject& object, BytesView bytes) {
    if (!is_namespace(object)) return exact(*element_types(object).value, bytes);
    const DescribedValue attribute(bytes);
    const schema::Type& type = attribute.types.root();
    return json::object{{"types", type.text}, {"value", exact(type, attribute.value)}};
  }
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is taken apart
  static json::value contents_of(schema::Pairs pairs, bool is_set, bool all_texts) {
    if (all_texts) {
      json::object out;
      out.reserve(pairs.size());
      for (auto& [key, value] : pairs) out.emplace(key.get_string(), std::move(value));
      return out;
    }
    json::array out;
    out.reserve(pairs.size());
    for (auto& [key, value] : pairs) {
      if (is_set) {
        out.push_back(std::move(key));
        continue;
      }
      json::array& pair = out.emplace_back(json::array()).get_array();
      pair.push_back(std::move(key));
      pair.push_back(std::move(value));
    }
    return out;
  }

  void sync(json::object& record, const HeldObject& object) {
    kernel::Segment& segment = attachment_.segment();
    const kernel::Sync any(segment, object.facts.body);
    switch (any.body().kind()) {
      case kernel::SyncKind::lock:
      case kernel::SyncKind::rlock:
        return;
      case kernel::SyncKind::semaphore:
        record["initial"] = any.body().initial.load();
        record["value"] = kernel::Semaphore(segment, object.facts.body).value_without_owners();
        if ((any.body().flags() & kernel::sync_flag::signal) != 0) record["signal"] = true;
        return;
      case kernel::SyncKind::condition:
        if (const ObjectRef lock = any.companion(); lock != 0 && attachment_.hold(lock)) {
          enqueue(lock);
          record["lock"] = reference(lock);
        }
        return;
      case kernel::SyncKind::event:
        record["set"] = kernel::Event(segment, object.facts.body).is_set();
        return;
      case kernel::SyncKind::barrier: {
        const kernel::Barrier barrier(segment, object.facts.body);
        record["parties"] = barrier.parties();
        if (const auto patience = barrier.patience()) record["timeout"] = patience->count();
        if ((any.body().flags() & kernel::sync_flag::action) != 0) record["action"] = true;
        if (barrier.broken()) record["broken"] = true;
        return;
      }
    }
    throw Failure{Exit::failed,
                  "partage: " + attachment_.describe(object) + " is of a kind this program does not know"};
  }

  Attachment& attachment_;
  std::unordered_map<ObjectRef, std::string> names_;
  std::unordered_set<ObjectRef> seen_;
  std::deque<ObjectRef> waiting_;
};

}  // namespace

void write_dump(Attachment& attachment, const DumpForm& form, FunctionView<void(std::string_view)> take) {
  if (attachment.segment().unmanaged()) {
    throw Failure{Exit::misused, "partage: '" + attachment.name() +
                                     "' is a message queue, which is no part of a dump; `partage get " +
                                     shell_word(attachment.name()) + " messages` shows what stands in it"};
  }
  const auto text_of = [&](const json::value& value) {
    return form.readable ? schema::readable(value) : schema::compact(value);
  };
  std::string head = text_of(
      json::object{{"partage", "dump"}, {"version", dump_version}, {"manager", schema::name_json(attachment.name())}});
  head.pop_back();  // the brace
  take(head + (form.readable ? ", \"objects\": [" : ",\"objects\":["));
  Writer writer(attachment);
  writer.begin(form.unnamed);
  const char* between = form.readable ? "\n" : "";
  while (const auto record = writer.next()) {
    take(between);
    take(text_of(*record));
    between = form.readable ? ",\n" : ",";
  }
  take(form.readable ? "\n]}\n" : "]}\n");
}

}  // namespace partage::tool
