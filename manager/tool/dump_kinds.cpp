#include "manager/tool/dump_kinds.hpp"

#include "manager/schema/facts.hpp"

namespace partage::tool {

using kernel::ObjectKind;

std::optional<ObjectKind> dumped_kind(std::string_view name) noexcept {
  for (auto n = static_cast<kernel::u64>(ObjectKind::list); n <= static_cast<kernel::u64>(ObjectKind::barrier); ++n) {
    const auto kind = static_cast<ObjectKind>(n);
    if (name == kernel::name_of(kind)) return kind;
  }
  return std::nullopt;
}

std::string_view word_of(ObjectKind kind) noexcept {
  if (kind == ObjectKind::set) return "shared_set";
  if (kind == ObjectKind::array) return "shared_array";
  return kernel::name_of(kind);
}

std::size_t packed_size(ObjectKind kind, const schema::Type& element) {
  if (kind == ObjectKind::joinable_queue || schema::holds_handles(element)) return 0;
  const auto size = schema::fixed_size(element);
  return size <= 8 ? static_cast<std::size_t>(size) : 0;
}

}  // namespace partage::tool
