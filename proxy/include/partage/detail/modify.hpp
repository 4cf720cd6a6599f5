// modify(): runs a user's function on a decoded copy of an element and hands its new bytes to the engine.
//
// Thread safety: a call's.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <partage/detail/encoded.hpp>
#include <partage/engine/function.hpp>

namespace partage::detail {

template <class T, class Fn>
using ModifyResult = std::decay_t<std::invoke_result_t<Fn&, T&>>;

/// `container`: whose element it is. `run(modifier)` calls the engine and says whether there was such an element;
/// `missing()` throws when there was none.
template <class T, class Fn, class Run, class Missing>
ModifyResult<T, Fn> modify(const engine::ObjectPtr& container, Fn& fn, Run run, Missing missing) {
  using R = ModifyResult<T, Fn>;
  std::optional<T> element;  // outlives the commit: a handle put into it is held until it is counted
  if constexpr (std::is_void_v<R>) {
    const bool there = run([&](const engine::ValueView& current, Bytes& next) {
      element.emplace(decode<T>(current));
      std::invoke(fn, *element);
      encode_to(next, *element, container);
    });
    if (!there) missing();
  } else {
    std::optional<R> result;
    const bool there = run([&](const engine::ValueView& current, Bytes& next) {
      element.emplace(decode<T>(current));
      result.emplace(std::invoke(fn, *element));
      encode_to(next, *element, container);
    });
    if (!there) missing();
    return std::move(*result);
  }
}

}  // namespace partage::detail
