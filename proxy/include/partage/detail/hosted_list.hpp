// What the makers of Value and Array tell the engine of their types.
//
// Thread safety: full.
#pragma once

#include <cstddef>

#include <partage/codec/codec.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/type_check.hpp>

namespace partage::detail {

/// `Proxy`: the handle, whose HandleTraits give the description; `T`: its element.
template <class Proxy, class T>
engine::ListType hosted_list_type(engine::ListKind kind) {
  constexpr std::size_t size = codec::fixed_size<T>;
  constexpr bool handles = codec::holds_handles<T>;
  return {engine::TypeOf<Proxy>::text(), size <= 8 && !handles ? size : 0, handles, kind};
}

}  // namespace partage::detail
