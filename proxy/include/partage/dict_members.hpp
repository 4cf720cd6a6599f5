// The members of a shared dict: those of DictProxy<K, V>, and of an element reference to one (outer["k"].set("n", 1)).
//
// As Python's dict, in C++ spelling: in the order of insertion; overwriting keeps the place, erase + set moves to the
// end. Every member is const, because handles are, and every one that changes the dict is one atomic step, update()
// too: whole or not at all, also when the process is killed in the middle. set_many() alone is a step for each pair.
// A key is passed as K or what converts to it; for string keys also as a literal or string_view, without a copy.
// Keys are equal when their encodings are; -0.0 is stored as 0.0.
// Errors, all with nothing changed: KeyError for a key that is not there ([], at, erase, pop, modify), ValueError for
// NaN as key, OutOfMemory, ManagerShutdown, UsageError for a write from inside modify().
// Complexity: O(1) for one key and popitem; O(n) for what looks at all.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/detail/dict_batch.hpp>
#include <partage/detail/dict_element.hpp>
#include <partage/detail/dict_value.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/encoded_pairs.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/modify.hpp>
#include <partage/detail/ranges.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/dict.hpp>
#include <partage/ordered_dict.hpp>
#include <partage/snapshot_iterator.hpp>

namespace partage {

template <class Self, class K, class V>
class DictMembers {
  using Bytes = detail::KeyBytes<K>;
  using Ref = ElementRef<detail::DictElement<K, V>>;

 public:
  using key_type = K;
  using mapped_type = V;
  using value_type = std::pair<K, V>;
  using size_type = std::size_t;
  using const_iterator = SnapshotIterator<value_type>;
  using iterator = const_iterator;

  // ---- one key ---------------------------------------------------------------------------------------------------

  std::size_t size() const { return dict().size(); }
  bool empty() const { return size() == 0; }

  /// See element_ref.hpp. Reading a missing key throws KeyError.
  template <detail::KeyFor<K> Q = K>
  Ref operator[](const Q& key) const& {
    return Ref(std::in_place, self().dict_engine(), key);
  }
  template <detail::KeyFor<K> Q = K>
  Ref operator[](const Q& key) const&& {
    return Ref(std::in_place, engine::Dict(self().dict_engine()), key);
  }

  template <detail::KeyFor<K> Q = K>
  V at(const Q& key) const {
    const Bytes bytes(key);
    decltype(auto) d = dict();
    auto value = detail::get_value<K, V>(d, bytes);
    if (!value) missing(d, "at", bytes);
    return *std::move(value);
  }
  template <detail::KeyFor<K> Q = K>
  std::optional<V> get(const Q& key) const {
    return detail::get_value<K, V>(dict(), Bytes(key));
  }
  template <detail::KeyFor<K> Q = K>
  V get(const Q& key, V fallback) const {
    auto value = detail::get_value<K, V>(dict(), Bytes(key));
    return value ? *std::move(value) : fallback;
  }
  /// get() as soon as the key is there; nullopt: not within that time. A negative one is none.
  template <detail::KeyFor<K> Q = K, class Rep, class Period>
  std::optional<V> wait(const Q& key, const std::chrono::duration<Rep, Period>& timeout) const {
    engine::Value value;
    if (!dict().wait(Bytes(key).view(), value, engine::deadline_in(timeout))) return std::nullopt;
    return detail::decode<V>(value);
  }
  template <detail::KeyFor<K> Q = K>
  bool contains(const Q& key) const {
    return dict().contains(Bytes(key).view());
  }

  template <detail::KeyFor<K> Q = K>
  void set(const Q& key, const V& value) const {
    const Bytes bytes(key);
    detail::set_value(dict(), bytes, value);
  }
  /// Stores `value` unless the key is there; returns what is there afterwards.
  template <detail::KeyFor<K> Q = K>
  V setdefault(const Q& key, const V& value) const {
    const Bytes bytes(key);
    engine::Value out;
    decltype(auto) d = dict();
    d.setdefault(bytes.view(), detail::Encoded<V>(value, d.object()).view(), out);
    return detail::decode<V>(out);
  }
  template <detail::KeyFor<K> Q = K>
  void erase(const Q& key) const {
    const Bytes bytes(key);
    decltype(auto) d = dict();
    if (!d.erase(bytes.view())) missing(d, "erase", bytes);
  }
  template <detail::KeyFor<K> Q = K>
  V pop(const Q& key) const {
    const Bytes bytes(key);
    engine::Value value;
    decltype(auto) d = dict();
    if (!d.pop(bytes.view(), value)) missing(d, "pop", bytes);
    return detail::decode<V>(value);
  }
  template <detail::KeyFor<K> Q = K>
  V pop(const Q& key, V fallback) const {
    engine::Value value;
    if (!dict().pop(Bytes(key).view(), value)) return fallback;
    return detail::decode<V>(value);
  }
  /// The pair that was inserted last. KeyError: the dict is empty.
  value_type popitem() const {
    partage::Bytes key;
    engine::Value value;
    decltype(auto) d = dict();
    if (!d.popitem(key, value)) engine::throw_empty_dict(d.object(), "popitem");
    return {detail::decode_key<K>(key.view()), detail::decode<V>(value)};
  }

  /// Runs fn(V&) on a copy of the value under the dict's lock, stores it in one step, and returns what fn returned. If
  /// fn throws, nothing has changed. fn may read shared objects, not write them.
  template <detail::KeyFor<K> Q = K, class Fn>
  requires std::invocable<Fn&, V&> detail::ModifyResult<V, Fn> modify(const Q& key, Fn&& fn)
  const {
    const Bytes bytes(key);
    decltype(auto) d = dict();
    return detail::modify<V>(
        d.object(), fn, [&](engine::Modifier m) { return d.modify(bytes.view(), nullptr, m); },
        [&] { missing(d, "modify", bytes); });
  }
  /// The same, with `initial` for a missing key.
  template <detail::KeyFor<K> Q = K, class Fn>
  requires std::invocable<Fn&, V&> detail::ModifyResult<V, Fn> modify(const Q& key, const V& initial, Fn&& fn)
  const {
    const Bytes bytes(key);
    decltype(auto) d = dict();
    const detail::Encoded<V> encoded(initial, d.object());
    const BytesView view = encoded.view();
    return detail::modify<V>(
        d.object(), fn, [&](engine::Modifier m) { return d.modify(bytes.view(), &view, m); }, [] {});
  }

  // ---- many keys -------------------------------------------------------------------------------------------------

  /// All pairs in ONE step; of a key that comes twice the later value.
  void update(std::initializer_list<value_type> pairs) const { update_by(dict(), pairs); }
  /// Any range of pairs, a map, an ordered_dict, or another DictProxy.
  template <detail::PairsOf<K, V> Range>
  void update(Range&& range) const {
    decltype(auto) d = dict();
    if constexpr (detail::DictHandle<Range>) {
      if (range.dict_engine().object() == d.object()) return;
    }
    update_by(d, range);
  }
  const Self& operator|=(std::initializer_list<value_type> pairs) const {
    update(pairs);
    return self();
  }
  template <detail::PairsOf<K, V> Range>
  const Self& operator|=(Range&& range) const {
    update(std::forward<Range>(range));
    return self();
  }
  /// The values of these keys, each read by itself; nullopt for one that is not there.
  template <std::ranges::input_range Keys>
  std::vector<std::optional<V>> get_many(Keys&& keys) const {
    std::vector<std::optional<V>> out;
    decltype(auto) d = dict();
    if constexpr (std::ranges::forward_range<Keys>) {
      if constexpr (std::ranges::sized_range<Keys>) out.reserve(std::ranges::size(keys));
      const auto itself = [](const auto& key) { return Bytes(key); };
      detail::in_groups<K>(d, keys, itself,
                           [&](const Bytes& key, const auto&) { out.push_back(detail::get_value<K, V>(d, key)); });
    } else {
      for (const auto& key : keys) out.push_back(get(key));
    }
    return out;
  }
  std::vector<std::optional<V>> get_many(std::initializer_list<K> keys) const { return get_many<>(keys); }
  /// set() for each of the pairs, in their order, faster than one by one in a large dict. Each is a step of its own, so
  /// others see some of them, and what throws OutOfMemory in the middle has set those before; for all or none see update().
  template <detail::PairsOf<K, V> Pairs>
  requires(std::ranges::forward_range<Pairs>) void set_many(Pairs&& pairs) const {
    decltype(auto) d = dict();
    const auto key_of = [](auto&& pair) { return Bytes(std::get<0>(pair)); };
    detail::in_groups<K>(d, pairs, key_of, [&](const Bytes& key, const auto& it) {
      auto&& pair = *it;
      const auto& value = std::get<1>(pair);
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, V>) {
        detail::set_value(d, key, value);
      } else {
        detail::set_value(d, key, static_cast<V>(value));
      }
    });
  }
  void set_many(std::initializer_list<value_type> pairs) const { set_many<>(pairs); }
  void clear() const { dict().clear(); }

  // ---- snapshots: one consistent state, in the order of insertion ------------------------------------------------

  std::vector<K> keys() const {
    engine::Snapshot snapshot;
    dict().snapshot(&snapshot, nullptr);
    std::vector<K> out;
    out.reserve(snapshot.size());
    for (std::size_t i = 0; i < snapshot.size(); ++i) out.push_back(detail::decode_key<K>(snapshot[i].bytes));
    return out;
  }
  std::vector<V> values() const {
    engine::Snapshot snapshot;
    dict().snapshot(nullptr, &snapshot);
    return detail::decode_each<V>(snapshot);
  }
  std::vector<value_type> items() const {
    engine::Snapshot keys;
    engine::Snapshot values;
    dict().snapshot(&keys, &values);
    std::vector<value_type> out;
    out.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      out.emplace_back(detail::decode_key<K>(keys[i].bytes), detail::decode<V>(values[i]));
    }
    return out;
  }
  ordered_dict<K, V> copy() const { return ordered_dict<K, V>(items()); }
  const_iterator begin() const { return const_iterator(items()); }
  const_iterator end() const { return {}; }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  decltype(auto) dict() const { return self().dict_engine(); }

  template <class Range>
  static void update_by(const engine::Dict& d, Range&& range) {
    d.update(detail::EncodedPairs<K, V>(range, d.object()).pairs());
  }
  [[noreturn]] static void missing(const engine::Dict& d, const char* operation, const Bytes& key) {
    engine::throw_key_error(d.object(), operation, detail::repr_of_key<K>(key.view()));
  }
};

}  // namespace partage
