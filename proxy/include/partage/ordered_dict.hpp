// ordered_dict<K, V>: what DictProxy::copy() returns. A local map that keeps the order of insertion, as Python's dict.
//
//   partage::ordered_dict<std::string, int> d{{"a", 1}, {"b", 2}};
//   d["c"] = 3;
//   for (const auto& [k, v] : d) std::cout << k << v;       // a1b2c3
//
// Use it where order matters or keys have no < and no hash; std::map and std::unordered_map otherwise.
// Keys are equal when they would be in a shared dict: by their encoding, so they need neither ==, < nor a hash. Values
// are written through [] and iterators; a key that is changed through an iterator is not found again.
// Differences to std::map: order of insertion; == ignores it, as Python's does. Iterators are those of a vector:
// insertion and erasure invalidate them. Complexity: find, [], insertion O(1) on average; erase O(n).
// Thread safety: as std::map: many may read. Lives in this process alone.
// Errors: at() KeyError; a NaN as key ValueError.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/ranges.hpp>
#include <partage/detail/same.hpp>
#include <partage/engine/error.hpp>

namespace partage {

template <class K, class V>
class ordered_dict {
  using Items = std::vector<std::pair<K, V>>;

 public:
  using key_type = K;
  using mapped_type = V;
  using value_type = std::pair<K, V>;
  using size_type = std::size_t;
  using iterator = typename Items::iterator;
  using const_iterator = typename Items::const_iterator;

  ordered_dict() = default;
  ordered_dict(std::initializer_list<value_type> items) { insert_each(items); }
  template <detail::PairsOf<K, V> Range>
  requires(!std::is_same_v<std::remove_cvref_t<Range>, ordered_dict>) explicit ordered_dict(Range&& range) {
    insert_each(range);
  }

  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  iterator begin() noexcept { return items_.begin(); }
  iterator end() noexcept { return items_.end(); }
  const_iterator begin() const noexcept { return items_.begin(); }
  const_iterator end() const noexcept { return items_.end(); }

  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > iterator find(const Q& key) {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    return i == none ? end() : begin() + static_cast<std::ptrdiff_t>(i);
  }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > const_iterator find(const Q& key) const {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    return i == none ? end() : begin() + static_cast<std::ptrdiff_t>(i);
  }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > bool contains(const Q& key) const { return position(detail::KeyBytes<K>(key)) != none; }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > const V& at(const Q& key) const {
    const detail::KeyBytes<K> bytes(key);
    const std::size_t i = position(bytes);
    if (i == none) engine::throw_key_error({}, "at", detail::repr_of_key<K>(bytes.view()));
    return items_[i].second;
  }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > V& at(const Q& key) { return const_cast<V&>(std::as_const(*this).at(key)); }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > const V& operator[](const Q& key) const { return at(key); }
  /// Inserts a V{} for a missing key, as std::map.
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > V& operator[](const Q& key) {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    if (i != none) return items_[i].second;
    append(K(key), V{});
    return items_.back().second;
  }

  /// A key that is there keeps its place and gets the value.
  void insert_or_assign(K key, V value) {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    if (i == none)
      append(std::move(key), std::move(value));
    else
      items_[i].second = std::move(value);
  }
  /// Does nothing when the key is there.
  std::pair<iterator, bool> emplace(K key, V value) {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    if (i != none) return {begin() + static_cast<std::ptrdiff_t>(i), false};
    append(std::move(key), std::move(value));
    return {std::prev(end()), true};
  }
  template <class Q>
  requires std::constructible_from < detail::KeyBytes<K>,
  const Q& > std::size_t erase(const Q& key) {
    const std::size_t i = position(detail::KeyBytes<K>(key));
    if (i == none) return 0;
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i));
    index();
    return 1;
  }
  void clear() {
    items_.clear();
    slots_.clear();
  }

  /// Equal keys with equal values, in whatever order.
  friend bool operator==(const ordered_dict& a, const ordered_dict& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a) {
      const auto other = b.find(key);
      if (other == b.end() || !detail::same(value, other->second)) return false;
    }
    return true;
  }
  friend std::ostream& operator<<(std::ostream& out, const ordered_dict& d) {
    codec::repr(out, d);
    return out;
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::size_t index_from = 9;  // fewer are looked through

  static std::size_t hash(BytesView key) {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(key.data), key.size});
  }
  bool is_at(std::size_t i, BytesView key) const {
    const detail::KeyBytes<K> there(items_[i].first);
    const BytesView view = there.view();
    return view.size == key.size && (key.size == 0 || std::memcmp(view.data, key.data, key.size) == 0);
  }
  std::size_t position(const detail::KeyBytes<K>& key) const {
    if (slots_.empty()) {
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (is_at(i, key.view())) return i;
      }
      return none;
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t s = hash(key.view()) & mask; slots_[s] != 0; s = (s + 1) & mask) {
      if (is_at(slots_[s] - 1, key.view())) return slots_[s] - 1;
    }
    return none;
  }
  void append(K key, V value) {
    items_.emplace_back(std::move(key), std::move(value));
    if (items_.size() * 2 > slots_.size())
      index();
    else
      enter(items_.size() - 1);
  }
  void enter(std::size_t i) {
    const detail::KeyBytes<K> key(items_[i].first);
    const std::size_t mask = slots_.size() - 1;
    std::size_t s = hash(key.view()) & mask;
    while (slots_[s] != 0) s = (s + 1) & mask;
    slots_[s] = i + 1;
  }
  void index() {
    slots_.clear();
    if (items_.size() < index_from) return;
    std::size_t n = 32;
    while (n < items_.size() * 3) n *= 2;
    slots_.resize(n);
    for (std::size_t i = 0; i < items_.size(); ++i) enter(i);
  }
  template <class Range>
  void insert_each(const Range& range) {
    for (const auto& item : range) {
      insert_or_assign(static_cast<K>(std::get<0>(item)), static_cast<V>(std::get<1>(item)));
    }
  }

  Items items_;
  std::vector<std::size_t> slots_;  // open addressing: index of the item + 1; empty while there are few
};

template <class K, class V>
struct codec::Shape<ordered_dict<K, V>> : codec::Is<codec::Kind::map, K, V> {
  static constexpr bool ordered = false;  // equal ones may iterate in different orders
};

}  // namespace partage
