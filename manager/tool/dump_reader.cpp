#include "manager/tool/dump_reader.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <partage/error.hpp>
#include <unordered_map>
#include <unordered_set>

#include "manager/schema/attribute.hpp"
#include "manager/schema/exact_json.hpp"
#include "manager/schema/facts.hpp"
#include "manager/schema/hex.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/parse_json.hpp"
#include "manager/tool/dump_kinds.hpp"
#include "manager/tool/failure.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;
using kernel::ObjectKind;
using kernel::Shape;
using kernel::u64;

/// A value may nest 512 levels, each of which may be a pair in a list; around it stands the dump.
constexpr std::size_t most_depth = 2 * schema::nesting_limit + 16;
constexpr std::size_t longest_name = 255;
constexpr u64 most_permits = std::numeric_limits<std::int64_t>::max();

std::string_view view_of(json::string_view s) {
  return {s.data(), s.size()};
}

class Reader {
 public:
  Dump read(std::string_view text) {
    const json::value all = schema::parse_json(text, most_depth);
    const json::array& records = open(all);
    dump_.objects.resize(records.size());
    roots_.resize(records.size());
    ids_.reserve(records.size());
    for (at_ = 0; at_ < records.size(); ++at_) within([&] { read_head(records[at_]); });
    for (at_ = 0; at_ < records.size(); ++at_) within([&] { read_object(records[at_].get_object()); });
    return std::move(dump_);
  }

 private:
  // ---- the whole -------------------------------------------------------------------------------------------------

  const json::array& open(const json::value& all) {
    const auto* members = all.if_object();
    const auto* what = members != nullptr ? members->if_contains("partage") : nullptr;
    if (what == nullptr || *what != "dump") {
      throw ValueError(R"(partage: this is no dump: it does not begin with {"partage": "dump", ...})");
    }
    const auto* version = members->if_contains("version");
    if (version == nullptr || *version != dump_version) {
      throw ValueError("partage: this is a dump of version " + (version != nullptr ? schema::compact(*version) : "?") +
                       ", and this program reads version " + std::to_string(dump_version));
    }
    const auto* objects = members->if_contains("objects");
    if (objects == nullptr || !objects->is_array()) throw ValueError("partage: the dump has no list of \"objects\"");
    if (const auto* manager = members->if_contains("manager"); manager != nullptr && manager->is_string()) {
      dump_.manager = view_of(manager->get_string());
    }
    return objects->get_array();
  }

  /// Adds to whatever is wrong which object it is wrong with.
  template <class Fn>
  void within(Fn fn) {
    const auto fail = [&](const Error& e) {
      const DumpedObject& o = dump_.objects[at_];
      std::string which = "object " + std::to_string(at_ + 1) + " of the dump";
      if (!o.name.empty()) which += " '" + o.name + '\'';
      if (!o.types.empty()) which += " (" + o.types + ')';
      throw ValueError("partage: " + which + ": " + without_prefix(e.what()));
    };
    try {
      fn();
    } catch (const ValueError& e) {
      fail(e);
    } catch (const TypeError& e) {
      fail(e);
    } catch (const Corrupt& e) {  // a description that is none
      fail(e);
    }
  }

  // ---- members of a record ---------------------------------------------------------------------------------------

  static const json::value& member(const json::object& record, const char* name) {
    const auto* value = record.if_contains(name);
    if (value == nullptr) throw ValueError("it has no \"" + std::string(name) + '"');
    return *value;
  }
  static std::string text(const json::object& record, const char* name) {
    const json::value& value = member(record, name);
    if (!value.is_string()) throw ValueError('"' + std::string(name) + "\" is no text");
    return std::string(view_of(value.get_string()));
  }
  static std::optional<u64> number_in(const json::value& value) {
    if (const auto* i = value.if_int64(); i != nullptr && *i >= 0) return static_cast<u64>(*i);
    if (const auto* u = value.if_uint64()) return *u;
    return std::nullopt;
  }
  static u64 number(const json::object& record, const char* name, u64 least, u64 most) {
    const auto n = number_in(member(record, name));
    if (n && *n >= least && *n <= most) return *n;
    throw ValueError('"' + std::string(name) + "\" is no number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  static bool flag(const json::object& record, const char* name) {
    const auto* value = record.if_contains(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) throw ValueError('"' + std::string(name) + "\" is neither true nor false");
    return value->get_bool();
  }
  /// What is misspelt would else be left out in silence.
  static void expect_only(const json::object& record, std::initializer_list<std::string_view> names) {
    for (const auto& m : record) {
      const std::string_view key = view_of(m.key());
      if (key == "id" || key == "name" || key == "kind" || key == "types") continue;
      if (std::find(names.begin(), names.end(), key) == names.end()) {
        throw ValueError("a " + std::string(view_of(record.at("kind").as_string())) + " has no \"" + std::string(key) +
                         '"');
      }
    }
  }

  // ---- who it is -------------------------------------------------------------------------------------------------

  void read_head(const json::value& value) {
    if (!value.is_object()) throw ValueError("it is no JSON object");
    const json::object& record = value.get_object();
    DumpedObject& o = dump_.objects[at_];
    o.name = name_in(record);
    if (!o.name.empty() && !names_.insert(o.name).second) throw ValueError("another object has that name too");
    const auto id = number_in(member(record, "id"));
    if (!id || *id == 0) throw ValueError("\"id\" is no number of an object");
    if (!ids_.try_emplace(*id, at_).second) throw ValueError("another object has the \"id\" " + std::to_string(*id));
    const std::string kind = text(record, "kind");
    const auto known = dumped_kind(kind);
    if (!known) throw ValueError("\"kind\" is '" + kind + "', which this program does not know");
    o.kind = *known;
    o.types = text(record, "types");
    roots_[at_] = &type_of(o.types);
  }

  static std::string name_in(const json::object& record) {
    const auto* value = record.if_contains("name");
    if (value == nullptr || value->is_null()) return {};
    std::string name;
    if (const auto* string = value->if_string()) {
      name = view_of(*string);
    } else if (value->is_object()) {
      const std::string hex = text(value->get_object(), "hex");
      const auto bytes = schema::bytes_of_hex(hex);
      if (!bytes) throw ValueError("the \"hex\" of its name is not written as pairs of hexadecimal digits");
      name = *bytes;
    } else {
      throw ValueError("\"name\" is no text");
    }
    if (name.empty() || name.size() > longest_name) throw ValueError("its name does not have 1 to 255 bytes");
    return name;
  }

  /// Descriptions repeat: each is read once.
  const schema::Type& type_of(const std::string& description) {
    auto& known = types_[description];
    if (!known) known = std::make_unique<schema::Schema>(description);
    return known->root();
  }
  /// One that elements may be of.
  static const schema::Type& known(const schema::Type& type) {
    if (!schema::has_unknown(type)) return type;
    throw ValueError("this program does not know all of the type " + type.text +
                     "; use the version that has written the dump");
  }

  /// "#7", of a type: nullptr: of any.
  std::size_t index_of(std::string_view name, const schema::Type* type) const {
    u64 id = 0;
    const char* end = name.data() + name.size();
    const bool numbered = name.starts_with('#');
    const auto [stop, error] = std::from_chars(name.data() + (numbered ? 1 : 0), end, id);
    const auto found = numbered && error == std::errc() && stop == end ? ids_.find(id) : ids_.end();
    if (found == ids_.end()) throw ValueError("the dump has no object '" + std::string(name) + '\'');
    const std::string& types = dump_.objects[found->second].types;
    if (type != nullptr && type->form != schema::Form::handle && !schema::is_same(*roots_[found->second], *type)) {
      throw ValueError('\'' + std::string(name) + "' is a " + types + ", and a " + type->text + " is wanted");
    }
    return found->second;
  }

  // ---- what it is ------------------------------------------------------------------------------------------------

  void read_object(const json::object& record) {
    DumpedObject& o = dump_.objects[at_];
    const schema::Type& root = *roots_[at_];
    const std::string_view word = std::string_view(o.types).substr(0, o.types.find('<'));
    if (word != word_of(o.kind)) {
      throw ValueError(std::string("\"types\" are not those of a ") + kernel::name_of(o.kind));
    }
    switch (kernel::shape_of(o.kind)) {
      case Shape::list:
        return read_list(record, o, known(*root.parts[0]));
      case Shape::queue:
        return read_queue(record, o, known(*root.parts[0]));
      case Shape::dict:
        return read_dict(record, o, root);
      case Shape::sync:
        return read_sync(record, o);
      case Shape::unknown:
        break;
    }
  }

  Bytes encoded(const schema::Type& type, const json::value& value, schema::Role role) const {
    const auto find = [&](std::string_view name, const schema::Type* wanted) -> ObjectRef {
      return index_of(name, wanted);
    };
    return schema::from_exact_json(type, value, find, role);
  }
  void add_element(DumpedObject& o, const schema::Type& type, const json::value& value) const {
    const Bytes bytes = encoded(type, value, schema::Role::value);
    if (o.packed != 0 && bytes.size() != o.packed) throw ValueError("an \"encoded\" element has the wrong length");
    o.values.add(bytes.view());
  }
  void add_key(DumpedObject& o, const schema::Type& type, const json::value& value) {
    const Bytes bytes = encoded(type, value, schema::Role::key);
    if (!bytes.refs().empty()) throw ValueError("a key cannot hold a handle");
    if (!keys_.emplace(reinterpret_cast<const char*>(bytes.data()), bytes.size()).second) {
      throw ValueError((o.kind == ObjectKind::set ? "the element " : "the key ") + schema::compact(value) +
                       " is there twice");
    }
    o.keys.add(bytes.view());
  }
  static const json::array& list_in(const json::object& record) {
    const json::value& contents = member(record, "contents");
    if (!contents.is_array()) throw ValueError("\"contents\" are no list");
    return contents.get_array();
  }
  void read_elements(const json::object& record, DumpedObject& o, const schema::Type& element) const {
    o.packed = packed_size(o.kind, element);
    o.handles = schema::holds_handles(element);
    o.values.reset(o.packed);
    if (o.kind == ObjectKind::value) return add_element(o, element, member(record, "contents"));
    const json::array& list = list_in(record);
    o.values.reserve(list.size());
    for (const json::value& value : list) add_element(o, element, value);
  }

  void read_list(const json::object& record, DumpedObject& o, const schema::Type& element) const {
    if (o.kind == ObjectKind::list) {
      expect_only(record, {"contents"});
    } else {
      expect_only(record, {"contents", "lock"});
      if (record.contains("lock")) o.lock = lock_in(record, {ObjectKind::lock, ObjectKind::rlock});
    }
    read_elements(record, o, element);
  }

  void read_queue(const json::object& record, DumpedObject& o, const schema::Type& element) const {
    expect_only(record, {"contents", "maxsize", "closed"});
    if (record.contains("maxsize")) o.maxsize = number(record, "maxsize", 0, most_permits);
    o.closed = flag(record, "closed");
    read_elements(record, o, element);
  }

  void read_dict(const json::object& record, DumpedObject& o, const schema::Type& root) {
    expect_only(record, {"contents"});
    keys_.clear();
    static const schema::Schema text_type("str");
    const bool is_namespace = o.kind == ObjectKind::name_space;
    const schema::Type& key = is_namespace ? text_type.root() : known(*root.parts[0]);
    if (o.kind == ObjectKind::set) {
      for (const json::value& value : list_in(record)) {
        add_key(o, key, value);
        o.values.add({});
      }
      return;
    }
    const schema::Type* value = is_namespace ? nullptr : &known(*root.parts[1]);
    o.handles = is_namespace || schema::holds_handles(*value);
    const auto add_value = [&](const json::value& v) {
      value != nullptr ? add_element(o, *value, v) : add_attribute(o, v);
    };
    const json::value& contents = member(record, "contents");
    if (const auto* members = contents.if_object()) {
      if (key.form != schema::Form::text) throw ValueError("\"contents\" are no list of pairs, and its keys no texts");
      for (const auto& m : *members) {
        add_key(o, key, json::value(m.key()));
        add_value(m.value());
      }
      return;
    }
    for (const json::value& element : list_in(record)) {
      const auto* pair = element.if_array();
      if (pair == nullptr || pair->size() != 2)
        throw ValueError("\"contents\" are neither an object nor a list of pairs");
      add_key(o, key, (*pair)[0]);
      add_value((*pair)[1]);
    }
  }

  /// {"types": "i64", "value": 3}
  void add_attribute(DumpedObject& o, const json::value& attribute) {
    if (!attribute.is_object()) throw ValueError("an attribute is not written as {\"types\", \"value\"}");
    const std::string description = text(attribute.get_object(), "types");
    const schema::Type& type = known(type_of(description));
    const Bytes value = encoded(type, member(attribute.get_object(), "value"), schema::Role::value);
    o.values.add(schema::attribute_of(description, value.view()).view());
  }

  // ---- locks and their kin ---------------------------------------------------------------------------------------

  std::size_t lock_in(const json::object& record, std::initializer_list<ObjectKind> kinds) const {
    const std::string name = text(record, "lock");
    const std::size_t index = index_of(name, nullptr);
    for (const ObjectKind kind : kinds) {
      if (dump_.objects[index].kind == kind) return index;
    }
    throw ValueError("its \"lock\" is a " + dump_.objects[index].types);
  }

  void read_sync(const json::object& record, DumpedObject& o) const {
    using kernel::SyncKind;
    switch (o.kind) {
      case ObjectKind::lock:
      case ObjectKind::rlock:
        expect_only(record, {});
        o.sync = {.kind = o.kind == ObjectKind::lock ? SyncKind::lock : SyncKind::rlock};
        return;
      case ObjectKind::semaphore:
      case ObjectKind::bounded_semaphore: {
        expect_only(record, {"initial", "value", "signal"});
        const bool bounded = o.kind == ObjectKind::bounded_semaphore;
        const u64 initial = number(record, "initial", 0, most_permits);
        const u64 flags =
            (bounded ? kernel::sync_flag::bounded : 0) | (flag(record, "signal") ? kernel::sync_flag::signal : 0);
        o.sync = {.kind = SyncKind::semaphore, .flags = flags, .initial = initial};
        if (record.contains("value")) o.sync.value = number(record, "value", 0, bounded ? initial : most_permits);
        return;
      }
      case ObjectKind::condition:
        expect_only(record, {"lock"});
        o.sync = {.kind = SyncKind::condition};
        o.handles = true;
        o.lock = lock_in(record, {ObjectKind::lock, ObjectKind::rlock});
        return;
      case ObjectKind::event:
        expect_only(record, {"set"});
        o.sync = {.kind = SyncKind::event};
        o.set = flag(record, "set");
        return;
      case ObjectKind::barrier: {
        expect_only(record, {"parties", "timeout", "action", "broken"});
        const bool timed = record.contains("timeout");
        o.sync = {.kind = SyncKind::barrier,
                  .flags = flag(record, "action") ? kernel::sync_flag::action : 0,
                  .initial = number(record, "parties", 1, most_permits),
                  .patience = timed ? number(record, "timeout", 0, most_permits - 1) + 1 : 0};
        o.broken = flag(record, "broken");
        return;
      }
      default:
        return;
    }
  }

  Dump dump_;
  std::size_t at_ = 0;  // the object that is being read
  std::unordered_map<u64, std::size_t> ids_;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> keys_;  // of the dict that is being read, as bytes
  std::map<std::string, std::unique_ptr<schema::Schema>> types_;
  std::vector<const schema::Type*> roots_;  // of the objects
};

}  // namespace

Dump read_dump(std::string_view text) {
  return Reader().read(text);
}

}  // namespace partage::tool
