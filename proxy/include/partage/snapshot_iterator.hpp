// What begin() of a shared container returns: a forward iterator over a copy of the contents, taken in one step.
//
//   for (const auto& x : list) list.append(x);      // ends: it walks over what was there when it began
//
// The copy lives as long as an iterator of it. end() is a mark that every iterator equals once it has passed its last
// element. Unlike an iterator of std::vector it cannot be invalidated, and its elements cannot be written.
// Thread safety: as a pointer. Errors: none after begin(). Complexity: begin() O(n), the rest O(1).
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace partage {

template <class T>
class SnapshotIterator {
  using Items = std::vector<T>;

 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using reference = typename Items::const_reference;
  using pointer = const T*;

  SnapshotIterator() = default;  ///< the end
  explicit SnapshotIterator(Items items)
      : items_(std::make_shared<const Items>(std::move(items))), at_(items_->begin()), end_(items_->end()) {}

  reference operator*() const { return *at_; }
  pointer operator->() const { return &*at_; }
  SnapshotIterator& operator++() {
    ++at_;
    return *this;
  }
  SnapshotIterator operator++(int) {
    SnapshotIterator before = *this;
    ++at_;
    return before;
  }
  bool operator==(const SnapshotIterator& other) const {
    if (ended() || other.ended()) return ended() == other.ended();
    return items_ == other.items_ && at_ == other.at_;
  }

 private:
  bool ended() const { return at_ == end_; }

  std::shared_ptr<const Items> items_;
  typename Items::const_iterator at_{}, end_{};
};

}  // namespace partage
