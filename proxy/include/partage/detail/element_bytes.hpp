// The elements of a set as bytes: those of ranges that are passed for one, and what is said about such bytes without
// knowing the type.
//
// Equal elements have equal bytes, so that the algebra of sets needs neither <, == nor a hash of the type.
// Thread safety: a local variable's.
#pragma once

#include <concepts>
#include <cstddef>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/encoded_pairs.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/ranges.hpp>
#include <partage/engine/dict.hpp>
#include <partage/engine/error.hpp>

namespace partage::detail {

/// A shared set, or a reference to an element that is a handle to one.
template <class R>
concept SetHandle = requires(const std::remove_cvref_t<R>& r) {
  r.set_engine();
};
template <class R, class T>
concept SetHandleOf = SetHandle<R> && std::same_as<typename std::remove_cvref_t<R>::value_type, T>;

/// What a method of a set takes: any range of what may be passed for a T; a dict gives its keys.
template <class R, class T>
concept ElementsOf = KeysOf<R, T> ||
    (std::ranges::input_range<R>&& KeyFor<std::remove_cvref_t<std::ranges::range_reference_t<R>>, T>);

/// A local set: comparing with anything else does not compile, as Python's set compares with sets alone.
template <class R, class T>
concept LocalSetOf = ElementsOf<R, T> && !SetHandle<R> && !DictHandle<R> && requires {
  typename std::remove_cvref_t<R>::key_type;
  requires std::same_as < typename std::remove_cvref_t<R>::key_type,
  typename std::remove_cvref_t<R>::value_type > ;
};

inline std::string_view text_of(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

/// Of one or several ranges, one behind the other in one buffer; as they come, repetitions too.
template <class T>
class ElementBytes {
 public:
  template <class... Ranges>
  explicit ElementBytes(Ranges&&... ranges) {
    static_assert(DictKey<T>::value);
    (add(std::forward<Ranges>(ranges)), ...);
    views_.reserve(ends_.size());
    std::size_t from = 0;
    for (const std::size_t end : ends_) {
      views_.emplace_back(scratch_->data() + from, end - from);
      from = end;
    }
  }
  std::span<const BytesView> views() const { return views_; }

 private:
  template <class Range>
  void add(Range&& range) {
    if constexpr (SetHandleOf<Range, T>) {
      engine::Snapshot elements;
      range.set_engine().snapshot(&elements, nullptr);
      for (std::size_t i = 0; i < elements.size(); ++i) {
        scratch_->write(elements[i].bytes.data, elements[i].bytes.size);
        ends_.push_back(scratch_->size());
      }
    } else {
      for (auto&& element : elements_of<T>(std::forward<Range>(range))) {
        codec::encode_key(*scratch_, static_cast<const T&>(as<T>(std::forward<decltype(element)>(element))));
        if (!scratch_->refs().empty()) engine::throw_handle_in_key(codec::description<T>());
        ends_.push_back(scratch_->size());
      }
    }
  }

  codec::Scratch scratch_;
  std::vector<std::size_t> ends_;
  std::vector<BytesView> views_;
};

/// The same elements to be looked for. Borrows their bytes.
class ElementIndex {
 public:
  explicit ElementIndex(std::span<const BytesView> elements) {
    seen_.reserve(elements.size());
    for (const BytesView element : elements) seen_.insert(text_of(element));
  }
  bool contains(BytesView element) const { return seen_.contains(text_of(element)); }
  /// Each counts once.
  std::size_t size() const { return seen_.size(); }
  bool contains_all(std::span<const BytesView> elements) const {
    for (const BytesView element : elements) {
      if (!contains(element)) return false;
    }
    return true;
  }
  bool contains_any(std::span<const BytesView> elements) const {
    for (const BytesView element : elements) {
      if (contains(element)) return true;
    }
    return false;
  }

 private:
  std::unordered_set<std::string_view> seen_;
};

}  // namespace partage::detail
