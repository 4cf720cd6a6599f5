// The place behind list[i]: a list and an index.
//
// Thread safety: as the handle it was made from.
#pragma once

#include <cstddef>
#include <utility>

#include <partage/detail/encoded.hpp>
#include <partage/detail/modify.hpp>
#include <partage/engine/list.hpp>

namespace partage::detail {

template <class T>
class ListElement {
 public:
  using value_type = T;

  /// Of a handle that outlives the reference.
  ListElement(const engine::List& list, std::ptrdiff_t i) : borrowed_(&list), i_(i) {}
  /// Of a temporary one.
  ListElement(engine::List&& list, std::ptrdiff_t i) : owned_(std::move(list)), i_(i) {}

  T get() const {
    engine::Value value;
    list().get(i_, value);
    return decode<T>(value);
  }
  void set(const T& x) const { list().set(i_, Encoded<T>(x, list().object()).view()); }
  template <class Fn>
  ModifyResult<T, Fn> modify(Fn&& fn) const {
    return detail::modify<T>(
        list().object(), fn, [&](engine::Modifier m) { return list().modify(i_, m), true; }, [] {});
  }

 private:
  const engine::List& list() const { return borrowed_ != nullptr ? *borrowed_ : owned_; }

  const engine::List* borrowed_ = nullptr;
  engine::List owned_;
  std::ptrdiff_t i_;
};

}  // namespace partage::detail
