// What a call came to: a value, nothing, or the name of the error it threw; to compare a proxy with its model.
#pragma once

#include <concepts>
#include <optional>
#include <partage/error.hpp>
#include <string>
#include <type_traits>

namespace partage::test {

template <class R>
struct Outcome {
  std::optional<R> value;
  std::string error;
  bool operator==(const Outcome&) const = default;
};
struct Nothing {
  bool operator==(const Nothing&) const = default;
};

template <class Fn>
auto outcome(Fn&& fn) {
  using R =
      std::conditional_t<std::is_void_v<std::invoke_result_t<Fn>>, Nothing, std::decay_t<std::invoke_result_t<Fn>>>;
  Outcome<R> result;
  try {
    if constexpr (std::is_same_v<R, Nothing>) {
      fn();
      result.value = Nothing{};
    } else {
      result.value = fn();
    }
  } catch (const KeyError&) {
    result.error = "KeyError";
  } catch (const IndexError&) {
    result.error = "IndexError";
  } catch (const ValueError&) {
    result.error = "ValueError";
  }
  return result;
}

}  // namespace partage::test
