// The object that belongs to another one for good: the lock that get_lock() of a Value or an Array returns.
//
//   ObjectPtr lock = companion(array, [&] { return create_rlock(session_of(array)); });
//
// Made at the first call and kept by its owner, as long as that lives. Of two first calls at once one makes it and the
// other gets the same; what it made itself goes again.
// Thread and process safety: full. Errors: what `create` throws; ValueError for an empty handle, ManagerShutdown,
// OutOfMemory, UsageError inside modify().
#pragma once

#include <partage/engine/object.hpp>
#include <partage/engine/session.hpp>
#include <partage/export.hpp>
#include <partage/function_view.hpp>

namespace partage::engine {

/// `owner`: a list of any kind (list, value, array).
PARTAGE_API ObjectPtr companion(const ObjectPtr& owner, FunctionView<ObjectPtr()> create);

/// Where the object lives. ValueError for an empty handle.
PARTAGE_API const SessionPtr& session_of(const ObjectPtr& object);

}  // namespace partage::engine
