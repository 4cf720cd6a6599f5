// The members of a shared array: those of Array<T>, and of an element reference to one (outer[0][1] = 5).
//
// Those of a list that leave its length alone. Every one that changes the array is one atomic step.
// Indexes count from the end when negative; std::nullopt stands for an omitted end of a slice.
// Errors, all with nothing changed: IndexError for an index out of range, ValueError for a slice of another length,
// OutOfMemory, ManagerShutdown, UsageError for a write from inside modify(). Complexity: O(1) for at, size and [i]; O(n)
// for what looks at all elements.
// Thread and process safety: full.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <partage/detail/encoded.hpp>
#include <partage/detail/list_element.hpp>
#include <partage/detail/modify.hpp>
#include <partage/detail/ranges.hpp>
#include <partage/detail/read_list.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/companion.hpp>
#include <partage/engine/list.hpp>
#include <partage/lock.hpp>
#include <partage/snapshot_iterator.hpp>

namespace partage {

template <class Self, class T>
class ArrayMembers {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using const_iterator = SnapshotIterator<T>;
  using iterator = const_iterator;
  using Index = std::ptrdiff_t;
  using OptionalIndex = std::optional<std::ptrdiff_t>;

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
  /// Runs fn(T&) on a copy of the element under the array's lock, stores it in one step, and returns what fn returned.
  /// If fn throws, nothing has changed. fn may read shared objects, not write them.
  template <class Fn>
  detail::ModifyResult<T, Fn> modify(Index i, Fn&& fn) const {
    decltype(auto) l = list();
    return detail::modify<T>(
        l.object(), fn, [&](engine::Modifier m) { return l.modify(i, m), true; }, [] {});
  }

  std::vector<T> slice(OptionalIndex start, OptionalIndex stop, std::ptrdiff_t step = 1) const {
    return detail::slice_of<T>(list(), {start, stop, step});
  }
  /// As many values as the slice has elements.
  void assign_slice(OptionalIndex start, OptionalIndex stop, std::initializer_list<T> values,
                    std::ptrdiff_t step = 1) const {
    decltype(auto) l = list();
    l.assign_slice({start, stop, step}, detail::EncodedRange<T>(values, l.object()).views());
  }
  template <detail::RangeOf<T> Range>
  void assign_slice(OptionalIndex start, OptionalIndex stop, Range&& range, std::ptrdiff_t step = 1) const {
    decltype(auto) l = list();
    const detail::EncodedRange<T> values(detail::elements_of<T>(std::forward<Range>(range)), l.object());
    l.assign_slice({start, stop, step}, values.views());
  }

  /// One consistent state.
  std::vector<T> copy() const { return detail::copy_of<T>(list()); }
  const_iterator begin() const { return const_iterator(copy()); }
  const_iterator end() const { return {}; }

  /// A lock that belongs to the array, made with the first call. It excludes only those who take it.
  RLock get_lock() const {
    decltype(auto) l = list();
    return codec::HandleTraits<RLock>::make(engine::companion(l.object(), [&] {
      return engine::create_sync(engine::session_of(l.object()), {.kind = engine::SyncKind::rlock}, "");
    }));
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  decltype(auto) list() const { return self().list_engine(); }
};

}  // namespace partage
