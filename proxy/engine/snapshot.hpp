// What a Snapshot holds: the kernel's table, and the objects its references lead to, in the table's order.
//
// Thread safety: as std::vector.
#pragma once

#include <partage/engine/value.hpp>
#include <vector>

#include "manager/container/byte_table.hpp"

namespace partage::engine {

struct Snapshot::Contents {
  kernel::ByteTable table;
  std::vector<ObjectPtr> objects;
};

}  // namespace partage::engine
