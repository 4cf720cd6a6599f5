// The place behind list[i]: a list and an index.
//
// Thread safety: as the handle it was made from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <partage/detail/encoded.hpp>
#include <partage/detail/modify.hpp>
#include <partage/detail/word.hpp>
#include <partage/engine/list.hpp>

namespace partage::detail {

template <class T>
T get_element(const engine::List& list, std::ptrdiff_t i) {
  if constexpr (is_word<T>) {
    return from_word<T>(list.get_word(i));
  } else {
    engine::Value value;
    list.get(i, value);
    return decode<T>(value);
  }
}

template <class T>
class ListElement {
 public:
  using value_type = T;

  /// Of a handle that outlives the reference.
  ListElement(const engine::List& list, std::ptrdiff_t i) : borrowed_(&list), i_(i) {}
  /// Of a temporary one.
  ListElement(engine::List&& list, std::ptrdiff_t i) : owned_(std::move(list)), i_(i) {}

  T get() const { return get_element<T>(list(), i_); }
  void set(const T& x) const {
    if constexpr (is_word<T>) {
      list().set_word(i_, to_word(x));
    } else {
      list().set(i_, Encoded<T>(x, list().object()).view());
    }
  }
  template <class Fn>
  ModifyResult<T, Fn> modify(Fn&& fn) const {
    return detail::modify<T>(
        list().object(), fn, [&](engine::Modifier m) { return list().modify(i_, m), true; }, [] {});
  }
  /// modify() for built-in arithmetic, which needs no copy and no protection.
  template <class Step>
  requires(std::is_arithmetic_v<T>&& is_word<T>) T compute(Step step)
  const {
    T result{};
    list().step_word(i_, [&](std::uint64_t word) {
      T x = from_word<T>(word);
      result = step(x);
      return to_word(x);
    });
    return result;
  }

 private:
  const engine::List& list() const { return borrowed_ != nullptr ? *borrowed_ : owned_; }

  const engine::List* borrowed_ = nullptr;
  engine::List owned_;
  std::ptrdiff_t i_;
};

}  // namespace partage::detail
