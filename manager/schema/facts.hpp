// What the codec's traits (proxy/include/partage/codec/traits.hpp) say of a type, said of its description: how a
// container is to be made whose elements are of this type.
//
// Thread safety: no state. Complexity: O(description).
#pragma once

#include <cstdint>

#include "manager/schema/type.hpp"

namespace partage::schema {

/// Every value takes exactly so many bytes and no references; 0: it depends, or nobody can know.
std::uint64_t fixed_size(const Type& type);
/// A value may contain references: handles, and whatever a type's own serialize() writes.
bool holds_handles(const Type& type);
/// Two descriptions of one type. Their texts may differ: inside a struct that contains itself it stands as its name alone.
bool is_same(const Type& a, const Type& b);
/// There is a part of it that this program does not know.
bool has_unknown(const Type& type);

}  // namespace partage::schema
