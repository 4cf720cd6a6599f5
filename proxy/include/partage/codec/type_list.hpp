// A list of types as a value, and nothing else.
//
// Thread safety: compile time only.
#pragma once

#include <type_traits>

namespace partage::codec {

template <class... T>
struct TypeList {};

template <class T, class... Among>
inline constexpr bool is_among = (std::is_same_v<T, Among> || ...);

}  // namespace partage::codec
