// The text of a dump, read and checked before anything is made of it. docs/program.md shows the form.
//
// Needs no segment: this is all that a text can be refused for, but for names that are taken and memory that is missing.
//
// Thread safety: no state. Complexity: O(text), memory in proportion to it. Stack: bounded.
// Errors: ValueError, one sentence that names the object and the place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manager/container/byte_table.hpp"
#include "manager/container/sync_body.hpp"
#include "manager/segment/object_table.hpp"

namespace partage::tool {

/// The form of dumps that is written and read here.
inline constexpr int dump_version = 1;

/// One object as it is to be made. References are indexes into Dump::objects.
struct DumpedObject {
  kernel::ObjectKind kind{};
  std::string name{};      // "": anonymous
  std::string types{};     // its description
  std::size_t packed = 0;  // bytes of an element when all have the same, 1 to 8
  bool handles = false;    // its elements may hold references
  kernel::ByteTable keys{}, values{};
  std::optional<std::size_t> lock{};  // of a condition; of a value or array that has one

  kernel::u64 maxsize = 0;  // of a queue
  bool closed = false;
  kernel::SyncConfig sync{};  // of locks and their kin
  bool set = false;           // an event
  bool broken = false;        // a barrier
};

struct Dump {
  std::string manager;  // it was written of
  std::vector<DumpedObject> objects;
};

Dump read_dump(std::string_view text);

}  // namespace partage::tool
