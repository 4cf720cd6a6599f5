// What prints without knowing the C++ types: by the descriptions that stand beside the values.
//
// As codec::repr prints the same values, except that only a program that has the type can print what its own operator<<
// would: a type with serialize() is <Money object>, an enum Color(3).
// Thread safety: as the stream; each object is read in one state of it.
// Errors: ValueError for an empty handle, ManagerShutdown, Corrupt.
#pragma once

#include <ostream>

#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// Namespace(a=1, b='x'): sorted, without the names that begin with _.
PARTAGE_API void repr_namespace(std::ostream& out, const ObjectPtr& object);

}  // namespace partage::engine
