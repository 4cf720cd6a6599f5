// The members of a shared set: those of SetProxy<T>, and of an element reference to one (outer["k"].add(1)).
//
// As Python's set, in C++ spelling. Every member is const, because handles are, and every one that changes the set is
// one atomic step, whole or not at all, also when the process is killed in the middle: update() with three ranges too.
// What is passed for a set is any range of elements, a list, or a dict for its keys; another shared set is read first,
// in one state of it, and its lock is not held any more while this one changes. A set may be its own argument.
// An element is passed as T or what converts to it; for strings also as a literal or string_view.
// Elements are equal when their encodings are; -0.0 is stored as 0.0.
// Errors, all with nothing changed: KeyError for an element that is not there (remove) and for pop() of an empty set,
// ValueError for NaN, OutOfMemory, ManagerShutdown, UsageError for a write from inside modify().
// Complexity: O(1) for one element and pop(); O(n) for what looks at all.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/detail/element_bytes.hpp>
#include <partage/detail/key.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/dict.hpp>
#include <partage/snapshot_iterator.hpp>

namespace partage {

namespace detail {

/// An order for types that have none of their own: that of their encodings.
template <class T>
struct ByEncoding {
  bool operator()(const T& a, const T& b) const {
    const KeyBytes<T> x(a), y(b);
    return text_of(x.view()) < text_of(y.view());
  }
};

template <class T>
concept HasLess = requires(const T& a, const T& b) {
  { a < b } -> std::convertible_to<bool>;
};

template <class T>
using LocalSet = std::conditional_t<HasLess<T>, std::set<T>, std::set<T, ByEncoding<T>>>;

}  // namespace detail

/// What SetProxy<T>::copy() and the algebra of sets return: std::set<T>; a T without < is ordered by its encoding.
template <class T>
using local_set = detail::LocalSet<T>;

template <class Self, class T>
class SetMembers {
  using Bytes = detail::KeyBytes<T>;
  using Elements = detail::ElementBytes<T>;
  using Index = detail::ElementIndex;

 public:
  using key_type = T;
  using value_type = T;
  using size_type = std::size_t;
  using const_iterator = SnapshotIterator<T>;
  using iterator = const_iterator;

  // ---- one element -----------------------------------------------------------------------------------------------

  std::size_t size() const { return set().size(); }
  bool empty() const { return size() == 0; }

  template <detail::KeyFor<T> Q = T>
  bool contains(const Q& element) const {
    return set().contains(Bytes(element).view());
  }
  template <detail::KeyFor<T> Q = T>
  void add(const Q& element) const {
    set().add(Bytes(element).view());
  }
  template <detail::KeyFor<T> Q = T>
  void remove(const Q& element) const {
    const Bytes bytes(element);
    decltype(auto) s = set();
    if (!s.erase(bytes.view())) engine::throw_no_element(s.object(), "remove", detail::repr_of_key<T>(bytes.view()));
  }
  template <detail::KeyFor<T> Q = T>
  void discard(const Q& element) const {
    set().erase(Bytes(element).view());
  }
  /// Takes an element out: the one added last.
  T pop() const {
    partage::Bytes element;
    engine::Value value;
    decltype(auto) s = set();
    if (!s.popitem(element, value)) engine::throw_empty_set(s.object(), "pop");
    return detail::decode_key<T>(element.view());
  }
  void clear() const { set().clear(); }

  // ---- changes by other sets, each ONE step -----------------------------------------------------------------------

  void update(std::initializer_list<T> elements) const { set().add_many(Elements(elements).views()); }
  template <detail::ElementsOf<T>... Ranges>
  void update(Ranges&&... ranges) const {
    set().add_many(Elements(std::forward<Ranges>(ranges)...).views());
  }

  /// Keeps what is in all of them.
  void intersection_update(std::initializer_list<T> elements) const { set().retain(Elements(elements).views()); }
  template <detail::ElementsOf<T>... Ranges>
  void intersection_update(Ranges&&... ranges) const {
    if constexpr (sizeof...(Ranges) == 1) {
      set().retain(Elements(std::forward<Ranges>(ranges)...).views());
    } else if constexpr (sizeof...(Ranges) > 1) {
      intersect(std::forward<Ranges>(ranges)...);
    }
  }

  /// Removes what is in any of them.
  void difference_update(std::initializer_list<T> elements) const { set().erase_many(Elements(elements).views()); }
  template <detail::ElementsOf<T>... Ranges>
  void difference_update(Ranges&&... ranges) const {
    if ((is_self(ranges) || ...)) return clear();
    set().erase_many(Elements(std::forward<Ranges>(ranges)...).views());
  }

  /// Removes what is in both and adds what is only there.
  void symmetric_difference_update(std::initializer_list<T> elements) const {
    set().toggle(Elements(elements).views());
  }
  template <detail::ElementsOf<T> Range>
  void symmetric_difference_update(Range&& range) const {
    if (is_self(range)) return clear();
    set().toggle(Elements(std::forward<Range>(range)).views());
  }

  const Self& operator|=(std::initializer_list<T> elements) const { return update(elements), self(); }
  const Self& operator&=(std::initializer_list<T> elements) const { return intersection_update(elements), self(); }
  const Self& operator-=(std::initializer_list<T> elements) const { return difference_update(elements), self(); }
  const Self& operator^=(std::initializer_list<T> elements) const {
    return symmetric_difference_update(elements), self();
  }
  template <detail::ElementsOf<T> Range>
  const Self& operator|=(Range&& range) const {
    return update(std::forward<Range>(range)), self();
  }
  template <detail::ElementsOf<T> Range>
  const Self& operator&=(Range&& range) const {
    return intersection_update(std::forward<Range>(range)), self();
  }
  template <detail::ElementsOf<T> Range>
  const Self& operator-=(Range&& range) const {
    return difference_update(std::forward<Range>(range)), self();
  }
  template <detail::ElementsOf<T> Range>
  const Self& operator^=(Range&& range) const {
    return symmetric_difference_update(std::forward<Range>(range)), self();
  }

  // ---- local results: this set in one state of it ------------------------------------------------------------------

  local_set<T> copy() const { return union_(); }

  local_set<T> union_(std::initializer_list<T> elements) const { return union_<std::initializer_list<T>&>(elements); }
  template <detail::ElementsOf<T>... Ranges>
  local_set<T> union_(Ranges&&... ranges) const {
    const Elements all(self(), std::forward<Ranges>(ranges)...);
    return chosen(all.views(), [](BytesView) { return true; });
  }
  local_set<T> intersection(std::initializer_list<T> elements) const {
    return intersection<std::initializer_list<T>&>(elements);
  }
  template <detail::ElementsOf<T>... Ranges>
  local_set<T> intersection(Ranges&&... ranges) const {
    const Elements mine(self());
    return with_indexes(
        [&](const auto&... other) {
          return chosen(mine.views(), [&]([[maybe_unused]] BytesView e) { return (other.contains(e) && ...); });
        },
        std::forward<Ranges>(ranges)...);
  }
  local_set<T> difference(std::initializer_list<T> elements) const {
    return difference<std::initializer_list<T>&>(elements);
  }
  template <detail::ElementsOf<T>... Ranges>
  local_set<T> difference(Ranges&&... ranges) const {
    const Elements mine(self());
    return with_indexes(
        [&](const auto&... other) {
          return chosen(mine.views(), [&]([[maybe_unused]] BytesView e) { return !(other.contains(e) || ...); });
        },
        std::forward<Ranges>(ranges)...);
  }
  local_set<T> symmetric_difference(std::initializer_list<T> elements) const {
    return symmetric_difference<std::initializer_list<T>&>(elements);
  }
  template <detail::ElementsOf<T> Range>
  local_set<T> symmetric_difference(Range&& range) const {
    const Elements mine(self()), theirs(std::forward<Range>(range));
    const Index here(mine.views()), there(theirs.views());
    local_set<T> out = chosen(mine.views(), [&](BytesView e) { return !there.contains(e); });
    out.merge(chosen(theirs.views(), [&](BytesView e) { return !here.contains(e); }));
    return out;
  }

  bool issubset(std::initializer_list<T> elements) const { return issubset<std::initializer_list<T>&>(elements); }
  template <detail::ElementsOf<T> Range>
  bool issubset(Range&& range) const {
    const Elements mine(self()), theirs(std::forward<Range>(range));
    return Index(theirs.views()).contains_all(mine.views());
  }
  bool issuperset(std::initializer_list<T> elements) const { return issuperset<std::initializer_list<T>&>(elements); }
  template <detail::ElementsOf<T> Range>
  bool issuperset(Range&& range) const {
    const Elements mine(self()), theirs(std::forward<Range>(range));
    return Index(mine.views()).contains_all(theirs.views());
  }
  bool isdisjoint(std::initializer_list<T> elements) const { return isdisjoint<std::initializer_list<T>&>(elements); }
  template <detail::ElementsOf<T> Range>
  bool isdisjoint(Range&& range) const {
    const Elements mine(self()), theirs(std::forward<Range>(range));
    return !Index(mine.views()).contains_any(theirs.views());
  }

  /// Over one state, in the order in which the elements were added.
  const_iterator begin() const {
    engine::Snapshot elements;
    set().snapshot(&elements, nullptr);
    std::vector<T> out;
    out.reserve(elements.size());
    for (std::size_t i = 0; i < elements.size(); ++i) out.push_back(detail::decode_key<T>(elements[i].bytes));
    return const_iterator(std::move(out));
  }
  const_iterator end() const { return {}; }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  decltype(auto) set() const { return self().set_engine(); }

  template <class Range>
  bool is_self(const Range& range) const {
    if constexpr (detail::SetHandleOf<Range, T>) {
      return range.set_engine().object() == set().object();
    } else {
      return false;
    }
  }

  template <class First, class... Rest>
  void intersect(First&& first, Rest&&... rest) const {
    const Elements elements(std::forward<First>(first));
    with_indexes(
        [&](const auto&... other) {
          std::vector<BytesView> kept;
          for (const BytesView e : elements.views()) {
            if ((other.contains(e) && ...)) kept.push_back(e);
          }
          set().retain(kept);
        },
        std::forward<Rest>(rest)...);
  }

  /// fn(an index of each range).
  template <class Fn>
  static decltype(auto) with_indexes(Fn fn) {
    return fn();
  }
  template <class Fn, class First, class... Rest>
  static auto with_indexes(Fn fn, First&& first, Rest&&... rest) {
    const Elements elements(std::forward<First>(first));
    const Index index(elements.views());
    return with_indexes([&](const auto&... others) { return fn(index, others...); }, std::forward<Rest>(rest)...);
  }

  template <class Wanted>
  static local_set<T> chosen(std::span<const BytesView> elements, Wanted wanted) {
    local_set<T> out;
    for (const BytesView e : elements) {
      if (wanted(e)) out.insert(detail::decode_key<T>(e));
    }
    return out;
  }
};

}  // namespace partage
