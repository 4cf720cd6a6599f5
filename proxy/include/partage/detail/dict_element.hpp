// The place behind dict[k]: a dict and the bytes of a key.
//
// Thread safety: as the handle it was made from.
#pragma once

#include <utility>

#include <partage/detail/dict_value.hpp>
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

  // The key's bytes are made where they stay: moved just after they were written, they would be waited for.

  /// Of a handle that outlives the reference.
  template <class Q>
  DictElement(const engine::Dict& dict, const Q& key) : borrowed_(&dict), key_(key) {}
  /// Of a temporary one.
  template <class Q>
  DictElement(engine::Dict&& dict, const Q& key) : owned_(std::move(dict)), key_(key) {}

  V get() const {
    auto value = get_value<K, V>(dict(), key_);
    if (!value) missing("[]");
    return *std::move(value);
  }
  void set(const V& x) const { set_value(dict(), key_, x); }
  /// modify() for built-in arithmetic, which needs no copy and no protection.
  template <class Step>
  requires(std::is_arithmetic_v<V>&& is_word<V>) V compute(Step step)
  const {
    bool done;
    const auto value = compute_value<K, V>(dict(), key_, step, done);
    if (!done) return modify(step);
    if (!value) missing("[] op=");
    return *value;
  }
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
