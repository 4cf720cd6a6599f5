// Making and opening hosted objects; what Manager::list and Manager::dict do without knowing types.
//
// Thread and process safety: full. Errors: TypeError, ValueError, OutOfMemory, ManagerShutdown.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <partage/engine/dict.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <partage/export.hpp>
#include <partage/function_view.hpp>

namespace partage::engine {

/// What the object is called in messages and tools; at the byte level a set and a namespace are dicts, a value and an array
/// lists.
enum class ListKind { list, value, array };
enum class DictKind { dict, set, name_space };

struct ListType {
  std::string description;      // "list<i32>"
  std::size_t packed_size = 0;  // bytes of every element when they are 1 to 8 and no handles, else 0
  bool handles = false;
  ListKind kind = ListKind::list;
};
struct DictType {
  std::string description;
  bool handles = false;  // in values
  DictKind kind = DictKind::dict;
};

/// `name`: what it is going to be called, or empty.
PARTAGE_API ObjectPtr create_list(const SessionPtr& session, const ListType& type, const std::string& name,
                                  std::span<const BytesView> contents);
/// `count` elements that are all the same.
PARTAGE_API ObjectPtr create_filled_list(const SessionPtr& session, const ListType& type, const std::string& name,
                                         BytesView element, std::size_t count);
/// Of kind `value`: one element, see cell.hpp.
PARTAGE_API ObjectPtr create_cell(const SessionPtr& session, const ListType& type, const std::string& name,
                                  BytesView value);
PARTAGE_API ObjectPtr create_dict(const SessionPtr& session, const DictType& type, const std::string& name,
                                  std::span<const KeyValue> contents);

/// The object of that name, or what `create` returns, which gets the name. Of several that try at once, one succeeds
/// and the others open what it made. Does not check the type.
PARTAGE_API ObjectPtr open_or_create(const SessionPtr& session, const std::string& name,
                                     FunctionView<ObjectPtr()> create);

}  // namespace partage::engine
