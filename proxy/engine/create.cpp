#include <partage/engine/cell.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/list.hpp>
#include <partage/engine/queue.hpp>
#include <partage/error.hpp>

#include "manager/registry/registry.hpp"
#include "proxy/engine/session.hpp"

namespace partage::engine {

namespace {

constexpr std::size_t longest_name = 255;

kernel::ObjectKind kind_of(ListKind kind) {
  switch (kind) {
    case ListKind::list:
      return kernel::ObjectKind::list;
    case ListKind::value:
      return kernel::ObjectKind::value;
    case ListKind::array:
      return kernel::ObjectKind::array;
  }
  return {};
}
kernel::ObjectKind kind_of(DictKind kind) {
  switch (kind) {
    case DictKind::dict:
      return kernel::ObjectKind::dict;
    case DictKind::set:
      return kernel::ObjectKind::set;
    case DictKind::name_space:
      return kernel::ObjectKind::name_space;
  }
  return {};
}

ObjectPtr hold(Session& session, ObjectRef ref) {
  ObjectPtr object = session.adopt(ref);
  if (!object) throw Corrupt("partage: an object went away while this process held it");
  return object;
}

/// Its element is a word that is read and written without the lock.
bool is_word(const ListType& type) {
  return type.kind == ListKind::value && type.packed_size != 0;
}

ObjectPtr create_empty(const SessionPtr& session, const ListType& type, const std::string& name) {
  const Session::HandOver scope(*session);
  const kernel::ListConfig config{static_cast<kernel::u8>(type.packed_size), type.handles, is_word(type)};
  return hold(*session,
              kernel::Registry(session->segment()).create_list(type.description, name, config, kind_of(type.kind)));
}

}  // namespace

ObjectPtr create_list(const SessionPtr& session, const ListType& type, const std::string& name,
                      std::span<const BytesView> contents) {
  ObjectPtr object = create_empty(session, type, name);
  if (!contents.empty()) List(object).extend(contents);
  return object;
}

ObjectPtr create_filled_list(const SessionPtr& session, const ListType& type, const std::string& name,
                             BytesView element, std::size_t count) {
  ObjectPtr object = create_empty(session, type, name);
  if (count == 0) return object;
  List(object).extend({&element, 1});
  List(object).repeat(static_cast<std::ptrdiff_t>(count));
  return object;
}

ObjectPtr create_cell(const SessionPtr& session, const ListType& type, const std::string& name, BytesView value) {
  ObjectPtr object = create_empty(session, type, name);
  if (is_word(type)) {
    Cell(object).set(value);
  } else {
    List(object).extend({&value, 1});
  }
  return object;
}

ObjectPtr create_dict(const SessionPtr& session, const DictType& type, const std::string& name,
                      std::span<const KeyValue> contents) {
  ObjectPtr object;
  {
    const Session::HandOver scope(*session);
    const kernel::DictConfig config{0, type.handles};
    object = hold(*session,
                  kernel::Registry(session->segment()).create_dict(type.description, name, config, kind_of(type.kind)));
  }
  if (!contents.empty()) Dict(object).update(contents);
  return object;
}

ObjectPtr create_queue(const SessionPtr& session, const QueueType& type, const std::string& name) {
  constexpr kernel::ObjectKind kinds[] = {kernel::ObjectKind::queue, kernel::ObjectKind::joinable_queue,
                                          kernel::ObjectKind::simple_queue};
  const bool joinable = type.kind == QueueKind::joinable;
  const kernel::ListConfig config{.packed_size = joinable ? kernel::u8{0} : static_cast<kernel::u8>(type.packed_size),
                                  .handles = type.handles,
                                  .owners = joinable};
  const std::size_t limit = type.maxsize > 0 ? static_cast<std::size_t>(type.maxsize) : 0;
  const Session::HandOver scope(*session);
  return hold(*session, kernel::Registry(session->segment())
                            .create_queue(type.description, name, config, limit, kinds[static_cast<int>(type.kind)]));
}

ObjectPtr open_or_create(const SessionPtr& session, const std::string& name, FunctionView<ObjectPtr()> create) {
  if (name.empty() || name.size() > longest_name) {
    throw ValueError("partage: named(): a name has 1 to " + std::to_string(longest_name) + " bytes, this one has " +
                     std::to_string(name.size()) + "; leave named() out for an object without a name");
  }
  kernel::Registry registry(session->segment());
  const Session::HandOver scope(*session);
  if (const ObjectRef there = registry.lookup(name); there != 0) return hold(*session, there);
  ObjectPtr mine = create();
  const ObjectRef other = registry.publish(name, mine.ref());
  return other == 0 ? mine : hold(*session, other);
}

}  // namespace partage::engine
