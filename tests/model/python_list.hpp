// Python's list as a local model: what ListProxy must do, restated without any of its code. Indexes and slices follow
// CPython's PySlice_AdjustIndices; exceptions are IndexError and ValueError.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <partage/error.hpp>
#include <vector>

namespace partage::test {

template <class T>
class PythonList {
 public:
  using Bound = std::optional<std::ptrdiff_t>;

  std::vector<T> items;

  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(items.size()); }

  T& item(std::ptrdiff_t i) {
    if (i < 0) i += size();
    if (i < 0 || i >= size()) throw IndexError("model");
    return items[static_cast<std::size_t>(i)];
  }
  void insert(std::ptrdiff_t i, const T& x) {
    if (i < 0) i = std::max<std::ptrdiff_t>(0, i + size());
    i = std::min(i, size());
    items.insert(items.begin() + i, x);
  }
  T pop(std::ptrdiff_t i = -1) {
    T x = item(i);
    items.erase(items.begin() + (i < 0 ? i + size() : i));
    return x;
  }
  void remove(const T& x) {
    const auto it = std::find(items.begin(), items.end(), x);
    if (it == items.end()) throw ValueError("model");
    items.erase(it);
  }
  std::ptrdiff_t index(const T& x, std::ptrdiff_t start, std::ptrdiff_t stop) const {
    const auto clip = [&](std::ptrdiff_t i) { return std::clamp<std::ptrdiff_t>(i < 0 ? i + size() : i, 0, size()); };
    for (std::ptrdiff_t i = clip(start); i < clip(stop); ++i) {
      if (items[static_cast<std::size_t>(i)] == x) return i;
    }
    throw ValueError("model");
  }

  /// The positions a slice names, in its order.
  std::vector<std::ptrdiff_t> positions(Bound start, Bound stop, std::ptrdiff_t step) const {
    if (step == 0) throw ValueError("model");
    const std::ptrdiff_t n = size();
    const auto adjust = [&](Bound b, std::ptrdiff_t absent) {
      if (!b) return absent;
      std::ptrdiff_t i = *b;
      if (i < 0) {
        i += n;
        if (i < 0) i = step < 0 ? -1 : 0;
      } else if (i >= n) {
        i = step < 0 ? n - 1 : n;
      }
      return i;
    };
    const std::ptrdiff_t from = adjust(start, step < 0 ? n - 1 : 0), to = adjust(stop, step < 0 ? -1 : n);
    std::vector<std::ptrdiff_t> result;
    for (std::ptrdiff_t i = from; step > 0 ? i < to : i > to; i += step) result.push_back(i);
    return result;
  }
  std::vector<T> slice(Bound start, Bound stop, std::ptrdiff_t step) const {
    std::vector<T> result;
    for (const std::ptrdiff_t i : positions(start, stop, step)) result.push_back(items[static_cast<std::size_t>(i)]);
    return result;
  }
  void assign_slice(Bound start, Bound stop, const std::vector<T>& values, std::ptrdiff_t step) {
    const auto where = positions(start, stop, step);
    if (step != 1) {
      if (where.size() != values.size()) throw ValueError("model");
      for (std::size_t i = 0; i < where.size(); ++i) items[static_cast<std::size_t>(where[i])] = values[i];
      return;
    }
    // A contiguous slice may change the length; an empty one inserts at its start.
    std::ptrdiff_t from = where.empty() ? first_of(start) : where.front();
    items.erase(items.begin() + from, items.begin() + from + static_cast<std::ptrdiff_t>(where.size()));
    items.insert(items.begin() + from, values.begin(), values.end());
  }
  void erase_slice(Bound start, Bound stop, std::ptrdiff_t step) {
    auto where = positions(start, stop, step);
    std::ranges::sort(where);
    for (std::size_t i = where.size(); i-- > 0;) items.erase(items.begin() + where[i]);
  }
  void repeat(std::ptrdiff_t n) {
    const std::vector<T> once = items;
    items.clear();
    for (; n > 0; --n) items.insert(items.end(), once.begin(), once.end());
  }

 private:
  std::ptrdiff_t first_of(Bound start) const {
    std::ptrdiff_t i = start.value_or(0);
    if (i < 0) i += size();
    return std::clamp<std::ptrdiff_t>(i, 0, size());
  }
};

}  // namespace partage::test
