#include "manager/tool/dump_loader.hpp"

#include <algorithm>

#include "manager/container/barrier.hpp"
#include "manager/container/event.hpp"
#include "manager/tool/failure.hpp"

namespace partage::tool {
namespace {

using kernel::ObjectKind;
using kernel::Shape;

/// Elements a commit: its log stays small, and a dict can grow between two.
constexpr std::size_t chunk = 1024;

class Loader {
 public:
  Loader(Attachment& attachment, const Dump& dump) : attachment_(attachment), dump_(dump) {}
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() {
    if (!published_) unmake();
  }

  void load(kernel::Registry::Taken taken) {
    if (taken == kernel::Registry::Taken::refuse) refuse_taken_names();
    // A condition is made with its lock.
    made_.resize(dump_.objects.size(), 0);
    for (const bool conditions : {false, true}) {
      for (std::size_t i = 0; i < made_.size(); ++i) {
        if ((dump_.objects[i].kind == ObjectKind::condition) == conditions) made_[i] = make(dump_.objects[i]);
      }
    }
    for (std::size_t i = 0; i < made_.size(); ++i) fill(dump_.objects[i], attachment_.registry().facts(made_[i])->body);
    publish(taken);
  }

 private:
  [[noreturn]] void refuse(const std::string& name) const {
    throw Failure{Exit::failed,
                  "partage: manager '" + attachment_.name() + "' has an object '" + name +
                      "' already, and nothing was loaded; --replace puts those of the dump in the place of "
                      "what there is"};
  }
  /// So that a long dump is not made in vain. Somebody may take a name after that: publish() sees it.
  void refuse_taken_names() const {
    kernel::Registry& registry = attachment_.registry();
    for (const DumpedObject& o : dump_.objects) {
      if (o.name.empty()) continue;
      if (const ObjectRef ref = registry.lookup(o.name); ref != 0) refuse(o.name);
    }
  }

  ObjectRef make(const DumpedObject& o) const {
    kernel::Registry& registry = attachment_.registry();
    const kernel::ListConfig elements{.packed_size = static_cast<kernel::u8>(o.packed),
                                      .handles = o.handles,
                                      .cell = o.kind == ObjectKind::value && o.packed != 0,
                                      .owners = o.kind == ObjectKind::joinable_queue};
    switch (kernel::shape_of(o.kind)) {
      case Shape::list:
        return registry.create_list(o.types, o.name, elements, o.kind);
      case Shape::queue:
        return registry.create_queue(o.types, o.name, elements, static_cast<std::size_t>(o.maxsize), o.kind);
      case Shape::dict:
        return registry.create_dict(o.types, o.name, {.handles = o.handles}, o.kind);
      case Shape::sync: {
        kernel::SyncConfig config = o.sync;
        if (o.lock) config.companion = made_[*o.lock];
        return registry.create_sync(o.types, o.name, config, o.kind);
      }
      case Shape::unknown:
        break;
    }
    return 0;  // read_dump() knows none of these
  }

  /// The references of an element, which in the dump are the places of objects.
  std::span<const ObjectRef> references(BytesView value) {
    const std::size_t at = refs_.size();
    for (const ObjectRef index : value.refs) refs_.push_back(made_[index]);
    return {refs_.data() + at, value.refs.size()};
  }
  /// Room for those of a chunk: the spans stay valid.
  void begin_chunk(const kernel::ByteTable& values, std::size_t from, std::size_t to) {
    std::size_t n = 0;
    for (std::size_t i = from; i < to; ++i) n += values[i].refs.size();
    refs_.clear();
    refs_.reserve(n);
  }

  void fill(const DumpedObject& o, kernel::u64 body) {
    kernel::Segment& segment = attachment_.segment();
    switch (kernel::shape_of(o.kind)) {
      case Shape::list:
      case Shape::queue:  // as a list: beyond maxsize may be what consumers gave back
        fill_list(o, {segment, body});
        if (o.closed) kernel::Queue(segment, body).close();
        return;
      case Shape::dict:
        return fill_dict(o, {segment, segment.at<kernel::DictBody>(body)});
      case Shape::sync:
        if (o.set) kernel::Event(segment, body).set();
        if (o.broken) kernel::Barrier(segment, body).abort();
        return;
      case Shape::unknown:
        return;
    }
  }

  void fill_list(const DumpedObject& o, const kernel::List& list) {
    if (list.config().cell) {
      list.set(0, o.values[0]);
    } else {
      std::vector<BytesView> values;
      for (std::size_t from = 0, to = 0; from < o.values.size(); from = to) {
        to = std::min(from + chunk, o.values.size());
        begin_chunk(o.values, from, to);
        values.clear();
        for (std::size_t i = from; i < to; ++i) {
          values.emplace_back(o.values[i].data, o.values[i].size, references(o.values[i]));
        }
        list.extend(values);
      }
    }
    if (o.lock && o.kind != ObjectKind::condition) list.set_companion_if_none(made_[*o.lock]);
  }

  void fill_dict(const DumpedObject& o, kernel::Dict dict) {
    std::vector<kernel::KeyValue> pairs;
    for (std::size_t from = 0, to = 0; from < o.keys.size(); from = to) {
      to = std::min(from + chunk, o.keys.size());
      begin_chunk(o.values, from, to);
      pairs.clear();
      for (std::size_t i = from; i < to; ++i) {
        pairs.push_back({o.keys[i], {o.values[i].data, o.values[i].size, references(o.values[i])}});
      }
      dict.update(pairs);
    }
  }

  void publish(kernel::Registry::Taken taken) {
    std::vector<kernel::Registry::NamedObject> named;
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (!dump_.objects[i].name.empty()) named.push_back({dump_.objects[i].name, made_[i]});
    }
    if (const auto place = attachment_.registry().publish_all(named, taken)) refuse(named[*place].name);
    published_ = true;
  }

  /// This process holds the objects until it goes; but those that keep each other would stay.
  void unmake() noexcept {
    for (std::size_t i = 0; i < made_.size(); ++i) {
      try {
        if (made_[i] == 0 || !dump_.objects[i].handles) continue;
        const auto facts = attachment_.registry().facts(made_[i]);
        if (facts) kernel::Hosted(attachment_.segment(), facts->kind, facts->flags, facts->body).empty();
      } catch (...) {  // it stays, and `ls --cycles` shows it
      }
    }
  }

  Attachment& attachment_;
  const Dump& dump_;
  std::vector<ObjectRef> made_;
  std::vector<ObjectRef> refs_;
  bool published_ = false;
};

}  // namespace

void load_dump(Attachment& attachment, const Dump& dump, kernel::Registry::Taken taken) {
  Loader(attachment, dump).load(taken);
}

}  // namespace partage::tool
