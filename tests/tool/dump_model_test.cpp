// Whatever is in a manager: dumped, loaded into another one, it is the same bytes there, and dumps the same.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <map>

#include "manager/container/barrier.hpp"
#include "manager/container/event.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/schema/attribute.hpp"
#include "manager/schema/facts.hpp"
#include "manager/schema/parse_json.hpp"
#include "manager/tool/dump_kinds.hpp"
#include "tests/support/seed.hpp"
#include "tests/tool/dump_fixture.hpp"
#include "tests/tool/random_values.hpp"

namespace partage::test {
namespace {

namespace json = boost::json;
using kernel::ObjectKind;
using kernel::Shape;

/// Fills a segment with objects of random kinds and types that refer to each other, in circles too.
class RandomObjects {
 public:
  RandomObjects(DumpSegment& at, RandomValues& values) : at_(at), values_(values) {}

  void make(std::size_t n) {
    // Something that a handle of every type in a description can refer to.
    for (std::size_t i = 0; i < 3; ++i) add("list<i32>", ObjectKind::list);
    for (std::size_t i = 0; i < n; ++i) add_random();
    for (const auto& [types, ref] : targets_) fill(ref);
    // Some are reached through others, if at all.
    std::vector<kernel::Registry::NamedObject> named;
    for (const auto& [types, ref] : targets_) {
      if (values_.chance(60)) named.push_back({names_[ref], ref});
    }
    CHECK(!at_.registry().publish_all(named, kernel::Registry::Taken::refuse));
  }

 private:
  ObjectRef keep(std::string types, ObjectRef ref) {
    names_[ref] = values_.chance(90) ? "object " + std::to_string(ref) : "\xff" + std::to_string(ref);
    targets_.push_back({std::move(types), ref});
    return ref;
  }
  void add(const std::string& types, ObjectKind kind) {
    const schema::Schema schema(types);
    const schema::Type& root = schema.root();
    kernel::Registry& registry = at_.registry();
    if (kernel::shape_of(kind) == Shape::dict) {
      const bool handles =
          kind == ObjectKind::name_space || (kind == ObjectKind::dict && schema::holds_handles(*root.parts[1]));
      keep(types, registry.create_dict(types, "", {.handles = handles}, kind));
      return;
    }
    const schema::Type& element = *root.parts[0];
    const auto packed = tool::packed_size(kind, element);
    const kernel::ListConfig config{.packed_size = static_cast<kernel::u8>(packed),
                                    .handles = schema::holds_handles(element),
                                    .cell = kind == ObjectKind::value && packed != 0,
                                    .owners = kind == ObjectKind::joinable_queue};
    if (kernel::shape_of(kind) == Shape::queue) {
      keep(types, registry.create_queue(types, "", config, values_.below(3) * 100, kind));
    } else {
      keep(types, registry.create_list(types, "", config, kind));
    }
  }
  void add_sync() {
    using kernel::SyncKind;
    kernel::Registry& registry = at_.registry();
    switch (values_.below(6)) {
      case 0:
        keep("lock", registry.create_sync("lock", "", {.kind = SyncKind::lock}, ObjectKind::lock));
        return;
      case 1: {
        const ObjectRef lock =
            keep("rlock", registry.create_sync("rlock", "", {.kind = SyncKind::rlock}, ObjectKind::rlock));
        keep("condition", registry.create_sync("condition", "", {.kind = SyncKind::condition, .companion = lock},
                                               ObjectKind::condition));
        return;
      }
      case 2:
        keep("semaphore", registry.create_sync("semaphore", "",
                                               {.kind = SyncKind::semaphore,
                                                .flags = values_.chance(50) ? kernel::sync_flag::signal : 0,
                                                .initial = values_.below(5),
                                                .value = values_.below(9)},
                                               ObjectKind::semaphore));
        return;
      case 3:
        keep("bounded_semaphore",
             registry.create_sync("bounded_semaphore", "",
                                  {.kind = SyncKind::semaphore, .flags = kernel::sync_flag::bounded, .initial = 3},
                                  ObjectKind::bounded_semaphore));
        return;
      case 4:
        keep("event", registry.create_sync("event", "", {.kind = SyncKind::event}, ObjectKind::event));
        return;
      default:
        keep("barrier", registry.create_sync("barrier", "",
                                             {.kind = SyncKind::barrier,
                                              .flags = values_.chance(50) ? kernel::sync_flag::action : 0,
                                              .initial = 1 + values_.below(9),
                                              .patience = values_.below(2) * 1000},
                                             ObjectKind::barrier));
    }
  }
  void add_random() {
    const std::string element = values_.description(3, true), key = values_.description(2, false, true);
    switch (values_.below(10)) {
      case 0:
        return add("dict<" + key + ',' + element + '>', ObjectKind::dict);
      case 1:
        return add("dict<str," + element + '>', ObjectKind::dict);
      case 2:
        return add("shared_set<" + key + '>', ObjectKind::set);
      case 3:
        return add("value<" + element + '>', ObjectKind::value);
      case 4:
        return add("shared_array<" + element + '>', ObjectKind::array);
      case 5:
        return add("namespace", ObjectKind::name_space);
      case 6: {
        const ObjectKind kinds[] = {ObjectKind::queue, ObjectKind::joinable_queue, ObjectKind::simple_queue};
        const ObjectKind kind = kinds[values_.below(3)];
        return add(std::string(kernel::name_of(kind)) + '<' + element + '>', kind);
      }
      case 7:
        return add_sync();
      default:
        return add("list<" + element + '>', ObjectKind::list);
    }
  }

  void fill(ObjectRef ref) {
    const auto facts = *at_.registry().facts(ref);
    const schema::Schema schema(at_.registry().schema(ref));
    switch (kernel::shape_of(facts.kind)) {
      case Shape::list:
      case Shape::queue:
        return fill_list(facts, *schema.root().parts[0]);
      case Shape::dict:
        return fill_dict(facts, schema.root());
      default:
        if (facts.kind == ObjectKind::event && values_.chance(50)) kernel::Event(at_.segment(), facts.body).set();
        if (facts.kind == ObjectKind::barrier && values_.chance(50)) kernel::Barrier(at_.segment(), facts.body).abort();
    }
  }
  void fill_list(const kernel::ObjectFacts& facts, const schema::Type& element) {
    const kernel::List list(at_.segment(), facts.body);
    if (facts.kind == ObjectKind::value) {
      const Bytes value = values_.value(element, targets_);
      list.config().cell ? (void)list.set(0, value.view()) : list.append(value.view());
      return;
    }
    for (std::size_t n = values_.below(values_.chance(5) ? 3000 : 8); n != 0; --n) {
      list.append(values_.value(element, targets_).view());
    }
    if (facts.kind == ObjectKind::joinable_queue && list.size() != 0) {  // one is being worked on
      Bytes taken;
      kernel::Queue(at_.segment(), facts.body).get(taken, at_once());
    }
    if (kernel::shape_of(facts.kind) == Shape::queue && values_.chance(20)) {
      kernel::Queue(at_.segment(), facts.body).close();
    }
  }
  void fill_dict(const kernel::ObjectFacts& facts, const schema::Type& root) {
    static const schema::Schema text("str");
    kernel::Dict dict(at_.segment(), at_.segment().at<kernel::DictBody>(facts.body));
    const schema::Type& key = facts.kind == ObjectKind::name_space ? text.root() : *root.parts[0];
    for (std::size_t n = values_.below(values_.chance(5) ? 3000 : 8); n != 0; --n) {
      const Bytes name = values_.value(key, {});
      if (facts.kind == ObjectKind::set) {
        dict.set(name.view(), {});
      } else if (facts.kind == ObjectKind::dict) {
        dict.set(name.view(), values_.value(*root.parts[1], targets_).view());
      } else {
        const std::string description = values_.description(2, true);
        const schema::Schema attribute(description);
        const Bytes value = values_.value(attribute.root(), targets_);
        dict.set(name.view(), schema::attribute_of(description, value.view()).view());
      }
    }
  }

  static kernel::Deadline at_once() { return kernel::Clock::now(); }

  DumpSegment& at_;
  RandomValues& values_;
  std::vector<RandomValues::Target> targets_;
  std::map<ObjectRef, std::string> names_;
};

/// The objects of a dump in its order, and where "#id" stands the place of the object in it.
struct Numbered {
  explicit Numbered(const std::string& dump) {
    const json::value all = schema::parse_json(dump, 2000);
    text = dump;
    const json::array& records = all.at("objects").as_array();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& id = records[i].at("id");
      ids.push_back(id.is_uint64() ? id.get_uint64() : static_cast<ObjectRef>(id.as_int64()));
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string id = std::to_string(ids[i]), place = "@" + std::to_string(i);
      replace_all("\"#" + id + '"', place);
      replace_all("{\"id\":" + id + ',', '{' + place + ',');
    }
  }
  void replace_all(const std::string& from, const std::string& to) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t found = 0; (found = text.find(from, at)) != text.npos; at = found + from.size()) {
      out.append(text, at, found - at).append(to);
    }
    text = out + text.substr(at);
  }
  std::string text;
  std::vector<ObjectRef> ids;
};

/// The bytes of a container, references as places.
std::vector<std::string> stored(DumpSegment& at, ObjectRef ref, const std::map<ObjectRef, std::size_t>& places) {
  const auto facts = *at.registry().facts(ref);
  kernel::ByteTable keys, values;
  switch (kernel::shape_of(facts.kind)) {
    case Shape::list:
      kernel::List(at.segment(), facts.body).snapshot(values);
      break;
    case Shape::queue:
      kernel::Queue(at.segment(), facts.body).all_items(values);
      break;
    case Shape::dict:
      kernel::Dict(at.segment(), at.segment().at<kernel::DictBody>(facts.body)).snapshot(&keys, &values);
      break;
    default:
      return {};
  }
  std::vector<std::string> out;
  for (const kernel::ByteTable* table : {&keys, &values}) {
    for (std::size_t i = 0; i < table->size(); ++i) {
      const BytesView view = (*table)[i];
      out.emplace_back(reinterpret_cast<const char*>(view.data), view.size);
      for (const ObjectRef to : view.refs) out.back() += '@' + std::to_string(places.at(to));
    }
  }
  return out;
}

void check_round_trip(DumpSegment& from) {
  const std::string text = from.dump();
  DumpSegment to;
  to.load(text);
  const std::string again = to.dump();
  const Numbered before(text), after(again);
  REQUIRE(before.ids.size() == after.ids.size());
  CHECK(before.text == after.text);
  std::map<ObjectRef, std::size_t> places_before, places_after;
  for (std::size_t i = 0; i < before.ids.size(); ++i) {
    places_before[before.ids[i]] = i;
    places_after[after.ids[i]] = i;
  }
  for (std::size_t i = 0; i < before.ids.size(); ++i) {
    CAPTURE(from.registry().schema(before.ids[i]));
    CHECK(stored(from, before.ids[i], places_before) == stored(to, after.ids[i], places_after));
  }
  CHECK(to.verify() == "");
  // What people are shown says the same.
  DumpSegment third;
  third.load(from.dump({.readable = true}));
  CHECK(Numbered(third.dump()).text == before.text);
}

}  // namespace

TEST_CASE("dump: whatever is in a manager comes back as the same bytes") {
  for (long i = 0; i < repeats(40); ++i) {
    const std::uint64_t seed = test_seed() + static_cast<std::uint64_t>(i);
    CAPTURE(seed);
    RandomValues values(seed);
    DumpSegment from;
    RandomObjects(from, values).make(3 + values.below(25));
    check_round_trip(from);
  }
}

}  // namespace partage::test
