// The place behind dict[k]: a dict and the bytes of a key.
//
// Thread safety: as the handle it was made from.
#pragma once

#include <utility>

#include <partage/detail/encoded.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/modify.hpp>
#include <partage/engine/dict.hpp>
#include <partage/engine/error.hpp>

namespace partage::detail {

template <class K, class V>
class DictElement {
 public:
  using value_type = V;

  /// Of a handle that outlives the reference.
  DictElement(const engine::Dict& dict, KeyBytes<K> key) : borrowed_(&dict), key_(std::move(key)) {}
  /// Of a temporary one.
  DictElement(engine::Dict&& dict, KeyBytes<K> key) : owned_(std::move(dict)), key_(std::move(key)) {}

  V get() const {
    engine::Value value;
    if (!dict().get(key_.view(), value)) missing("[]");
    return decode<V>(value);
  }
  void set(const V& x) const { dict().set(key_.view(), Encoded<V>(x, dict().object()).view()); }
  template <class Fn>
  ModifyResult<V, Fn> modify(Fn&& fn) const {
    return detail::modify<V>(
        dict().object(), fn, [&](engine::Modifier m) { return dict().modify(key_.view(), nullptr, m); },
        [&] { missing("[] op="); });
  }

 private:
  const engine::Dict& dict() const { return borrowed_ != nullptr ? *borrowed_ : owned_; }
  [[noreturn]] void missing(const char* operation) const {
    engine::throw_key_error(dict().object(), operation, repr_of_key<K>(key_.view()));
  }

  const engine::Dict* borrowed_ = nullptr;
  engine::Dict owned_;
  KeyBytes<K> key_;
};

}  // namespace partage::detail
