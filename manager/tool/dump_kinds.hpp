// What both directions of a dump must know of each kind of object.
//
// Thread safety: no state. Errors: none.
#pragma once

#include <optional>
#include <string_view>

#include "manager/registry/hosted.hpp"
#include "manager/schema/type.hpp"

namespace partage::tool {

/// The kind of that name ("list", "bounded_semaphore"); nullopt: there is none that a dump may have.
std::optional<kernel::ObjectKind> dumped_kind(std::string_view name) noexcept;
/// The first word of the descriptions of such objects.
std::string_view word_of(kernel::ObjectKind kind) noexcept;
/// Bytes of an element that is stored as a word; 0: elements of this kind and type are not.
std::size_t packed_size(kernel::ObjectKind kind, const schema::Type& element);

}  // namespace partage::tool
