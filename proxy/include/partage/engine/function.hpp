// The callbacks an engine takes: borrowed, called before the call they were passed to returns.
//
// Thread safety: compile time only.
#pragma once

#include <cstdint>
#include <vector>

#include <partage/engine/value.hpp>
#include <partage/function_view.hpp>

namespace partage::engine {

/// Computes the next value of an element from the present one, under the lock of its container. If it throws, nothing
/// changes.
using Modifier = FunctionView<void(const ValueView& current, Bytes& next)>;

/// Says in which order the elements shall stand: element i becomes what order[i] was.
using Reordering = FunctionView<std::vector<std::uint32_t>(const Snapshot& elements)>;

}  // namespace partage::engine
