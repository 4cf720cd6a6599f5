// The classes of PARTAGE_PROCESS. Thread safety: full, after main() has begun.
#pragma once

#include <partage/registered.hpp>
#include <string>
#include <typeinfo>

namespace partage::engine::process {

/// nullptr: not registered.
const ProcessClass* find_class(const std::type_info& type);
const ProcessClass* find_class(const std::string& name);

}  // namespace partage::engine::process
