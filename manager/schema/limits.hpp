// What bytes and JSON may ask of the stack, and how this machine's long double is stored.
#pragma once

#include <cfloat>
#include <cstddef>

#include "manager/schema/type.hpp"

namespace partage::schema {

/// As the codec: structs that contain themselves, arrays and objects of an `object`.
inline constexpr unsigned nesting_limit = 512;
/// Bytes of stack: half of what a program has. Types may nest between two levels of a struct that contains itself, so
/// that the levels alone say little.
inline constexpr std::size_t stack_limit = std::size_t{4} << 20;

/// Bytes of the description of a type that are shown beside a value.
inline constexpr std::size_t longest_type_shown = 200;

/// An f80 or f128 is what this program calls long double.
inline bool holds_long_double(const Type& type) noexcept {
  return type.size == (LDBL_MANT_DIG == 64 ? 10 : LDBL_MANT_DIG == 113 ? 16 : 0);
}

}  // namespace partage::schema
