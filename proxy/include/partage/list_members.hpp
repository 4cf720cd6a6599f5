// The members of a shared list: those of ListProxy<T>, and of an element reference to one (outer[0].append(1)).
//
// As Python's list, in C++ spelling. Every member is const, because handles are, and every one that changes the list is
// one atomic step: whole or not at all, also when the process is killed in the middle.
// Indexes count from the end when negative; std::nullopt stands for an omitted end of a slice.
// Errors, all with nothing changed: IndexError for an index out of range, ValueError for a value that is not there
// (remove, index), OutOfMemory, ManagerShutdown, UsageError for a write from inside modify(). Complexity: O(1) for
// append, pop at either end, at, size and [i]; O(n) for what looks at all elements; insert and erase O(distance to the
// nearer end).
//
// Comparison is ==; handles inside are equal when they refer to the same object.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/detail/encoded.hpp>
#include <partage/detail/list_element.hpp>
#include <partage/detail/modify.hpp>
#include <partage/detail/ranges.hpp>
#include <partage/detail/read_list.hpp>
#include <partage/detail/same.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/error.hpp>
#include <partage/engine/list.hpp>
#include <partage/snapshot_iterator.hpp>
#include <partage/sort_options.hpp>

namespace partage {

template <class Self, class T>
class ListMembers {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using const_iterator = SnapshotIterator<T>;
  using iterator = const_iterator;
  using Index = std::ptrdiff_t;
  using OptionalIndex = std::optional<std::ptrdiff_t>;

  // ---- one element -----------------------------------------------------------------------------------------------

  std::size_t size() const { return list().size(); }
  bool empty() const { return size() == 0; }

  T at(Index i) const { return detail::get_element<T>(list(), i); }
  /// See element_ref.hpp.
  ElementRef<detail::ListElement<T>> operator[](Index i) const& {
    return ElementRef<detail::ListElement<T>>({self().list_engine(), i});
  }
  ElementRef<detail::ListElement<T>> operator[](Index i) const&& {
    return ElementRef<detail::ListElement<T>>({engine::List(self().list_engine()), i});
  }

  void append(const T& x) const {
    decltype(auto) l = list();
    if constexpr (detail::is_word<T>) {
      l.append_word(detail::to_word(x));
    } else {
      l.append(detail::Encoded<T>(x, l.object()).view());
    }
  }
  /// Before element i; an index beyond either end means that end.
  void insert(Index i, const T& x) const {
    decltype(auto) l = list();
    l.insert(i, detail::Encoded<T>(x, l.object()).view());
  }
  T pop(Index i = -1) const {
    if constexpr (detail::is_word<T>) {
      return detail::from_word<T>(list().pop_word(i));
    } else {
      engine::Value value;
      list().pop(i, value);
      return detail::decode<T>(value);
    }
  }
  /// pop() as soon as there is such an element; nullopt: not within that time. A negative one is none.
  template <class Rep, class Period>
  std::optional<T> pop_wait(const std::chrono::duration<Rep, Period>& timeout, Index i = -1) const {
    engine::Value value;
    if (!list().pop_wait(i, value, engine::deadline_in(timeout))) return std::nullopt;
    return detail::decode<T>(value);
  }
  /// Python's `del list[i]`.
  void erase(Index i) const { list().erase(i); }
  /// Runs fn(T&) on a copy of the element under the list's lock, stores it in one step, and returns what fn returned.
  /// If fn throws, nothing has changed. fn may read shared objects, not write them.
  template <class Fn>
  detail::ModifyResult<T, Fn> modify(Index i, Fn&& fn) const {
    decltype(auto) l = list();
    return detail::modify<T>(
        l.object(), fn, [&](engine::Modifier m) { return l.modify(i, m), true; }, [] {});
  }

  // ---- many elements ---------------------------------------------------------------------------------------------

  void extend(std::initializer_list<T> values) const { extend_by(values); }
  /// Any range of what converts to T, all of it in one step; also this list itself, which doubles. A dict gives its
  /// keys.
  template <detail::RangeOf<T> Range>
  void extend(Range&& range) const {
    extend_by(std::forward<Range>(range));
  }
  const Self& operator+=(std::initializer_list<T> values) const {
    extend_by(values);
    return self();
  }
  template <detail::RangeOf<T> Range>
  const Self& operator+=(Range&& range) const {
    extend_by(std::forward<Range>(range));
    return self();
  }
  /// Its elements n times over; none for n <= 0.
  const Self& operator*=(std::ptrdiff_t n) const {
    list().repeat(n);
    return self();
  }

  std::vector<T> slice(OptionalIndex start, OptionalIndex stop, std::ptrdiff_t step = 1) const {
    return detail::slice_of<T>(list(), {start, stop, step});
  }
  void assign_slice(OptionalIndex start, OptionalIndex stop, std::initializer_list<T> values,
                    std::ptrdiff_t step = 1) const {
    decltype(auto) l = list();
    l.assign_slice({start, stop, step}, detail::EncodedRange<T>(values, l.object()).views());
  }
  /// With step 1 the length may change; with another one, a range of another size than the slice is a ValueError.
  template <detail::RangeOf<T> Range>
  void assign_slice(OptionalIndex start, OptionalIndex stop, Range&& range, std::ptrdiff_t step = 1) const {
    decltype(auto) l = list();
    const detail::EncodedRange<T> values(detail::elements_of<T>(std::forward<Range>(range)), l.object());
    l.assign_slice({start, stop, step}, values.views());
  }
  void erase_slice(OptionalIndex start, OptionalIndex stop, std::ptrdiff_t step = 1) const {
    list().erase_slice({start, stop, step});
  }
  /// The elements at these indexes, each read by itself.
  template <std::ranges::input_range Indexes>
  std::vector<T> get_many(Indexes&& indexes) const {
    std::vector<T> out;
    for (const auto& i : indexes) out.push_back(at(static_cast<Index>(i)));
    return out;
  }
  std::vector<T> get_many(std::initializer_list<Index> indexes) const { return get_many<>(indexes); }

  /// One consistent state.
  std::vector<T> copy() const { return detail::copy_of<T>(list()); }
  const_iterator begin() const { return const_iterator(copy()); }
  const_iterator end() const { return {}; }
  void clear() const { list().clear(); }

  // ---- by value --------------------------------------------------------------------------------------------------

  /// Removes the first element equal to x. ValueError: there is none.
  void remove(const T& x) const {
    decltype(auto) l = list();
    for (;;) {
      detail::Elements<T> elements;
      const std::uint64_t version = detail::read_list<T>(l, elements);
      const std::size_t i = find(elements, x, 0, elements.size());
      if (i == elements.size()) engine::throw_not_in_list(l.object(), "remove", codec::repr(x));
      if (l.erase_if(version, i)) return;
    }
  }
  /// Of the first element equal to x within [start, stop). ValueError: there is none.
  std::size_t index(const T& x, OptionalIndex start = 0, OptionalIndex stop = std::nullopt) const {
    decltype(auto) l = list();
    detail::Elements<T> elements;
    detail::read_list<T>(l, elements);
    const std::size_t last = clip(stop, elements.size(), elements.size());
    const std::size_t i = find(elements, x, clip(start, elements.size(), 0), last);
    if (i >= last) engine::throw_not_in_list(l.object(), "index", codec::repr(x));
    return i;
  }
  std::size_t count(const T& x) const {
    const auto elements = snapshot();
    std::size_t n = 0;
    for (std::size_t i = 0; i < elements.size(); ++i) n += detail::same(detail::element_of<T>(elements, i), x) ? 1 : 0;
    return n;
  }
  bool contains(const T& x) const {
    const auto elements = snapshot();
    return find(elements, x, 0, elements.size()) != elements.size();
  }

  // ---- order -----------------------------------------------------------------------------------------------------

  /// Stable. Others never see the list half sorted or empty, and what they append meanwhile is not lost.
  void sort(SortOptions options = {}) const {
    sort_by([](const T& x) -> const T& { return x; }, options);
  }
  /// Ascending by key(x), which is called once for each element of a snapshot, outside the lock, and again when others
  /// have changed the list meanwhile; after a few tries under the lock. If it throws, nothing has changed.
  template <class Key>
  void sort_by(Key&& key, SortOptions options = {}) const {
    decltype(auto) l = list();
    const auto order_of = [&](const auto& elements) { return sorted_order(elements, key, options); };
    for (int tries = 0; tries < 4; ++tries) {
      detail::Elements<T> elements;
      const std::uint64_t version = detail::read_list<T>(l, elements);
      const std::vector<std::uint32_t> order = order_of(elements);
      if (std::ranges::is_sorted(order) || l.permute_if(version, order)) return;
    }
    l.reorder(order_of);
  }
  void reverse() const { list().reverse(); }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  decltype(auto) list() const { return self().list_engine(); }

  auto snapshot() const {  // by its type an incomplete T would be asked how large it is
    detail::Elements<T> out;
    detail::read_list<T>(list(), out);
    return out;
  }

  template <class Range>
  void extend_by(Range&& range) const {
    decltype(auto) l = list();
    if constexpr (detail::ListHandleOf<Range, T> && !codec::holds_handles<T>) {  // no need to decode
      engine::Snapshot other;
      range.list_engine().snapshot(other);
      l.extend(detail::views_of(other));
    } else {
      const detail::EncodedRange<T> values(detail::elements_of<T>(std::forward<Range>(range)), l.object());
      l.extend(values.views());
    }
  }

  /// As a slice clips its ends.
  static std::size_t clip(OptionalIndex i, std::size_t size, std::size_t omitted) {
    if (!i) return omitted;
    const auto n = static_cast<std::ptrdiff_t>(size);
    return static_cast<std::size_t>(*i < 0 ? std::max<std::ptrdiff_t>(*i + n, 0) : std::min(*i, n));
  }

  template <class All>
  static std::size_t find(const All& elements, const T& x, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (detail::same(detail::element_of<T>(elements, i), x)) return i;
    }
    return elements.size();
  }

  template <class All, class Key>
  static std::vector<std::uint32_t> sorted_order(const All& elements, Key& key, SortOptions options) {
    using KeyValue = std::decay_t<std::invoke_result_t<Key&, const T&>>;
    std::vector<std::pair<KeyValue, std::uint32_t>> keyed;
    keyed.reserve(elements.size());
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const T element = detail::element_of<T>(elements, i);
      keyed.emplace_back(std::invoke(key, element), static_cast<std::uint32_t>(i));
    }
    std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
      return options.reverse ? static_cast<bool>(b.first < a.first) : static_cast<bool>(a.first < b.first);
    });
    std::vector<std::uint32_t> order;
    order.reserve(keyed.size());
    for (const auto& [k, i] : keyed) order.push_back(i);
    return order;
  }
};

}  // namespace partage
